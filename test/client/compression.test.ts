import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import { CompressionRatio } from '../../src/client/compression-ratio.ts'
import type { ConsumedRecord } from '../../src/client/consumer.ts'
import type { ProducerOptions, ProducerRecord } from '../../src/client/producer.ts'
import { compress } from '../../src/compression/codecs.ts'
import { hasValidCrc, readBatchHeader, sealBatch, writeBatchHeader } from '../../src/record/batch.ts'
import { COMPRESSION_MASK, compressionTypes, encodeBatch } from '../../src/record/records.ts'
import type { FakeCluster } from './fake-cluster.ts'
import { build, script, type World } from './producer-world.ts'

/** Until it holds: a codec's package is loaded by the real event loop, which the virtual clock does not move. */
async function until(world: World, condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    if (turns > 20_000) throw new Error('it never came to hold')
    await world.clock.runWithPromises(5, 5)
  }
}

/** What partition 0 holds, as a consumer reads it. */
async function readAll(world: World, count: number): Promise<ConsumedRecord[]> {
  const consumer = world.client.consumer()
  const records: ConsumedRecord[] = []
  let isOver = false
  const reading = (async () => {
    await consumer.assign([{ topic: 't', partition: 0, offset: 0 }])
    while (records.length < count) records.push(...(await consumer.poll({ timeoutMs: 5_000 })))
  })().finally(() => (isOver = true))
  await until(world, () => isOver)
  await reading
  await consumer.close()
  return records
}

function codecs(cluster: FakeCluster): number[] {
  return cluster.partition('t', 0).batches.map(({ header }) => header.attributes & COMPRESSION_MASK)
}

function noise(random: SeededRandom, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.integer(256)))
}

/** With one record already in the log, sent by `build`. */
function buildWith(options: ProducerOptions): World {
  return build({ compression: 'gzip', ...options })
}

describe.each(compressionTypes.slice(1))('%s', (compression) => {
  it('records come back as they were, timestamps, nulls and headers too, and nothing was lost while its package loaded', async () => {
    // Not through `build`: its first record would load the package.
    const world = build({})
    const producer = world.client.producer({ compression, lingerMs: 5 })
    const sent: ProducerRecord[] = Array.from({ length: 300 }, (_, index) => ({
      topic: 't',
      partition: 0,
      key: index % 3 === 0 ? null : `key ${index}`,
      value: index % 7 === 0 ? null : JSON.stringify({ index, text: 'the river cuts its own bend off' }),
      headers: index % 2 === 0 ? [] : [{ key: 'n', value: index % 4 === 1 ? null : Buffer.from([index & 0xff]) }],
      timestamp: 1_700_000_000_000 + index * 7 - (index % 5) * 100,
    }))
    const offsets: number[] = []
    for (const record of sent) void producer.send(record).then(({ offset }) => offsets.push(offset))
    await until(world, () => offsets.length === sent.length)
    expect(offsets).toEqual(sent.map((_, index) => index + 1))
    const read = (await readAll(world, 301)).slice(1)
    expect(
      read.map(({ offset, timestamp, key, value, headers }) => ({
        offset,
        timestamp,
        key: key?.toString() ?? null,
        value: value?.toString() ?? null,
        headers,
      })),
    ).toEqual(sent.map(({ timestamp, key, value, headers }, index) => ({ offset: index + 1, timestamp, key, value, headers })))
    const batches = world.cluster.partition('t', 0).batches.slice(1)
    expect(new Set(batches.map(({ header }) => header.attributes & COMPRESSION_MASK))).toEqual(new Set([compressionTypes.indexOf(compression)]))
    for (const { header, bytes } of batches) {
      expect(hasValidCrc(bytes)).toBe(true)
      expect(header.lastOffset - header.baseOffset + 1).toBe(header.recordCount)
      expect(header.maxTimestamp).toBe(Math.max(...sent.slice(header.baseOffset - 1, header.lastOffset).map(({ timestamp }) => timestamp as number)))
    }
  })
})

describe('batches', () => {
  it('one that would grow is sent as it is', () => {
    const world = buildWith({ lingerMs: 0 })
    world.producer.trySend({ topic: 't', partition: 0, value: noise(new SeededRandom(3), 500) }, () => undefined)
    world.clock.run(100)
    world.send('x'.repeat(400))
    world.clock.run(100)
    expect(codecs(world.cluster).slice(-2)).toEqual([0, 1])
  })

  it('is compressed once: what is sent again after a lost answer is the same bytes', () => {
    const world = buildWith({ lingerMs: 0 })
    script(world.cluster, ['REQUEST_TIMED_OUT', 'REQUEST_TIMED_OUT'])
    world.send('y'.repeat(500))
    world.clock.run(10_000)
    const sent = world.cluster.produced.map(({ request }) => request.partitions[0]?.batch.toString('hex'))
    expect(sent.length).toBe(3)
    expect(new Set(sent).size).toBe(1)
    expect(world.outcomes.map(({ error }) => error)).toEqual([undefined])
  })

  it('grows on the wire towards batchBytes as it becomes known how well its records compress (KIP-126)', () => {
    const world = buildWith({ batchBytes: 4_000, lingerMs: 60_000 })
    const value = JSON.stringify({ text: 'the river cuts its own bend off '.repeat(3) })
    const countOf = (): number => {
      for (let sent = 0; sent < 400; sent++) world.send(value)
      world.clock.run(1_000)
      return world.cluster.produced.at(-1)?.request.partitions[0]?.batch.length ?? 0
    }
    const first = countOf()
    let last = 0
    for (let round = 0; round < 60; round++) last = countOf()
    expect(last).toBeGreaterThan(first * 2)
    const plain = world.cluster.partition('t', 0).batches.map(({ header }) => header.recordCount * (value.length + 7))
    // Never more than four of them before compression: that bounds the time of one turn.
    expect(Math.max(...plain)).toBeLessThanOrEqual(4 * 4_000)
    expect(Math.max(...plain)).toBeGreaterThan(3 * 4_000)
  })

  it('what compresses worse than expected is cut before it is sent: none exceeds batchBytes, order and records stay', () => {
    const world = buildWith({ batchBytes: 4_000, lingerMs: 60_000 })
    const random = new SeededRandom(9)
    const values: string[] = []
    const send = (value: string): void => {
      values.push(value)
      world.send(value)
    }
    for (let sent = 0; sent < 6_000; sent++) send(`${sent}`)
    for (let sent = 0; sent < 300; sent++) send(noise(random, 120).toString('base64'))
    void world.producer.flush()
    world.clock.run(60_000)
    expect(world.outcomes.length).toBe(values.length)
    expect(world.outcomes.every(({ error }) => error === undefined)).toBe(true)
    const lengths = world.cluster.produced.flatMap(({ request }) => request.partitions.map(({ batch }) => batch.length))
    expect(Math.max(...lengths)).toBeLessThanOrEqual(4_000)
    expect(world.outcomes.map(({ metadata }) => metadata?.offset)).toEqual(values.map((_, index) => index + 1))
    expect(world.cluster.produced.flatMap(({ request }) => request.partitions.map(({ batch }) => readBatchHeader(batch, 0).baseSequence))).toEqual(
      [...new Set(world.cluster.produced.flatMap(({ request }) => request.partitions.map(({ batch }) => readBatchHeader(batch, 0).baseSequence)))].sort(
        (a, b) => a - b,
      ),
    )
  })

  it('one that is too large for the topic is decompressed and goes again in parts', async () => {
    const world = buildWith({ batchBytes: 8_000, lingerMs: 5 })
    const limitBytes = 700
    world.cluster.produceVerdict = (_node, { batch }) => (batch.length > limitBytes ? 'MESSAGE_TOO_LARGE' : undefined)
    const random = new SeededRandom(4)
    const values = Array.from({ length: 60 }, (_, index) => `${index} ${noise(random, 60).toString('hex')}`)
    for (const value of values) world.send(value)
    world.clock.run(20_000)
    expect(world.outcomes.map(({ error }) => error)).toEqual(values.map(() => undefined))
    expect((await readAll(world, 61)).slice(1).map(({ value }) => `${value}`.trim())).toEqual(values)
    expect(
      codecs(world.cluster)
        .slice(1)
        .every((codec) => codec === 1),
    ).toBe(true)
  })

  it('an option that is no codec is refused', () => {
    expect(() => build({ compression: 'brotli' as 'gzip' })).toThrow(/^INVALID_CONFIG: compression is brotli, one of none, gzip, snappy, lz4, zstd/)
  })
})

describe('ratio', () => {
  test.prop([fc.array(fc.tuple(fc.integer({ min: 100, max: 10_000 }), fc.double({ min: 0.01, max: 1, noNaN: true })), { maxLength: 50 })])(
    'falls by at most 0.005 a batch, rises at once to what was seen, stays within 0 and 1',
    (batches) => {
      const ratio = new CompressionRatio(1)
      for (const [plainBytes, share] of batches) {
        const before = ratio.estimate(1e6) / 1e6
        const sizeBytes = Math.max(1, Math.floor(plainBytes * share))
        ratio.note({ plainBytes, sizeBytes })
        const after = ratio.estimate(1e6) / 1e6
        expect(after).toBeGreaterThanOrEqual(Math.min(1, sizeBytes / plainBytes) - 1e-9)
        expect(after).toBeLessThanOrEqual(1)
        expect(before - after).toBeLessThanOrEqual(0.005 * 1.05 + 1e-9)
      }
    },
  )

  it('without a codec it is exact', () => {
    expect(new CompressionRatio(0).estimate(12_345)).toBe(12_345)
  })
})

describe('what a consumer meets', () => {
  /** A batch of `count` records whose section is whatever `change` makes of the compressed one. */
  function hostile(codec: number, change: (section: Buffer) => Buffer, count = 2): Buffer {
    const plain = encodeBatch(Array.from({ length: count }, () => ({ timestamp: 0, key: null, value: Buffer.alloc(50, 'v') })))
    const section = change(compress(codec, plain.subarray(61)))
    const batch = Buffer.concat([plain.subarray(0, 61), section])
    writeBatchHeader(batch, 0, { ...readBatchHeader(plain, 0), sizeBytes: batch.length, attributes: codec })
    sealBatch(batch)
    return batch
  }

  async function errorOf(batch: Buffer): Promise<string> {
    const world = build({})
    const state = world.cluster.partition('t', 0)
    state.append(batch)
    state.highWatermark = state.endOffset
    const consumer = world.client.consumer()
    let error: Error | undefined
    const polling = (async () => {
      await consumer.assign([{ topic: 't', partition: 0, offset: 1 }])
      for (;;) await consumer.poll({ timeoutMs: 1_000 })
    })().catch((thrown: Error) => (error = thrown))
    await until(world, () => error !== undefined)
    await polling
    expect(consumer.position('t', 0)).toBe(1)
    return (error as unknown as Error).message
  }

  it.each([
    ['a section cut short', hostile(1, (section) => section.subarray(0, -9))],
    ['a section of noise', hostile(1, (section) => noise(new SeededRandom(1), section.length))],
    ['a bomb of 65 MiB', hostile(1, () => compress(1, Buffer.alloc(65 * 1024 * 1024)))],
    [
      'records that are more than the header says',
      hostile(1, () => compress(1, encodeBatch(Array.from({ length: 3 }, () => ({ timestamp: 0, key: null, value: null }))).subarray(61))),
    ],
  ])('%s is CORRUPT_MESSAGE, with the place; the position stays', async (_name, batch) => {
    expect(await errorOf(batch)).toMatch(/^CORRUPT_MESSAGE: the batch at offset 1 of t-0: /)
  })

  it('a codec that does not exist is named', async () => {
    const batch = hostile(1, (section) => section)
    writeBatchHeader(batch, 0, { ...readBatchHeader(batch, 0), attributes: 6 })
    sealBatch(batch)
    expect(await errorOf(batch)).toMatch(/^UNSUPPORTED_COMPRESSION_TYPE: there is no codec with number 6/)
  })

  it('a batch that compaction left empty has no section to decompress', async () => {
    const world = build({})
    const state = world.cluster.partition('t', 0)
    const empty = hostile(1, () => Buffer.alloc(0))
    writeBatchHeader(empty, 0, { ...readBatchHeader(empty, 0), recordCount: 0 })
    sealBatch(empty)
    state.append(empty)
    state.append(hostile(1, (section) => section))
    state.highWatermark = state.endOffset
    expect((await readAll(world, 3)).map(({ offset }) => offset)).toEqual([0, 3, 4])
  })
})
