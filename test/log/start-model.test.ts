import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Log } from '../../src/log/surface.ts'
import { append, headersOf, World } from './world.ts'

const NAME = 'partitions/orders-0'

/** One appended batch; `epoch` is never used twice for other bytes at the same offset. */
interface Batch {
  readonly baseOffset: number
  readonly endOffset: number
  readonly timestampMs: number
  readonly bytes: Buffer
}

/** The log between two resets. */
interface Generation {
  readonly baseOffset: number
  /** What is there now, as processes see it. */
  batches: Batch[]
  /** Every batch that ever was, by base offset: what a crash may bring back. */
  readonly ever: Map<number, Batch[]>
  startOffset: number
  /** The greatest start whose note was said to be durable. */
  notedStart: number
  /** The greatest end that was said to be synced, and not cut since. */
  promisedEnd: number
  /** It was said that the log is durable from here on: nothing older may come back. */
  isPromised: boolean
}

function newGeneration(baseOffset: number, isPromised: boolean): Generation {
  return { baseOffset, batches: [], ever: new Map(), startOffset: baseOffset, notedStart: baseOffset, promisedEnd: baseOffset, isPromised }
}

type Step =
  | { readonly type: 'append'; readonly count: number; readonly bytes: number; readonly timestampMs: number }
  | { readonly type: 'cut'; readonly at: number }
  | { readonly type: 'advance'; readonly at: number }
  | { readonly type: 'query'; readonly at: number }
  | { readonly type: 'reset'; readonly gap: number }
  | { readonly type: 'run'; readonly events: number }
  | { readonly type: 'restart'; readonly how: 'stop' | 'kill' | 'powerLoss' }

const fraction = fc.integer({ min: 0, max: 100 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant('append' as const), count: fc.integer({ min: 1, max: 4 }), bytes: fc.nat(300), timestampMs: fc.nat(5000) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('cut' as const), at: fraction }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('advance' as const), at: fraction }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('query' as const), at: fraction }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reset' as const), gap: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('run' as const), events: fc.nat(12) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('restart' as const), how: fc.constantFrom('stop' as const, 'kill' as const, 'powerLoss' as const) }) },
)

/** What one run met, so that the whole says that its faults took. */
const seen = { restarts: 0, advances: 0, resets: 0, oldGenerations: 0, newGenerations: 0, startsMoved: 0, found: 0 }

/** The log and its naive twin: plain arrays, and what was promised. */
class Twin {
  readonly #world: World
  #log: Log
  #generations: Generation[] = [newGeneration(0, true)]
  #epoch = 0

  constructor(seed: number) {
    this.#world = new World({ segmentBytes: 600, indexIntervalBytes: 150, roundBytes: 500, tailCacheBytes: seed % 2 }, seed)
    this.#world.start()
    this.#log = this.#open().log
  }

  get #now(): Generation {
    return this.#generations.at(-1)!
  }

  #open(cleanEndOffset = -1) {
    const promised = this.#generations.find((generation) => generation.isPromised)!
    const opened = this.#world.open(NAME, { safeEndOffset: promised.promisedEnd, cleanEndOffset })
    this.#world.onSaid = ({ type, endOffset, cutCount }, log) => {
      expect(type).toBe('synced')
      if (log !== this.#log || cutCount !== log.cutCount) throw new Error('a completion of an older cut count was said')
      expect(endOffset).toBeGreaterThanOrEqual(this.#now.promisedEnd)
      expect(endOffset).toBeLessThanOrEqual(log.endOffset)
      this.#generations = [this.#now]
      this.#now.isPromised = true
      this.#now.promisedEnd = endOffset
    }
    return opened
  }

  perform(step: Step): void {
    if (step.type === 'append') this.#append(step)
    else if (step.type === 'cut') this.#cut(step.at)
    else if (step.type === 'advance') this.#advance(step.at)
    else if (step.type === 'query') this.#query(step.at)
    else if (step.type === 'reset') this.#reset(step.gap)
    else if (step.type === 'restart') this.#restart(step.how)
    else for (let event = 0; event < step.events; event++) this.#world.clock.step()
  }

  #append(options: { readonly count: number; readonly bytes: number; readonly timestampMs: number }): void {
    const baseOffset = this.#log.endOffset
    const bytes = append(this.#log, { count: options.count, epoch: this.#epoch, payload: options.bytes, timestampMs: options.timestampMs })
    const batch = { baseOffset, endOffset: this.#log.endOffset, timestampMs: options.timestampMs, bytes }
    this.#now.batches.push(batch)
    this.#now.ever.set(baseOffset, [...(this.#now.ever.get(baseOffset) ?? []), batch])
  }

  #cut(at: number): void {
    const now = this.#now
    const ends = [now.startOffset, ...now.batches.map((batch) => batch.endOffset).filter((end) => end >= now.startOffset)]
    // A start inside a batch is no place to cut at.
    const places = ends.filter((end) => end === now.baseOffset || now.batches.some((batch) => batch.endOffset === end || batch.baseOffset === end))
    if (places.length === 0) return
    const endOffset = places[Math.floor(((places.length - 1) * at) / 100)]!
    this.#log.truncate(endOffset)
    now.batches = now.batches.filter((batch) => batch.endOffset <= endOffset)
    now.promisedEnd = Math.min(now.promisedEnd, endOffset)
    this.#epoch++
  }

  #advance(at: number): void {
    const now = this.#now
    const offset = now.startOffset + Math.ceil(((this.#log.syncedEndOffset - now.startOffset) * at) / 100)
    if (offset <= now.startOffset) return
    seen.advances++
    this.#log.advanceStart(offset, (error) => {
      if (error === undefined) now.notedStart = Math.max(now.notedStart, offset)
    })
    now.startOffset = offset
  }

  #reset(gap: number): void {
    seen.resets++
    const baseOffset = this.#log.endOffset + gap
    this.#log.resetTo(baseOffset)
    this.#generations.push(newGeneration(baseOffset, false))
    this.#epoch++
  }

  #query(at: number): void {
    const now = this.#now
    const timestampMs = at * 50
    const upTo = this.#log.endOffset
    const expected = now.batches.find((batch) => batch.endOffset > now.startOffset && batch.timestampMs >= timestampMs)
    if (expected !== undefined) seen.found++
    expect(this.#world.clock.wait<Buffer | undefined>((done) => this.#log.findTimestamp(timestampMs, upTo, done))).toEqual(expected?.bytes)
  }

  #restart(how: 'stop' | 'kill' | 'powerLoss'): void {
    seen.restarts++
    let cleanEndOffset = -1
    if (how === 'stop') {
      cleanEndOffset = this.#world.close().get(NAME)!
      expect(cleanEndOffset).toBe(this.#log.endOffset)
      expect(this.#generations).toHaveLength(1)
    } else if (how === 'kill') this.#world.disk.kill()
    else this.#world.disk.powerLoss()
    this.#world.onSaid = undefined
    const expected = how === 'stop' ? this.#now.batches : undefined
    this.#world.start()
    const { log, recovery } = this.#open(cleanEndOffset)
    this.#log = log
    expect(recovery.verdict, recovery.detail).not.toBe('damaged')
    this.#judge(expected)
    expect(recovery.epochs.every(({ startOffset }, at) => at === 0 || startOffset > log.startOffset)).toBe(true)
  }

  /** What was found must be what one generation held, all of it that was promised, and nothing of another one. */
  #judge(expected: readonly Batch[] | undefined): void {
    const log = this.#log
    const at = this.#generations.findLastIndex((generation) => generation.baseOffset <= log.startOffset)
    const found = this.#generations[at]!
    const promised = this.#generations.findLastIndex((generation) => generation.isPromised)
    expect(at).toBeGreaterThanOrEqual(promised)
    if (this.#generations.length > 1) at === this.#generations.length - 1 ? seen.newGenerations++ : seen.oldGenerations++
    expect(log.startOffset).toBeGreaterThanOrEqual(found.notedStart)
    expect(log.startOffset).toBeLessThanOrEqual(found.startOffset)
    expect(log.endOffset).toBeGreaterThanOrEqual(found.promisedEnd)
    if (log.startOffset > 0) seen.startsMoved++
    const bytes = this.#world.readAll(log, 400)
    let position = 0
    const batches = headersOf(bytes).map((header): Batch => {
      const one = bytes.subarray(position, position + header.sizeBytes)
      position += header.sizeBytes
      const appended = found.ever.get(header.baseOffset)?.find((batch) => batch.bytes.equals(one))
      if (appended === undefined) throw new Error(`the batch at ${header.baseOffset} is none of its generation`)
      return appended
    })
    for (const batch of found.batches) {
      if (batch.endOffset <= found.promisedEnd && batch.endOffset > log.startOffset) expect(batches).toContain(batch)
    }
    if (expected !== undefined) expect(batches).toEqual(expected.filter((batch) => batch.endOffset > log.startOffset))
    const kept = newGeneration(found.baseOffset, true)
    for (const batch of batches) kept.ever.set(batch.baseOffset, [batch])
    this.#generations = [{ ...kept, batches, startOffset: log.startOffset, notedStart: log.startOffset, promisedEnd: log.endOffset }]
    this.#epoch++
  }
}

describe('a log whose start moves, beside a naive one', () => {
  it('never has less than it promised, never more than one generation, whatever the crash', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }), (seed, steps) => {
        const twin = new Twin(seed)
        for (const one of steps) twin.perform(one)
        twin.perform({ type: 'restart', how: 'powerLoss' })
        twin.perform({ type: 'restart', how: 'stop' })
      }),
      { numRuns: 100, seed: 20 },
    )
    // The faults took.
    expect(Math.min(seen.advances, seen.restarts, seen.startsMoved)).toBeGreaterThan(150)
    expect(Math.min(seen.resets, seen.found, seen.oldGenerations)).toBeGreaterThan(40)
    expect(seen.newGenerations).toBeGreaterThan(0)
  }, 240_000)
})
