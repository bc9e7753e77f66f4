import type { Done } from '../base/done.ts'
import type { Replica } from './replica.ts'

/** What is asked of a partition that this node leads about time and about how far back its log goes. */
export interface LeaderRecords {
  /**
   * The first record below the high watermark whose timestamp is at least timestampMs; offset and timestamp −1: there is none.
   * Errors: OFFSET_NOT_AVAILABLE, NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR.
   */
  findTimestamp(replica: Replica, timestampMs: number, done: Done<{ readonly offset: number; readonly timestamp: number }>): void
  /**
   * Drops all below beforeOffset (−1: below the high watermark); answers the first offset kept once that is durable.
   * Errors: OFFSET_OUT_OF_RANGE, NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR, REQUEST_TIMED_OUT (indefinite).
   */
  deleteRecords(replica: Replica, request: { readonly beforeOffset: number; readonly timeoutMs: number }, done: Done<number>): void
}
