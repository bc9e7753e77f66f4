import { assert, unreachable } from '../base/assert.ts'
import type { PeerProgress, RaftEffect, RaftInput } from './effects.ts'
import { type RaftLimits, usualRaftLimits } from './limits.ts'
import type { Membership } from './membership.ts'
import type { AppendReply, PeerIdentity, RaftMessage, SnapshotId, SnapshotReply, Voter } from './messages.ts'
import { MAX_INFLIGHT_BYTES, Progress } from './progress.ts'
import { majorityOf, quorumEnd } from './quorum.ts'
import type { RaftLog } from './raft-log.ts'
import { Reads } from './reads.ts'
import type { SnapshotTransfer } from './snapshot-transfer.ts'
import { judgeVoterChange, type VoterRefusal } from './voter-change.ts'

/** Rules R8, in ticks of 50 ms: 100 ms. */
export const HEARTBEAT_TICKS = 2

interface Uncommitted {
  readonly endOffset: number
  readonly sizeBytes: number
}

/** What a node is asked for that only a leader can do. */
export type LeaderRequest = Extract<RaftInput, { readonly type: 'propose' | 'proposeVoters' | 'transfer' | 'readIndex' }>

/**
 * What only a leader has; one instance a term. It holds no entry and no snapshot: the driver reads and sends them (sendEntries, sendSnapshot).
 * Invariants: at most one read outstanding a peer · a peer's window stays within rules R4.3 · commit only through an entry of the own term,
 * by a majority of those that count, the leader itself at its own persisted end · one voter change at a time, none before an entry of the
 * own term is committed (R4.4).
 * A leader outside of the newest voter set goes on, without counting itself, until that set is committed; then it hands over, and has resigned.
 */
export class Leader {
  readonly #self: PeerIdentity
  readonly #term: number
  readonly #log: RaftLog
  readonly #membership: Membership
  readonly #emit: (effect: RaftEffect) => void
  readonly #send: (to: number, message: RaftMessage) => void
  readonly #progress = new Map<number, Progress>()
  /** Nodes with a sendEntries or sendSnapshot that was not answered yet; it outlives what is forgotten of a peer. */
  readonly #reading = new Set<number>()
  #uncommitted: Uncommitted[] = []
  #uncommittedBytes = 0
  #heartbeatTicks = 0
  #openingOffset = -1
  /** Of the last voter change that this leader appended. */
  #changeOffset = -1
  #transfer: { readonly to: number; ticks: number } | null = null
  #isReplaced = false
  readonly #reads = new Reads()
  readonly #electionTicks: number
  readonly #limits: RaftLimits

  constructor(options: {
    readonly self: PeerIdentity
    readonly term: number
    readonly log: RaftLog
    readonly membership: Membership
    readonly emit: (effect: RaftEffect) => void
    readonly send: (to: number, message: RaftMessage) => void
    readonly electionTicks: number
    readonly limits?: RaftLimits | undefined
  }) {
    this.#self = options.self
    this.#term = options.term
    this.#log = options.log
    this.#membership = options.membership
    this.#emit = options.emit
    this.#send = options.send
    this.#electionTicks = options.electionTicks
    this.#limits = options.limits ?? usualRaftLimits
  }

  /** Appends the opening entry, and tells all peers, from where their logs are asked to match. */
  start(peers: readonly PeerIdentity[]): void {
    const startOffset = this.#log.endOffset
    for (const peer of peers) this.#track(peer, startOffset)
    this.#trackVoters(startOffset)
    this.#openingOffset = startOffset
    this.#emit({ type: 'appendOpening', startOffset, term: this.#term })
    this.#log.append({ entryTerm: this.#term, statedTerm: this.#term })
    for (const progress of this.#sorted()) this.#heartbeat(progress)
  }

  ask(request: LeaderRequest): void {
    switch (request.type) {
      case 'propose':
        this.#propose(request.proposalId, request.entries)
        break
      case 'proposeVoters':
        this.#proposeVoters(request.proposalId, request.voters, request.entry)
        break
      case 'transfer':
        this.#beginTransfer(request.to)
        break
      case 'readIndex':
        if (this.#log.commitIndex <= this.#openingOffset) this.#reads.addEarly(request.readId)
        else this.#beginRead(request.readId)
        break
      default:
        unreachable(request)
    }
  }

  /** Why this set would not be taken now; undefined: it would. */
  judgeVoters(wanted: readonly Voter[]): VoterRefusal | undefined {
    const { commitIndex, endOffset } = this.#log
    if (this.#transfer !== null) return { type: 'transferring' }
    if (commitIndex <= this.#openingOffset) return { type: 'ownTermNotCommitted' }
    const offset = Math.max(this.#changeOffset, this.#membership.offset)
    if (offset >= commitIndex) return { type: 'changePending', offset }
    return judgeVoterChange({
      self: this.#self,
      current: this.#membership.voters,
      wanted,
      endOffset,
      isSelfCaughtUp: this.#log.persistedEndOffset >= commitIndex,
      peer: (nodeId) => {
        const progress = this.#progress.get(nodeId)
        if (progress === undefined) return undefined
        const { directoryId, counts, persistedEndOffset } = progress
        const [isHeard, isCaughtUp] = [progress.isHeardWithin(this.#electionTicks), progress.isCaughtUpWithin(this.#electionTicks)]
        return { directoryId, counts, persistedEndOffset, isHeard, isCaughtUp }
      },
    })
  }

  #proposeVoters(proposalId: number, voters: readonly Voter[], entry: Buffer): void {
    const refusal = this.judgeVoters(voters)
    if (refusal === undefined) {
      const offset = this.#log.endOffset
      if (this.#propose(proposalId, [entry])) this.#changeOffset = offset
    } else this.#emit({ type: 'votersRefused', proposalId, refusal })
  }

  /** Entries are refused whole or appended whole, one behind the other. False: refused. */
  #propose(proposalId: number, entries: readonly Buffer[]): boolean {
    assert(entries.length > 0, 'a proposal has entries')
    if (this.#transfer !== null) {
      this.#emit({ type: 'refused', proposalId, code: 'NOT_CONTROLLER' })
      return false
    }
    let sizeBytes = 0
    for (const bytes of entries) sizeBytes += bytes.length
    // One proposal larger than the limit passes when nothing waits: else it never could.
    if (this.#uncommittedBytes > 0 && this.#uncommittedBytes + sizeBytes > this.#limits.uncommittedBytes) {
      this.#emit({ type: 'refused', proposalId, code: 'THROTTLING_QUOTA_EXCEEDED' })
      return false
    }
    const startOffset = this.#log.endOffset
    this.#emit({ type: 'append', startOffset, term: this.#term, entries: entries.map((bytes) => ({ term: this.#term, bytes })) })
    for (let count = 0; count < entries.length; count++) this.#log.append({ entryTerm: this.#term, statedTerm: this.#term })
    this.#uncommitted.push({ endOffset: this.#log.endOffset, sizeBytes })
    this.#uncommittedBytes += sizeBytes
    this.#emit({ type: 'accepted', proposalId, term: this.#term, startOffset })
    for (const progress of this.#sorted()) this.#pump(progress)
    return true
  }

  // Handing over

  #beginTransfer(to: number | null): void {
    const heard = this.#sorted().filter((progress) => this.#isVoter(progress) && progress.counts && progress.isHeardWithin(this.#electionTicks))
    let target = heard.find((progress) => progress.nodeId === to)
    if (to === null) for (const progress of heard) if (progress.persistedEndOffset > (target?.persistedEndOffset ?? -1)) target = progress
    if (target === undefined) {
      this.#emit({ type: 'transfer', outcome: 'refused', to })
      return
    }
    this.#transfer = { to: target.nodeId, ticks: 0 }
    this.#emit({ type: 'transfer', outcome: 'began', to: target.nodeId })
    this.#urge(target)
  }

  /** Said again with each answer of the target: it can stand once only. */
  #urge(progress: Progress): void {
    if (this.#transfer?.to !== progress.nodeId || progress.persistedEndOffset < this.#log.endOffset) return
    this.#send(progress.nodeId, { type: 'timeoutNow', term: this.#term })
  }

  #tickTransfer(): void {
    if (this.#transfer === null || ++this.#transfer.ticks < this.#electionTicks) return
    this.#emit({ type: 'transfer', outcome: 'over', to: this.#transfer.to })
    this.#transfer = null
  }

  /** It was replaced by a committed set, and nobody took over in time. */
  get hasResigned(): boolean {
    return this.#isReplaced && this.#transfer === null
  }

  // Reads

  #beginRead(readId: number): void {
    this.#reads.begin(readId, this.#log.commitIndex)
    this.#probeRound()
    this.#judgeReads()
  }

  #probeRound(): void {
    for (const progress of this.#sorted()) {
      if (this.#isVoter(progress)) this.#send(progress.nodeId, { type: 'readProbe', term: this.#term, round: this.#reads.round })
    }
  }

  #judgeReads(): void {
    const rounds = this.#membership.selfVotes ? [this.#reads.round] : []
    for (const progress of this.#progress.values()) {
      if (this.#isVoter(progress) && progress.counts) rounds.push(this.#reads.confirmedRound(progress.nodeId))
    }
    const confirmed = quorumEnd(this.#membership.voters.length, rounds)
    for (const { readId, commitIndex } of this.#reads.takeConfirmed(confirmed)) this.#emit({ type: 'readable', readId, commitIndex })
  }

  readConfirmed(from: PeerIdentity, round: number): void {
    if (this.#progress.get(from.nodeId)?.directoryId !== from.directoryId) return
    this.#reads.confirm(from.nodeId, round)
    this.#judgeReads()
  }

  /** The term is over for this leader. */
  end(): void {
    for (const readId of this.#reads.takeAll()) this.#emit({ type: 'readable', readId, commitIndex: null })
  }

  // Replication

  /** Heartbeats and the count of silence. */
  tick(): void {
    for (const progress of this.#progress.values()) progress.tick()
    for (const progress of this.#sorted()) if (progress.transfer?.tick() === true) this.#pump(progress)
    this.#tickTransfer()
    if (++this.#heartbeatTicks < HEARTBEAT_TICKS) return
    this.#heartbeatTicks = 0
    for (const progress of this.#sorted()) {
      progress.setGoal(this.#log.endOffset)
      this.#heartbeat(progress)
    }
    if (!this.#reads.isEmpty) this.#probeRound()
  }

  /** Whether a majority of the voters, this node among them if it is one, answered within an election timeout (check-quorum, rules R4.2). */
  get hearsMajority(): boolean {
    let heard = this.#membership.selfVotes ? 1 : 0
    for (const progress of this.#progress.values()) if (this.#isVoter(progress) && progress.isHeardWithin(this.#electionTicks)) heard++
    return heard >= majorityOf(this.#membership.voters.length)
  }

  /** A peer came up, perhaps as a new incarnation: all that was known of it is asked anew. */
  peerUp(peer: PeerIdentity): void {
    this.#heartbeat(this.#track(peer, this.#log.endOffset))
  }

  /** Voters stay in the table: they are part of the quorum. Observers come back with peerUp. */
  peerDown(nodeId: number): void {
    const progress = this.#progress.get(nodeId)
    if (progress === undefined) return
    if (this.#membership.has(nodeId)) progress.probe(progress.nextOffset)
    else this.#progress.delete(nodeId)
  }

  /** Who is no voter any more, and not connected, is followed no longer. */
  voterSetChanged(connected: ReadonlyMap<number, PeerIdentity>): void {
    this.#trackVoters(this.#log.endOffset)
    for (const nodeId of [...this.#progress.keys()]) if (!this.#membership.has(nodeId) && !connected.has(nodeId)) this.#progress.delete(nodeId)
  }

  receive(from: PeerIdentity, reply: AppendReply): void {
    const progress = this.#progress.get(from.nodeId)
    if (progress === undefined || (progress.directoryId !== null && progress.directoryId !== from.directoryId)) return
    if (reply.startOffset > this.#log.endOffset) return
    progress.heard(from.directoryId)
    if (reply.result.type === 'accepted') this.#accepted(progress, reply.startOffset, reply.result)
    else this.#rejected(progress, reply.startOffset, reply.result)
  }

  receiveSnapshotReply(from: PeerIdentity, reply: SnapshotReply): void {
    const progress = this.#progress.get(from.nodeId)
    if (progress === undefined || (progress.directoryId !== null && progress.directoryId !== from.directoryId)) return
    progress.heard(from.directoryId)
    if (progress.transfer?.isOf(reply) !== true) return
    progress.transfer.acknowledged(reply.position)
    this.#pump(progress)
  }

  entriesSent(sent: { readonly to: number; readonly startOffset: number; readonly endOffset: number; readonly sizeBytes: number }): void {
    this.#reading.delete(sent.to)
    const progress = this.#progress.get(sent.to)
    if (progress === undefined) return
    // In probe, or moved meanwhile: what left may be too early or twice; the peer judges it by its previousTerm.
    if (progress.state === 'replicate' && progress.nextOffset === sent.startOffset) {
      assert(sent.endOffset <= this.#log.endOffset, 'only what is in the log is sent')
      if (sent.endOffset === sent.startOffset) progress.probe(sent.startOffset)
      else progress.sent(sent)
    }
    this.#pump(progress)
  }

  snapshotSent(sent: { readonly to: number; readonly position: number; readonly endPosition: number } & SnapshotId): void {
    this.#reading.delete(sent.to)
    const progress = this.#progress.get(sent.to)
    if (progress === undefined) return
    if (progress.transfer?.isOf(sent) === true) {
      if (sent.endPosition === sent.position) {
        // The file made room for newer ones, or cannot be read now: a moment later the newest is tried.
        this.#beginSnapshot(progress)
        return
      }
      progress.transfer.sent(sent.position, sent.endPosition)
    }
    this.#pump(progress)
  }

  /** The log begins later now: what a peer needed of it is gone, or what it was to be asked about. */
  logCut(): void {
    const { startOffset } = this.#log
    for (const progress of this.#sorted()) {
      if (progress.nextOffset >= startOffset) continue
      if (progress.transfer !== null) this.#beginSnapshot(progress)
      else progress.probe(startOffset)
    }
  }

  /** The commit index that the quorum's persisted ends allow; the present one when they allow no more. */
  decidedIndex(): number {
    const ends: number[] = this.#membership.selfVotes ? [this.#log.persistedEndOffset] : []
    for (const progress of this.#progress.values()) if (this.#isVoter(progress) && progress.counts) ends.push(progress.persistedEndOffset)
    const decided = quorumEnd(this.#membership.voters.length, ends)
    // Only an entry of the own term is committed by counting; older ones with it (Raft paper 5.4.2, figure 8).
    if (decided <= this.#log.commitIndex || this.#log.termBefore(decided) !== this.#term) return this.#log.commitIndex
    return decided
  }

  /** The commit index moved: peers learn it now, not with the next heartbeat, because what the controller decided waits for it. */
  committed(): void {
    while (this.#uncommitted[0] !== undefined && this.#uncommitted[0].endOffset <= this.#log.commitIndex) {
      this.#uncommittedBytes -= this.#uncommitted[0].sizeBytes
      this.#uncommitted.shift()
    }
    assert(this.#uncommittedBytes >= 0, 'bytes are given back once')
    for (const progress of this.#sorted()) if (progress.state === 'replicate') this.#heartbeat(progress)
    for (const readId of this.#reads.takeEarly()) this.#beginRead(readId)
    if (this.#isReplaced || this.#membership.selfVotes || this.#log.commitIndex <= this.#membership.offset) return
    this.#isReplaced = true
    this.#beginTransfer(null)
  }

  describe(): PeerProgress[] {
    const peers = this.#sorted().map((progress) => ({
      nodeId: progress.nodeId,
      directoryId: progress.directoryId,
      voter: this.#isVoter(progress),
      counts: progress.counts,
      persistedEndOffset: progress.persistedEndOffset,
      silentTicks: progress.silentTicks,
      laggingTicks: progress.laggingTicks,
      isCaughtUp: progress.isCaughtUpWithin(this.#electionTicks),
    }))
    const [voter, persistedEndOffset] = [this.#membership.selfVotes, this.#log.persistedEndOffset]
    const self = { ...this.#self, voter, counts: true, persistedEndOffset, silentTicks: 0, laggingTicks: 0, isCaughtUp: true }
    return [...peers, self].sort((left, right) => left.nodeId - right.nodeId)
  }

  #accepted(progress: Progress, startOffset: number, result: { readonly persistedEndOffset: number; readonly counts: boolean }): void {
    if (result.persistedEndOffset > this.#log.endOffset) return
    progress.accepted({ startOffset, ...result, leaderEndOffset: this.#log.endOffset })
    this.#pump(progress)
    this.#urge(progress)
  }

  #rejected(progress: Progress, startOffset: number, hint: { readonly hintTerm: number; readonly hintEndOffset: number }): void {
    if (startOffset === 0 || !progress.isRejection(startOffset)) return
    const own = this.#log.endOfTerm(hint.hintTerm)
    const nextOffset = Math.min(own.endOffset, hint.hintEndOffset, startOffset - 1)
    if (nextOffset < this.#log.startOffset) this.#beginSnapshot(progress)
    else progress.probe(nextOffset)
    this.#heartbeat(progress)
    this.#pump(progress)
  }

  #beginSnapshot(progress: Progress): void {
    const { snapshot, startOffset } = this.#log
    assert(snapshot !== null && snapshot.endOffset >= startOffset, 'a log that does not begin at 0 begins within the newest snapshot')
    progress.sendSnapshot(snapshot)
  }

  /** Asks the driver to read and send what fits, unless it is at it already. */
  #pump(progress: Progress): void {
    if (progress.transfer !== null) {
      this.#pumpSnapshot(progress.nodeId, progress.transfer)
      return
    }
    const { entryCount, sizeBytes } = progress.room
    const startOffset = progress.nextOffset
    if (entryCount === 0 || startOffset >= this.#log.endOffset || this.#reading.has(progress.nodeId)) return
    assert(sizeBytes <= MAX_INFLIGHT_BYTES, 'a message stays within the window')
    this.#reading.add(progress.nodeId)
    this.#emit({
      type: 'sendEntries',
      to: progress.nodeId,
      term: this.#term,
      startOffset,
      endOffset: Math.min(this.#log.endOffset, startOffset + entryCount),
      maxBytes: sizeBytes,
      previousTerm: this.#log.termBefore(startOffset),
      commitIndex: this.#log.commitIndex,
    })
  }

  #pumpSnapshot(nodeId: number, transfer: SnapshotTransfer): void {
    const { next, snapshot } = transfer
    if (next === undefined || this.#reading.has(nodeId)) return
    this.#reading.add(nodeId)
    this.#emit({ type: 'sendSnapshot', to: nodeId, term: this.#term, ...snapshot, ...next })
  }

  /** The commit index goes as it is: the peer follows it only as far as it has matched. */
  #heartbeat(progress: Progress): void {
    const startOffset = progress.state === 'snapshot' ? 0 : progress.nextOffset
    if (startOffset === 0) {
      this.#send(progress.nodeId, { type: 'append', term: this.#term, startOffset, previousTerm: -1, commitIndex: this.#log.commitIndex, entries: [] })
      return
    }
    const previousTerm = this.#log.termBefore(startOffset)
    this.#send(progress.nodeId, { type: 'append', term: this.#term, startOffset, previousTerm, commitIndex: this.#log.commitIndex, entries: [] })
  }

  #track(peer: { readonly nodeId: number; readonly directoryId: string | null }, nextOffset: number): Progress {
    assert(peer.nodeId !== this.#self.nodeId, 'a leader is no peer of itself')
    const progress = new Progress({ nodeId: peer.nodeId, directoryId: peer.directoryId, nextOffset, inflightEntries: this.#limits.inflightEntries })
    this.#progress.set(peer.nodeId, progress)
    return progress
  }

  #trackVoters(nextOffset: number): void {
    for (const voter of this.#membership.voters) if (voter.nodeId !== this.#self.nodeId && !this.#progress.has(voter.nodeId)) this.#track(voter, nextOffset)
  }

  #isVoter(progress: Progress): boolean {
    return progress.directoryId !== null && this.#membership.counts({ nodeId: progress.nodeId, directoryId: progress.directoryId })
  }

  /** By node id, so that effects come in one order whatever happened before. */
  #sorted(): Progress[] {
    return [...this.#progress.values()].sort((left, right) => left.nodeId - right.nodeId)
  }
}

/** What a node answers that does not lead. */
export function refusalOf(request: LeaderRequest): RaftEffect {
  switch (request.type) {
    case 'propose':
      return { type: 'refused', proposalId: request.proposalId, code: 'NOT_CONTROLLER' }
    case 'proposeVoters':
      return { type: 'votersRefused', proposalId: request.proposalId, refusal: { type: 'notLeader' } }
    case 'transfer':
      return { type: 'transfer', outcome: 'refused', to: request.to }
    case 'readIndex':
      return { type: 'readable', readId: request.readId, commitIndex: null }
    default:
      return unreachable(request)
  }
}
