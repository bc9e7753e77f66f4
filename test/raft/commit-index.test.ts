import { expect, it } from 'vitest'
import type { EpochStart } from '../../src/base/epochs.ts'
import { between, type Random, SeededRandom } from '../../src/base/random.ts'
import { Leader } from '../../src/raft/leader.ts'
import { Membership } from '../../src/raft/membership.ts'
import type { PeerIdentity, Voter } from '../../src/raft/messages.ts'
import { RaftLog } from '../../src/raft/raft-log.ts'

const CASES = 50_000
const TERM = 5
const SELF: PeerIdentity = { nodeId: 1, directoryId: 'folder 1' }

/** What a peer is, and what it said last. */
interface Peer extends PeerIdentity {
  persistedEndOffset: number
  counts: boolean
}

interface Case {
  /** Empty: none is known, and the first voters of the config are 1 to `firstVoters`. */
  readonly voters: readonly Voter[]
  readonly firstVoters: number
  readonly peers: readonly Peer[]
  /** The term of each entry. */
  readonly terms: readonly number[]
  readonly persistedEndOffset: number
  readonly commitIndex: number
}

function drawTerms(random: Random): number[] {
  const terms: number[] = []
  for (let at = random.integer(8); at > 0; at--) terms.push(Math.min(TERM - 1, (terms.at(-1) ?? 1) + random.integer(2)))
  return terms
}

/** Nodes 2 to 6 are there, with folders that are those of their voters or not; node 1 leads, a voter or not. */
function drawCase(random: Random): Case {
  const old = drawTerms(random)
  const terms = [...old, TERM, ...Array.from({ length: random.integer(5) }, () => TERM)]
  const ids = [1, 2, 3, 4, 5, 6].filter(() => random.integer(4) > 0)
  const folder = (nodeId: number): string => (random.integer(6) === 0 ? 'another folder' : `folder ${nodeId}`)
  const voters = random.integer(5) === 0 ? [] : ids.map((nodeId) => ({ nodeId, directoryId: folder(nodeId) }))
  const peers = [2, 3, 4, 5, 6].map((nodeId) => ({ nodeId, directoryId: folder(nodeId), persistedEndOffset: 0, counts: false }))
  return {
    voters,
    firstVoters: between(random, 1, 6),
    peers,
    terms,
    persistedEndOffset: random.integer(terms.length + 1),
    commitIndex: random.integer(old.length + 1),
  }
}

function epochsOf(terms: readonly number[]): EpochStart[] {
  return terms.flatMap((epoch, startOffset) => (terms[startOffset - 1] === epoch ? [] : [{ epoch, startOffset }]))
}

/** A leader of which the peers say all that they are; what it would commit. */
function decide({ voters, firstVoters, peers, terms, persistedEndOffset, commitIndex }: Case, random: Random): number {
  const old = terms.filter((term) => term < TERM)
  const epochs = epochsOf(old)
  const log = new RaftLog({ epochs, startOffset: 0, startTerm: -1, endOffset: old.length, persistedEndOffset: Math.min(persistedEndOffset, old.length) })
  const firstVoterIds = Array.from({ length: firstVoters }, (_, at) => at + 1)
  const voterSet = { voters, offset: voters.length === 0 ? -1 : 0, previous: [] }
  const membership = new Membership({ self: SELF, canVote: true, firstVoterIds, voterSet })
  const leader = new Leader({ self: SELF, term: TERM, log, membership, emit: () => undefined, send: () => undefined, electionTicks: 20 })
  leader.start(peers)
  for (let at = old.length + 1; at < terms.length; at++) log.append({ entryTerm: TERM, statedTerm: TERM })
  log.persisted(persistedEndOffset)
  log.commit(commitIndex)
  for (let reply = random.integer(12); reply > 0; reply--) {
    const peer = peers[random.integer(peers.length)] as Peer
    const said = { persistedEndOffset: random.integer(terms.length + 1), counts: random.integer(5) > 0 }
    leader.receive(peer, { type: 'appendReply', term: TERM, startOffset: 0, result: { type: 'accepted', ...said } })
    peer.persistedEndOffset = Math.max(peer.persistedEndOffset, said.persistedEndOffset)
    peer.counts = said.counts
  }
  return leader.decidedIndex()
}

/**
 * The definition, word for word: the greatest end at which an entry of the own term lies that more than half of the voters, by node and folder, have on disk,
 * of those that say that they count (rules R4.2, R4.4; Raft paper 5.4.2); no less than what was committed.
 */
function naive({ voters, firstVoters, peers, terms, persistedEndOffset, commitIndex }: Case): number {
  const isKnown = voters.length > 0
  const set = isKnown ? voters : Array.from({ length: firstVoters }, (_, at) => ({ nodeId: at + 1, directoryId: null }))
  const all = [{ ...SELF, persistedEndOffset, counts: true }, ...peers]
  const has = (voter: Voter, end: number): boolean =>
    all.some((one) => one.nodeId === voter.nodeId && (!isKnown || one.directoryId === voter.directoryId) && one.counts && one.persistedEndOffset >= end)
  for (let end = terms.length; end > commitIndex; end--) {
    if (terms[end - 1] === TERM && set.filter((voter) => has(voter, end)).length * 2 > set.length) return end
  }
  return commitIndex
}

it(`R4.2: what a leader commits agrees with the definition in ${CASES} cases`, () => {
  const random = new SeededRandom(1)
  let moved = 0
  for (let at = 0; at < CASES; at++) {
    const one = drawCase(random)
    const decided = decide(one, random)
    expect(decided, JSON.stringify(one)).toBe(naive(one))
    if (decided > one.commitIndex) moved++
  }
  // Neither is the question whether anything is committed: often it is, often it is not.
  expect(moved).toBeGreaterThan(CASES / 10)
  expect(moved).toBeLessThan((CASES * 9) / 10)
})
