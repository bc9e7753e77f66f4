import type { Uuid } from '../base/ids.ts'

/** Where other nodes dial a voter. */
export interface VoterEndpoint {
  readonly host: string
  readonly grpcPort: number
}

/** A voter of the quorum; directoryId null until its first Hello (rules R2.2). endpoint null: in nodes' cluster files alone. */
export interface VoterRecord {
  readonly nodeId: number
  readonly directoryId: Uuid | null
  readonly endpoint: VoterEndpoint | null
}

/** An in-sync replica under the broker epoch that it joined with (rules R5.4). */
export interface IsrMember {
  readonly nodeId: number
  readonly brokerEpoch: number
}

/** A partition on its way from one list of replicas to another (KIP-455): it ends once all that are added are in sync. */
export interface Reassignment {
  /** The replicas as they were: what a cancellation goes back to, and whose number is the replication factor until then. */
  readonly from: readonly number[]
  readonly to: readonly number[]
  /** Of what is moved under this limit each broker takes so much at most (KIP-73, but it ends with the move); null: what it can. */
  readonly bytesPerSecond: number | null
}

/** The whole state of one partition. `leader` −1: none. `replicas` in assignment order, preferred leader first. */
export interface PartitionState {
  readonly topicId: Uuid
  readonly partition: number
  /** While it is reassigned: `from`, then those of `to` that are added. */
  readonly replicas: readonly number[]
  readonly isr: readonly IsrMember[]
  readonly elr: readonly number[]
  readonly leader: number
  readonly leaderEpoch: number
  /** Metadata offset of the entry that granted the leader epoch (rules R5.4). */
  readonly leaderGrantedOffset: number
  readonly partitionEpoch: number
  /**
   * There was an unclean election, and not every replica has been in sync since: one that comes back may hold what was given up, and is then cut below
   * its high watermark (rules R6.3).
   */
  readonly unclean: boolean
  /** null: it stays where it is. */
  readonly reassignment: Reassignment | null
}

/** Whether the partition is on its way to that broker, which did not hold it before. */
export function isBeingAdded({ reassignment }: Pick<PartitionState, 'reassignment'>, nodeId: number): boolean {
  if (reassignment === null) return false
  const { from, to } = reassignment
  return to.includes(nodeId) && !from.includes(nodeId)
}

/** The number that min.insync.replicas is counted by: replicas that are still being added make no difference to it. */
export function replicationFactorOf(state: Pick<PartitionState, 'replicas' | 'reassignment'>): number {
  return (state.reassignment?.from ?? state.replicas).length
}

export interface BrokerAddress {
  readonly host: string
  readonly grpcPort: number
  readonly kafkaPort: number | null
  readonly httpPort: number | null
  readonly rack: string | null
}

/**
 * What a decision consists of. One Raft entry = one decision = a list of these, applied atomically (rules R5.1).
 * Wire form: proto/oxbow/v1/records.proto.
 */
export type MetadataRecord =
  /** The first entry of a cluster (rules R2.2). */
  | { readonly type: 'cluster'; readonly clusterId: Uuid; readonly voters: readonly VoterRecord[] }
  | { readonly type: 'voters'; readonly voters: readonly VoterRecord[] }
  /** Opens a leader's term. */
  | { readonly type: 'leaderChange'; readonly leaderId: number }
  /** Registers a process; the offset of this entry becomes its broker epoch. It starts fenced (rules R5.3). */
  | { readonly type: 'broker'; readonly nodeId: number; readonly incarnationId: Uuid; readonly directoryIds: readonly Uuid[]; readonly address: BrokerAddress }
  | { readonly type: 'brokerState'; readonly nodeId: number; readonly brokerEpoch: number; readonly fenced: boolean; readonly draining: boolean }
  /** An operator's mark (BrokerImage), of the node id: it outlives the process and its broker epoch. */
  | { readonly type: 'brokerMaintenance'; readonly nodeId: number; readonly maintenance: boolean }
  /** The broker is gone for good: it was fenced and held no replica. Whoever comes under that id later is a new one. */
  | { readonly type: 'brokerUnregistered'; readonly nodeId: number; readonly brokerEpoch: number }
  | { readonly type: 'topic'; readonly topicId: Uuid; readonly name: string }
  /** A partition made or changed: its whole new state. */
  | { readonly type: 'partition'; readonly state: PartitionState }
  | { readonly type: 'topicDeleted'; readonly topicId: Uuid }
  /** value null: back to the default. */
  | { readonly type: 'topicConfig'; readonly topicId: Uuid; readonly key: string; readonly value: string | null }
  /** Ids below nextProducerId are handed out. */
  | { readonly type: 'producerIds'; readonly nextProducerId: number }
