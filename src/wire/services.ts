import type { MethodDefinition } from '@grpc/grpc-js'
import type { GatheredMessage } from './gathered.ts'

/** An rpc as gRPC sees it: bytes in, parts out. What the bytes mean is the codecs' matter, so that a bad message gets our own error. */
export type RawMethod = MethodDefinition<GatheredMessage, Buffer> & MethodDefinition<Buffer, GatheredMessage>

/** gRPC calls nothing of it but length, byteLength and copy (see GatheredMessage). */
function serialize(message: GatheredMessage | Buffer): Buffer {
  return message as unknown as Buffer
}

function deserialize(bytes: Buffer): Buffer {
  return bytes
}

function method(path: string, requestStream: boolean, responseStream = requestStream): RawMethod {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  } as unknown as RawMethod
}

/** broker.proto */
export const brokerService = {
  Produce: method('/oxbow.v1.Broker/Produce', true),
  Fetch: method('/oxbow.v1.Broker/Fetch', true),
  CreateProducerId: method('/oxbow.v1.Broker/CreateProducerId', false),
  GetMetadata: method('/oxbow.v1.Broker/GetMetadata', false),
  ListOffsets: method('/oxbow.v1.Broker/ListOffsets', false),
  ProduceRecords: method('/oxbow.v1.Broker/ProduceRecords', false),
  FetchRecords: method('/oxbow.v1.Broker/FetchRecords', false),
} as const

/** admin.proto */
export const adminService = {
  CreateTopic: method('/oxbow.v1.Admin/CreateTopic', false),
  DeleteTopic: method('/oxbow.v1.Admin/DeleteTopic', false),
  DescribeCluster: method('/oxbow.v1.Admin/DescribeCluster', false),
  DescribeQuorum: method('/oxbow.v1.Admin/DescribeQuorum', false),
  AlterTopic: method('/oxbow.v1.Admin/AlterTopic', false),
  DescribeConfigs: method('/oxbow.v1.Admin/DescribeConfigs', false),
  ElectLeaders: method('/oxbow.v1.Admin/ElectLeaders', false),
  AddVoter: method('/oxbow.v1.Admin/AddVoter', false),
  RemoveVoter: method('/oxbow.v1.Admin/RemoveVoter', false),
  AlterMaintenance: method('/oxbow.v1.Admin/AlterMaintenance', false),
  UnregisterBroker: method('/oxbow.v1.Admin/UnregisterBroker', false),
  AlterPartitionReassignments: method('/oxbow.v1.Admin/AlterPartitionReassignments', false),
  DeleteRecords: method('/oxbow.v1.Admin/DeleteRecords', false),
  DescribeLogDirs: method('/oxbow.v1.Admin/DescribeLogDirs', false),
  AlterReplicaLogDirs: method('/oxbow.v1.Admin/AlterReplicaLogDirs', false),
  DigestBatches: method('/oxbow.v1.Admin/DigestBatches', false),
  GetLogLevel: method('/oxbow.v1.Admin/GetLogLevel', false),
  SetLogLevel: method('/oxbow.v1.Admin/SetLogLevel', false),
} as const

/** peer.proto */
export const peerService = {
  Control: method('/oxbow.v1.Peer/Control', true),
  Fetch: method('/oxbow.v1.Peer/Fetch', true),
} as const

/** grpc/health/v1/health.proto */
export const healthService = {
  Check: method('/grpc.health.v1.Health/Check', false),
  List: method('/grpc.health.v1.Health/List', false),
  Watch: method('/grpc.health.v1.Health/Watch', false, true),
} as const

/** grpc/reflection/v1/reflection.proto, and the name that older tools ask for. */
export const reflectionService = { ServerReflectionInfo: method('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', true) } as const
export const reflectionAlphaService = { ServerReflectionInfo: method('/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo', true) } as const

/** Largest gRPC message taken or sent (rules 8); data messages stay below MAX_DATA_BYTES. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024
export const MAX_DATA_BYTES = 8 * 1024 * 1024
/** Elements of a client's message, all lists together: bounds the objects that 16 MiB can become. */
export const MAX_CLIENT_ELEMENTS = 100_000
/** The same for what a node says, which may hold hundreds of thousands of partitions in a message. */
export const MAX_PEER_ELEMENTS = 1_000_000
