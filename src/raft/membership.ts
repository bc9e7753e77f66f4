import { assert } from '../base/assert.ts'
import type { PeerIdentity, Voter, VoterSet } from './messages.ts'
import { majorityOf } from './quorum.ts'

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
  #previous: readonly Voter[] = []
  #offset = -1

  constructor(options: {
    readonly self: PeerIdentity
    readonly canVote: boolean
    readonly firstVoterIds: readonly number[]
    readonly voterSet: VoterSet
  }) {
    this.#self = options.self
    this.#canVote = options.canVote
    this.#firstVoters = sortVoters(options.firstVoterIds.map((nodeId) => ({ nodeId, directoryId: null })))
    this.set(options.voterSet)
  }

  /** Replaces the known set; an empty one means that none is known. */
  set({ voters, offset, previous }: VoterSet): void {
    assert(voters.length === 0 ? offset === -1 : offset >= 0, 'a known set stands in the log')
    this.#voters = sortVoters(voters)
    this.#previous = previous
    this.#offset = offset
  }

  /** False until a voter record was seen: the time of bootstrap. */
  get isKnown(): boolean {
    return this.#voters.length > 0
  }

  /** The set as it was told; empty when none is known. */
  get knownVoters(): readonly Voter[] {
    return this.#voters
  }

  /** Of the entry that made the known set; −1 when none is known. */
  get offset(): number {
    return this.#offset
  }

  /** The set that majorities are made of, by node id. */
  get voters(): readonly Voter[] {
    return this.isKnown ? this.#voters : this.#firstVoters
  }

  /** The node has the controller role: it votes when it is asked. Whether its vote counts is judged by who asked. */
  get canVote(): boolean {
    return this.#canVote
  }

  /** Whether this node is a voter by id and folder; if not, it observes. */
  get selfVotes(): boolean {
    return this.#canVote && this.counts(this.#self)
  }

  /**
   * Whether this node may stand: a voter, or one that the newest set leaves out while nothing says that this set is committed. That one may
   * be needed: with {1, 2}, 1 appends the set {2} and dies before 2 has it; then 1 alone has the longer log (dissertation 4.2.2).
   */
  mayStand(commitIndex: number): boolean {
    if (this.selfVotes) return true
    return this.#canVote && this.#offset >= commitIndex && this.#previous.some((voter) => isSame(voter, this.#self))
  }

  has(nodeId: number): boolean {
    return this.voters.some((voter) => voter.nodeId === nodeId)
  }

  /** Whether the votes and acknowledgements of `peer` count here. A voter whose folder is not filled in yet does not (rules R2.2). */
  counts(peer: PeerIdentity): boolean {
    return this.voters.some((voter) => voter.nodeId === peer.nodeId && (voter.directoryId === peer.directoryId || !this.isKnown))
  }

  /** Whether these peers, and this node, are more than half of the voters. */
  isMajority(peers: Iterable<PeerIdentity>): boolean {
    let count = this.selfVotes ? 1 : 0
    for (const peer of peers) if (this.counts(peer)) count++
    return count >= majorityOf(this.voters.length)
  }

  /**
   * Whether `peer` may be given a vote, if its log deserves it. Before a set is known, the first voters. Afterwards anybody: the set that
   * makes it a voter may be in an entry that only the candidate has, and without this vote nobody could be elected any more.
   */
  mayBeVotedFor(peer: PeerIdentity): boolean {
    return this.isKnown || this.has(peer.nodeId)
  }
}

function isSame(voter: Voter, peer: PeerIdentity): boolean {
  return voter.nodeId === peer.nodeId && voter.directoryId === peer.directoryId
}

function sortVoters(voters: readonly Voter[]): readonly Voter[] {
  const sorted = [...voters].sort((left, right) => left.nodeId - right.nodeId)
  for (let at = 1; at < sorted.length; at++) assert(sorted[at]?.nodeId !== sorted[at - 1]?.nodeId, 'a node is one voter')
  return sorted
}
