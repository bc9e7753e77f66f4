import { describe, expect, it } from 'vitest'
import type { Log } from '../../src/log/surface.ts'
import { append, World } from './world.ts'

const NAME = 'partitions/orders-0'
const BATCH_BYTES = 161
const SEEDS = { kill: 1, powerLoss: 3 }
const OLD = 7

/** Seven batches of one record in segments of three: 0, 3 and 6. */
function written(seed: number): { world: World; log: Log; old: Buffer } {
  const world = new World({ segmentBytes: 3 * BATCH_BYTES, indexIntervalBytes: 64, roundBytes: 200, tailCacheBytes: 1 }, seed)
  world.start()
  const { log } = world.open(NAME)
  const old = Buffer.concat(Array.from({ length: OLD }, () => append(log, { payload: 100 })))
  world.clock.run()
  return { world, log, old }
}

interface Case {
  readonly what: string
  /** What is done, and over, before the log is begun anew. */
  readonly prepare?: (log: Log) => void
  /** In the same turn as that. */
  readonly meanwhile?: (log: Log) => void
  readonly oldStart: number
}

const advance = (offset: number) => (log: Log) => log.advanceStart(offset, () => undefined)
const cases: readonly Case[] = [
  { what: 'a log whose first segments are gone', prepare: advance(4), oldStart: 4 },
  { what: 'a log whose start lies in its first segment', prepare: advance(2), oldStart: 2 },
  { what: 'a log whose start moves just then', meanwhile: advance(4), oldStart: 4 },
  {
    what: 'a log that is cut just then, behind a start that is moved',
    prepare: advance(2),
    meanwhile: (log) => {
      log.truncate(4)
      log.advanceStart(3, () => undefined)
    },
    oldStart: 3,
  },
  { what: 'a log that was empty at its start', prepare: advance(OLD), oldStart: OLD },
]

/** Begins the log anew at 0, with two batches. */
function beginAnew(log: Log): Buffer {
  log.resetTo(0)
  expect([log.startOffset, log.endOffset, log.syncedEndOffset]).toEqual([0, 0, 0])
  return Buffer.concat([append(log, { epoch: 1, payload: 60 }), append(log, { epoch: 1, payload: 60 })])
}

function isPrefix(bytes: Buffer, of: Buffer): boolean {
  return bytes.length <= of.length && of.subarray(0, bytes.length).equals(bytes)
}

describe('a log that begins anew at 0', () => {
  it('is what was appended since, whatever it held, and says so once it is durable', () => {
    for (const { prepare, meanwhile } of cases) {
      const { world, log } = written(1)
      prepare?.(log)
      world.clock.run()
      meanwhile?.(log)
      const said: [number, number][] = []
      world.onSaid = (one) => void (one.type === 'synced' && said.push([one.endOffset, one.cutCount]))
      const fresh = beginAnew(log)
      expect(world.readAll(log)).toEqual(fresh)
      world.clock.run()
      expect(said.at(-1)).toEqual([2, log.cutCount])
      world.disk.powerLoss()
      world.start()
      const { log: found, recovery } = world.open(NAME)
      expect([recovery.verdict, found.startOffset, found.endOffset, world.readAll(found)]).toEqual(['whole', 0, 2, fresh])
      expect(world.fileNames(NAME).filter((name) => name.endsWith('.log'))).toEqual(['00000000000000000000.log'])
    }
  })

  it('goes on behind a start that comes at once, as its leader says where that is', () => {
    const { world, log } = written(1)
    advance(4)(log)
    world.clock.run()
    log.resetTo(0)
    log.resetTo(5)
    const fresh = append(log, { epoch: 1 })
    world.clock.run()
    world.disk.powerLoss()
    world.start()
    const { log: found, recovery } = world.open(NAME)
    expect([recovery.verdict, found.startOffset, found.endOffset, world.readAll(found)]).toEqual(['whole', 5, 6, fresh])
  })

  for (const { what, prepare, meanwhile, oldStart } of cases) {
    for (const fate of ['kill', 'powerLoss'] as const) {
      it(`of ${what}, by a ${fate} at any disk call, is the old one, the new one, or known to be damaged`, () => {
        const found = new Set<string>()
        for (let seed = 1; seed <= SEEDS[fate]; seed++) {
          for (let events = 0, over = false; !over; events++) {
            const { world, log, old } = written(seed)
            prepare?.(log)
            world.clock.run()
            meanwhile?.(log)
            const fresh = beginAnew(log)
            for (let event = 0; event < events && !over; event++) over = !world.clock.step()
            world.disk[fate]()
            world.start()
            const { log: again, recovery } = world.open(NAME)
            const bytes = world.readAll(again)
            if (recovery.verdict === 'damaged') {
              expect(again.startOffset).toBe(0)
              found.add('damaged')
            } else if (again.startOffset > 0) {
              // None of the new one, and nothing is missing at its beginning.
              expect(again.startOffset).toBeLessThanOrEqual(oldStart)
              expect(isPrefix(bytes, old.subarray(again.startOffset * BATCH_BYTES))).toBe(true)
              expect(bytes.length > 0 || oldStart === OLD).toBe(true)
              found.add('old')
            } else {
              expect(isPrefix(bytes, fresh) || isPrefix(bytes, old)).toBe(true)
              found.add(isPrefix(bytes, fresh) ? 'new' : 'old')
            }
            if (over) expect([recovery.verdict, bytes]).toEqual(['whole', fresh])
            append(again, { epoch: 2 })
            world.clock.run()
            world.disk.powerLoss()
            world.start()
            const last = world.open(NAME)
            expect([last.log.startOffset, last.log.endOffset]).toEqual([again.startOffset, again.endOffset])
          }
        }
        expect([...found]).toContain('old')
        expect([...found]).toContain('new')
      }, 120_000)
    }
  }
})
