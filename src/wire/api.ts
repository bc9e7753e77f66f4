import type { Code, LeaderHint } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'

/** Most partitions that one request is about: a node ends a stream, and refuses a call, with more. */
export const MAX_REQUEST_PARTITIONS = 10_000

/**
 * The native API as data: what the listeners and the client exchange, one to one with proto/oxbow/v1/broker.proto and admin.proto.
 * Offsets are numbers; ids are 32 hex digits; ends are exclusive.
 */
export interface ApiError {
  readonly code: Code
  readonly message: string
  readonly retriable: boolean
  /** False: it may have happened all the same (rules R1.3). */
  readonly definite: boolean
  /** Absent: not known, or it would not help. */
  readonly leader?: LeaderHint | undefined
}

/** One batch for one partition. `batch`: exactly one record batch v2, CRC right. */
export interface ProducePartition {
  readonly topicId: Uuid
  readonly partition: number
  /** −1: not known. */
  readonly leaderEpoch: number
  readonly batch: Buffer
}

/** acks: −1 all in-sync replicas, 1 the leader's disk, 0 no answer. Answers come in any order, matched by requestId. */
export interface ProduceRequest {
  readonly requestId: number
  readonly acks: number
  readonly timeoutMs: number
  readonly partitions: readonly ProducePartition[]
}

export interface ProducedPartition {
  readonly topicId: Uuid
  readonly partition: number
  /** −1 with an error. */
  readonly baseOffset: number
  readonly error: ApiError | null
}

/** All partitions of the request, in one answer. */
export interface ProduceResponse {
  readonly requestId: number
  readonly partitions: readonly ProducedPartition[]
}

export interface FetchPartition {
  readonly topicId: Uuid
  readonly partition: number
  readonly leaderEpoch: number
  readonly fetchOffset: number
  readonly maxBytes: number
}

/** Waits up to maxWaitMs (at most 30,000) for at least minBytes below the high watermark. */
export interface FetchRequest {
  readonly requestId: number
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly partitions: readonly FetchPartition[]
}

export interface FetchedPartition {
  readonly topicId: Uuid
  readonly partition: number
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly error: ApiError | null
  /** Whole batches; the first may begin before fetchOffset. One or more slices. */
  readonly batches: readonly Buffer[]
}

export interface FetchResponse {
  readonly requestId: number
  readonly partitions: readonly FetchedPartition[]
}

export interface NodeInfo {
  readonly nodeId: number
  readonly host: string
  readonly grpcPort: number
  readonly kafkaPort: number | null
  readonly httpPort: number | null
  readonly rack: string | null
}

export type BrokerState = 'running' | 'fenced' | 'draining' | 'offline'

export interface PartitionInfo {
  readonly partition: number
  /** −1: none. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly elr: readonly number[]
  /** While it is moved: of the replicas those that were added, and those that go once these are in sync. */
  readonly addingReplicas: readonly number[]
  readonly removingReplicas: readonly number[]
}

export interface TopicInfo {
  readonly name: string
  readonly topicId: Uuid
  readonly partitions: readonly PartitionInfo[]
  /** Only what differs from the defaults. */
  readonly configs: ReadonlyMap<string, string>
}

/** topics null: all of them. minOffset: wait until the answering node has applied metadata up to there (0: as it is). */
export interface MetadataRequest {
  readonly topics: readonly string[] | null
  readonly minOffset: number
}

/** metadataOffset: exclusive; what the answering node has applied. missing: names asked for that do not exist. */
export interface MetadataResponse {
  readonly clusterId: Uuid | null
  readonly controllerId: number
  readonly metadataOffset: number
  readonly brokers: readonly NodeInfo[]
  readonly topics: readonly TopicInfo[]
  readonly missing: readonly string[]
}

/** A number: wall-clock ms; the first record below the high watermark whose timestamp is at least that. */
export type OffsetAt = 'earliest' | 'latest' | number

export interface ListOffsetsPartition {
  readonly topicId: Uuid
  readonly partition: number
  readonly leaderEpoch: number
  readonly at: OffsetAt
}

export interface ListOffsetsRequest {
  readonly partitions: readonly ListOffsetsPartition[]
}

export interface ListedOffset {
  readonly topicId: Uuid
  readonly partition: number
  /** −1: no record is that late; −1 with an error. */
  readonly offset: number
  /** Of the record found; −1 unless asked by timestamp. */
  readonly timestamp: number
  readonly leaderEpoch: number
  readonly error: ApiError | null
}

/** One a partition asked for, in order. */
export interface ListOffsetsResponse {
  readonly partitions: readonly ListedOffset[]
}

/** topicId: chosen by the caller, so that a retry of an unknown outcome is answered like the first call. */
export interface CreateTopicRequest {
  readonly name: string
  readonly topicId: Uuid
  readonly partitions: number
  readonly replicationFactor: number
  readonly assignment: readonly (readonly number[])[] | null
  readonly configs: ReadonlyMap<string, string>
  readonly validateOnly: boolean
  readonly timeoutMs: number
}

export interface CreateTopicResponse {
  readonly topicId: Uuid
  readonly partitions: number
  readonly replicationFactor: number
  readonly assignment: readonly (readonly number[])[]
}

export interface DeleteTopicRequest {
  readonly topicId: Uuid
  readonly timeoutMs: number
}

/** Ids [firstProducerId, firstProducerId + count), each with producer epoch 0. */
export interface CreateProducerIdResponse {
  readonly producerId: number
  readonly producerEpoch: number
}

export interface BrokerDescription extends NodeInfo {
  readonly state: BrokerState
  readonly leaders: number
  readonly replicas: number
  /** An operator's mark: others lead and get new partitions, where they can. */
  readonly maintenance: boolean
}

export interface ClusterDescription {
  readonly clusterId: Uuid | null
  readonly controllerId: number
  readonly brokers: readonly BrokerDescription[]
}

export interface QuorumStatus {
  readonly clusterId: Uuid | null
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly highWatermark: number
  readonly maxFollowerLag: number
  readonly maxFollowerLagTimeMs: number
  readonly voters: readonly number[]
  readonly observers: readonly number[]
  /** Exclusive, of the leader's newest snapshot; 0: none yet. */
  readonly snapshotEndOffset: number
  /** Wall clock ms, −1: none yet. */
  readonly snapshotTimestamp: number
  readonly logStartOffset: number
}

export interface QuorumReplica {
  readonly nodeId: number
  readonly directoryId: Uuid | null
  readonly logEndOffset: number
  readonly lag: number
  /** Wall clock ms, −1: never. */
  readonly lastFetchTimestamp: number
  readonly lastCaughtUpTimestamp: number
  readonly status: 'Leader' | 'Voter' | 'Observer'
}

/** Asked of any node, which asks the leader of the quorum: only that one knows. */
export interface QuorumDescription {
  readonly status: QuorumStatus
  readonly replicas: readonly QuorumReplica[]
}

/**
 * partitions: the total wanted, 0 as it is. More than now are added, as CreateTopic places them or by `assignment` (of the added ones alone,
 * in order). `set` and `delete` change configs, in one decision with the partitions. Repeating it is harmless.
 */
export interface AlterTopicRequest {
  readonly topicId: Uuid
  readonly partitions: number
  readonly assignment: readonly (readonly number[])[] | null
  readonly set: ReadonlyMap<string, string>
  readonly delete: readonly string[]
  /** Answers the topic as it would be; changes nothing. */
  readonly validateOnly: boolean
  readonly timeoutMs: number
}

/** Topics from any node; brokers only from the broker itself. */
export interface DescribeConfigsRequest {
  readonly topics: readonly string[]
  readonly brokers: readonly number[]
}

/** Where a value comes from, in Kafka's words: the topic itself, the cluster file, the default. */
export type ConfigSource = 'DYNAMIC_TOPIC_CONFIG' | 'STATIC_BROKER_CONFIG' | 'DEFAULT_CONFIG'

export interface ConfigEntry {
  readonly name: string
  /** What counts now; null: it depends, as `doc` says. */
  readonly value: string | null
  readonly defaultValue: string | null
  readonly source: ConfigSource
  /** bytes, ms or count; null: a word. */
  readonly unit: string | null
  readonly doc: string
  /** Cannot be changed while the cluster runs. */
  readonly readOnly: boolean
}

export interface ConfigResource {
  readonly type: 'topic' | 'broker'
  /** Of the topic; the node id. */
  readonly name: string
  readonly entries: readonly ConfigEntry[]
}

/** As asked: topics first. */
export interface DescribeConfigsResponse {
  readonly resources: readonly ConfigResource[]
}

/** partitions null: all that are not led by their preferred replica; with an unclean election, all that have no leader. */
export interface ElectLeadersRequest {
  readonly unclean: boolean
  /** Says what would be, and elects nobody. */
  readonly validateOnly: boolean
  readonly partitions: readonly { readonly topicId: Uuid; readonly partition: number }[] | null
  /** Exclusive end of the metadata that the caller of an unclean election went by; null: of what the node knows when it is asked. */
  readonly metadataOffset: number | null
  readonly timeoutMs: number
}

export interface ElectedLeader {
  readonly topicId: Uuid
  readonly partition: number
  /**
   * Who leads now, or would; null with an error. Of an unclean election, where its log ends (exclusive) and in which epoch; −1: nothing is lost, or an
   * earlier attempt elected it, and what that cost is not known here.
   */
  readonly elected: { readonly nodeId: number; readonly lastEpoch: number; readonly logEndOffset: number } | null
  /** ELECTION_NOT_NEEDED: it has that leader, or with an unclean election any, already. */
  readonly error: ApiError | null
}

export interface ElectLeadersResponse {
  readonly partitions: readonly ElectedLeader[]
  /** Exclusive end of the metadata that this was judged by, with what was elected; null: the node does not say. */
  readonly metadataOffset: number | null
}

/** AddVoter, RemoveVoter. directoryId null: the folder that the node has. */
export interface VoterRequest {
  readonly nodeId: number
  readonly directoryId: Uuid | null
  readonly validateOnly: boolean
  readonly timeoutMs: number
}

/** Answered by the broker as it is then. */
export interface AlterMaintenanceRequest {
  readonly nodeId: number
  readonly maintenance: boolean
  readonly timeoutMs: number
}

export interface UnregisterBrokerRequest {
  readonly nodeId: number
  readonly validateOnly: boolean
  readonly timeoutMs: number
}

/** replicas null: back to where it was. bytesPerSecond: what each broker copies at most of what this call moves; null: what it can. */
export interface AlterReassignmentsRequest {
  readonly partitions: readonly { readonly topicId: Uuid; readonly partition: number; readonly replicas: readonly number[] | null }[]
  readonly bytesPerSecond: number | null
  readonly validateOnly: boolean
  readonly timeoutMs: number
}

export interface QuorumVoter {
  readonly nodeId: number
  /** null: known by its id alone, until its first Hello. */
  readonly directoryId: Uuid | null
}

/** isChanged false: it was so before. */
export interface VotersChange {
  readonly isChanged: boolean
  readonly voters: readonly QuorumVoter[]
  /** What an operator should know about these voters. */
  readonly warnings: readonly string[]
}

export interface ReassignedPartition {
  readonly topicId: Uuid
  readonly partition: number
  /** null: it is there, or on its way. */
  readonly error: ApiError | null
}

export interface AlterReassignmentsResponse {
  readonly partitions: readonly ReassignedPartition[]
}

/** Asked of the leader of each partition. beforeOffset: the first offset to keep; −1: the high watermark. */
export interface DeleteRecordsRequest {
  readonly partitions: readonly { readonly topicId: Uuid; readonly partition: number; readonly beforeOffset: number }[]
  readonly timeoutMs: number
}

export interface DeletedRecords {
  readonly topicId: Uuid
  readonly partition: number
  /** The first offset kept by now; −1 with an error. */
  readonly lowWatermark: number
  readonly error: ApiError | null
}

/** One a partition asked for, in order. */
export interface DeleteRecordsResponse {
  readonly partitions: readonly DeletedRecords[]
}

export interface LogDirPartition {
  readonly topic: string
  readonly partition: number
  readonly sizeBytes: number
  readonly logStartOffset: number
  readonly logEndOffset: number
  /** It serves nothing until the next start of its node. */
  readonly isOffline: boolean
  /** Rules R3.4: until it is in sync again. */
  readonly isSuspect: boolean
  readonly isDamaged: boolean
  /** Why it is offline, suspect or damaged; null: it is none of these. */
  readonly reason: string | null
  /** Since when its node knows, ms since 1970; −1: not known. */
  readonly sinceTimestamp: number
  /** It is the copy that a move to this folder makes; the replica is in another one. */
  readonly isFuture: boolean
  /** Why the last move of it to another folder ended without success, since the node started. */
  readonly moveError: string | null
}

/** path null: they stay where they are, what is under way ends. bytesPerSecond null: what the disks can. */
export interface AlterReplicaLogDirsRequest {
  readonly partitions: readonly { readonly topicId: Uuid; readonly partition: number }[]
  readonly path: string | null
  readonly bytesPerSecond: number | null
  readonly validateOnly: boolean
}

export interface AlterReplicaLogDirsResponse {
  readonly partitions: readonly ReassignedPartition[]
}

export interface LogDir {
  readonly path: string
  /** null: it works. */
  readonly error: string | null
  /** −1: not known. */
  readonly totalBytes: number
  readonly usableBytes: number
  readonly partitions: readonly LogDirPartition[]
}

/** The data folders of the node that answers. */
export interface LogDirsDescription {
  readonly nodeId: number
  readonly folders: readonly LogDir[]
}

export interface DigestBatchesRequest {
  readonly topicId: Uuid
  readonly partition: number
  /** The first batch is the one that holds it; below the log start that one's. */
  readonly startOffset: number
  /** Batches that begin there or behind it are left out. */
  readonly endOffset: number
  /** Read for one answer; a larger batch comes alone. */
  readonly maxBytes: number
}

export interface BatchDigest {
  readonly baseOffset: number
  /** Inclusive. */
  readonly lastOffset: number
  readonly leaderEpoch: number
  readonly sizeBytes: number
  /** CRC-32C of all its bytes, header included. */
  readonly checksum: number
}

/** What the disk of the node that answers holds of a partition. */
export interface BatchDigests {
  readonly logStartOffset: number
  /** Exclusive: what can be compared there, whatever was asked for. */
  readonly endOffset: number
  /** Where they lie on that node; empty without any. */
  readonly file: string
  /** Of the first of them, in bytes; they follow one another. */
  readonly position: number
  readonly digests: readonly BatchDigest[]
  /** Where to go on. */
  readonly nextOffset: number
  /** What is wrong with the batch at nextOffset; null: nothing was seen. */
  readonly fault: string | null
}

/** Of the node that answers: debug, info, warn or error. */
export interface LogLevelDescription {
  readonly level: string
}
