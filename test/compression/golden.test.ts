import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { compress, decompress } from '../../src/compression/codecs.ts'
import { BATCH_HEADER_BYTES, hasValidCrc, readBatchHeader } from '../../src/record/batch.ts'
import { COMPRESSION_MASK, type DecodedRecord, visitSection } from '../../src/record/records.ts'
import { loadAllCodecs, MIB } from './support.ts'

const LEVELS = ['info', 'warn', 'error']
const TEXT = Array.from(
  { length: 1200 },
  (_, i) => `{"id":${i},"level":"${LEVELS[i % 3]}","host":"web-${i % 7}","message":"the river cuts its own bend off"}\n`,
).join('')

function golden(name: string): Buffer {
  return readFileSync(new URL(`golden/${name}.bin`, import.meta.url))
}

beforeAll(loadAllCodecs)

describe('what other implementations wrote is read', () => {
  it.each([
    [1, 'gzip-python'],
    [1, 'gzip-two-members'],
    [2, 'snappy-raw-cramjam'],
    [2, 'snappy-xerial-kafka-python'],
    [3, 'lz4-kafka-python'],
    [3, 'lz4-sized-checksums'],
    [3, 'lz4-linked-blocks'],
    [4, 'zstd-kafka-python'],
    [4, 'zstd-streamed-no-size'],
    [4, 'zstd-skippable-and-two-frames'],
  ])('codec %d: %s, up to its exact size and no byte more', (codec, name) => {
    const bytes = golden(name)
    expect(decompress(codec, bytes, TEXT.length).toString()).toBe(TEXT)
    expect(() => decompress(codec, bytes, TEXT.length - 1)).toThrow(/^CORRUPT_MESSAGE/)
  })

  it.each([
    ['gzip', 1],
    ['snappy', 2],
    ['lz4', 3],
    ['zstd', 4],
  ])('a whole batch with %s', (name, codec) => {
    const batch = golden(`batch-${name}-kafka-python`)
    const header = readBatchHeader(batch, 0)
    expect(hasValidCrc(batch)).toBe(true)
    expect(header.attributes & COMPRESSION_MASK).toBe(codec)
    const records: DecodedRecord[] = []
    visitSection(decompress(codec, batch.subarray(BATCH_HEADER_BYTES), MIB), header, (offset, timestamp, key, value, headers) =>
      records.push({ offset, timestamp, key, value, headers }),
    )
    expect(records).toEqual(
      Array.from({ length: 200 }, (_, i) => ({
        offset: i,
        timestamp: 1_700_000_000_000 + i * 3 - (i % 5),
        key: i % 4 === 0 ? null : Buffer.from(`k${i}`),
        value: i % 9 === 0 ? null : Buffer.from(`{"value":${i},"text":"golden golden golden"}`),
        headers:
          i % 2 === 0
            ? []
            : [
                { key: 'h', value: Buffer.from(`x${i}`) },
                { key: 'n', value: null },
              ],
      })),
    )
  })
})

describe('what is written is what others expect', () => {
  it('snappy: the xerial frame, version 1, chunks of 32 KiB', () => {
    const bytes = compress(2, Buffer.from(TEXT))
    expect(bytes.subarray(0, 16)).toEqual(golden('snappy-xerial-kafka-python').subarray(0, 16))
    let at = 16
    let chunks = 0
    for (; at < bytes.length; chunks++) at += 4 + bytes.readInt32BE(at)
    expect([at, chunks]).toEqual([bytes.length, Math.ceil(TEXT.length / 32_768)])
  })

  it('lz4: a frame of version 1 with independent blocks, which Java demands', () => {
    const bytes = compress(3, Buffer.from(TEXT))
    expect(bytes.readUInt32LE(0)).toBe(0x184d2204)
    expect(bytes.readUInt8(4) & 0b1110_0001).toBe(0b0110_0000)
  })

  it('zstd: a frame without a dictionary', () => {
    const bytes = compress(4, Buffer.from(TEXT))
    expect(bytes.readUInt32LE(0)).toBe(0xfd2fb528)
    expect(bytes.readUInt8(4) & 0b11).toBe(0)
  })
})
