import { afterEach, expect, it } from 'vitest'
import { type Bounds, partitionBounds } from '../../../chaos/explore/partition/bounds.ts'
import { partitionModel } from '../../../chaos/explore/partition/model.ts'
import { Search } from '../../../chaos/explore/search.ts'
import { tellStory } from '../../../chaos/explore/story.ts'
import { Follower } from '../../../src/replication/follower.ts'
import { FollowerProgress } from '../../../src/replication/follower-progress.ts'
import { Isr } from '../../../src/replication/isr.ts'
import { Leader } from '../../../src/replication/leader.ts'
import { OwnLog } from '../../../src/replication/own-log.ts'
import { boundsOf } from './bounds-of.ts'
import { type BrokenRule, breakRule } from './break-rule.ts'
import { exploreStands } from './explore-stands.ts'

/** `least`: states there are at least, so that nobody makes the exploration smaller unnoticed. */
const explorations: readonly { readonly nodes: number; readonly bounds: Partial<Bounds>; readonly ordered: boolean; readonly least: number }[] = [
  { nodes: 3, bounds: { records: 1 }, ordered: false, least: 500 },
  { nodes: 3, bounds: { records: 1, losses: 1 }, ordered: false, least: 6_000 },
  { nodes: 3, bounds: { records: 1, duplicates: 1 }, ordered: false, least: 2_000 },
  { nodes: 3, bounds: { records: 1, timeouts: 1 }, ordered: false, least: 4_000 },
  { nodes: 2, bounds: { records: 1, fences: 1 }, ordered: false, least: 8_000 },
  { nodes: 2, bounds: { records: 1, crashes: 1 }, ordered: false, least: 9_000 },
  { nodes: 2, bounds: { records: 1, isrChanges: 1, configChanges: 1 }, ordered: false, least: 18_000 },
  { nodes: 2, bounds: { records: 1, drains: 1 }, ordered: true, least: 16_000 },
  // Without the second of each there are 7,500, 5,700 and 5,700.
  { nodes: 2, bounds: { records: 1, crashes: 1, failovers: 1 }, ordered: true, least: 20_000 },
  { nodes: 2, bounds: { records: 1, fences: 1, retries: 1 }, ordered: true, least: 12_000 },
  { nodes: 2, bounds: { records: 1, fences: 1, moves: 1 }, ordered: true, least: 17_000 },
  // Without an unclean election there are 49,000.
  { nodes: 2, bounds: { crashes: 2, uncleanElections: 1 }, ordered: true, least: 71_000 },
  { nodes: 5, bounds: { records: 1 }, ordered: true, least: 42_000 },
]

it.each(explorations)('nothing is wrong in any state of $nodes nodes with $bounds', ({ nodes, bounds, ordered, least }) => {
  const model = partitionModel({ bounds: boundsOf(partitionBounds, bounds), nodes, ordered, reduced: true })
  const { found, isComplete, states } = new Search(model, { maxStates: 1_000_000, heal: true }).run()
  expect(found === undefined ? [] : tellStory(model, found)).toEqual([])
  expect(isComplete).toBe(true)
  expect(states).toBeGreaterThanOrEqual(least)
})

it('what a controller has heard and nothing asks for makes no difference', () => {
  const explore = (reduced: boolean) =>
    exploreStands(partitionModel({ bounds: boundsOf(partitionBounds, { records: 1, fences: 1 }), nodes: 2, ordered: true, reduced }))
  const [all, reduced] = [explore(false), explore(true)]
  expect([all, reduced].map(({ explored }) => [explored.found, explored.isComplete])).toEqual([
    [undefined, true],
    [undefined, true],
  ])
  expect(reduced.explored.states).toBeLessThan(all.explored.states * 0.7)
  expect([...reduced.stands].sort()).toEqual([...all.stands].sort())
})

const brokenRules: readonly (BrokenRule<Bounds> & { readonly nodes: number })[] = [
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

it.each(brokenRules)('is noticed when it is broken: $rule', (broken) => {
  restore = breakRule(broken)
  const model = partitionModel({ bounds: boundsOf(partitionBounds, broken.bounds), nodes: broken.nodes, ordered: false, reduced: true })
  const { found } = new Search(model, { maxStates: 200_000, heal: true }).run()
  expect(found?.violation.invariant).toBe(broken.noticedBy)
  expect(found?.actions.length).toBeLessThanOrEqual(broken.longestStory)
})
