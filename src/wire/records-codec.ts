import type { BrokerAddress, IsrMember, MetadataRecord, PartitionState, Reassignment, VoterEndpoint, VoterRecord } from '../metadata/records.ts'
import {
  boolean,
  decode,
  encode,
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
  string,
  stringOrNull,
  union,
  uuid,
  uuidList,
  uuidOrNull,
} from './proto-message.ts'

/** records.proto: the content of a metadata entry. These bytes live on disk for ever. */
export const voterEndpointCodec = message<VoterEndpoint>({ host: string(1), grpcPort: int32(2) })
export const voterCodec = message<VoterRecord>({ nodeId: int32(1), directoryId: uuidOrNull(2), endpoint: nestedOrNull(3, voterEndpointCodec) })

export const isrMemberCodec = message<IsrMember>({ nodeId: int32(1), brokerEpoch: int64(2) })

export const brokerAddressCodec = message<BrokerAddress>({
  host: string(1),
  grpcPort: int32(2),
  kafkaPort: int32OrNull(3),
  httpPort: int32OrNull(4),
  rack: stringOrNull(5),
})

const reassignmentCodec = message<Reassignment>({ from: int32List(1), to: int32List(2), bytesPerSecond: int64OrNull(3) })

const partitionStateCodec = message<PartitionState>({
  topicId: uuid(1),
  partition: int32(2),
  replicas: int32List(3),
  isr: list(4, isrMemberCodec),
  elr: int32List(5),
  leader: sint32(6),
  leaderEpoch: int32(7),
  leaderGrantedOffset: int64(8),
  partitionEpoch: int32(9),
  unclean: boolean(10),
  reassignment: nestedOrNull(11, reassignmentCodec),
})

const recordCodec = union<MetadataRecord>('a metadata record', {
  cluster: [1, message({ clusterId: uuid(1), voters: list(2, voterCodec) })],
  voters: [2, message({ voters: list(1, voterCodec) })],
  leaderChange: [3, message({ leaderId: int32(1) })],
  broker: [4, message({ nodeId: int32(1), incarnationId: uuid(2), directoryIds: uuidList(3), address: nested(4, brokerAddressCodec) })],
  brokerState: [5, message({ nodeId: int32(1), brokerEpoch: int64(2), fenced: boolean(3), draining: boolean(4) })],
  topic: [6, message({ topicId: uuid(1), name: string(2) })],
  partition: [7, message({ state: nested(1, partitionStateCodec) })],
  topicDeleted: [8, message({ topicId: uuid(1) })],
  topicConfig: [9, message({ topicId: uuid(1), key: string(2), value: stringOrNull(3) })],
  producerIds: [10, message({ nextProducerId: int64(1) })],
  brokerMaintenance: [11, message({ nodeId: int32(1), maintenance: boolean(2) })],
  brokerUnregistered: [12, message({ nodeId: int32(1), brokerEpoch: int64(2) })],
})

const decisionCodec = message<{ readonly records: readonly MetadataRecord[] }>({ records: list(1, recordCodec) })

/** The value of a metadata entry's one record. */
export function encodeDecision(records: readonly MetadataRecord[]): Buffer {
  return encode(decisionCodec, { records }).toBuffer()
}

/** Throws INVALID_REQUEST for what this version does not understand: such an entry must not be applied in part. */
export function decodeDecision(bytes: Buffer): MetadataRecord[] {
  return [...decode(decisionCodec, bytes).records]
}
