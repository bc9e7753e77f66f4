import type { Code } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import type { BrokerAddress, IsrMember, MetadataRecord, VoterRecord } from '../metadata/records.ts'

export interface PartitionRef {
  readonly topicId: Uuid
  readonly partition: number
}

/** What a broker asks of the active controller: forwarded as data, answered once decided and committed. */
export type ControllerCommand =
  /** A new incarnation asks for its broker epoch; `damaged` replicas leave ISR and ELR in the same entry (rules R5.3). */
  | {
      readonly type: 'register'
      readonly nodeId: number
      readonly incarnationId: Uuid
      readonly directoryIds: readonly Uuid[]
      readonly address: BrokerAddress
      readonly damaged: readonly PartitionRef[]
      /** What stands on the folders of the broker, damaged or not, usable now or not; null: it does not say, for it has one folder alone. */
      readonly standing: readonly PartitionRef[] | null
    }
  | { readonly type: 'alterPartition'; readonly nodeId: number; readonly brokerEpoch: number; readonly proposal: IsrProposal }
  | {
      readonly type: 'createTopic'
      readonly name: string
      readonly partitions: number
      readonly replicationFactor: number
      readonly assignment: readonly (readonly number[])[] | null
      readonly configs: ReadonlyMap<string, string>
      readonly topicId: Uuid
      readonly validateOnly: boolean
    }
  | { readonly type: 'deleteTopic'; readonly topicId: Uuid }
  /** `partitions`: the total, 0 as it is; `assignment`: of the added ones, in order. */
  | {
      readonly type: 'alterTopic'
      readonly topicId: Uuid
      readonly partitions: number
      readonly assignment: readonly (readonly number[])[] | null
      readonly set: ReadonlyMap<string, string>
      readonly delete: readonly string[]
      readonly validateOnly: boolean
    }
  /**
   * Leadership goes to the first replica; null: wherever another one leads. unclean: an operator gives up what only replicas hold that are gone (rules
   * R5.7); null: wherever there is no leader.
   */
  | {
      readonly type: 'electLeaders'
      readonly unclean: boolean
      readonly partitions: readonly PartitionRef[] | null
      readonly validateOnly: boolean
      /** Of the image that the asker went by: an unclean election is meant for leaders that were lost by then. null: whenever that was. */
      readonly metadataOffset: number | null
    }
  /** `replicas`: where each partition is to go, preferred leader first; null: back to where it was. `bytesPerSecond` null: no limit. */
  | {
      readonly type: 'alterReassignments'
      readonly moves: readonly (PartitionRef & { readonly replicas: readonly number[] | null })[]
      readonly bytesPerSecond: number | null
      readonly validateOnly: boolean
    }
  | { readonly type: 'allocateProducerIds'; readonly count: number }
  /** A broker found its replica to be bad, though nobody was served that: it goes on unless it may leave. */
  | ({ readonly type: 'leaveIsr'; readonly nodeId: number; readonly brokerEpoch: number } & PartitionRef)
  /** An operator's mark on a broker (BrokerImage), set or taken off. */
  | { readonly type: 'alterMaintenance'; readonly nodeId: number; readonly maintenance: boolean }
  /** A broker that is gone for good leaves the metadata. */
  | { readonly type: 'unregisterBroker'; readonly nodeId: number; readonly validateOnly: boolean }
  /** directoryId null: the folder that the node has now. */
  | { readonly type: 'addVoter'; readonly nodeId: number; readonly directoryId: Uuid | null; readonly validateOnly: boolean }
  /** directoryId null: whatever folder it has. */
  | { readonly type: 'removeVoter'; readonly nodeId: number; readonly directoryId: Uuid | null; readonly validateOnly: boolean }

/** What only the active controller's own machine asks for: the outcome of evidence and reports. */
export type InternalCommand =
  | { readonly type: 'fence'; readonly nodeId: number; readonly brokerEpoch: number }
  | { readonly type: 'unfence'; readonly nodeId: number; readonly brokerEpoch: number }
  | { readonly type: 'drain'; readonly nodeId: number; readonly brokerEpoch: number }
  /** The log of these partitions is dead on that broker: it counts as fenced for them (rules R5.2). */
  | { readonly type: 'deadLogs'; readonly nodeId: number; readonly brokerEpoch: number; readonly partitions: readonly PartitionRef[] }
  /** Elect leaders for partitions that have none and now can have one (rules R5.7). */
  | { readonly type: 'elect'; readonly partitions: readonly PartitionRef[] }
  /** The same for those of topics with unclean.leader.election.enable, where records may have to be given up. */
  | { readonly type: 'electUnclean'; readonly partitions: readonly PartitionRef[] }
  /** A voter known by id alone said Hello (rules R2.2). */
  | { readonly type: 'fillVoter'; readonly nodeId: number; readonly directoryId: Uuid }

/** A leader's wish for a new ISR (Kafka AlterPartition, rules R5.6). A retry repeats it unchanged. */
export interface IsrProposal {
  readonly topicId: Uuid
  readonly partition: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly isr: readonly IsrMember[]
}

/** Who leads by an election, and where its log ended when it last said so; −1: it leads cleanly, and nothing of it was compared. */
export interface ElectedReplica {
  readonly nodeId: number
  readonly lastEpoch: number
  readonly logEndOffset: number
}

/** error null: `elected` leads, or would. */
export interface Election extends PartitionOutcome {
  readonly elected: ElectedReplica | null
}

/** What came of one partition; error null: it is as it was asked for. */
export interface PartitionOutcome extends PartitionRef {
  readonly error: { readonly code: Code; readonly message: string } | null
}

/** What a decision answers once its records are committed and applied; an error reply has no records. */
export type ControllerReply =
  | { readonly type: 'registered'; readonly brokerEpoch: number }
  | {
      readonly type: 'topicCreated'
      readonly topicId: Uuid
      readonly partitions: number
      readonly replicationFactor: number
      readonly assignment: readonly (readonly number[])[]
    }
  /**
   * metadataOffset: exclusive; an image that has reached it has the change. added: replicas of the added partitions; configs: all of the topic
   * as they are then.
   */
  | {
      readonly type: 'topicAltered'
      readonly metadataOffset: number
      readonly added: readonly (readonly number[])[]
      readonly configs: ReadonlyMap<string, string>
    }
  | { readonly type: 'leadersElected'; readonly metadataOffset: number; readonly partitions: readonly Election[] }
  | { readonly type: 'reassignmentsAltered'; readonly metadataOffset: number; readonly partitions: readonly PartitionOutcome[] }
  | { readonly type: 'maintenanceAltered'; readonly metadataOffset: number }
  | { readonly type: 'brokerUnregistered'; readonly metadataOffset: number }
  | { readonly type: 'producerIds'; readonly firstProducerId: number; readonly count: number }
  /** isComplete false: the old folder of a wiped voter has left; the same command again brings the new one. warnings: about that set. */
  | {
      readonly type: 'votersChanged'
      readonly metadataOffset: number
      readonly isChanged: boolean
      readonly isComplete: boolean
      readonly voters: readonly VoterRecord[]
      readonly warnings: readonly string[]
    }
  | { readonly type: 'done' }
  | { readonly type: 'error'; readonly code: Code; readonly message: string; readonly definite: boolean }

/** What `handle` returns: the records of one entry (none: nothing to do) and the reply. */
export interface Decision {
  readonly records: readonly MetadataRecord[]
  readonly reply: ControllerReply
}
