import { afterEach, describe, expect, it } from 'vitest'
import { type RaftBounds, raftBounds } from '../../../chaos/explore/raft/bounds.ts'
import { raftModel } from '../../../chaos/explore/raft/model.ts'
import { Search } from '../../../chaos/explore/search.ts'
import { tellStory } from '../../../chaos/explore/story.ts'
import { Ballot } from '../../../src/raft/ballot.ts'
import { Follower } from '../../../src/raft/follower.ts'
import { Leader } from '../../../src/raft/leader.ts'
import { Raft } from '../../../src/raft/raft.ts'
import { boundsOf } from './bounds-of.ts'
import { type BrokenRule, breakRule } from './break-rule.ts'
import { exploreStands } from './explore-stands.ts'

interface Exploration {
  readonly bounds: Partial<RaftBounds>
  readonly ordered: boolean
  /** There are at least so many, so that nobody makes the exploration smaller unnoticed. */
  readonly states: number
}

const explorations: readonly Exploration[] = [
  { bounds: { terms: 2, campaigns: 1 }, ordered: false, states: 14_000 },
  { bounds: { terms: 1, entries: 1, crashes: 1 }, ordered: false, states: 6_000 },
  { bounds: { terms: 2, campaigns: 1, losses: 1 }, ordered: false, states: 40_000 },
  { bounds: { terms: 1, entries: 2, losses: 1 }, ordered: true, states: 10_000 },
  { bounds: { terms: 2, campaigns: 1, transfers: 1 }, ordered: true, states: 9_000 },
  { bounds: { terms: 2, campaigns: 1, crashes: 1 }, ordered: true, states: 30_000 },
]

it.each(explorations)('nothing is wrong in any state of three voters with $bounds, and reductions leave out only names and messages', (exploration) => {
  const all = explore(exploration, { reduced: false })
  const reduced = explore(exploration, { reduced: true })
  for (const { explored, model } of [all, reduced]) {
    expect(explored.found === undefined ? [] : tellStory(model, explored.found)).toEqual([])
    expect(explored.isComplete).toBe(true)
  }
  expect(all.explored.states).toBeGreaterThanOrEqual(exploration.states)
  expect(reduced.explored.states).toBeLessThan(all.explored.states * 0.6)
  expect([...reduced.stands].filter((stand) => !all.stands.has(stand))).toEqual([])
  expect([...all.stands].filter((stand) => !reduced.stands.has(stand) && !reduced.stands.has(mirrored(stand)))).toEqual([])
})

function explore({ bounds, ordered }: Exploration, { reduced }: { readonly reduced: boolean }) {
  const model = raftModel({ bounds: boundsOf(raftBounds, bounds), nodes: 3, ordered, reduced })
  return { model, ...exploreStands(model) }
}

/** The same where the followers of the beginning, 2 and 3, have each other's names. */
function mirrored(stand: string): string {
  const renamed = stand.replace(/^[23](?=:)|(?<=(?:leader|vote for) )[23]/gm, (nodeId) => (nodeId === '2' ? '3' : '2'))
  const [first, third, second, ...rest] = renamed.split('\n')
  return [first, second, third, ...rest].join('\n')
}

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

describe.each([
  { ordered: false, reduced: true },
  { ordered: true, reduced: true },
  { ordered: false, reduced: false },
])('in order: $ordered, reduced: $reduced', ({ ordered, reduced }) => {
  it.each(brokenRules)('is noticed when it is broken: $rule', (broken) => {
    restore = breakRule(broken)
    const model = raftModel({ bounds: boundsOf(raftBounds, broken.bounds), nodes: 3, ordered, reduced })
    const { found } = new Search(model, { maxStates: 200_000, heal: true }).run()
    expect(found?.violation.invariant).toBe(broken.noticedBy)
    expect(found?.actions.length).toBeLessThanOrEqual(broken.longestStory)
  })
})
