import { afterEach, expect, it } from 'vitest'
import { PartitionModel } from '../../../chaos/explore/partition/model.ts'
import type { Bounds } from '../../../chaos/explore/partition/bounds.ts'
import { Search } from '../../../chaos/explore/search.ts'
import { Follower } from '../../../src/replication/follower.ts'
import { FollowerProgress } from '../../../src/replication/follower-progress.ts'
import { Isr } from '../../../src/replication/isr.ts'
import { Leader } from '../../../src/replication/leader.ts'
import { OwnLog } from '../../../src/replication/own-log.ts'
import { boundsOf } from './bounds-of.ts'

// biome-ignore lint/suspicious/noExplicitAny: the fields of an opened core have no types
type Opened = any
type Method = (this: Opened, ...args: Opened[]) => unknown

interface BrokenRule {
  readonly rule: string
  readonly machine: { readonly prototype: object }
  readonly method: string
  /** What takes the place of the method. */
  readonly make: (original: Method) => Method
  readonly nodes: number
  readonly bounds: Partial<Bounds>
  readonly noticedBy: string
  /** In steps. The first five come from the shortest way, the last also goes on without faults until nothing is left to happen. */
  readonly longestStory: number
}

const brokenRules: readonly BrokenRule[] = [
  {
    rule: 'R6.1: syncedOffset is the only thing that counts',
    machine: FollowerProgress,
    method: 'noteSynced',
    make: (original) =>
      function (options) {
        original.call(this, { ...options, syncedEndOffset: options.leaderEndOffset })
      },
    nodes: 3,
    bounds: { records: 1 },
    noticedBy: 'I1',
    longestStory: 6,
  },
  {
    rule: 'R6.4 †: the high watermark does not advance while |ISR| < minISR',
    machine: Leader,
    method: '_isTooSmall',
    make: () => () => false,
    nodes: 2,
    bounds: { records: 1, fences: 1 },
    noticedBy: 'I1',
    longestStory: 6,
  },
  {
    rule: 'R6.4: maximal ISR: a pending expand counts at once',
    machine: Isr,
    method: 'propose',
    make: (original) =>
      function (...args) {
        original.apply(this, args)
        this._attempted.clear()
      },
    nodes: 3,
    bounds: { records: 1, isrChanges: 1 },
    noticedBy: 'I1',
    longestStory: 16,
  },
  {
    rule: 'R6.5 †: no answer, success included, takes anyone out of the maximal ISR',
    machine: Isr,
    method: 'answer',
    make: (original) =>
      function (input, ...rest) {
        original.call(this, input, ...rest)
        if (input.code === null) this._attempted.clear()
      },
    nodes: 3,
    bounds: { records: 1, isrChanges: 1 },
    noticedBy: 'I1',
    longestStory: 12,
  },
  {
    rule: 'R3.2 †: no completion counts bytes that were cut',
    machine: OwnLog,
    method: 'acceptSynced',
    make: (original) =>
      function (options, effects) {
        return original.call(this, { cutCount: this.cutCount, endOffset: Math.min(options.endOffset, this.endOffset) }, effects)
      },
    nodes: 3,
    bounds: { records: 2, fences: 1 },
    noticedBy: 'I9',
    longestStory: 15,
  },
  {
    rule: 'R1.2: messages are lost, and a follower that waits for one in vain asks again',
    machine: Follower,
    method: 'tick',
    make: () => () => undefined,
    nodes: 3,
    bounds: { records: 1, losses: 1 },
    noticedBy: 'convergence',
    longestStory: 12,
  },
]

let restore = (): void => undefined
afterEach(() => restore())

it.each(brokenRules)('is noticed when it is broken: $rule', ({ machine, method, make, nodes, bounds, noticedBy, longestStory }) => {
  const prototype = machine.prototype as Record<string, Method>
  const original = prototype[method]!
  prototype[method] = make(original)
  restore = () => {
    prototype[method] = original
  }
  const { found } = new Search(new PartitionModel(boundsOf(bounds), nodes), { maxStates: 200_000, heal: true }).run()
  expect(found?.violation.invariant).toBe(noticedBy)
  expect(found?.actions.length).toBeLessThanOrEqual(longestStory)
})
