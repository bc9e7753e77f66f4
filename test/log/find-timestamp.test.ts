import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Log } from '../../src/log/surface.ts'
import { decodeTimeIndex, encodeTimeIndex, TimeIndex } from '../../src/log/time-index.ts'
import { readBatchHeader } from '../../src/record/batch.ts'
import { LOG_APPEND_TIME_FLAG } from '../../src/record/records.ts'
import { append, batch, World } from './world.ts'

const NAME = 'partitions/orders-0'
const FIRST = `${NAME}/00000000000000000000`

function find(world: World, log: Log, timestampMs: number, upTo = log.endOffset): Buffer | undefined {
  return world.clock.wait<Buffer | undefined>((done) => log.findTimestamp(timestampMs, upTo, done))
}

describe('the time index of a segment', () => {
  it('never leads behind the first batch that is late enough, whatever came and was cut; written and read it is the same', () => {
    const batchOf = fc.record({ timestampMs: fc.integer({ min: -1, max: 50 }), sizeBytes: fc.integer({ min: 1, max: 30 }) })
    const cut = fc.record({ cutBatches: fc.integer({ min: 1, max: 4 }) })
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 8, arbitrary: batchOf }, { weight: 3, arbitrary: cut }), { maxLength: 40 }),
        fc.nat(80),
        (steps, intervalBytes) => {
          const baseOffset = 100
          let index = new TimeIndex(intervalBytes)
          let batches: { readonly timestampMs: number; readonly position: number; readonly sizeBytes: number }[] = []
          let maxMs = -1
          const check = (): void => {
            for (let timestampMs = -1; timestampMs <= 51; timestampMs++) {
              const first = batches.findIndex((one) => one.timestampMs >= timestampMs)
              if (first !== -1 && (index.floor(timestampMs) ?? 0) > baseOffset + first)
                throw new Error(`the floor of ${timestampMs} lies behind batch ${first}`)
            }
          }
          for (const step of steps) {
            if ('cutBatches' in step) {
              batches = batches.slice(0, -step.cutBatches)
              index.cut(baseOffset + batches.length)
            } else {
              const last = batches.at(-1)
              const position = last === undefined ? 0 : last.position + last.sizeBytes
              batches.push({ ...step, position })
              maxMs = Math.max(maxMs, step.timestampMs)
              index.note(baseOffset + batches.length - 1, step.timestampMs, position)
            }
            check()
          }
          const segment = { baseOffset, sizeBytes: 77 }
          const bytes = encodeTimeIndex(segment, index)
          const read = decodeTimeIndex(bytes, { ...segment, intervalBytes, maxMs })
          expect(read?.entries()).toEqual(index.entries())
          index = read!
          check()
          expect(decodeTimeIndex(bytes, { baseOffset, sizeBytes: 78, intervalBytes, maxMs })).toBeUndefined()
          expect(decodeTimeIndex(bytes.subarray(0, bytes.length - 1), { ...segment, intervalBytes, maxMs })).toBeUndefined()
        },
      ),
      { numRuns: 300 },
    )
  })

  it('has entries as Kafka writes them: timestamp int64, relative offset int32, both growing', () => {
    const index = new TimeIndex(0)
    for (const [at, timestampMs] of [5, 3, 9, 9, 12].entries()) index.note(1000 + at, timestampMs, at)
    const bytes = encodeTimeIndex({ baseOffset: 1000, sizeBytes: 5 }, index).subarray(28)
    const entries = Array.from({ length: bytes.length / 12 }, (_, at) => [Number(bytes.readBigInt64BE(12 * at)), bytes.readInt32BE(12 * at + 8)])
    expect(entries).toEqual([
      [5, 0],
      [9, 2],
      [12, 4],
    ])
  })
})

describe('the first batch at or above a timestamp', () => {
  /** 600 batches over several segments; their times grow, but every seventh is late by 50. Most of them on disk alone. */
  function written(settings = {}) {
    const world = new World({ segmentBytes: 100_000, indexIntervalBytes: 2000, tailCacheBytes: 1, ...settings })
    world.start()
    const { log } = world.open(NAME)
    const all: Buffer[] = []
    const times: number[] = []
    for (let at = 0; at < 600; at++) {
      times.push(10 * at - (at % 7 === 3 ? 50 : 0))
      all.push(append(log, { payload: 900, timestampMs: times.at(-1)! }))
      if (at % 50 === 49) world.clock.run()
    }
    return { world, log, all, times }
  }

  it('is found in memory, on disk, in any segment, below upTo alone', () => {
    const { world, log, all, times } = written()
    expect(world.fileNames(NAME).filter((name) => name.endsWith('.timeindex')).length).toBeGreaterThan(3)
    expect(log.readCached(0, 1)).toBeUndefined()
    for (const timestampMs of [-5, 0, 1, 995, 1000, 1001, 3333, 5400, 5985, 5990]) {
      expect(find(world, log, timestampMs)).toEqual(all[times.findIndex((time) => time >= timestampMs)])
    }
    expect(find(world, log, 5991)).toBeUndefined()
    expect(find(world, log, 1000, 100)).toBeUndefined()
    expect(find(world, log, 1000, 101)).toEqual(all[100])
    world.advance(log, 300)
    expect(find(world, log, 0)).toEqual(all[300])
  })

  it('costs a short read by the time index, and is found without one', () => {
    for (const harm of [
      () => true,
      (world: World) => world.disk.removeTree(`${FIRST}.timeindex`),
      (world: World) => world.disk.flipByte(`${FIRST}.timeindex`, 40),
    ]) {
      const { world, all } = written()
      world.disk.kill()
      expect(harm(world)).toBe(true)
      world.start()
      const { log, recovery } = world.clock.wait<import('../../src/log/surface.ts').OpenedLog>((done) =>
        world.directory!.openLog({ name: NAME, marks: { safeEndOffset: 600, cleanEndOffset: -1 }, visitFrom: 600, visit: () => undefined }, done),
      )
      expect(recovery.verdict).toBe('whole')
      expect(world.fileNames(NAME)).toContain('00000000000000000000.timeindex')
      const found = all[90]
      expect(find(world, log, 900)).toEqual(found)
      // From the floor of the index on, batches below are not read: a byte that is wrong there is not met.
      expect(world.disk.flipByte(`${FIRST}.log`, 40 * 961 + 500)).toBe(true)
      expect(find(world, log, 900)).toEqual(found)
      expect(() => find(world, log, 390)).toThrow('CORRUPT_MESSAGE')
    }
  })

  it('is right while a cut and a start go over it', () => {
    for (let steps = 0; steps < 14; steps++) {
      const { world, log, all, times } = written()
      let failure: Error | undefined
      let found: Buffer | undefined
      log.findTimestamp(2000, 600, (error, bytes) => {
        failure = error
        found = bytes
      })
      for (let step = 0; step < steps; step++) world.clock.step()
      log.truncate(400)
      world.advance(log, 250)
      world.clock.run()
      expect(failure).toBeUndefined()
      const first = times.findIndex((time) => time >= 2000)
      expect([all[first], all[250]]).toContainEqual(found)
    }
  })
})

describe('LogAppendTime', () => {
  it('stamps the copy: its attributes, its time, its checksum, and the log goes by that', () => {
    const world = new World()
    world.start()
    const { log } = world.open(NAME)
    const bytes = batch({ timestampMs: 5, count: 3 })
    const before = Buffer.from(bytes)
    log.appendAsLeader(bytes, { baseOffset: 0, leaderEpoch: 2, logAppendTimeMs: 9000 })
    log.appendAsLeader(bytes, { baseOffset: 3, leaderEpoch: 2, logAppendTimeMs: null })
    expect(bytes).toEqual(before)
    world.clock.run()
    world.disk.powerLoss()
    world.start()
    const { log: again, recovery } = world.open(NAME)
    expect(recovery.verdict).toBe('whole')
    const [stamped, plain] = [world.read(again, 0, 1), world.read(again, 3, 1)]
    expect(readBatchHeader(stamped, 0)).toMatchObject({
      baseOffset: 0,
      lastOffset: 2,
      leaderEpoch: 2,
      attributes: LOG_APPEND_TIME_FLAG,
      baseTimestamp: 5,
      maxTimestamp: 9000,
    })
    expect(readBatchHeader(plain, 0)).toMatchObject({ baseOffset: 3, lastOffset: 5, attributes: 0, maxTimestamp: 5 })
    expect(find(world, again, 6)).toEqual(stamped)
    expect(again.retentionOffset({ upTo: 6, expiredBeforeMs: 9000, retentionBytes: null })).toBe(0)
  })
})
