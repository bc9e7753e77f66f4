import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { BrokerError } from '../../src/base/errors.ts'
import { MAX_INFLATED_BYTES, readPlainRecords, encodePlainRecords } from '../../src/broker/plain-records.ts'
import { compress } from '../../src/compression/codecs.ts'
import { BATCH_HEADER_BYTES, readBatchHeader, sealBatch, stampBatch } from '../../src/record/batch.ts'
import { BatchBuilder, CONTROL_FLAG, encodeBatch, NO_PRODUCER } from '../../src/record/records.ts'
import type { FetchedRecord, PlainRecord } from '../../src/wire/plain-api.ts'
import { fetchRecordsResponseCodec } from '../../src/wire/plain-codec.ts'
import { encode } from '../../src/wire/proto-message.ts'

const GZIP = 1
const everything = { from: 0, maxBytes: 1 << 22, maxRecords: 10_000 }

function plain(value: string, changes: Partial<PlainRecord> = {}): PlainRecord {
  return { key: null, value: Buffer.from(value), headers: [], timestamp: null, ...changes }
}

/** As a leader appends it. */
function at(baseOffset: number, batch: Buffer, leaderEpoch = 4): Buffer {
  stampBatch(batch, 0, { baseOffset, leaderEpoch })
  return batch
}

function gzipped(values: readonly string[]): Buffer {
  const builder = new BatchBuilder()
  for (const value of values) builder.append({ key: null, value: Buffer.from(value), timestamp: 5 })
  builder.compress(GZIP, (section) => compress(GZIP, section))
  return builder.seal(NO_PRODUCER)
}

function valuesOf(reading: { readonly records: readonly { readonly value: Buffer | null }[] }): (string | undefined)[] {
  return reading.records.map(({ value }) => value?.toString())
}

function codeOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (error instanceof BrokerError) return `${error.code}: ${error.detail}`
    throw error
  }
  return 'nothing was thrown'
}

describe('records of a program without batch code', () => {
  it('become one batch: null and empty stay apart, timestamps default to now, headers come along', () => {
    const headers = [{ key: 'h', value: null }]
    const batch = encodePlainRecords([plain('', { key: Buffer.alloc(0) }), plain('b', { value: null, headers, timestamp: 7 })], null, 1_000)
    expect(readBatchHeader(batch, 0)).toMatchObject({ recordCount: 2, producerId: -1, producerEpoch: -1, baseSequence: -1, maxTimestamp: 1_000 })
    expect(readPlainRecords([at(40, batch)], { ...everything, from: 40 })).toEqual({
      records: [
        { offset: 40, timestamp: 1_000, key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [], leaderEpoch: 4 },
        { offset: 41, timestamp: 7, key: null, value: null, headers, leaderEpoch: 4 },
      ],
      nextOffset: 42,
    })
  })

  it('carry the producer and its sequence', () => {
    const batch = encodePlainRecords([plain('a'), plain('b')], { producerId: 9, producerEpoch: 2, baseSequence: 30 }, 0)
    expect(readBatchHeader(batch, 0)).toMatchObject({ producerId: 9, producerEpoch: 2, baseSequence: 30 })
  })

  it.each([-1, 253_402_300_800_000, Number.MAX_SAFE_INTEGER])('with the timestamp %d are refused: no batch could hold any two of them', (timestamp) => {
    expect(codeOf(() => encodePlainRecords([plain('a'), plain('b', { timestamp })], null, 0))).toMatch(/^INVALID_RECORD: record 1 has the timestamp/)
  })
})

describe('reading batches for such a program', () => {
  it('begins within a batch, decompresses, and passes over control records', () => {
    const control = encodeBatch([{ key: Buffer.alloc(4), value: null, timestamp: 0 }], { ...NO_PRODUCER, attributes: CONTROL_FLAG })
    const slices = [Buffer.concat([at(10, encodePlainRecords([plain('a'), plain('b')], null, 0)), at(12, control)]), at(13, gzipped(['c', 'd'.repeat(500)]))]
    expect(readBatchHeader(slices[1] as Buffer, 0).attributes).toBe(GZIP)
    const reading = readPlainRecords(slices, { ...everything, from: 11 })
    expect(valuesOf(reading)).toEqual(['b', 'c', 'd'.repeat(500)])
    expect(reading.records.map(({ offset }) => offset)).toEqual([11, 13, 14])
    expect(reading.nextOffset).toBe(15)
  })

  it('goes on behind a control record at the end, else it would be asked for again and again', () => {
    const control = encodeBatch([{ key: Buffer.alloc(4), value: null, timestamp: 0 }], { ...NO_PRODUCER, attributes: CONTROL_FLAG })
    expect(readPlainRecords([at(12, control)], { ...everything, from: 12 })).toEqual({ records: [], nextOffset: 13 })
  })

  it('gives one record whatever its size', () => {
    const batch = at(0, encodePlainRecords([plain('x'.repeat(900)), plain('y')], null, 0))
    expect(readPlainRecords([batch], { from: 0, maxBytes: 1, maxRecords: 10 })).toMatchObject({ records: [{ offset: 0 }], nextOffset: 1 })
  })

  it('a batch that cannot be read is told of when it is first, with where to go on; what comes before it is answered', () => {
    const bad = at(2, gzipped(['c'.repeat(300), 'd'.repeat(300)]))
    bad.fill(0xff, BATCH_HEADER_BYTES + 4)
    sealBatch(bad)
    const good = at(0, encodePlainRecords([plain('a'), plain('b')], null, 0))
    expect(readPlainRecords([good, bad], everything)).toMatchObject({ records: [{ offset: 0 }, { offset: 1 }], nextOffset: 2 })
    expect(codeOf(() => readPlainRecords([bad], { ...everything, from: 2 }))).toMatch(/^INVALID_RECORD: the batch at offset 2 .*go on at offset 4/)
  })

  it('nothing of a batch whose records end in nonsense is shown', () => {
    const builder = new BatchBuilder()
    for (const value of ['a', 'b', 'c']) builder.append({ key: null, value: Buffer.from(value), timestamp: 0 })
    const bad = at(5, builder.seal(NO_PRODUCER))
    bad[bad.length - 1] = 0x7f // The number of headers of the last record.
    const good = at(4, encodePlainRecords([plain('z')], null, 0))
    expect(readPlainRecords([good, bad], { ...everything, from: 4 })).toMatchObject({ records: [{ offset: 4 }], nextOffset: 5 })
    expect(codeOf(() => readPlainRecords([bad], { ...everything, from: 5 }))).toContain('INVALID_RECORD')
  })

  it('a batch that grows beyond 16 MiB when it is decompressed is refused, not held', () => {
    const builder = new BatchBuilder()
    builder.append({ key: null, value: Buffer.alloc(MAX_INFLATED_BYTES), timestamp: 0 })
    builder.compress(GZIP, (section) => compress(GZIP, section))
    const bomb = at(0, builder.seal(NO_PRODUCER))
    expect(bomb.length).toBeLessThan(1 << 20)
    expect(codeOf(() => readPlainRecords([bomb], everything))).toMatch(/^INVALID_RECORD: .*within 16 MiB/)
  })

  const bytesOrNull = fc.option(fc.uint8Array({ maxLength: 40 }).map((given) => Buffer.from(given)))
  const anyRecord = fc.record({
    key: bytesOrNull,
    value: bytesOrNull,
    headers: fc.array(fc.record({ key: fc.string({ maxLength: 5 }), value: bytesOrNull }), { maxLength: 3 }),
    timestamp: fc.option(fc.nat({ max: 2_000_000_000 })),
  })
  const anyBatches = fc.array(fc.array(anyRecord, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 6 })

  test.prop([anyBatches, fc.integer({ min: 1, max: 900 }), fc.integer({ min: 1, max: 9 })], { numRuns: 100 })(
    'call by call, whatever the limits: each record once, in order, and no answer larger than asked for but for its one record',
    (batches, maxBytes, maxRecords) => {
      let endOffset = 0
      const slices = batches.map((records) => {
        const batch = at(endOffset, encodePlainRecords(records, null, 3))
        endOffset += records.length
        return batch
      })
      const wanted = batches.flat().map((record, offset) => ({ ...record, offset, timestamp: record.timestamp ?? 3, leaderEpoch: 4 }))
      const seen: FetchedRecord[] = []
      let oversized = 0
      while (seen.length < wanted.length) {
        const reading = readPlainRecords(slices, { from: seen.length, maxBytes, maxRecords })
        const { records, nextOffset } = reading
        if (records.length === 0 || records.length > maxRecords || nextOffset !== seen.length + records.length) break
        const sizeBytes = encode(fetchRecordsResponseCodec, { ...reading, highWatermark: 0, logStartOffset: 0, nextOffset: 0 }).length
        if (records.length > 1 && sizeBytes > maxBytes) oversized += 1
        seen.push(...records)
      }
      expect(oversized).toBe(0)
      expect(seen).toEqual(wanted)
    },
  )
})
