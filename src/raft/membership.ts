import { assert } from '../base/assert.ts'
import type { PeerIdentity, Voter } from './messages.ts'

/**
 * Who votes and who counts, as this node knows it. A voter is (node id, directory id): a wiped disk is another one (rules R2.2).
 * Until a voter set is known, it is the first voters of the config with folders unknown, and any folder of theirs counts: without that
 * no first leader could commit the entry that names them.
 */
export class Membership {
  readonly #self: PeerIdentity
  readonly #canVote: boolean
  readonly #firstVoters: readonly Voter[]
  #voters: readonly Voter[] = []

  constructor(options: {
    readonly self: PeerIdentity
    readonly canVote: boolean
    readonly firstVoterIds: readonly number[]
    readonly voters: readonly Voter[]
  }) {
    this.#self = options.self
    this.#canVote = options.canVote
    this.#firstVoters = sortVoters(options.firstVoterIds.map((nodeId) => ({ nodeId, directoryId: null })))
    this.set(options.voters)
  }

  /** Replaces the known set; an empty one means that none is known. */
  set(voters: readonly Voter[]): void {
    this.#voters = sortVoters(voters)
  }

  /** False until a voter record was seen: the time of bootstrap. */
  get isKnown(): boolean {
    return this.#voters.length > 0
  }

  /** The set as it was told; empty when none is known. */
  get knownVoters(): readonly Voter[] {
    return this.#voters
  }

  /** The set that majorities are made of, by node id. */
  get voters(): readonly Voter[] {
    return this.isKnown ? this.#voters : this.#firstVoters
  }

  /** Whether this node is a voter by id and folder; if not, it observes. */
  get selfVotes(): boolean {
    return this.#canVote && this.counts(this.#self)
  }

  has(nodeId: number): boolean {
    return this.voters.some((voter) => voter.nodeId === nodeId)
  }

  /** Whether the votes and acknowledgements of `peer` count here. A voter whose folder is not filled in yet does not (rules R2.2). */
  counts(peer: PeerIdentity): boolean {
    return this.voters.some((voter) => voter.nodeId === peer.nodeId && (voter.directoryId === peer.directoryId || !this.isKnown))
  }

  /**
   * Whether `peer` may ask for a vote: not when it is surely no voter. A folder unknown here may have been filled in an entry that only
   * the candidate has applied; it judges itself by that entry.
   */
  mayStand(peer: PeerIdentity): boolean {
    return this.voters.some((voter) => voter.nodeId === peer.nodeId && (voter.directoryId === peer.directoryId || voter.directoryId === null))
  }
}

function sortVoters(voters: readonly Voter[]): readonly Voter[] {
  const sorted = [...voters].sort((left, right) => left.nodeId - right.nodeId)
  for (let at = 1; at < sorted.length; at++) assert(sorted[at]?.nodeId !== sorted[at - 1]?.nodeId, 'a node is one voter')
  return sorted
}
