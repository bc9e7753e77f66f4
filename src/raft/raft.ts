import { assert, unreachable } from '../base/assert.ts'
import { Ballot } from './ballot.ts'
import { Candidacy } from './candidacy.ts'
import { noteStored, noteTaken } from './durable-snapshots.ts'
import type { PeerProgress, RaftEffect, RaftInput, RaftRole } from './effects.ts'
import { ElectionClock } from './election-clock.ts'
import { Follower } from './follower.ts'
import { Leader, refusalOf } from './leader.ts'
import { Membership } from './membership.ts'
import type { AppendReply, PeerIdentity, RaftMessage, Snapshot, SnapshotReply, TimeoutNow, Voter, VoteReply, VoterSet, VoteRequest } from './messages.ts'
import type { RaftOptions } from './options.ts'
import { RaftLog } from './raft-log.ts'
import { isWellFormed } from './validate.ts'
import { judgeVote, type VoteVerdict } from './vote.ts'
import type { VoterRefusal } from './voter-change.ts'

/**
 * The consensus of rules 4, as one pure machine.
 *
 *   observer      not a voter by id and folder, or no controller    voter set names it → follower, and back
 *   follower      election timeout, or evidence (R5.5)              → preCandidate
 *   preCandidate  majority would vote (R4.2)                        → candidate, term + 1
 *                 majority refuses, or votes for another            → follower
 *   candidate     majority voted, own vote saved                    → leader
 *                 majority refuses                                  → follower
 *   leader        majority silent for an election timeout           → follower, same term
 *                 replaced by a committed voter set, nobody took over → observer, same term
 *   follower      its leader hands over (timeoutNow)                → candidate, term + 1
 *   any           higher term in a message (a pre-vote's aside)     → follower or observer, that term, no vote
 *   any but leader: append of the own term                          → follower or observer of its sender
 *
 * Invariants:
 *   one leader a term · term, commitIndex never go back · one vote a term and never two · nothing committed is cut ·
 *   no message leaves before term and vote are saved (Ballot) · an acceptance tells only what is persisted and equal to the leader's log ·
 *   only (id, folder) of the voter set counts; a damaged node neither votes nor counts · a snapshot that is durable is the truth up to its end,
 *   whoever sent it: it is installed where the log does not lead to it, and a leader's always does.
 *
 * The driver's contract: effects are performed in order and at once. `persisted` names the term of the append (or appendOpening) effect that
 * it answers. One that comes in another term is ignored: a cut may have come between. What was appended in an earlier term and not
 * cut is stated anew: the core emits an `append` without entries, once its log is known to equal the leader's, and the driver answers
 * it with `persisted` of that term when all below its startOffset is synced.
 */
export class Raft {
  readonly #self: PeerIdentity
  readonly #membership: Membership
  readonly #ballot: Ballot
  readonly #log: RaftLog
  readonly #clock: ElectionClock
  readonly #limits: RaftOptions['limits']
  /** Peers that are up, as told by peerUp. */
  readonly #peers = new Map<number, PeerIdentity>()
  #role: RaftRole
  #leaderId: number | null = null
  /** The term of the last role effect; at the start, the saved one. */
  #toldTerm: number
  #leader: Leader | null = null
  /** Of this term's leader, even while it is not believed to live. */
  #follower: Follower | null = null
  #candidacy: Candidacy | null = null
  #damagedBelow: number | null
  #effects: RaftEffect[] = []
  readonly #emit = (effect: RaftEffect): void => {
    this.#effects.push(effect)
  }
  readonly #send = (to: number, message: RaftMessage): void => this.#ballot.send(to, message)

  constructor(options: RaftOptions) {
    this.#self = options.self
    this.#membership = new Membership(options)
    this.#ballot = new Ballot({ term: options.term, votedFor: options.votedFor, emit: this.#emit })
    this.#log = new RaftLog(options)
    this.#limits = options.limits
    this.#clock = new ElectionClock(options.random, options.electionTicks)
    this.#damagedBelow = options.damagedBelow ?? null
    this.#role = this.#restRole
    this.#toldTerm = options.term
    // Entries may reach the disk before the term they came in; no message of that term has left then.
    if (this.#log.lastTerm > options.term) this.#ballot.enterTerm(this.#log.lastTerm)
  }

  get role(): RaftRole {
    return this.#role
  }

  get term(): number {
    return this.#ballot.term
  }

  get leaderId(): number | null {
    return this.#leaderId
  }

  get isLeader(): boolean {
    return this.#leader !== null
  }

  /** Exclusive. */
  get commitIndex(): number {
    return this.#log.commitIndex
  }

  get endOffset(): number {
    return this.#log.endOffset
  }

  get persistedEndOffset(): number {
    return this.#log.persistedEndOffset
  }

  /** The known voter set, by node id; empty when none is known. */
  get voterSet(): readonly Voter[] {
    return this.#membership.knownVoters
  }

  /** Null once the node may vote and count again: the driver keeps the mark of rules R3.6 until then. */
  get damagedBelow(): number | null {
    return this.#damagedBelow
  }

  /** Why a proposal of this voter set would be refused now; undefined: it would be taken. */
  judgeVoters(voters: readonly Voter[]): VoterRefusal | undefined {
    return this.#leader === null ? { type: 'notLeader' } : this.#leader.judgeVoters(voters)
  }

  /** Every peer and this node, by id; empty when this node does not lead. */
  progress(): PeerProgress[] {
    return this.#leader?.describe() ?? []
  }

  step(input: RaftInput): RaftEffect[] {
    this.#effects = []
    this.#dispatch(input)
    this.#heal()
    // The voter set, or the news that it is committed, may have made a voter of an observer, or the other way round.
    if (this.#leader === null && this.#candidacy === null) this.#setRole(this.#restRole, this.#leaderId)
    const save = this.#ballot.takeSave()
    if (save !== undefined) this.#effects.unshift(save)
    assert((this.#leader !== null) === (this.#role === 'leader'), 'a leader, and nobody else, keeps progress')
    return this.#effects
  }

  #dispatch(input: RaftInput): void {
    switch (input.type) {
      case 'tick':
        this.#tick()
        break
      case 'message':
        this.#receive(input.from, input.message)
        break
      case 'propose':
      case 'proposeVoters':
      case 'transfer':
      case 'readIndex':
        if (this.#leader !== null) this.#leader.ask(input)
        else this.#emit(refusalOf(input))
        break
      case 'persisted':
        this.#persisted(input.term, input.endOffset)
        break
      case 'voteSaved':
        this.#ballot.saved(input.term, input.votedFor)
        this.#judgeCandidacy()
        break
      case 'entriesSent':
        if (input.term === this.term) this.#leader?.entriesSent(input)
        break
      case 'peerUp':
        this.#peerUp(input.peer)
        break
      case 'peerDown':
        this.#peerDown(input.nodeId, input.reason)
        break
      case 'voterSet':
        this.#setVoters(input.set)
        break
      case 'timer':
        if (this.#clock.fires(input.timerId)) this.#campaignOnEvidence()
        break
      case 'snapshotTaken':
        if (noteTaken(this.#log, input.snapshot, this.#emit)) this.#leader?.logCut()
        break
      case 'snapshotStored':
        this.#snapshotStored(input.snapshot, input.voters)
        break
      case 'snapshotInvalid':
        if (input.term === this.term) this.#follower?.snapshotInvalid(input)
        break
      case 'snapshotWritten':
        if (input.term === this.term) this.#follower?.snapshotWritten(input)
        break
      case 'snapshotSent':
        if (input.term === this.term) this.#leader?.snapshotSent(input)
        break
      default:
        unreachable(input)
    }
  }

  #receive(from: PeerIdentity, message: RaftMessage): void {
    if (from.nodeId === this.#self.nodeId || !isWellFormed(message)) return
    switch (message.type) {
      case 'voteRequest':
        if (message.preVote) this.#onPreVote(from, message)
        else this.#onVote(from, message)
        break
      case 'voteReply':
        this.#onVoteReply(from, message)
        break
      case 'append':
        this.#followerOf(from, message.term, message.startOffset)?.receive(message)
        break
      case 'appendReply':
        this.#onAppendReply(from, message)
        break
      case 'snapshotChunk':
        this.#followerOf(from, message.term, message.endOffset)?.receiveSnapshot(message)
        break
      case 'snapshotReply':
        this.#onSnapshotReply(from, message)
        break
      case 'timeoutNow':
        this.#onTimeoutNow(from, message)
        break
      case 'readProbe':
        if (message.term <= this.term) this.#send(from.nodeId, { type: 'readProbeReply', term: this.term, round: message.round })
        break
      case 'readProbeReply':
        if (message.term > this.term) this.#enterTerm(message.term)
        else if (message.term === this.term) this.#leader?.readConfirmed(from, message.round)
        break
      default:
        unreachable(message)
    }
  }

  // Time and evidence

  #tick(): void {
    if (this.#leader !== null) {
      this.#leader.tick()
      if (!this.#leader.hearsMajority || this.#leader.hasResigned) this.#stepDown()
      return
    }
    this.#clock.tick()
    const isAlone = this.#membership.voters.length === 1 && this.#membership.selfVotes && this.#role === 'follower'
    if (!isAlone && !this.#clock.isDue) return
    if (this.#isElector) this.#campaign(false)
    else {
      this.#clock.restart()
      this.#setRole(this.#role, null)
    }
  }

  #peerUp(peer: PeerIdentity): void {
    assert(peer.nodeId !== this.#self.nodeId, 'a node is no peer of itself')
    this.#peers.set(peer.nodeId, peer)
    this.#leader?.peerUp(peer)
    if (this.#leaderId !== null || !this.#isElector || !this.#membership.has(peer.nodeId)) return
    this.#candidacy?.ask(peer.nodeId)
    this.#arm('evidence')
  }

  #peerDown(nodeId: number, reason: 'closed' | 'refused'): void {
    this.#peers.delete(nodeId)
    this.#leader?.peerDown(nodeId)
    if (nodeId === this.#leaderId && reason === 'refused') {
      this.#setRole(this.#role, null)
      if (this.#isElector) this.#arm('evidence')
    }
    this.#judgeCandidacy()
  }

  #arm(reason: 'evidence' | 'retry'): void {
    const timer = this.#clock.arm(reason)
    if (timer !== undefined) this.#emit(timer)
  }

  #campaignOnEvidence(): void {
    if (!this.#isElector || this.#leader !== null || this.#leaderId !== null) return
    // Votes of this term are still on their way, or on their way to a disk: asking anew would throw them away.
    if (this.#role === 'candidate' && this.#candidacy?.isHopeless(this.#membership, this.#peers.values()) === false) return
    this.#campaign(true)
  }

  // Elections

  /** Whether this node may stand (rules R2.2, R3.4). */
  get #isElector(): boolean {
    return this.#membership.mayStand(this.#log.commitIndex) && this.#damagedBelow === null
  }

  get #restRole(): RaftRole {
    return this.#membership.mayStand(this.#log.commitIndex) ? 'follower' : 'observer'
  }

  #campaign(isOnEvidence: boolean): void {
    assert(this.#isElector && this.#leader === null, 'only an elector that does not lead campaigns')
    this.#clock.restart()
    this.#candidacy = this.#newCandidacy({ isPreVote: true, isOnEvidence, heardAll: false })
    this.#setRole('preCandidate', null)
    this.#candidacy.askAll(this.#membership)
    this.#judgeCandidacy()
  }

  #stand(isOnEvidence: boolean, heardAll: boolean): void {
    this.#enterTerm(this.term + 1, 'candidate')
    this.#ballot.vote(this.#self)
    this.#candidacy = this.#newCandidacy({ isPreVote: false, isOnEvidence, heardAll })
    this.#candidacy.askAll(this.#membership)
  }

  #newCandidacy(options: { readonly isPreVote: boolean; readonly isOnEvidence: boolean; readonly heardAll: boolean }): Candidacy {
    return new Candidacy({ ...options, selfId: this.#self.nodeId, term: this.term, log: this.#log, send: this.#send })
  }

  /** The leader hands over: it lives, so that there is no need for a pre-vote, and nobody would grant one (rules R4.2). */
  #onTimeoutNow(from: PeerIdentity, message: TimeoutNow): void {
    if (message.term !== this.term || from.nodeId !== this.#leaderId || this.#leader !== null || !this.#isElector) return
    this.#clock.restart()
    this.#stand(true, false)
  }

  #judgeCandidacy(): void {
    const candidacy = this.#candidacy
    if (candidacy === null) return
    const outcome = candidacy.outcome(this.#membership, candidacy.isPreVote || this.#ballot.isSaved)
    if (outcome === 'won') {
      if (candidacy.isPreVote) this.#stand(candidacy.isOnEvidence, candidacy.hasHeardAll(this.#membership))
      else this.#lead()
      return
    }
    if (outcome === 'lost') {
      this.#candidacy = null
      this.#setRole(this.#restRole, null)
    }
    const isOver = outcome === 'lost' || candidacy.isHopeless(this.#membership, this.#peers.values())
    if (isOver && candidacy.isOnEvidence && this.#isMajorityUp) this.#arm('retry')
  }

  /** With fewer up, a retry would be in vain; the next peerUp campaigns. */
  get #isMajorityUp(): boolean {
    return this.#membership.isMajority(this.#peers.values())
  }

  #judgeVote(from: PeerIdentity, request: VoteRequest): VoteVerdict {
    return this.#damagedBelow === null ? judgeVote(from, request, this.#membership, this.#log) : 'refused'
  }

  #onPreVote(from: PeerIdentity, request: VoteRequest): void {
    // Its own leader asks: it restarted or gave up, so that it leads this term no more.
    if (from.nodeId === this.#leaderId && request.term > this.term) {
      this.#setRole(this.#role, null)
      if (this.#isElector) this.#arm('evidence')
    }
    const isLeaderAlive = this.#leader !== null || (this.#leaderId !== null && this.#clock.isLeaderRecent)
    const verdict = request.term > this.term && !isLeaderAlive ? this.#judgeVote(from, request) : 'refused'
    const granted = verdict === 'granted'
    this.#send(from.nodeId, { type: 'voteReply', preVote: true, term: granted ? request.term : this.term, granted, empty: verdict === 'empty' })
  }

  #onVote(from: PeerIdentity, request: VoteRequest): void {
    if (request.term > this.term && this.#membership.mayBeVotedFor(from)) this.#enterTerm(request.term)
    const isFree = this.#ballot.isFreeFor(from, this.#membership.isKnown) && (this.#leaderId === null || this.#ballot.votedFor !== null)
    const granted = request.term === this.term && isFree && this.#judgeVote(from, request) === 'granted'
    if (granted) {
      this.#ballot.vote(from)
      this.#candidacy = null
      this.#setRole(this.#restRole, this.#leaderId)
      this.#clock.restart()
      this.#clock.disarm()
    }
    this.#send(from.nodeId, { type: 'voteReply', preVote: false, term: this.term, granted, empty: false })
  }

  #onVoteReply(from: PeerIdentity, reply: VoteReply): void {
    const candidacy = this.#candidacy
    if (reply.term > this.term && !reply.granted) {
      this.#enterTerm(reply.term)
      if (candidacy?.isOnEvidence === true && this.#isMajorityUp) this.#arm('retry')
      return
    }
    if (candidacy === null || candidacy.isPreVote !== reply.preVote || !this.#membership.has(from.nodeId)) return
    const isRefusedPreVote = reply.preVote && !reply.granted // It names the term of the one who refuses, at most ours.
    if (!isRefusedPreVote && reply.term !== (reply.preVote ? this.term + 1 : this.term)) return
    candidacy.record(from, reply, this.#membership)
    this.#judgeCandidacy()
  }

  #lead(): void {
    assert(this.#ballot.isSaved && this.#ballot.votedFor === this.#self.nodeId, 'a leader voted for itself, on disk')
    this.#candidacy = null
    this.#clock.disarm()
    const [self, term, log, membership, emit, send] = [this.#self, this.term, this.#log, this.#membership, this.#emit, this.#send]
    this.#leader = new Leader({ self, term, log, membership, emit, send, electionTicks: this.#clock.minTicks, limits: this.#limits })
    this.#setRole('leader', this.#self.nodeId)
    this.#leader.start([...this.#peers.values()])
  }

  #stepDown(): void {
    this.#leader?.end()
    this.#leader = null
    this.#clock.restart()
    this.#setRole(this.#restRole, null)
  }

  #enterTerm(term: number, role: RaftRole = this.#restRole, leaderId: number | null = null): void {
    if (this.#leader !== null) this.#clock.restart()
    this.#leader?.end()
    this.#ballot.enterTerm(term)
    this.#leader = null
    this.#candidacy = null
    this.#follower = null
    this.#setRole(role, leaderId)
  }

  #setRole(role: RaftRole, leaderId: number | null): void {
    const term = this.term
    if (this.#role === role && this.#leaderId === leaderId && this.#toldTerm === term) return
    this.#role = role
    this.#leaderId = leaderId
    this.#toldTerm = term
    this.#emit({ type: 'role', role, term, leaderId })
  }

  #setVoters(set: VoterSet): void {
    this.#membership.set(set)
    this.#leader?.voterSetChanged(this.#peers)
    if (!this.#isElector) this.#candidacy = null
    this.#judgeCandidacy()
    this.#advanceCommit()
  }

  // Replication

  /** What is kept of the leader of `messageTerm`, who was just heard; undefined: it leads no more. */
  #followerOf(from: PeerIdentity, messageTerm: number, startOffset: number): Follower | undefined {
    if (messageTerm < this.term) {
      // So that a leader of the past learns the term and gives up.
      const { term } = this
      this.#send(from.nodeId, { type: 'appendReply', term, startOffset, result: { type: 'rejected', hintTerm: -1, hintEndOffset: 0 } })
      return undefined
    }
    if (messageTerm > this.term) this.#enterTerm(messageTerm, this.#restRole, from.nodeId)
    assert(this.#leader === null, 'one leader a term')
    this.#candidacy = null
    this.#clock.heardLeader()
    this.#setRole(this.#restRole, from.nodeId)
    this.#follower ??= new Follower({
      leaderId: from.nodeId,
      term: this.term,
      log: this.#log,
      emit: this.#emit,
      send: this.#send,
      mayCount: () => this.#heal(),
    })
    assert(this.#follower.leaderId === from.nodeId, 'one leader a term')
    return this.#follower
  }

  #persisted(term: number, endOffset: number): void {
    if (term !== this.term) return
    this.#log.persisted(endOffset)
    if (this.#leader !== null) this.#advanceCommit()
    else if (this.#leaderId !== null) this.#follower?.persisted()
  }

  #onAppendReply(from: PeerIdentity, reply: AppendReply): void {
    if (reply.term > this.term) this.#enterTerm(reply.term)
    else if (reply.term === this.term) this.#leader?.receive(from, reply)
    this.#advanceCommit()
  }

  #onSnapshotReply(from: PeerIdentity, reply: SnapshotReply): void {
    if (reply.term > this.term) this.#enterTerm(reply.term)
    else if (reply.term === this.term) this.#leader?.receiveSnapshotReply(from, reply)
  }

  #snapshotStored(snapshot: Snapshot, voters: readonly Voter[]): void {
    const outcome = noteStored(this.#log, snapshot, { term: this.term, equalBelow: this.#follower?.matchedEndOffset ?? 0, emit: this.#emit })
    if (outcome === 'committed') this.#leader?.committed()
    if (outcome !== 'installed') return
    assert(this.#leader === null, 'a leader holds all that is committed')
    this.#follower?.installed(snapshot.endOffset)
    this.#setVoters({ voters, offset: snapshot.endOffset - 1, previous: [] })
  }

  #advanceCommit(): void {
    const leader = this.#leader
    if (leader === null || !this.#log.commit(leader.decidedIndex())) return
    this.#emit({ type: 'committed', commitIndex: this.#log.commitIndex })
    leader.committed()
  }

  /** Once log and known commit have passed the mark, what was lost is back (rules R3.4). Returns whether this node may count. */
  #heal(): boolean {
    if (this.#damagedBelow === null) return true
    if (this.#log.persistedEndOffset >= this.#damagedBelow && this.#log.commitIndex >= this.#damagedBelow) this.#damagedBelow = null
    return this.#damagedBelow === null
  }
}
