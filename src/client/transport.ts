import type { Done } from '../base/done.ts'
import type {
  AlterMaintenanceRequest,
  AlterReassignmentsRequest,
  AlterReassignmentsResponse,
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
  AlterTopicRequest,
  BatchDigests,
  BrokerDescription,
  ClusterDescription,
  CreateProducerIdResponse,
  CreateTopicRequest,
  CreateTopicResponse,
  DeleteRecordsRequest,
  DeleteRecordsResponse,
  DeleteTopicRequest,
  DescribeConfigsRequest,
  DescribeConfigsResponse,
  DigestBatchesRequest,
  ElectLeadersRequest,
  ElectLeadersResponse,
  FetchRequest,
  FetchResponse,
  ListOffsetsRequest,
  ListOffsetsResponse,
  LogDirsDescription,
  LogLevelDescription,
  MetadataRequest,
  MetadataResponse,
  ProduceRequest,
  ProduceResponse,
  QuorumDescription,
  TopicInfo,
  UnregisterBrokerRequest,
  VoterRequest,
  VotersChange,
} from '../wire/api.ts'

export interface NodeAddress {
  readonly host: string
  readonly port: number
}

/**
 * The seam to servers, as the client library sees them: one connection a node. Production: gRPC. Simulation: the same network as the nodes'.
 * Unary calls answer once, within timeoutMs (REQUEST_TIMED_OUT, indefinite; NETWORK_EXCEPTION when the connection is lost).
 */
export interface ClientTransport {
  connect(address: NodeAddress): ClientConnection
  close(): void
}

export interface ClientConnection {
  readonly address: NodeAddress
  metadata(request: MetadataRequest, timeoutMs: number, done: Done<MetadataResponse>): void
  listOffsets(request: ListOffsetsRequest, timeoutMs: number, done: Done<ListOffsetsResponse>): void
  createTopic(request: CreateTopicRequest, timeoutMs: number, done: Done<CreateTopicResponse>): void
  deleteTopic(request: DeleteTopicRequest, timeoutMs: number, done: Done<void>): void
  createProducerId(timeoutMs: number, done: Done<CreateProducerIdResponse>): void
  describeCluster(timeoutMs: number, done: Done<ClusterDescription>): void
  describeQuorum(timeoutMs: number, done: Done<QuorumDescription>): void
  alterTopic(request: AlterTopicRequest, timeoutMs: number, done: Done<TopicInfo>): void
  describeConfigs(request: DescribeConfigsRequest, timeoutMs: number, done: Done<DescribeConfigsResponse>): void
  electLeaders(request: ElectLeadersRequest, timeoutMs: number, done: Done<ElectLeadersResponse>): void
  addVoter(request: VoterRequest, timeoutMs: number, done: Done<VotersChange>): void
  removeVoter(request: VoterRequest, timeoutMs: number, done: Done<VotersChange>): void
  alterMaintenance(request: AlterMaintenanceRequest, timeoutMs: number, done: Done<BrokerDescription>): void
  unregisterBroker(request: UnregisterBrokerRequest, timeoutMs: number, done: Done<void>): void
  alterReassignments(request: AlterReassignmentsRequest, timeoutMs: number, done: Done<AlterReassignmentsResponse>): void
  deleteRecords(request: DeleteRecordsRequest, timeoutMs: number, done: Done<DeleteRecordsResponse>): void
  alterReplicaLogDirs(request: AlterReplicaLogDirsRequest, timeoutMs: number, done: Done<AlterReplicaLogDirsResponse>): void
  describeLogDirs(timeoutMs: number, done: Done<LogDirsDescription>): void
  digestBatches(request: DigestBatchesRequest, timeoutMs: number, done: Done<BatchDigests>): void
  getLogLevel(timeoutMs: number, done: Done<LogLevelDescription>): void
  setLogLevel(request: LogLevelDescription, timeoutMs: number, done: Done<LogLevelDescription>): void
  openProduce(handlers: StreamHandlers<ProduceResponse>): ClientStream<ProduceRequest>
  openFetch(handlers: StreamHandlers<FetchResponse>): ClientStream<FetchRequest>
  close(): void
}

export interface StreamHandlers<Response> {
  response(response: Response): void
  /** The stream ended: nothing that is outstanding on it will be answered. Said once. */
  closed(error: Error | undefined): void
}

export interface ClientStream<Request> {
  /**
   * The request's buffers may be reused once its response came or the stream closed. `left`: the request was given to the network, in a turn
   * of its own; what nobody answers (acks 0) is held back by it. Never called once the stream closed.
   */
  send(request: Request, left?: () => void): void
  close(): void
}
