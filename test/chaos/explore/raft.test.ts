import { afterEach, expect, it } from 'vitest'
import { type RaftBounds, raftBounds } from '../../../chaos/explore/raft/bounds.ts'
import { RaftModel } from '../../../chaos/explore/raft/model.ts'
import { Search } from '../../../chaos/explore/search.ts'
import { tellStory } from '../../../chaos/explore/story.ts'
import { Ballot } from '../../../src/raft/ballot.ts'
import { Follower } from '../../../src/raft/follower.ts'
import { Leader } from '../../../src/raft/leader.ts'
import { Raft } from '../../../src/raft/raft.ts'
import { boundsOf } from './bounds-of.ts'
import { type BrokenRule, breakRule } from './break-rule.ts'

/** `least`: states there are at least, so that nobody makes the exploration smaller unnoticed. */
const explorations: readonly { readonly bounds: Partial<RaftBounds>; readonly ordered: boolean; readonly least: number }[] = [
  { bounds: { terms: 2, campaigns: 1 }, ordered: false, least: 14_000 },
  { bounds: { terms: 1, entries: 1, crashes: 1 }, ordered: false, least: 9_000 },
  { bounds: { terms: 2, campaigns: 1, losses: 1 }, ordered: false, least: 40_000 },
  { bounds: { terms: 1, entries: 2, losses: 1 }, ordered: true, least: 10_000 },
]

it.each(explorations)('nothing is wrong in any state of three voters with $bounds', ({ bounds, ordered, least }) => {
  const model = new RaftModel({ bounds: boundsOf(raftBounds, bounds), nodes: 3, ordered })
  const { found, isComplete, states } = new Search(model, { maxStates: 1_000_000, heal: true }).run()
  expect(found === undefined ? [] : tellStory(model, found)).toEqual([])
  expect(isComplete).toBe(true)
  expect(states).toBeGreaterThanOrEqual(least)
})

const brokenRules: readonly BrokenRule<RaftBounds>[] = [
  {
    rule: 'R3.6: term and vote are synced before any answer that depends on them',
    machine: Ballot,
    method: 'send',
    make: (original) =>
      function (to, message) {
        // Not in the first term: there the exploration has not begun.
        if (this.term <= 1) original.call(this, to, message)
        else this._emit({ type: 'send', to, message })
      },
    bounds: { terms: 2, campaigns: 1 },
    noticedBy: 'I9',
    longestStory: 8,
  },
  {
    rule: 'R4.1: what must wait for the disk stays in the core',
    machine: Follower,
    method: '_report',
    make: () =>
      function () {
        this._reply(this._lastStartOffset, { type: 'accepted', persistedEndOffset: this._matchedEndOffset, counts: true })
      },
    bounds: { terms: 1, entries: 1, heartbeats: 1 },
    noticedBy: 'I9',
    longestStory: 5,
  },
  {
    rule: 'R4.2: nobody votes for who holds less',
    machine: Raft,
    method: '_judgeVote',
    make: () => () => 'granted',
    bounds: { terms: 2, campaigns: 1, entries: 1 },
    noticedBy: 'I6',
    longestStory: 20,
  },
  {
    rule: 'R4.2: one vote a term',
    machine: Ballot,
    method: 'isFreeFor',
    make: () => () => true,
    bounds: { terms: 2, campaigns: 2 },
    noticedBy: 'assert',
    longestStory: 16,
  },
  {
    rule: 'R4.3: what is lost shows with the next heartbeat',
    machine: Leader,
    method: 'tick',
    make: () => () => undefined,
    bounds: { terms: 1, entries: 1, losses: 1 },
    noticedBy: 'convergence',
    longestStory: 450,
  },
]

let restore = (): void => undefined
afterEach(() => restore())

it.each(brokenRules)('is noticed when it is broken: $rule', (broken) => {
  restore = breakRule(broken)
  const { found } = new Search(new RaftModel({ bounds: boundsOf(raftBounds, broken.bounds), nodes: 3, ordered: false }), {
    maxStates: 200_000,
    heal: true,
  }).run()
  expect(found?.violation.invariant).toBe(broken.noticedBy)
  expect(found?.actions.length).toBeLessThanOrEqual(broken.longestStory)
})
