import type { Clock } from '../base/clock.ts'
import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import { isLogLevel, type LogLevelControl, logLevels } from '../base/log-level.ts'
import { runTask } from '../base/task.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { ControllerClient } from '../runtime/controller-client.ts'
import type { QuorumClient } from '../runtime/quorum-client.ts'
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
  ConfigEntry,
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
  ListOffsetsRequest,
  ListOffsetsResponse,
  LogDirsDescription,
  LogLevelDescription,
  MetadataRequest,
  MetadataResponse,
  QuorumDescription,
  TopicInfo,
  UnregisterBrokerRequest,
  VoterRequest,
  VotersChange,
} from '../wire/api.ts'
import type { Broker, BrokerSession } from './api.ts'
import { alterReplicaLogDirs } from './alter-replica-log-dirs.ts'
import { alterMaintenance } from './alter-maintenance.ts'
import type { FetchContext } from './consumer-fetch.ts'
import { describeConfigs } from './describe-configs.ts'
import { type DigestContext, digestBatches } from './digest-batches.ts'
import { leaveIsr } from './leave-isr.ts'
import { deleteRecords, type LeaderRequestContext, listOffsets } from './leader-requests.ts'
import { PartitionRecords } from './partition-records.ts'
import type { FolderMoves } from './folder-moves.ts'
import type { Partitions } from './partitions.ts'
import { PlainCalls } from './plain-calls.ts'
import { ProduceBudget, type ProduceContext } from './produce.ts'
import { answerMetadata, describeCluster, ImageWaiters, type QueryContext, whenCaughtUp } from './queries.ts'
import { ClientSession } from './session.ts'
import type { NodeConfig } from './surface.ts'
import { Topics } from './topics.ts'
import { unregisterBroker } from './unregister-broker.ts'
import { VoterChanges } from './voter-changes.ts'

export interface BrokerCallsOptions {
  readonly nodeId: number
  readonly clock: Clock
  readonly config: NodeConfig
  /** What DescribeConfigs says of this node. */
  readonly configEntries: readonly ConfigEntry[]
  readonly controllerClient: ControllerClient
  readonly partitions: Partitions
  readonly image: () => MetadataImage
  readonly isCaughtUp: QueryContext['isCaughtUp']
  readonly leaderId: () => number | null
  readonly quorum: QuorumClient
  readonly isConnected: (nodeId: number) => boolean
  readonly isDiskLow: ProduceContext['isDiskLow']
  readonly folderOf: DigestContext['folderOf']
  /** Absent: such calls are answered UNSUPPORTED_VERSION, as the one below. */
  readonly describeLogDirs?: (done: Done<LogDirsDescription>) => void
  readonly logLevel?: LogLevelControl | undefined
}

/** The `Broker` of both listeners, on top of one node's parts. */
export class BrokerCalls implements Broker {
  readonly #clock: Clock
  readonly #nodeId: number
  readonly #configEntries: readonly ConfigEntry[]
  readonly #quorum: QuorumClient
  readonly #controllerClient: ControllerClient
  readonly #image: () => MetadataImage
  readonly #waiters: ImageWaiters
  readonly #topics: Topics
  readonly #voterChanges: VoterChanges
  readonly #queries: QueryContext
  readonly #produceContext: ProduceContext
  readonly #fetchContext: FetchContext
  readonly #plainCalls: PlainCalls
  readonly #leaderContext: LeaderRequestContext
  readonly #digestContext: DigestContext
  readonly #folderMoves: FolderMoves
  readonly #describeLogDirs: ((done: Done<LogDirsDescription>) => void) | undefined
  readonly #logLevel: LogLevelControl | undefined

  constructor(options: BrokerCallsOptions) {
    const { clock, partitions, image, isCaughtUp, leaderId, isConnected } = options
    const find: LeaderRequestContext['find'] = (topicId, partition) => partitions.find(topicId, partition)
    // A topic may be there that this node has not heard of yet.
    const knowsTopic = (topicId: string): boolean => image().topics.has(topicId) || !isCaughtUp()
    this.#clock = clock
    this.#nodeId = options.nodeId
    this.#configEntries = options.configEntries
    this.#quorum = options.quorum
    this.#controllerClient = options.controllerClient
    this.#image = image
    this.#waiters = new ImageWaiters(clock)
    this.#topics = new Topics({ controllerClient: options.controllerClient, waiters: this.#waiters, image })
    this.#voterChanges = new VoterChanges({ clock, controllerClient: options.controllerClient, waiters: this.#waiters, image })
    this.#queries = { clock, image, isCaughtUp, leaderId, isConnected }
    this.#produceContext = { clock, budget: new ProduceBudget(options.config.produceInFlightBytes), find, knowsTopic, isDiskLow: options.isDiskLow }
    this.#fetchContext = { clock, find, knowsTopic, readFailed: (replica, error) => partitions.readFailed(replica, error) }
    this.#leaderContext = { image, find, knowsTopic, records: new PartitionRecords({ clock, readFailed: this.#fetchContext.readFailed }) }
    const leave: DigestContext['leave'] = (replica, done) => leaveIsr(options, replica, done)
    this.#digestContext = { find, knowsTopic, folderOf: options.folderOf, readFailed: this.#fetchContext.readFailed, leave }
    this.#folderMoves = partitions.folderMoves
    this.#describeLogDirs = options.describeLogDirs
    this.#logLevel = options.logLevel
    this.#plainCalls = new PlainCalls({
      nodeId: options.nodeId,
      clock,
      image,
      isCaughtUp,
      isClosed: (topicId, partition) => find(topicId, partition) === undefined,
      listOffsets: (request, done) => this.listOffsets(request, done),
    })
  }

  /** Metadata was applied: what waits for it may go on. */
  applied(): void {
    this.#waiters.applied()
  }

  openSession(): BrokerSession {
    return new ClientSession({
      produce: this.#produceContext,
      fetch: this.#fetchContext,
      plainCalls: this.#plainCalls,
      image: this.#image,
    })
  }

  metadata(request: MetadataRequest, done: Done<MetadataResponse>): void {
    answerMetadata(this.#queries, this.#waiters, request, done)
  }

  listOffsets(request: ListOffsetsRequest, done: Done<ListOffsetsResponse>): void {
    this.#clock.defer(() => listOffsets(this.#leaderContext, request, done))
  }

  createTopic(request: CreateTopicRequest, done: Done<CreateTopicResponse>): void {
    this.#clock.defer(() => this.#topics.create(request, done))
  }

  deleteTopic(request: DeleteTopicRequest, done: Done<void>): void {
    this.#clock.defer(() => this.#topics.delete(request, done))
  }

  createProducerId(done: Done<CreateProducerIdResponse>): void {
    this.#clock.defer(() => this.#topics.createProducerId(done))
  }

  describeCluster(done: Done<ClusterDescription>): void {
    this.#clock.defer(() => done(undefined, describeCluster(this.#queries)))
  }

  describeQuorum(done: Done<QuorumDescription>): void {
    this.#clock.defer(() => this.#quorum.ask(done))
  }

  alterTopic(request: AlterTopicRequest, done: Done<TopicInfo>): void {
    this.#clock.defer(() => this.#topics.alter(request, done))
  }

  describeConfigs(request: DescribeConfigsRequest, done: Done<DescribeConfigsResponse>): void {
    const describe = (): void => {
      let response: DescribeConfigsResponse
      try {
        response = describeConfigs({ image: this.#image(), nodeId: this.#nodeId, nodeEntries: this.#configEntries }, request)
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error
        done(error, undefined as never)
        return
      }
      done(undefined, response)
    }
    this.#clock.defer(() => (request.topics.length === 0 ? describe() : whenCaughtUp(this.#queries, this.#waiters, done, describe)))
  }

  electLeaders(request: ElectLeadersRequest, done: Done<ElectLeadersResponse>): void {
    this.#clock.defer(() => this.#topics.electLeaders(request, done))
  }

  addVoter(request: VoterRequest, done: Done<VotersChange>): void {
    this.#clock.defer(() => this.#voterChanges.ask('addVoter', request, done))
  }

  removeVoter(request: VoterRequest, done: Done<VotersChange>): void {
    this.#clock.defer(() => this.#voterChanges.ask('removeVoter', request, done))
  }

  alterMaintenance(request: AlterMaintenanceRequest, done: Done<BrokerDescription>): void {
    const parts = { controllerClient: this.#controllerClient, waiters: this.#waiters, queries: this.#queries }
    this.#clock.defer(() => alterMaintenance(parts, request, done))
  }

  unregisterBroker(request: UnregisterBrokerRequest, done: Done<void>): void {
    const parts = { controllerClient: this.#controllerClient, waiters: this.#waiters, image: this.#image }
    this.#clock.defer(() => unregisterBroker(parts, request, done))
  }

  alterReassignments(request: AlterReassignmentsRequest, done: Done<AlterReassignmentsResponse>): void {
    this.#clock.defer(() => this.#topics.alterReassignments(request, done))
  }

  deleteRecords(request: DeleteRecordsRequest, done: Done<DeleteRecordsResponse>): void {
    this.#clock.defer(() => deleteRecords(this.#leaderContext, request, done))
  }

  alterReplicaLogDirs(request: AlterReplicaLogDirsRequest, done: Done<AlterReplicaLogDirsResponse>): void {
    const { find, knowsTopic } = this.#fetchContext
    this.#clock.defer(() => done(undefined, alterReplicaLogDirs({ find, knowsTopic, moves: this.#folderMoves }, request)))
  }

  describeLogDirs(done: Done<LogDirsDescription>): void {
    if (this.#describeLogDirs === undefined) this.#unsupported('describing data folders', done)
    else this.#clock.defer(() => this.#describeLogDirs?.(done))
  }

  digestBatches(request: DigestBatchesRequest, done: Done<BatchDigests>): void {
    this.#clock.defer(() => runTask(digestBatches(this.#digestContext, request), done))
  }

  getLogLevel(done: Done<LogLevelDescription>): void {
    this.#clock.defer(() => {
      if (this.#logLevel === undefined) this.#unsupported('the log level of this node', done)
      else done(undefined, { level: this.#logLevel.level })
    })
  }

  setLogLevel({ level }: LogLevelDescription, done: Done<LogLevelDescription>): void {
    this.#clock.defer(() => {
      if (!isLogLevel(level))
        done(new BrokerError('INVALID_REQUEST', `"${level.slice(0, 64)}" is not a log level; those are ${logLevels.join(', ')}`), { level: '' })
      else if (this.#logLevel === undefined) this.#unsupported('the log level of this node', done)
      else {
        this.#logLevel.setLevel(level)
        done(undefined, { level: this.#logLevel.level })
      }
    })
  }

  #unsupported<T>(what: string, done: Done<T>): void {
    this.#clock.defer(() => done(new BrokerError('UNSUPPORTED_VERSION', `${what} is not in this version`), undefined as T))
  }
}
