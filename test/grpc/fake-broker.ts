import type { Done } from '../../src/base/done.ts'
import type { BrokerError } from '../../src/base/errors.ts'
import type { Broker, BrokerSession } from '../../src/broker/api.ts'
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
} from '../../src/wire/api.ts'
import type { FetchRecordsRequest, FetchRecordsResponse, ProduceRecordsRequest, ProduceRecordsResponse } from '../../src/wire/plain-api.ts'

export const topicId = '0123456789abcdef0123456789abcdef'
export const aBroker = { nodeId: 1, host: 'h', grpcPort: 1, kafkaPort: null, httpPort: null, rack: null, state: 'running', leaders: 0, replicas: 2 } as const

/** A Broker whose answers the test decides; it notes what it was asked. */
export class FakeBroker implements Broker {
  readonly sessions: FakeSession[] = []
  readonly asked: unknown[] = []
  /** Unary calls fail with it. */
  failure: BrokerError | undefined
  onProduce: (request: ProduceRequest, reply: (response: ProduceResponse) => void, session: FakeSession) => void = () => {}
  onProduceRecords: (request: ProduceRecordsRequest, done: Done<ProduceRecordsResponse>) => void = () => {}
  onFetchRecords: (request: FetchRecordsRequest, done: Done<FetchRecordsResponse>) => void = () => {}
  onFetch: (request: FetchRequest, reply: (response: FetchResponse) => void) => void = () => {}

  /** Sessions begin paused: the node is at its limit. */
  isFull = false

  openSession(): BrokerSession {
    const session = new FakeSession(this)
    session.paused = this.isFull
    this.sessions.push(session)
    return session
  }

  metadata(request: MetadataRequest, done: Done<MetadataResponse>): void {
    this.#answer(request, { clusterId: topicId, controllerId: 1, metadataOffset: 9, brokers: [], topics: [], missing: ['x'] }, done)
  }

  listOffsets(request: ListOffsetsRequest, done: Done<ListOffsetsResponse>): void {
    this.#answer(request, { partitions: [{ topicId, partition: 0, offset: 5, timestamp: -1, leaderEpoch: 1, error: null }] }, done)
  }

  createTopic(request: CreateTopicRequest, done: Done<CreateTopicResponse>): void {
    this.#answer(request, { topicId, partitions: 1, replicationFactor: 1, assignment: [[1]] }, done)
  }

  deleteTopic(request: DeleteTopicRequest, done: Done<void>): void {
    this.#answer(request, undefined, done)
  }

  createProducerId(done: Done<CreateProducerIdResponse>): void {
    this.#answer('createProducerId', { producerId: 7, producerEpoch: 0 }, done)
  }

  describeCluster(done: Done<ClusterDescription>): void {
    this.#answer('describeCluster', { clusterId: null, controllerId: -1, brokers: [] }, done)
  }

  describeQuorum(done: Done<QuorumDescription>): void {
    const status = {
      clusterId: null,
      leaderId: 1,
      leaderEpoch: 2,
      highWatermark: 3,
      maxFollowerLag: 0,
      maxFollowerLagTimeMs: 0,
      voters: [1],
      observers: [],
      snapshotEndOffset: 0,
      snapshotTimestamp: -1,
      logStartOffset: 0,
    }
    this.#answer('describeQuorum', { status, replicas: [] }, done)
  }

  alterTopic(request: AlterTopicRequest, done: Done<TopicInfo>): void {
    this.#answer(request, { name: 'orders', topicId, partitions: [], configs: request.set }, done)
  }

  describeConfigs(request: DescribeConfigsRequest, done: Done<DescribeConfigsResponse>): void {
    this.#answer(request, { resources: request.topics.map((name) => ({ type: 'topic' as const, name, entries: [] })) }, done)
  }

  electLeaders(request: ElectLeadersRequest, done: Done<ElectLeadersResponse>): void {
    this.#answer(
      request,
      { partitions: [{ topicId, partition: 3, elected: { nodeId: 2, lastEpoch: 1, logEndOffset: 2 ** 40 }, error: null }], metadataOffset: 7 },
      done,
    )
  }

  addVoter(request: VoterRequest, done: Done<VotersChange>): void {
    this.#answer(request, { isChanged: true, voters: [{ nodeId: request.nodeId, directoryId: request.directoryId }], warnings: ['few'] }, done)
  }

  removeVoter(request: VoterRequest, done: Done<VotersChange>): void {
    this.#answer(request, { isChanged: false, voters: [], warnings: [] }, done)
  }

  alterMaintenance(request: AlterMaintenanceRequest, done: Done<BrokerDescription>): void {
    this.#answer(request, { ...aBroker, nodeId: request.nodeId, maintenance: request.maintenance }, done)
  }

  unregisterBroker(request: UnregisterBrokerRequest, done: Done<void>): void {
    this.#answer(request, undefined, done)
  }

  alterReassignments(request: AlterReassignmentsRequest, done: Done<AlterReassignmentsResponse>): void {
    this.#answer(request, { partitions: request.partitions.map(({ topicId: asked, partition }) => ({ topicId: asked, partition, error: null })) }, done)
  }

  deleteRecords(request: DeleteRecordsRequest, done: Done<DeleteRecordsResponse>): void {
    this.#answer(request, { partitions: request.partitions.map((asked) => ({ ...asked, lowWatermark: asked.beforeOffset, error: null })) }, done)
  }

  alterReplicaLogDirs(request: AlterReplicaLogDirsRequest, done: Done<AlterReplicaLogDirsResponse>): void {
    this.#answer(request, { partitions: request.partitions.map((asked) => ({ ...asked, error: null })) }, done)
  }

  describeLogDirs(done: Done<LogDirsDescription>): void {
    this.#answer('describeLogDirs', { nodeId: 1, folders: [] }, done)
  }

  digestBatches(request: DigestBatchesRequest, done: Done<BatchDigests>): void {
    const digests = [{ baseOffset: 5, lastOffset: 9, leaderEpoch: 1, sizeBytes: 80, checksum: 2 ** 32 - 1 }]
    this.#answer(request, { logStartOffset: 5, endOffset: 30, file: 'data/1/log', position: 61, digests, nextOffset: 10, fault: null }, done)
  }

  getLogLevel(done: Done<LogLevelDescription>): void {
    this.#answer('getLogLevel', { level: 'info' }, done)
  }

  setLogLevel(request: LogLevelDescription, done: Done<LogLevelDescription>): void {
    this.#answer(request, request, done)
  }

  #answer<T>(request: unknown, response: T, done: Done<T>): void {
    this.asked.push(request)
    setImmediate(() => done(this.failure, response))
  }
}

export class FakeSession implements BrokerSession {
  readonly #broker: FakeBroker
  readonly #resumes: (() => void)[] = []
  readonly produced: ProduceRequest[] = []
  fetched = 0
  paused = false
  closed = false

  constructor(broker: FakeBroker) {
    this.#broker = broker
  }

  produce(request: ProduceRequest, reply: (response: ProduceResponse) => void): void {
    this.produced.push(request)
    this.#broker.onProduce(request, reply, this)
  }

  fetch(request: FetchRequest, reply: (response: FetchResponse) => void): void {
    this.fetched += 1
    this.#broker.onFetch(request, reply)
  }

  produceRecords(request: ProduceRecordsRequest, done: Done<ProduceRecordsResponse>): void {
    this.#broker.onProduceRecords(request, done)
  }

  fetchRecords(request: FetchRecordsRequest, done: Done<FetchRecordsResponse>): void {
    this.#broker.onFetchRecords(request, done)
  }

  onResume(handler: () => void): void {
    this.#resumes.push(handler)
  }

  resume(): void {
    this.paused = false
    for (const handler of this.#resumes.splice(0)) handler()
  }

  close(): void {
    this.closed = true
  }
}
