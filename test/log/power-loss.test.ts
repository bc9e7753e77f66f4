import { describe, expect, it } from 'vitest'
import { between, SeededRandom } from '../../src/base/random.ts'
import type { Log, LogMarks } from '../../src/log/surface.ts'
import { append, headersOf, World } from './world.ts'

const NAME = 'partitions/orders-0'
const SEEDS = 320
const LIVES = 4

/** What was appended, and how much of it must be there whatever happens. */
interface Model {
  batches: { readonly baseOffset: number; readonly endOffset: number; readonly bytes: Buffer }[]
  /** The greatest end that was reported synced and not cut since. */
  promisedEndOffset: number
}

function readAll(world: World, log: Log): Buffer {
  const seen: Buffer[] = []
  for (let offset = 0; offset < log.endOffset; offset = headersOf(seen.at(-1)!).at(-1)!.lastOffset + 1) seen.push(world.read(log, offset, 700))
  return Buffer.concat(seen)
}

function run(world: World, random: SeededRandom): void {
  for (let events = random.integer(12); events > 0; events--) world.clock.step()
}

function live(world: World, random: SeededRandom, log: Log, model: Model): void {
  let epoch = model.batches.length === 0 ? 0 : headersOf(model.batches.at(-1)!.bytes)[0]!.leaderEpoch
  world.onSaid = (said) => {
    expect(said.type).toBe('synced')
    if (said.cutCount !== log.cutCount) throw new Error('a completion of an older cut count was said')
    expect(said.endOffset).toBeLessThanOrEqual(log.endOffset)
    expect(said.endOffset).toBeGreaterThanOrEqual(model.promisedEndOffset)
    model.promisedEndOffset = said.endOffset
  }
  for (let step = between(random, 5, 60); step > 0; step--) {
    const choice = random.integer(10)
    if (choice < 5) {
      const baseOffset = log.endOffset
      const bytes = append(log, { count: between(random, 1, 4), epoch, payload: random.integer(300) })
      model.batches.push({ baseOffset, endOffset: log.endOffset, bytes })
    } else if (choice === 5 && random.integer(2) === 0) {
      const keep = between(random, Math.max(0, model.batches.length - 20), model.batches.length)
      const endOffset = model.batches[keep - 1]?.endOffset ?? 0
      log.truncate(endOffset)
      model.batches.length = keep
      model.promisedEndOffset = Math.min(model.promisedEndOffset, endOffset)
      epoch++
    } else run(world, random)
  }
  // A burst, so that the end comes with something in flight.
  for (let left = random.integer(5); left > 0; left--) {
    const baseOffset = log.endOffset
    const bytes = append(log, { epoch, payload: random.integer(900) })
    model.batches.push({ baseOffset, endOffset: log.endOffset, bytes })
  }
  run(world, random)
}

describe('append, cut and lose power', () => {
  it(`R3.2, R3.3: keeps what was reported synced, for ${SEEDS} seeds of ${LIVES} lives`, () => {
    const seen = { torn: 0, whole: 0, damaged: 0, powerLosses: 0 }
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = new SeededRandom(seed)
      const world = new World(
        { segmentBytes: between(random, 400, 2500), indexIntervalBytes: 200, roundBytes: between(random, 300, 2000), tailCacheBytes: random.integer(2) },
        seed,
      )
      const model: Model = { batches: [], promisedEndOffset: 0 }
      let marks: LogMarks = { safeEndOffset: 0, cleanEndOffset: -1 }
      world.start()
      let { log } = world.open(NAME)
      for (let lived = 0; lived < LIVES; lived++) {
        live(world, random, log, model)
        const end = random.integer(6)
        if (end === 0) marks = { safeEndOffset: 0, cleanEndOffset: world.close().get(NAME)! }
        else if (end === 1) world.disk.kill()
        else {
          world.disk.powerLoss()
          seen.powerLosses++
        }
        if (end !== 0) marks = { safeEndOffset: random.integer(2) * random.integer(model.promisedEndOffset + 1), cleanEndOffset: -1 }
        world.start()
        const opened = world.open(NAME, marks)
        log = opened.log
        const { verdict } = opened.recovery
        if (verdict !== 'new') seen[verdict]++
        expect(verdict, `seed ${seed}, life ${lived}: ${opened.recovery.detail}`).not.toBe('damaged')
        expect(log.endOffset, `seed ${seed}, life ${lived}`).toBeGreaterThanOrEqual(model.promisedEndOffset)
        // What is there beyond the promise may be from before a cut; below it, it is what was promised.
        const kept = model.batches.filter((appended) => appended.endOffset <= model.promisedEndOffset)
        const bytes = readAll(world, log)
        expect(
          bytes
            .subarray(
              0,
              kept.reduce((sum, appended) => sum + appended.bytes.length, 0),
            )
            .equals(Buffer.concat(kept.map((appended) => appended.bytes))),
        ).toBe(true)
        const headers = headersOf(bytes)
        let at = 0
        model.batches = headers.map((header) => {
          at += header.sizeBytes
          return { baseOffset: header.baseOffset, endOffset: header.lastOffset + 1, bytes: bytes.subarray(at - header.sizeBytes, at) }
        })
        model.promisedEndOffset = log.endOffset
      }
    }
    // The faults took.
    expect(seen.powerLosses).toBeGreaterThan(500)
    expect(seen.torn).toBeGreaterThan(30)
    expect(seen.whole).toBeGreaterThan(100)
  }, 240_000)
})
