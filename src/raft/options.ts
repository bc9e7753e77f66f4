import type { EpochStart } from '../base/epochs.ts'
import type { Random } from '../base/random.ts'
import type { RaftLimits } from './limits.ts'
import type { PeerIdentity, VoterSet } from './messages.ts'

/** What a Raft core starts from: who it is, and what its disk holds. */
export interface RaftOptions {
  readonly self: PeerIdentity
  /** The node has the controller role. */
  readonly canVote: boolean
  /** From the config (rules R2.2). */
  readonly firstVoterIds: readonly number[]
  readonly random: Random
  /** Term and vote as saved. */
  readonly term: number
  readonly votedFor: number | null
  /** Which term began where in the recovered log. */
  readonly epochs: readonly EpochStart[]
  /** Above 0: the log goes on behind a snapshot, which `snapshotStored` tells of before anything else. */
  readonly startOffset: number
  /** Term of the entry before startOffset, −1 at 0. */
  readonly startTerm: number
  readonly endOffset: number
  readonly persistedEndOffset: number
  /**
   * The set of the newest voter record in the log, committed or not (R4.4: effective on append).
   * Else a wiped voter that has a part of the log would forget with its restart that it is none, and stand.
   */
  readonly voterSet: VoterSet
  /** The metadata log is damaged: no vote, no count, until log and commit index reach this offset (rules R3.4). */
  readonly damagedBelow?: number | null
  /** The shortest election timeout, 20 unless given (rules 8). */
  readonly electionTicks?: number
  /** The usual ones unless given. */
  readonly limits?: RaftLimits
}
