import type {
  CreateProducerIdResponse,
  ListedOffset,
  ListOffsetsPartition,
  ListOffsetsRequest,
  ListOffsetsResponse,
  MetadataRequest,
  MetadataResponse,
  NodeInfo,
  PartitionInfo,
  TopicInfo,
} from './api.ts'
import { apiErrorCodec } from './error-codec.ts'
import {
  choice,
  type Codec,
  int32,
  int32List,
  int32OrNull,
  int64,
  list,
  message,
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

/** broker.proto: the unary calls of service Broker. */
const topicNamesFields = message<{ readonly names: readonly string[] }>({ names: stringList(1) })
const topicNamesCodec: Codec<readonly string[]> = {
  write: (writer, names) => topicNamesFields.write(writer, { names }),
  read: (reader) => topicNamesFields.read(reader).names,
}

const nodeInfoCodec = message<NodeInfo>({
  nodeId: int32(1),
  host: string(2),
  grpcPort: int32(3),
  kafkaPort: int32OrNull(4),
  httpPort: int32OrNull(5),
  rack: stringOrNull(6),
})

const partitionInfoCodec = message<PartitionInfo>({
  partition: int32(1),
  leader: sint32(2),
  leaderEpoch: int32(3),
  replicas: int32List(4),
  isr: int32List(5),
  elr: int32List(6),
  addingReplicas: int32List(7),
  removingReplicas: int32List(8),
})

export const topicInfoCodec = message<TopicInfo>({ name: string(1), topicId: uuid(2), partitions: list(3, partitionInfoCodec), configs: stringMap(4) })

export const metadataRequestCodec = message<MetadataRequest>({ topics: nestedOrNull(1, topicNamesCodec), minOffset: int64(2) })

export const metadataResponseCodec = message<MetadataResponse>({
  clusterId: uuidOrNull(1),
  controllerId: sint32(2),
  metadataOffset: int64(3),
  brokers: list(4, nodeInfoCodec),
  topics: list(5, topicInfoCodec),
  missing: stringList(6),
})

const listOffsetsPartitionFields = message<Omit<ListOffsetsPartition, 'at'> & { readonly at: 'earliest' | 'latest' | 'timestamp'; readonly timestamp: number }>(
  {
    topicId: uuid(1),
    partition: int32(2),
    leaderEpoch: sint32(3),
    at: choice(4, ['earliest', 'latest', 'timestamp']),
    timestamp: int64(5),
  },
)
const listOffsetsPartitionCodec: Codec<ListOffsetsPartition> = {
  write(writer, { at, ...partition }) {
    const isTimestamp = typeof at === 'number'
    listOffsetsPartitionFields.write(writer, { ...partition, at: isTimestamp ? 'timestamp' : at, timestamp: isTimestamp ? at : 0 })
  },
  read(reader) {
    const { at, timestamp, ...partition } = listOffsetsPartitionFields.read(reader)
    return { ...partition, at: at === 'timestamp' ? timestamp : at }
  },
}

const listedOffsetCodec = message<ListedOffset>({
  topicId: uuid(1),
  partition: int32(2),
  offset: sint64(3),
  leaderEpoch: sint32(4),
  error: nestedOrNull(5, apiErrorCodec),
  timestamp: sint64(6),
})

export const listOffsetsRequestCodec = message<ListOffsetsRequest>({ partitions: list(1, listOffsetsPartitionCodec) })
export const listOffsetsResponseCodec = message<ListOffsetsResponse>({ partitions: list(1, listedOffsetCodec) })
export const createProducerIdResponseCodec = message<CreateProducerIdResponse>({ producerId: int64(1), producerEpoch: int32(2) })
export const emptyCodec = message<Record<never, never>>({})
