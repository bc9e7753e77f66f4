import { describe, expect, it } from 'vitest'
import type { Log } from '../../src/log/surface.ts'
import { append, World } from './world.ts'

const NAME = 'partitions/orders-0'
const BATCH_BYTES = 161
const SEEDS = { kill: 1, powerLoss: 2 }

/** Seven batches of one record in segments of three: 0, 3 and 6. */
function written(seed: number): { world: World; log: Log; all: Buffer[] } {
  const world = new World({ segmentBytes: 3 * BATCH_BYTES, indexIntervalBytes: 64, roundBytes: 200, tailCacheBytes: 1 }, seed)
  world.start()
  const { log } = world.open(NAME)
  const all = Array.from({ length: 7 }, () => append(log, { payload: 100 }))
  world.clock.run()
  return { world, log, all }
}

interface Case {
  readonly what: string
  readonly act: (log: Log) => void
  /** Range that the log had, and the one it gets. What is said to be done makes the second one certain. */
  readonly before: readonly [startOffset: number, endOffset: number]
  readonly after: readonly [startOffset: number, endOffset: number]
  /** Batches from before that stay behind the new start. */
  readonly batchesKept?: number
  /** Bases of the segment files once all is done. */
  readonly bases: readonly number[]
}

/** After a reset, what is appended there. */
const appendNew = (log: Log): void => void append(log, { epoch: 1, payload: Buffer.from('new') })

const cases: readonly Case[] = [
  { what: 'an advance inside a segment', act: (log) => log.advanceStart(4, () => undefined), before: [0, 7], after: [4, 7], batchesKept: 3, bases: [3, 6] },
  { what: 'an advance to a segment', act: (log) => log.advanceStart(6, () => undefined), before: [0, 7], after: [6, 7], batchesKept: 1, bases: [6] },
  { what: 'an advance to the end', act: (log) => log.advanceStart(7, () => undefined), before: [0, 7], after: [7, 7], bases: [] },
  {
    what: 'an advance to the end, and an append there',
    act: (log) => {
      log.advanceStart(7, () => undefined)
      appendNew(log)
    },
    before: [0, 7],
    after: [7, 8],
    bases: [7],
  },
  {
    what: 'a cut, an advance to it, and an append there',
    act: (log) => {
      log.truncate(4)
      log.advanceStart(4, () => undefined)
      appendNew(log)
    },
    before: [0, 7],
    after: [4, 5],
    bases: [4],
  },
  { what: 'a reset', act: (log) => log.resetTo(9), before: [0, 7], after: [9, 9], bases: [] },
  {
    what: 'a reset, and an append there',
    act: (log) => {
      log.resetTo(9)
      appendNew(log)
    },
    before: [0, 7],
    after: [9, 10],
    bases: [9],
  },
  {
    what: 'a cut and a reset into what it cut, and an append there',
    act: (log) => {
      log.truncate(1)
      log.resetTo(5)
      appendNew(log)
    },
    before: [0, 7],
    after: [5, 6],
    bases: [5],
  },
]

const baseOf = (fileName: string): number => Number.parseInt(fileName, 10)

describe('a crash at any disk call', () => {
  for (const { what, act, before, after, batchesKept = 0, bases } of cases) {
    for (const fate of ['kill', 'powerLoss'] as const) {
      it(`R6.9, of ${what}, by ${fate}: the log is as before or as after it, never a mixture`, () => {
        const starts = new Set<number>()
        for (let seed = 1; seed <= SEEDS[fate]; seed++) {
          for (let events = 0, over = false; !over; events++) {
            const { world, log, all } = written(seed)
            act(log)
            for (let event = 0; event < events && !over; event++) over = !world.clock.step()
            if (over)
              expect(
                world
                  .fileNames(NAME)
                  .filter((name) => name.endsWith('.log'))
                  .map(baseOf),
              ).toEqual(bases)
            world.disk[fate]()
            world.start()
            const { log: found, recovery } = world.open(NAME)
            expect(recovery.verdict, recovery.detail).not.toBe('damaged')
            starts.add(found.startOffset)
            if (over) expect([found.startOffset, found.endOffset]).toEqual(after)
            const bytes = world.readAll(found)
            if (found.startOffset === before[0]) {
              // A cut may be done in part; nothing of the new start is there.
              expect(found.endOffset).toBeLessThanOrEqual(before[1])
              expect(bytes).toEqual(Buffer.concat(all.slice(0, found.endOffset)))
            } else {
              expect(found.startOffset).toBe(after[0])
              const kept = Buffer.concat(all.slice(after[0]).slice(0, batchesKept))
              expect(bytes.subarray(0, kept.length)).toEqual(kept)
              expect(found.endOffset).toBe(bytes.length > kept.length ? after[1] : after[0] + batchesKept)
              expect(bytes.length === kept.length || bytes.includes('new')).toBe(true)
            }
            // What is left over is gone, and what is there goes on.
            const firstBase = Math.min(
              ...world
                .fileNames(NAME)
                .filter((name) => name.endsWith('.log'))
                .map(baseOf),
              found.startOffset,
            )
            expect(world.fileNames(NAME).filter((name) => /^\d/.test(name) && baseOf(name) < firstBase)).toEqual([])
            append(found, { epoch: 2 })
            world.clock.run()
            world.disk.powerLoss()
            world.start()
            expect(world.open(NAME).recovery.verdict).toBe('whole')
          }
        }
        expect([...starts].toSorted((left, right) => left - right)).toEqual([before[0], after[0]])
      }, 120_000)
    }
  }
})
