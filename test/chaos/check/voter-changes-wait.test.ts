import { expect, it } from 'vitest'
import { VoterChangesWait } from '../../../chaos/check/voter-changes-wait.ts'
import type { RaftView } from '../../../src/broker/surface.ts'

const set = (...nodeIds: number[]): RaftView['voters'] => nodeIds.map((nodeId) => ({ nodeId, directoryId: 'd'.repeat(32) }))

/** One process, step by step. */
function look(...steps: readonly Partial<RaftView>[]): void {
  const checker = new VoterChangesWait()
  let view: RaftView = {
    role: 'leader',
    term: 2,
    leaderId: 1,
    voters: set(1, 2, 3),
    commitIndex: 5,
    startOffset: 0,
    endOffset: 6,
    damagedBelow: null,
    snapshot: null,
  }
  checker.observe('node 1', { ...view, role: 'candidate', endOffset: 5 })
  checker.observe('node 1', view)
  for (const step of steps) {
    view = { ...view, ...step }
    checker.observe('node 1', view)
  }
}

it('a change waits for an entry of the own term', () => {
  expect(() => look({ commitIndex: 6 }, { voters: set(1, 2, 3, 4), endOffset: 7 })).not.toThrow()
  expect(() => look({ voters: set(1, 2, 3, 4), endOffset: 7 })).toThrow(/^voters: node 1 leads in term 2 and changes the voters before an entry of its own/)
})

it('a change waits for the one before', () => {
  const first = { voters: set(1, 2, 3, 4), endOffset: 7 }
  expect(() => look({ commitIndex: 6 }, first, { commitIndex: 7 }, { voters: set(1, 2, 3), endOffset: 8 })).not.toThrow()
  expect(() => look({ commitIndex: 6 }, first, { voters: set(1, 2, 3), endOffset: 8 })).toThrow(/changes the voters at 7, with the change at 6 not committed/)
})

it('two changes at once are one too many', () => {
  expect(() => look({ commitIndex: 6 }, { voters: set(1, 2, 4), endOffset: 8 })).toThrow(/made 2 changes of the voters at once, from 6 on/)
})

it('the same set said again, the set of a follower and the first that is known are no changes', () => {
  expect(() => look({ voters: set(1, 2, 3) })).not.toThrow()
  expect(() => look({ role: 'follower', voters: set(1) }, { term: 3, role: 'leader', endOffset: 9 })).not.toThrow()
  expect(() => look({ term: 3, voters: [] }, { voters: set(1, 2) })).not.toThrow()
})
