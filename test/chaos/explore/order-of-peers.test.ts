import { expect, it } from 'vitest'
import { AssertionError } from '../../../src/base/assert.ts'
import { between, SeededRandom } from '../../../src/base/random.ts'
import type { RaftEffect, RaftInput } from '../../../src/raft/effects.ts'
import type { RaftMessage } from '../../../src/raft/messages.ts'
import { Raft } from '../../../src/raft/raft.ts'
import { identityOf } from '../../../chaos/explore/raft/voter.ts'

const NODE_IDS = [1, 2, 3, 4, 5]
const RUNS = 200
const STEPS = 200

function voter(peers: readonly number[]): Raft {
  const raft = new Raft({
    self: identityOf(1),
    canVote: true,
    firstVoterIds: NODE_IDS,
    random: new SeededRandom(1),
    term: 1,
    votedFor: null,
    epochs: [{ epoch: 1, startOffset: 0 }],
    startOffset: 0,
    startTerm: -1,
    endOffset: 1,
    persistedEndOffset: 1,
    voterSet: { voters: NODE_IDS.map(identityOf), offset: 0, previous: [] },
  })
  for (const nodeId of peers) raft.step({ type: 'peerUp', peer: identityOf(nodeId) })
  return raft
}

/** What a driver and peers might say next; votes are saved at once, so that there is something to see. */
function inputs({ term, endOffset }: Raft, effects: readonly RaftEffect[], random: SeededRandom): RaftInput[] {
  const save = effects.find((effect) => effect.type === 'saveVote')
  if (save !== undefined) return [{ type: 'voteSaved', term: save.term, votedFor: save.votedFor }]
  const from = identityOf(between(random, 2, 5))
  const said: readonly RaftMessage[] = [
    { type: 'voteReply', preVote: true, term: term + 1, granted: true, empty: false },
    { type: 'voteReply', preVote: false, term, granted: true, empty: false },
    { type: 'appendReply', term, startOffset: 1, result: { type: 'accepted', persistedEndOffset: between(random, 1, endOffset), counts: true } },
    { type: 'appendReply', term, startOffset: between(random, 1, endOffset), result: { type: 'rejected', hintTerm: 1, hintEndOffset: 1 } },
  ]
  const others: readonly RaftInput[] = [
    ...Array.from({ length: 8 }, () => ({ type: 'tick' }) as const),
    { type: 'persisted', term, endOffset },
    { type: 'propose', proposalId: 1, entries: [Buffer.from('a')] },
    { type: 'transfer', to: null },
    { type: 'peerDown', nodeId: from.nodeId, reason: 'refused' },
    { type: 'peerUp', peer: from },
  ]
  const all = [...said.map((message) => ({ type: 'message', from, message }) as const), ...others]
  return [all[random.integer(all.length)] as RaftInput]
}

/** To different peers in any order. */
function described(raft: Raft, input: RaftInput): string {
  try {
    return raft
      .step(input)
      .map((effect) => JSON.stringify(effect))
      .sort()
      .join('\n')
  } catch (error) {
    if (error instanceof AssertionError) return error.message
    throw error
  }
}

it('the order in which its peers came up makes no difference to a voter', () => {
  let sent = 0
  for (let seed = 0; seed < RUNS; seed++) {
    const random = new SeededRandom(seed)
    const [one, other] = [voter([2, 3, 4, 5]), voter([5, 3, 2, 4])]
    let effects: RaftEffect[] = []
    for (let step = 0; step < STEPS; step++) {
      for (const input of inputs(one, effects, random)) {
        const left = described(one, input)
        expect(described(other, input)).toBe(left)
        effects = left.startsWith('{') ? left.split('\n').map((line) => JSON.parse(line) as RaftEffect) : []
        sent += effects.filter((effect) => effect.type === 'sendEntries').length
      }
    }
  }
  expect(sent).toBeGreaterThan(RUNS / 2)
})
