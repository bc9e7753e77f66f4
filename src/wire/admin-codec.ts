import type {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
  AlterMaintenanceRequest,
  AlterReassignmentsRequest,
  AlterReassignmentsResponse,
  AlterTopicRequest,
  BatchDigest,
  BatchDigests,
  BrokerDescription,
  ClusterDescription,
  ConfigEntry,
  ConfigResource,
  CreateTopicRequest,
  CreateTopicResponse,
  DeletedRecords,
  DeleteRecordsRequest,
  DeleteRecordsResponse,
  DeleteTopicRequest,
  DescribeConfigsRequest,
  DescribeConfigsResponse,
  DigestBatchesRequest,
  ElectedLeader,
  ElectLeadersRequest,
  ElectLeadersResponse,
  LogDir,
  LogDirPartition,
  LogDirsDescription,
  LogLevelDescription,
  QuorumDescription,
  QuorumReplica,
  QuorumStatus,
  QuorumVoter,
  UnregisterBrokerRequest,
  VoterRequest,
  VotersChange,
  ReassignedPartition,
} from './api.ts'
import { apiErrorCodec } from './error-codec.ts'
import {
  boolean,
  choice,
  int32,
  int32List,
  int32OrNull,
  int64,
  int64OrNull,
  list,
  message,
  nested,
  nestedOrNull,
  sint32,
  sint64,
  string,
  stringList,
  stringMap,
  stringOrNull,
  uuid,
  uuidOrNull,
} from './proto-message.ts'
import { assignmentCodec, electedReplicaCodec, partitionRefCodec, partitionRefsCodec, replicaListCodec } from './raft-codec.ts'

/** admin.proto: service Admin. */
export const createTopicRequestCodec = message<CreateTopicRequest>({
  name: string(1),
  topicId: uuid(2),
  partitions: int32(3),
  replicationFactor: int32(4),
  assignment: nestedOrNull(5, assignmentCodec),
  configs: stringMap(6),
  validateOnly: boolean(7),
  timeoutMs: int32(8),
})

export const createTopicResponseCodec = message<CreateTopicResponse>({
  topicId: uuid(1),
  partitions: int32(2),
  replicationFactor: int32(3),
  assignment: list(4, replicaListCodec),
})

export const deleteTopicRequestCodec = message<DeleteTopicRequest>({ topicId: uuid(1), timeoutMs: int32(2) })

export const brokerDescriptionCodec = message<BrokerDescription>({
  nodeId: int32(1),
  host: string(2),
  grpcPort: int32(3),
  kafkaPort: int32OrNull(4),
  httpPort: int32OrNull(5),
  rack: stringOrNull(6),
  state: choice(7, ['running', 'fenced', 'draining', 'offline']),
  leaders: int32(8),
  replicas: int32(9),
  maintenance: boolean(10),
})

export const clusterDescriptionCodec = message<ClusterDescription>({
  clusterId: uuidOrNull(1),
  controllerId: sint32(2),
  brokers: list(3, brokerDescriptionCodec),
})

const quorumStatusCodec = message<QuorumStatus>({
  clusterId: uuidOrNull(1),
  leaderId: sint32(2),
  leaderEpoch: int32(3),
  highWatermark: int64(4),
  maxFollowerLag: int64(5),
  maxFollowerLagTimeMs: int64(6),
  voters: int32List(7),
  observers: int32List(8),
  snapshotEndOffset: int64(9),
  snapshotTimestamp: sint64(10),
  logStartOffset: int64(11),
})

const quorumReplicaCodec = message<QuorumReplica>({
  nodeId: int32(1),
  directoryId: uuidOrNull(2),
  logEndOffset: sint64(3),
  lag: int64(4),
  lastFetchTimestamp: sint64(5),
  lastCaughtUpTimestamp: sint64(6),
  status: choice(7, ['Leader', 'Voter', 'Observer']),
})

export const quorumDescriptionCodec = message<QuorumDescription>({ status: nested(1, quorumStatusCodec), replicas: list(2, quorumReplicaCodec) })

export const alterTopicRequestCodec = message<AlterTopicRequest>({
  topicId: uuid(1),
  partitions: int32(2),
  assignment: nestedOrNull(3, assignmentCodec),
  set: stringMap(4),
  delete: stringList(5),
  validateOnly: boolean(6),
  timeoutMs: int32(7),
})

export const describeConfigsRequestCodec = message<DescribeConfigsRequest>({ topics: stringList(1), brokers: int32List(2) })

const configEntryCodec = message<ConfigEntry>({
  name: string(1),
  value: stringOrNull(2),
  defaultValue: stringOrNull(3),
  source: choice(4, ['DYNAMIC_TOPIC_CONFIG', 'STATIC_BROKER_CONFIG', 'DEFAULT_CONFIG']),
  unit: stringOrNull(5),
  doc: string(6),
  readOnly: boolean(7),
})

const configResourceCodec = message<ConfigResource>({ type: choice(1, ['topic', 'broker']), name: string(2), entries: list(3, configEntryCodec) })

export const describeConfigsResponseCodec = message<DescribeConfigsResponse>({ resources: list(1, configResourceCodec) })

export const electLeadersRequestCodec = message<ElectLeadersRequest>({
  partitions: nestedOrNull(1, partitionRefsCodec),
  timeoutMs: int32(2),
  unclean: boolean(3),
  validateOnly: boolean(4),
  metadataOffset: int64OrNull(5),
})

const electedLeaderCodec = message<ElectedLeader>({
  topicId: uuid(1),
  partition: int32(2),
  error: nestedOrNull(3, apiErrorCodec),
  elected: nestedOrNull(4, electedReplicaCodec),
})

export const electLeadersResponseCodec = message<ElectLeadersResponse>({ partitions: list(1, electedLeaderCodec), metadataOffset: int64OrNull(2) })

/** Of AddVoter and RemoveVoter. */
export const voterRequestCodec = message<VoterRequest>({ nodeId: int32(1), directoryId: uuidOrNull(2), validateOnly: boolean(3), timeoutMs: int32(4) })

const quorumVoterCodec = message<QuorumVoter>({ nodeId: int32(1), directoryId: uuidOrNull(2) })

export const votersChangeCodec = message<VotersChange>({ isChanged: boolean(1), voters: list(2, quorumVoterCodec), warnings: stringList(3) })

export const alterMaintenanceRequestCodec = message<AlterMaintenanceRequest>({ nodeId: int32(1), maintenance: boolean(2), timeoutMs: int32(3) })

export const unregisterBrokerRequestCodec = message<UnregisterBrokerRequest>({ nodeId: int32(1), validateOnly: boolean(2), timeoutMs: int32(3) })

type Reassignment = AlterReassignmentsRequest['partitions'][number]
const reassignmentCodec = message<Reassignment>({ topicId: uuid(1), partition: int32(2), replicas: nestedOrNull(3, replicaListCodec) })

export const alterReassignmentsRequestCodec = message<AlterReassignmentsRequest>({
  partitions: list(1, reassignmentCodec),
  bytesPerSecond: int64OrNull(2),
  validateOnly: boolean(3),
  timeoutMs: int32(4),
})

const reassignedPartitionCodec = message<ReassignedPartition>({ topicId: uuid(1), partition: int32(2), error: nestedOrNull(3, apiErrorCodec) })

export const alterReassignmentsResponseCodec = message<AlterReassignmentsResponse>({ partitions: list(1, reassignedPartitionCodec) })

const deleteRecordsPartitionCodec = message<DeleteRecordsRequest['partitions'][number]>({ topicId: uuid(1), partition: int32(2), beforeOffset: sint64(3) })

export const deleteRecordsRequestCodec = message<DeleteRecordsRequest>({ partitions: list(1, deleteRecordsPartitionCodec), timeoutMs: int32(2) })

const deletedRecordsCodec = message<DeletedRecords>({
  topicId: uuid(1),
  partition: int32(2),
  lowWatermark: sint64(3),
  error: nestedOrNull(4, apiErrorCodec),
})

export const deleteRecordsResponseCodec = message<DeleteRecordsResponse>({ partitions: list(1, deletedRecordsCodec) })

export const alterReplicaLogDirsRequestCodec = message<AlterReplicaLogDirsRequest>({
  partitions: list(1, partitionRefCodec),
  path: stringOrNull(2),
  bytesPerSecond: int64OrNull(3),
  validateOnly: boolean(4),
})

export const alterReplicaLogDirsResponseCodec = message<AlterReplicaLogDirsResponse>({ partitions: list(1, reassignedPartitionCodec) })

const logDirPartitionCodec = message<LogDirPartition>({
  topic: string(1),
  partition: int32(2),
  sizeBytes: int64(3),
  logStartOffset: int64(4),
  logEndOffset: int64(5),
  isOffline: boolean(6),
  isSuspect: boolean(7),
  isDamaged: boolean(8),
  reason: stringOrNull(9),
  sinceTimestamp: sint64(10),
  isFuture: boolean(11),
  moveError: stringOrNull(12),
})

const logDirCodec = message<LogDir>({
  path: string(1),
  error: stringOrNull(2),
  totalBytes: sint64(3),
  usableBytes: sint64(4),
  partitions: list(5, logDirPartitionCodec),
})

export const logDirsDescriptionCodec = message<LogDirsDescription>({ nodeId: int32(1), folders: list(2, logDirCodec) })

export const digestBatchesRequestCodec = message<DigestBatchesRequest>({
  topicId: uuid(1),
  partition: int32(2),
  startOffset: int64(3),
  endOffset: int64(4),
  maxBytes: int32(5),
})

const batchDigestCodec = message<BatchDigest>({ baseOffset: int64(1), lastOffset: int64(2), leaderEpoch: int32(3), sizeBytes: int32(4), checksum: int64(5) })

export const batchDigestsCodec = message<BatchDigests>({
  logStartOffset: int64(1),
  endOffset: int64(2),
  file: string(3),
  position: int64(4),
  digests: list(5, batchDigestCodec),
  nextOffset: int64(6),
  fault: stringOrNull(7),
})

export const logLevelCodec = message<LogLevelDescription>({ level: string(1) })
