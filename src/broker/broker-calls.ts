import type { Clock } from '../base/clock.ts'
import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { Raft } from '../raft/raft.ts'
import type { ControllerClient } from '../runtime/controller-client.ts'
import { TICK_MS } from '../runtime/ticks.ts'
import type {
  ClusterDescription,
  CreateProducerIdResponse,
  CreateTopicRequest,
  CreateTopicResponse,
  DeleteTopicRequest,
  ListOffsetsRequest,
  ListOffsetsResponse,
  MetadataRequest,
  MetadataResponse,
  QuorumDescription,
  QuorumReplica,
} from '../wire/api.ts'
import type { Broker, BrokerSession } from './api.ts'
import type { FetchContext } from './consumer-fetch.ts'
import type { Partitions } from './partitions.ts'
import { ProduceBudget, type ProduceContext } from './produce.ts'
import { answerMetadata, describeCluster, ImageWaiters, listOffsets, type QueryContext } from './queries.ts'
import { ClientSession } from './session.ts'
import type { NodeConfig } from './surface.ts'
import { Topics } from './topics.ts'

export interface BrokerCallsOptions {
  readonly clock: Clock
  readonly config: NodeConfig
  readonly controllerClient: ControllerClient
  readonly partitions: Partitions
  readonly image: () => MetadataImage
  readonly raft: Raft
  readonly isConnected: (nodeId: number) => boolean
  readonly isDiskLow: () => boolean
}

/** The `Broker` of both listeners, on top of one node's parts. */
export class BrokerCalls implements Broker {
  readonly #clock: Clock
  readonly #raft: Raft
  readonly #image: () => MetadataImage
  readonly #waiters: ImageWaiters
  readonly #topics: Topics
  readonly #queries: QueryContext
  readonly #produceContext: ProduceContext
  readonly #fetchContext: FetchContext

  constructor(options: BrokerCallsOptions) {
    const { clock, partitions, image, raft } = options
    const find: QueryContext['find'] = (topicId, partition) => partitions.find(topicId, partition)
    const knowsTopic = (topicId: string): boolean => image().topics.has(topicId)
    this.#clock = clock
    this.#raft = raft
    this.#image = image
    this.#waiters = new ImageWaiters(clock)
    this.#topics = new Topics({ controllerClient: options.controllerClient, waiters: this.#waiters, image })
    this.#queries = { clock, image, leaderId: () => raft.leaderId, isConnected: options.isConnected, find }
    this.#produceContext = { clock, budget: new ProduceBudget(options.config.produceInFlightBytes), find, knowsTopic, isDiskLow: options.isDiskLow }
    this.#fetchContext = { clock, find, knowsTopic, readFailed: (replica, error) => partitions.readFailed(replica, error) }
  }

  /** Metadata was applied: what waits for it may go on. */
  applied(): void {
    this.#waiters.applied()
  }

  openSession(): BrokerSession {
    return new ClientSession(this.#produceContext, this.#fetchContext)
  }

  metadata(request: MetadataRequest, done: Done<MetadataResponse>): void {
    answerMetadata(this.#queries, this.#waiters, request, done)
  }

  listOffsets(request: ListOffsetsRequest, done: Done<ListOffsetsResponse>): void {
    this.#clock.defer(() => done(undefined, listOffsets(this.#queries, request)))
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
    this.#clock.defer(() => {
      const { isLeader, leaderId } = this.#raft
      if (isLeader) done(undefined, this.#describeQuorum())
      else
        done(
          new BrokerError('NOT_CONTROLLER', leaderId === null ? 'no leader of the quorum is known here' : `node ${leaderId} leads the quorum`),
          undefined as never,
        )
    })
  }

  #describeQuorum(): QuorumDescription {
    const { term, leaderId, commitIndex, endOffset } = this.#raft
    const now = this.#clock.wallMs()
    const progress = this.#raft.progress()
    const replicas = progress.map((peer): QuorumReplica => {
      const isSelf = peer.nodeId === leaderId
      return {
        nodeId: peer.nodeId,
        directoryId: peer.directoryId,
        logEndOffset: isSelf ? endOffset : peer.persistedEndOffset,
        lag: isSelf ? 0 : Math.max(0, endOffset - peer.persistedEndOffset),
        lastFetchTimestamp: now - peer.silentTicks * TICK_MS,
        lastCaughtUpTimestamp: now - peer.laggingTicks * TICK_MS,
        status: isSelf ? 'Leader' : peer.voter ? 'Voter' : 'Observer',
      }
    })
    const followers = progress.filter((peer) => peer.nodeId !== leaderId && peer.voter)
    return {
      status: {
        clusterId: this.#image().clusterId,
        leaderId: leaderId ?? -1,
        leaderEpoch: term,
        highWatermark: commitIndex,
        maxFollowerLag: Math.max(0, ...followers.map((peer) => endOffset - peer.persistedEndOffset)),
        maxFollowerLagTimeMs: Math.max(0, ...followers.map((peer) => peer.laggingTicks * TICK_MS)),
        voters: progress.filter((peer) => peer.voter).map((peer) => peer.nodeId),
        observers: progress.filter((peer) => !peer.voter).map((peer) => peer.nodeId),
      },
      replicas,
    }
  }
}
