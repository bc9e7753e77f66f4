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
import type { FetchRecordsRequest, FetchRecordsResponse, ProduceRecordsRequest, ProduceRecordsResponse } from '../wire/plain-api.ts'

/**
 * The API of both listeners: what a client may ask of this node. Every answer comes in a turn of its own, once; errors are BrokerError.
 * A listener opens one session a connection; when it ends, what waits for it is forgotten (what was appended stays).
 */
export interface Broker {
  openSession(): BrokerSession
  metadata(request: MetadataRequest, done: Done<MetadataResponse>): void
  listOffsets(request: ListOffsetsRequest, done: Done<ListOffsetsResponse>): void
  /** Forwarded to the active controller; answers when every partition has a leader that this node knows of. */
  createTopic(request: CreateTopicRequest, done: Done<CreateTopicResponse>): void
  deleteTopic(request: DeleteTopicRequest, done: Done<void>): void
  createProducerId(done: Done<CreateProducerIdResponse>): void
  describeCluster(done: Done<ClusterDescription>): void
  /** Only the leader of the quorum knows; any other node answers NOT_CONTROLLER and names it. */
  describeQuorum(done: Done<QuorumDescription>): void
  /** Forwarded to the active controller; answers the topic as this node knows it once the change is applied here. */
  alterTopic(request: AlterTopicRequest, done: Done<TopicInfo>): void
  describeConfigs(request: DescribeConfigsRequest, done: Done<DescribeConfigsResponse>): void
  /** Forwarded to the active controller; answers when this node knows the new leaders. */
  electLeaders(request: ElectLeadersRequest, done: Done<ElectLeadersResponse>): void
  /** Forwarded to the active controller; answers when this node knows the new voters. */
  addVoter(request: VoterRequest, done: Done<VotersChange>): void
  removeVoter(request: VoterRequest, done: Done<VotersChange>): void
  /** Forwarded to the active controller; answers the broker as this node knows it once the change is applied here. */
  alterMaintenance(request: AlterMaintenanceRequest, done: Done<BrokerDescription>): void
  /** Forwarded to the active controller; answers when this node knows it. */
  unregisterBroker(request: UnregisterBrokerRequest, done: Done<void>): void
  /** Forwarded to the active controller; answers when this node knows where the partitions go. They are not there yet. */
  alterReassignments(request: AlterReassignmentsRequest, done: Done<AlterReassignmentsResponse>): void
  deleteRecords(request: DeleteRecordsRequest, done: Done<DeleteRecordsResponse>): void
  /** Answers once the moves have begun, an outcome each. */
  alterReplicaLogDirs(request: AlterReplicaLogDirsRequest, done: Done<AlterReplicaLogDirsResponse>): void
  describeLogDirs(done: Done<LogDirsDescription>): void
  /** What the disk of this node has of a replica. A batch that is bad there makes the replica damaged, unless it is needed. */
  digestBatches(request: DigestBatchesRequest, done: Done<BatchDigests>): void
  getLogLevel(done: Done<LogLevelDescription>): void
  setLogLevel(request: LogLevelDescription, done: Done<LogLevelDescription>): void
}

export interface BrokerSession {
  /** acks 0 is not answered. Bytes of the batches are copied before it returns. */
  produce(request: ProduceRequest, reply: (response: ProduceResponse) => void): void
  fetch(request: FetchRequest, reply: (response: FetchResponse) => void): void
  /** One batch, made here. */
  produceRecords(request: ProduceRecordsRequest, done: Done<ProduceRecordsResponse>): void
  /** Keys and values are views of what the log holds, to be copied before they are kept. */
  fetchRecords(request: FetchRecordsRequest, done: Done<FetchRecordsResponse>): void
  /** Bytes of produce in flight on this node exceed their limit: stop reading until onResume (rules 8). */
  readonly paused: boolean
  onResume(handler: () => void): void
  close(): void
}
