import type { ClusterDescription, CreateTopicRequest, CreateTopicResponse, DeleteTopicRequest, QuorumDescription, QuorumReplica, QuorumStatus } from './api.ts'
import {
  boolean,
  choice,
  int32,
  int32List,
  int32OrNull,
  int64,
  list,
  message,
  nested,
  nestedOrNull,
  sint32,
  sint64,
  string,
  stringMap,
  stringOrNull,
  uuid,
  uuidOrNull,
} from './proto-message.ts'
import { assignmentCodec, replicaListCodec } from './raft-codec.ts'

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

const brokerDescriptionCodec = message<ClusterDescription['brokers'][number]>({
  nodeId: int32(1),
  host: string(2),
  grpcPort: int32(3),
  kafkaPort: int32OrNull(4),
  httpPort: int32OrNull(5),
  rack: stringOrNull(6),
  state: choice(7, ['running', 'fenced', 'draining', 'offline']),
  leaders: int32(8),
  replicas: int32(9),
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
