import type { Uuid } from '../base/ids.ts'
import type { PartitionRef } from './commands.ts'

/** A replica of a partition that has no leader, as its broker sees it (rules R5.2, R5.7). */
export interface LeaderlessReport {
  readonly topicId: Uuid
  readonly partition: number
  readonly partitionEpoch: number
  /** Epoch of the last batch, −1 when the log is empty. */
  readonly lastEpoch: number
  readonly syncedEndOffset: number
  readonly suspect: boolean
  readonly damaged: boolean
}

/** Rides in a broker's answers to the leader's Raft heartbeats: the only heartbeat there is (rules R5.2). */
export interface BrokerStatus {
  readonly incarnationId: Uuid
  /** −1 before it is registered. */
  readonly brokerEpoch: number
  /** Exclusive: metadata applied by this broker. */
  readonly appliedOffset: number
  readonly wantsShutdown: boolean
  readonly diskLow: boolean
  /** All dead logs of this incarnation. */
  readonly deadLogs: readonly PartitionRef[]
  /** A chunk, at most 1,000 an answer; chunks come round in turn. */
  readonly leaderless: readonly LeaderlessReport[]
}
