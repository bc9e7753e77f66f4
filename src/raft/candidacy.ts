import { assert } from '../base/assert.ts'
import type { Membership } from './membership.ts'
import type { PeerIdentity, RaftMessage } from './messages.ts'
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
  /** The newest answer of a peer; a granted one stands. */
  readonly #answers = new Map<number, { readonly from: PeerIdentity; readonly granted: boolean }>()

  /** `term`: the present one; a pre-vote asks for the next. */
  constructor(options: {
    readonly selfId: number
    readonly isPreVote: boolean
    readonly isOnEvidence: boolean
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
  }

  askAll(membership: Membership): void {
    for (const { nodeId } of membership.voters) if (nodeId !== this.#selfId) this.ask(nodeId)
  }

  ask(nodeId: number): void {
    const { lastTerm, endOffset } = this.#log
    this.#send(nodeId, { type: 'voteRequest', preVote: this.isPreVote, term: this.#term, lastTerm, endOffset })
  }

  record(from: PeerIdentity, granted: boolean): void {
    assert(from.nodeId !== this.#selfId, 'the own vote is on disk, not in an answer')
    if (this.#answers.get(from.nodeId)?.granted === true) return
    this.#answers.set(from.nodeId, { from, granted })
  }

  /** `ownVote`: whether the own vote may count by now (saved, or a pre-vote). Only answers of those that count are counted. */
  outcome(membership: Membership, ownVote: boolean): VoteOutcome {
    const tally = this.#tally(membership, ownVote)
    return voteOutcome({ voterCount: membership.voters.length, granted: tally.granted, refused: tally.refused })
  }

  /** Whether the answers still to come of those that are up cannot win it: the rest may never answer. */
  isHopeless(membership: Membership, upPeers: Iterable<PeerIdentity>): boolean {
    let reachable = this.#tally(membership, true).granted
    for (const peer of upPeers) if (membership.counts(peer) && !this.#answers.has(peer.nodeId)) reachable++
    return reachable < majorityOf(membership.voters.length)
  }

  #tally(membership: Membership, ownVote: boolean): { readonly granted: number; readonly refused: number } {
    let granted = ownVote && membership.selfVotes ? 1 : 0
    let refused = 0
    for (const answer of this.#answers.values()) {
      if (!membership.counts(answer.from)) continue
      if (answer.granted) granted++
      else refused++
    }
    return { granted, refused }
  }
}
