import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import type { RaftEffect, RaftInput } from '../../src/raft/effects.ts'
import { noVoterSet, type PeerIdentity, type RaftMessage, type Voter, type VoterSet } from '../../src/raft/messages.ts'
import type { RaftOptions } from '../../src/raft/options.ts'
import { Raft } from '../../src/raft/raft.ts'

const PEERS: readonly PeerIdentity[] = [1, 2, 3].map((nodeId) => ({ nodeId, directoryId: `d${nodeId}` }))
const [SELF, SECOND, THIRD] = PEERS as [PeerIdentity, PeerIdentity, PeerIdentity]
const VOTERS: readonly Voter[] = PEERS
const CHUNK = { type: 'snapshotChunk', term: 9, endOffset: 5, lastTerm: 1, sizeBytes: 10, position: 0, bytes: Buffer.alloc(4) } as const

/** A set whose entry stands at 0. */
function knownSet(voters: readonly Voter[]): VoterSet {
  return { voters, offset: 0, previous: [] }
}

const ENTRY = { term: 1, bytes: Buffer.from('x') }

function makeRaft(options: Partial<RaftOptions> = {}): Raft {
  const log = { epochs: [], startOffset: 0, startTerm: -1, endOffset: 0, persistedEndOffset: 0 }
  return new Raft({
    self: SELF,
    canVote: true,
    firstVoterIds: [1, 2, 3],
    random: new SeededRandom(1),
    term: 1,
    votedFor: null,
    voterSet: knownSet(VOTERS),
    ...log,
    ...options,
  })
}

function receive(raft: Raft, from: PeerIdentity, message: RaftMessage): RaftEffect[] {
  return raft.step({ type: 'message', from, message })
}

function feed(raft: Raft, inputs: readonly RaftInput[]): RaftEffect[] {
  return inputs.flatMap((input) => raft.step(input))
}

function ticks(count: number): RaftInput[] {
  return Array.from({ length: count }, () => ({ type: 'tick' }))
}

/** Makes it the leader of term 2, its opening entry persisted. */
function lead(raft: Raft): void {
  feed(raft, ticks(40))
  receive(raft, SECOND, { type: 'voteReply', preVote: true, term: 2, granted: true, empty: false })
  raft.step({ type: 'voteSaved', term: 2, votedFor: 1 })
  receive(raft, SECOND, { type: 'voteReply', preVote: false, term: 2, granted: true, empty: false })
  expect(raft.isLeader).toBe(true)
  raft.step({ type: 'persisted', term: 2, endOffset: raft.endOffset })
}

function heartbeat(term: number): RaftMessage {
  return { type: 'append', term, startOffset: 0, previousTerm: -1, commitIndex: 0, entries: [] }
}

describe('Raft', () => {
  it.each<[string, RaftMessage]>([
    ['a negative term', { ...heartbeat(-1) } as RaftMessage],
    ['a term beyond what a batch can carry', heartbeat(2 ** 31)],
    ['a term that is no integer', heartbeat(1.5)],
    ['an offset beyond 2^53', { type: 'append', term: 9, startOffset: 2 ** 53, previousTerm: 1, commitIndex: 0, entries: [] }],
    ['a commit index that is not a number', { type: 'append', term: 9, startOffset: 0, previousTerm: -1, commitIndex: Number.NaN, entries: [] }],
    ['a snapshot of nothing', { ...CHUNK, endOffset: 0 }],
    ['a snapshot that ends in a later term', { ...CHUNK, lastTerm: 10 }],
    ['a piece of a snapshot beyond its end', { ...CHUNK, position: 8 }],
    ['an empty piece of a snapshot', { ...CHUNK, bytes: Buffer.alloc(0) }],
    ['a position in a snapshot that is none', { type: 'snapshotReply', term: 9, endOffset: 5, lastTerm: 1, position: -1 }],
    ['a previous term where nothing is before', { type: 'append', term: 9, startOffset: 0, previousTerm: 3, commitIndex: 0, entries: [] }],
    ['an entry of a term to come', { type: 'append', term: 9, startOffset: 0, previousTerm: -1, commitIndex: 0, entries: [{ ...ENTRY, term: 10 }] }],
    ['entries whose terms fall', { type: 'append', term: 9, startOffset: 0, previousTerm: -1, commitIndex: 0, entries: [{ ...ENTRY, term: 5 }, ENTRY] }],
    ['a candidate with a last term and no log', { type: 'voteRequest', preVote: false, term: 9, lastTerm: 3, endOffset: 0, heardAll: false }],
    ['a reply about a negative offset', { type: 'appendReply', term: 9, startOffset: -1, result: { type: 'accepted', persistedEndOffset: 0, counts: true } }],
    ['a hint of a term to come', { type: 'appendReply', term: 9, startOffset: 1, result: { type: 'rejected', hintTerm: 10, hintEndOffset: 0 } }],
  ])('drops a message with %s as if it was lost', (_, message) => {
    const raft = makeRaft()
    expect(receive(raft, SECOND, message)).toEqual([])
    expect(raft.term).toBe(1)
  })

  it('is not moved by who is no first voter, as long as no voter set is known', () => {
    const raft = makeRaft({ voterSet: noVoterSet })
    const effects = receive(
      raft,
      { nodeId: 4, directoryId: 'd4' },
      { type: 'voteRequest', preVote: false, term: 7, lastTerm: -1, endOffset: 0, heardAll: false },
    )
    expect(effects).toEqual([{ type: 'send', to: 4, message: { type: 'voteReply', preVote: false, term: 1, granted: false, empty: false } }])
  })

  it('votes for who is no voter as far as it knows, if its log is longer: the set may be in an entry that only the candidate has', () => {
    const raft = makeRaft({ epochs: [{ epoch: 1, startOffset: 0 }], endOffset: 1, persistedEndOffset: 1 })
    const newcomer = { nodeId: 4, directoryId: 'd4' }
    receive(raft, newcomer, { type: 'voteRequest', preVote: false, term: 2, lastTerm: 1, endOffset: 2, heardAll: false })
    const [granted] = raft.step({ type: 'voteSaved', term: 2, votedFor: 4 })
    expect(granted).toEqual({ type: 'send', to: 4, message: { type: 'voteReply', preVote: false, term: 2, granted: true, empty: false } })
    const shorter = makeRaft({ epochs: [{ epoch: 1, startOffset: 0 }], endOffset: 1, persistedEndOffset: 1 })
    receive(shorter, newcomer, { type: 'voteRequest', preVote: false, term: 2, lastTerm: -1, endOffset: 0, heardAll: false })
    const [refused] = shorter.step({ type: 'voteSaved', term: 2, votedFor: null })
    expect(refused).toMatchObject({ message: { granted: false } })
  })

  it('votes as an observer, and lets nobody count that who does not know it as a voter', () => {
    const raft = makeRaft({ voterSet: knownSet([SECOND]), epochs: [{ epoch: 1, startOffset: 0 }], endOffset: 1, persistedEndOffset: 1 })
    receive(raft, SECOND, { type: 'voteRequest', preVote: false, term: 2, lastTerm: 1, endOffset: 2, heardAll: false })
    expect(raft.step({ type: 'voteSaved', term: 2, votedFor: 2 })).toMatchObject([{ message: { type: 'voteReply', granted: true, empty: false } }])
    const broker = makeRaft({ canVote: false, voterSet: knownSet([SECOND]), epochs: [{ epoch: 1, startOffset: 0 }], endOffset: 1, persistedEndOffset: 1 })
    receive(broker, SECOND, { type: 'voteRequest', preVote: false, term: 2, lastTerm: 1, endOffset: 2, heardAll: false })
    expect(broker.step({ type: 'voteSaved', term: 2, votedFor: null })).toMatchObject([{ message: { type: 'voteReply', granted: false, empty: false } }])
  })

  it('R2.2: does not count the vote of another folder, nor one that was given twice', () => {
    const raft = makeRaft({ voterSet: knownSet([...VOTERS, { nodeId: 4, directoryId: 'd4' }, { nodeId: 5, directoryId: null }]) })
    feed(raft, ticks(40))
    const yes: RaftMessage = { type: 'voteReply', preVote: true, term: 2, granted: true, empty: false }
    receive(raft, { nodeId: 2, directoryId: 'wiped' }, yes)
    receive(raft, { nodeId: 5, directoryId: 'd5' }, yes)
    receive(raft, THIRD, yes)
    receive(raft, THIRD, yes)
    expect(raft.role).toBe('preCandidate')
    receive(raft, SECOND, yes)
    expect(raft.role).toBe('candidate')
  })

  it('leads alone where it is the only voter, without waiting for a timeout', () => {
    const raft = makeRaft({ firstVoterIds: [1], voterSet: noVoterSet, term: 0 })
    expect(raft.step({ type: 'tick' })).toContainEqual({ type: 'saveVote', term: 1, votedFor: 1 })
    expect(raft.isLeader).toBe(false)
    expect(raft.step({ type: 'voteSaved', term: 1, votedFor: 1 })).toContainEqual({ type: 'appendOpening', startOffset: 0, term: 1 })
    expect(raft.step({ type: 'persisted', term: 1, endOffset: 1 })).toEqual([{ type: 'committed', commitIndex: 1 }])
  })

  it('R3.6: holds one message of a kind for each peer while its vote file is slow', () => {
    const raft = makeRaft()
    for (let round = 0; round < 100; round++) expect(receive(raft, SECOND, heartbeat(2)).filter((effect) => effect.type === 'send')).toEqual([])
    expect(raft.step({ type: 'voteSaved', term: 1, votedFor: null })).toEqual([])
    expect(raft.step({ type: 'voteSaved', term: 2, votedFor: null })).toHaveLength(1)
  })

  it('R3.6: saves a higher term and the vote in it at once, before anything else', () => {
    const raft = makeRaft()
    const effects = receive(raft, SECOND, { type: 'voteRequest', preVote: false, term: 3, lastTerm: -1, endOffset: 0, heardAll: false })
    expect(effects[0]).toEqual({ type: 'saveVote', term: 3, votedFor: 2 })
    expect(effects.filter((effect) => effect.type === 'saveVote' || effect.type === 'send')).toHaveLength(1)
  })

  it('takes over a log whose last term reached the disk before its term did', () => {
    const raft = makeRaft({ term: 1, votedFor: 3, epochs: [{ epoch: 4, startOffset: 0 }], endOffset: 2, persistedEndOffset: 2 })
    expect(raft.term).toBe(4)
    expect(raft.step({ type: 'tick' })).toContainEqual({ type: 'saveVote', term: 4, votedFor: null })
  })

  it('R4.2: keeps one vote a term even for the same id, while folders are unknown: the disk behind it may be another one', () => {
    const raft = makeRaft({ voterSet: noVoterSet, term: 0 })
    const request: RaftMessage = { type: 'voteRequest', preVote: false, term: 1, lastTerm: -1, endOffset: 0, heardAll: false }
    receive(raft, SECOND, request)
    raft.step({ type: 'voteSaved', term: 1, votedFor: 2 })
    const again = receive(raft, SECOND, request)
    const wiped = receive(raft, { nodeId: 2, directoryId: 'wiped' }, request)
    expect(
      [again, wiped].map((effects) => effects.map((effect) => effect.type === 'send' && effect.message.type === 'voteReply' && effect.message.granted)),
    ).toEqual([[true], [false]])
  })

  it('R4.1: ignores what is persisted or saved in another term', () => {
    const raft = makeRaft()
    lead(raft)
    raft.step({ type: 'propose', proposalId: 1, entries: [Buffer.from('x')] })
    raft.step({ type: 'persisted', term: 1, endOffset: 2 })
    expect(raft.persistedEndOffset).toBe(1)
    raft.step({ type: 'persisted', term: 2, endOffset: 2 })
    expect(raft.persistedEndOffset).toBe(2)
  })

  it('tells its own progress and that of its peers, and nothing when it does not lead', () => {
    const raft = makeRaft()
    expect(raft.progress()).toEqual([])
    lead(raft)
    feed(raft, ticks(3))
    receive(raft, SECOND, { type: 'appendReply', term: 2, startOffset: 0, result: { type: 'accepted', persistedEndOffset: 1, counts: true } })
    expect(raft.progress()).toEqual([
      { ...SELF, voter: true, counts: true, isCaughtUp: true, persistedEndOffset: 1, silentTicks: 0, laggingTicks: 0 },
      { ...SECOND, voter: true, counts: true, isCaughtUp: true, persistedEndOffset: 1, silentTicks: 0, laggingTicks: 0 },
      { ...THIRD, voter: true, counts: false, isCaughtUp: false, persistedEndOffset: 0, silentTicks: 3, laggingTicks: 3 },
    ])
  })

  it('takes an answer that claims more than it has, or comes from another folder, for none', () => {
    const raft = makeRaft()
    lead(raft)
    const claim = (persistedEndOffset: number): RaftMessage => ({
      type: 'appendReply',
      term: 2,
      startOffset: 0,
      result: { type: 'accepted', persistedEndOffset, counts: true },
    })
    receive(raft, SECOND, claim(99))
    receive(raft, { nodeId: 2, directoryId: 'wiped' }, claim(1))
    expect(raft.commitIndex).toBe(0)
    receive(raft, SECOND, claim(1))
    expect(raft.commitIndex).toBe(1)
  })

  it('does not throw away votes that are on their way when its timer fires', () => {
    const raft = makeRaft()
    feed(raft, [
      { type: 'peerUp', peer: SECOND },
      { type: 'timer', timerId: 1 },
    ])
    receive(raft, SECOND, { type: 'voteReply', preVote: true, term: 2, granted: true, empty: false })
    const [timer] = raft.step({ type: 'peerUp', peer: THIRD })
    expect([raft.role, timer]).toEqual(['candidate', { type: 'startTimer', timerId: 2, delayMs: expect.any(Number) }])
    expect(raft.step({ type: 'timer', timerId: 2 })).toEqual([])
    raft.step({ type: 'voteSaved', term: 2, votedFor: 1 })
    receive(raft, SECOND, { type: 'voteReply', preVote: false, term: 2, granted: true, empty: false })
    expect(raft.isLeader).toBe(true)
  })

  it('gives the one it voted for its time: the timer that ran before campaigns no more', () => {
    const raft = makeRaft()
    raft.step({ type: 'peerUp', peer: SECOND })
    receive(raft, SECOND, { type: 'voteRequest', preVote: false, term: 2, lastTerm: -1, endOffset: 0, heardAll: false })
    expect(raft.step({ type: 'timer', timerId: 1 })).toEqual([])
    expect(raft.role).toBe('follower')
  })

  it('lets a vote stand against a late refusal by the same voter', () => {
    const raft = makeRaft({ voterSet: knownSet([...VOTERS, { nodeId: 4, directoryId: 'd4' }, { nodeId: 5, directoryId: 'd5' }]) })
    feed(raft, ticks(40))
    receive(raft, SECOND, { type: 'voteReply', preVote: true, term: 2, granted: true, empty: false })
    receive(raft, SECOND, { type: 'voteReply', preVote: true, term: 1, granted: false, empty: false })
    receive(raft, THIRD, { type: 'voteReply', preVote: true, term: 2, granted: true, empty: false })
    expect(raft.role).toBe('candidate')
  })

  it('is not set back by a late rejection of what was accepted since', () => {
    const raft = makeRaft()
    lead(raft)
    raft.step({ type: 'propose', proposalId: 1, entries: [Buffer.from('x'), Buffer.from('y')] })
    const accept = (startOffset: number, persistedEndOffset: number): RaftEffect[] =>
      receive(raft, SECOND, { type: 'appendReply', term: 2, startOffset, result: { type: 'accepted', persistedEndOffset, counts: true } })
    accept(0, 0)
    raft.step({ type: 'entriesSent', to: 2, term: 2, startOffset: 0, endOffset: 3, sizeBytes: 3 })
    accept(0, 2)
    const late: RaftMessage = { type: 'appendReply', term: 2, startOffset: 1, result: { type: 'rejected', hintTerm: -1, hintEndOffset: 0 } }
    expect(receive(raft, SECOND, late)).toEqual([])
    const lost: RaftMessage = { type: 'appendReply', term: 2, startOffset: 3, result: { type: 'rejected', hintTerm: 2, hintEndOffset: 2 } }
    expect(receive(raft, SECOND, lost)).toMatchObject([{ type: 'send', to: 2, message: { startOffset: 2, entries: [] } }])
  })

  it('R4.3: lets one proposal beyond the limit pass when nothing waits, and refuses the next', () => {
    const raft = makeRaft()
    lead(raft)
    const huge: RaftInput = { type: 'propose', proposalId: 1, entries: [Buffer.alloc(17 * 1024 * 1024)] }
    expect(raft.step(huge)).toContainEqual({ type: 'accepted', proposalId: 1, term: 2, startOffset: 1 })
    expect(raft.step({ ...huge, proposalId: 2 })).toEqual([{ type: 'refused', proposalId: 2, code: 'THROTTLING_QUOTA_EXCEEDED' }])
  })

  it('forgets an observer that went, keeps a voter, and asks anew who comes up again', () => {
    const raft = makeRaft()
    lead(raft)
    raft.step({ type: 'peerUp', peer: { nodeId: 9, directoryId: 'd9' } })
    receive(raft, SECOND, { type: 'appendReply', term: 2, startOffset: 0, result: { type: 'accepted', persistedEndOffset: 1, counts: true } })
    expect(raft.progress().map((peer) => [peer.nodeId, peer.voter, peer.persistedEndOffset])).toEqual([
      [1, true, 1],
      [2, true, 1],
      [3, true, 0],
      [9, false, 0],
    ])
    feed(
      raft,
      [2, 9].map((nodeId) => ({ type: 'peerDown', nodeId, reason: 'closed' })),
    )
    expect(raft.progress().map((peer) => [peer.nodeId, peer.persistedEndOffset])).toEqual([
      [1, 1],
      [2, 1],
      [3, 0],
    ])
    raft.step({ type: 'peerUp', peer: SECOND })
    expect(raft.progress()[1]).toMatchObject({ nodeId: 2, persistedEndOffset: 0 })
    expect(raft.commitIndex).toBe(1)
  })

  it('R4.5: goes on with what comes of a newer snapshot when an older one is installed', () => {
    const raft = makeRaft({ term: 9 })
    const older = { ...CHUNK, bytes: Buffer.alloc(10) }
    const newer = { ...CHUNK, endOffset: 7 }
    const written = { type: 'snapshotWritten', term: 9, lastTerm: 1 } as const
    receive(raft, SECOND, older)
    const stored = raft.step({ ...written, endOffset: 5, position: 10 })
    expect(stored).toContainEqual({ type: 'storeSnapshot', term: 9, endOffset: 5, lastTerm: 1 })
    expect(receive(raft, SECOND, newer)).toContainEqual(expect.objectContaining({ type: 'writeSnapshot', endOffset: 7, position: 0 }))
    raft.step({ type: 'snapshotStored', snapshot: { endOffset: 5, lastTerm: 1, sizeBytes: 10 }, voters: VOTERS })
    // Its first bytes once more: they are on their way to the disk.
    const again = receive(raft, SECOND, newer).filter(({ type }) => type !== 'role')
    expect(again).toEqual([{ type: 'send', to: 2, message: { type: 'snapshotReply', term: 9, endOffset: 7, lastTerm: 1, position: 0 } }])
    const told = raft.step({ ...written, endOffset: 7, position: 4 })
    expect(told).toContainEqual({ type: 'send', to: 2, message: { type: 'snapshotReply', term: 9, endOffset: 7, lastTerm: 1, position: 4 } })
  })

  it('I3: ends the node rather than follow a second leader of its own term', () => {
    const raft = makeRaft()
    lead(raft)
    expect(() => receive(raft, SECOND, heartbeat(2))).toThrow('one leader a term')
  })

  it('I6: ends the node rather than cut what is committed', () => {
    const raft = makeRaft()
    receive(raft, SECOND, { type: 'append', term: 1, startOffset: 0, previousTerm: -1, commitIndex: 1, entries: [ENTRY] })
    expect(raft.commitIndex).toBe(1)
    expect(() =>
      receive(raft, THIRD, { type: 'append', term: 2, startOffset: 0, previousTerm: -1, commitIndex: 0, entries: [{ term: 2, bytes: Buffer.from('y') }] }),
    ).toThrow('nothing committed is ever cut')
  })
})
