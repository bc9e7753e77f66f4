import { assert } from '../base/assert.ts'
import type { Membership } from './membership.ts'
import type { PeerIdentity, RaftMessage, VoteReply } from './messages.ts'
import { majorityOf, type VoteOutcome, voteOutcome } from './quorum.ts'
import type { RaftLog } from './raft-log.ts'

/** One round of asking for votes, or for pre-votes: who said what. Born with each round, so that no answer outlives it. */
export class Candidacy {
  readonly isPreVote: boolean
  /** Rules R5.5: a round that began on evidence is tried again soon. */
  readonly isOnEvidence: boolean
  readonly #selfId: number
  readonly #term: number
  readonly #log: RaftLog
  readonly #send: (to: number, message: RaftMessage) => void
  /** The newest answer of a peer; one that was granted and counts stands. */
  readonly #answers = new Map<number, { readonly from: PeerIdentity; readonly granted: boolean; readonly empty: boolean }>()
  readonly #heardAll: boolean

  /** `term`: the present one; a pre-vote asks for the next. */
  constructor(options: {
    readonly selfId: number
    readonly isPreVote: boolean
    readonly isOnEvidence: boolean
    /** What a pre-vote before it found. */
    readonly heardAll: boolean
    readonly term: number
    readonly log: RaftLog
    readonly send: (to: number, message: RaftMessage) => void
  }) {
    this.#selfId = options.selfId
    this.#term = options.isPreVote ? options.term + 1 : options.term
    this.#log = options.log
    this.#send = options.send
    this.isPreVote = options.isPreVote
    this.isOnEvidence = options.isOnEvidence
    this.#heardAll = options.heardAll
  }

  askAll(membership: Membership): void {
    for (const { nodeId } of membership.voters) if (nodeId !== this.#selfId) this.ask(nodeId)
  }

  ask(nodeId: number): void {
    const { lastTerm, endOffset } = this.#log
    this.#send(nodeId, { type: 'voteRequest', preVote: this.isPreVote, term: this.#term, lastTerm, endOffset, heardAll: this.#heardAll })
  }

  /** Of any folder: one that does not count is heard all the same. */
  record(from: PeerIdentity, { granted, empty }: Pick<VoteReply, 'granted' | 'empty'>, membership: Membership): void {
    assert(from.nodeId !== this.#selfId, 'the own vote is on disk, not in an answer')
    const known = this.#answers.get(from.nodeId)
    if (known?.granted === true && membership.counts(known.from)) return
    this.#answers.set(from.nodeId, { from, granted, empty })
  }

  /** `ownVote`: whether the own vote may count by now (saved, or a pre-vote). Only answers of those that count are counted. */
  outcome(membership: Membership, ownVote: boolean): VoteOutcome {
    const { granted, empty, refused } = this.#tally(membership, ownVote)
    const voterCount = membership.voters.length
    // Those with empty logs vote for this one if the others all do, and not before that is known.
    if (this.hasHeardAll(membership)) return voteOutcome({ voterCount, granted: granted + empty, refused })
    return voteOutcome({ voterCount, granted, refused: refused === 0 ? 0 : refused + empty })
  }

  /** Every voter, whatever its folder, granted this pre-vote or has an empty log: no log anywhere is ahead (rules R2.2). */
  hasHeardAll(membership: Membership): boolean {
    const isHeard = (nodeId: number): boolean => {
      const answer = this.#answers.get(nodeId)
      return nodeId === this.#selfId || answer?.granted === true || answer?.empty === true
    }
    return this.isPreVote && membership.voters.every(({ nodeId }) => isHeard(nodeId))
  }

  /** Whether the answers still to come of those that are up cannot win it: the rest may never answer. */
  isHopeless(membership: Membership, upPeers: Iterable<PeerIdentity>): boolean {
    const { granted, empty, refused } = this.#tally(membership, true)
    let reachable = refused === 0 ? granted + empty : granted
    for (const peer of upPeers) if (membership.counts(peer) && !this.#answers.has(peer.nodeId)) reachable++
    return reachable < majorityOf(membership.voters.length)
  }

  #tally(membership: Membership, ownVote: boolean): { readonly granted: number; readonly empty: number; readonly refused: number } {
    let granted = ownVote && membership.selfVotes ? 1 : 0
    let empty = 0
    let refused = 0
    for (const answer of this.#answers.values()) {
      if (!membership.counts(answer.from)) continue
      if (answer.granted) granted++
      else if (answer.empty) empty++
      else refused++
    }
    return { granted, empty, refused }
  }
}
