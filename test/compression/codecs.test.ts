import { fc, test } from '@fast-check/vitest'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { BrokerError, codeOf } from '../../src/base/errors.ts'
import { compress, decompress, isCodecLoaded } from '../../src/compression/codecs.ts'
import { CODECS, load, loadAllCodecs, MIB } from './support.ts'

/** Bytes as records are: long runs that repeat, and noise between. */
const content = fc
  .array(fc.tuple(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 3000 })), { maxLength: 12 })
  .map((parts) => Buffer.concat(parts.flatMap(([bytes, times]) => Array<Uint8Array>(times).fill(bytes.subarray(0, 40)).concat(bytes))))

/** `undefined`: it gave bytes. Whatever is thrown but a BrokerError fails the test. */
function outcome(action: () => Buffer): string | Buffer {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    return codeOf(error)
  }
}

describe.each(CODECS)('%s', (name, codec) => {
  beforeAll(loadAllCodecs)

  test.prop([content], { numRuns: 60 })('what is compressed comes back, and no more than maxBytes ever does', (bytes) => {
    const small = compress(codec, bytes)
    expect(decompress(codec, small, bytes.length).equals(bytes)).toBe(true)
    if (bytes.length > 0) expect(outcome(() => decompress(codec, small, bytes.length - 1))).toBe('CORRUPT_MESSAGE')
  })

  it('1 byte, 32 KiB, and 3 MiB of noise come back', () => {
    for (const size of [1, 32_768, 3 * MIB]) {
      const bytes = Buffer.alloc(size)
      for (let at = 0, state = 7; at < size; at++) bytes[at] = (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 24
      expect(decompress(codec, compress(codec, bytes), size).equals(bytes)).toBe(true)
    }
  })

  it('what it gives is its own: changing the input changes nothing', () => {
    const bytes = Buffer.alloc(1000, 'abc')
    const small = compress(codec, bytes)
    const plain = decompress(codec, small, 1000)
    small.fill(0)
    expect(plain.equals(bytes)).toBe(true)
  })

  it('every truncation is CORRUPT_MESSAGE', () => {
    const bytes = Buffer.from(JSON.stringify(Array.from({ length: 3000 }, (_, index) => ({ index, square: index * index }))))
    const small = compress(codec, bytes)
    for (let end = 0; end < small.length; end += end < 40 || end > small.length - 40 ? 1 : 997) {
      const cut = outcome(() => decompress(codec, small.subarray(0, end), MIB))
      // A xerial frame has no end mark: cut between two chunks it is a shorter frame. The batch's own checksum and count tell.
      if (name === 'snappy' && Buffer.isBuffer(cut)) expect(bytes.subarray(0, cut.length).equals(cut) && cut.length < bytes.length).toBe(true)
      else expect(cut).toBe('CORRUPT_MESSAGE')
    }
  })

  it('a bomb is refused before it is allocated', () => {
    const bomb = compress(codec, Buffer.alloc(24 * MIB))
    expect(bomb.length).toBeLessThan(2 * MIB)
    const before = process.memoryUsage()
    for (let round = 0; round < 20; round++) expect(outcome(() => decompress(codec, bomb, MIB))).toBe('CORRUPT_MESSAGE')
    const after = process.memoryUsage()
    expect(after.external + after.arrayBuffers - before.external - before.arrayBuffers).toBeLessThan(20 * MIB)
  })

  test.prop([fc.uint8Array({ maxLength: 400 })], { numRuns: 300 })('random bytes end in CORRUPT_MESSAGE or in bytes within the bound', (bytes) => {
    const result = outcome(() => decompress(codec, Buffer.from(bytes), 10_000))
    if (Buffer.isBuffer(result)) expect(result.length).toBeLessThanOrEqual(10_000)
    else expect(result).toBe('CORRUPT_MESSAGE')
  })

  test.prop(
    [fc.uint8Array({ minLength: 300, maxLength: 600 }), fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 })],
    {
      numRuns: 300,
    },
  )('changed bytes end in CORRUPT_MESSAGE or in bytes within the bound', (bytes, changes) => {
    const small = compress(codec, Buffer.concat([bytes, bytes, bytes]))
    for (const [at, mask] of changes) small[at % small.length] = (small[at % small.length] as number) ^ mask
    const result = outcome(() => decompress(codec, small, 10_000))
    if (Buffer.isBuffer(result)) expect(result.length).toBeLessThanOrEqual(10_000)
    else expect(result).toBe('CORRUPT_MESSAGE')
  })
})

describe('sizes that a stream declares and does not hold', () => {
  beforeAll(loadAllCodecs)

  it.each([
    ['snappy: a block of 4 GiB', 2, 'ffffffff0f00'],
    ['snappy: a block that never says its length', 2, 'ffffffffffff'],
    ['snappy: a chunk of a negative length', 2, `82534e4150505900${'00000001'.repeat(2)}ffffffff00`],
    ['snappy: a frame for readers of version 2', 2, `82534e4150505900${'00000002'.repeat(2)}`],
    ['lz4: a block of 4 MiB that is not there', 3, '04224d1860707300004000'],
    ['lz4: a block larger than its frame allows', 3, `04224d1860408200000180${'00'.repeat(65_537)}00000000`],
    ['lz4: a dictionary', 3, '04224d1861408200000000000000'],
    ['zstd: content of 2^60 bytes', 4, '28b52ffde00000000000000010010000'],
    ['zstd: content of 2^32 − 1 bytes, with one block of none', 4, '28b52ffda0ffffffff010000'],
    ['zstd: a repeated byte beyond the largest block', 4, '28b52ffd2000fbffff00'],
    ['zstd: a skippable frame that never ends', 4, '502a4d18ffffffff00'],
  ])('%s', (_name, codec, hex) => {
    expect(outcome(() => decompress(codec, Buffer.from(hex, 'hex'), MIB))).toBe('CORRUPT_MESSAGE')
  })

  it('an lz4 frame whose blocks could hold more than allowed, and do not, is read', () => {
    const bytes = Buffer.alloc(1000, 'the river')
    const frame = compress(3, bytes)
    expect(decompress(3, frame, 1000).equals(bytes)).toBe(true)
    const twoBlocks = Buffer.concat([frame.subarray(0, -4), frame.subarray(7)])
    expect(decompress(3, twoBlocks, 2000).length).toBe(2000)
    expect(outcome(() => decompress(3, twoBlocks, 1999))).toBe('CORRUPT_MESSAGE')
  })
})

describe('loading', () => {
  afterEach(() => {
    vi.resetModules()
    vi.doUnmock('snappy')
    vi.doUnmock('lz4-napi')
  })

  it('gzip needs nothing, the others are loaded when asked for, at once or twice at a time', async () => {
    vi.resetModules()
    const fresh = await import('../../src/compression/codecs.ts')
    expect([1, 2, 3, 4].map(fresh.isCodecLoaded)).toEqual([true, false, false, false])
    expect(() => fresh.compress(4, Buffer.alloc(1))).toThrow(/^UNSUPPORTED_COMPRESSION_TYPE: codec 4 is not loaded/)
    const again = (): Promise<unknown> => new Promise((resolve) => fresh.loadCodec(4, resolve))
    expect(await Promise.all([again(), again()])).toEqual([undefined, undefined])
    expect([1, 2, 3, 4].map(fresh.isCodecLoaded)).toEqual([true, false, false, true])
    expect(fresh.decompress(4, fresh.compress(4, Buffer.from('x')), 1).toString()).toBe('x')
  })

  it.each([
    [2, 'snappy'],
    [3, 'lz4-napi'],
  ])('codec %d without its package names the package, and is tried again', async (codec, name) => {
    vi.resetModules()
    vi.doMock(name, () => {
      throw new Error('no prebuild for this platform\nRequire stack: …')
    })
    const fresh = await import('../../src/compression/codecs.ts')
    const errorOf = (): Promise<Error | undefined> => new Promise((resolve) => fresh.loadCodec(codec, resolve))
    const error = await errorOf()
    expect(error?.message).toMatch(new RegExp(`^UNSUPPORTED_COMPRESSION_TYPE: the package ${name} does not load here: .*\\(npm install ${name}\\)$`))
    vi.doUnmock(name)
    expect(await errorOf()).toBeUndefined()
    expect(fresh.isCodecLoaded(codec)).toBe(true)
  })

  it('a number that is no codec is refused', async () => {
    await expect(load(5)).rejects.toThrow(/^UNSUPPORTED_COMPRESSION_TYPE: there is no codec with number 5/)
    expect(isCodecLoaded(5)).toBe(false)
  })
})
