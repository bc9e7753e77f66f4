import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import { randomUuid } from '../base/ids.ts'
import type {
  AlterReassignmentsResponse,
  AlterReplicaLogDirsResponse,
  BatchDigests,
  BrokerDescription,
  ClusterDescription,
  ConfigResource,
  CreateTopicRequest,
  CreateTopicResponse,
  DeletedRecords,
  DescribeConfigsResponse,
  DigestBatchesRequest,
  ElectLeadersResponse,
  LogDirsDescription,
  LogLevelDescription,
  MetadataResponse,
  OffsetAt,
  QuorumDescription,
  TopicInfo,
  VotersChange,
} from '../wire/api.ts'
import type {
  AdminOptions,
  AlterReplicaLogDirsOptions,
  AlterTopicOptions,
  CreateTopicOptions,
  DeletedPartition,
  ElectedPartition,
  ElectLeadersOptions,
  RecordsToDelete,
  UnregisterBrokerOptions,
  VoterOptions,
} from './admin-options.ts'
import { toMap } from './admin-options.ts'
import { AnyNodeCall, type AnyNodeOptions, type NodeCall } from './any-node.ts'
import { changing, isDoneBefore, nodeWaitMs, withCancelledBefore, withElectedBefore, withIndefinite } from './changes.ts'
import type { Cluster } from './cluster.ts'
import { toBrokerError } from './api-error.ts'
import { describeAsCreated } from './created-topic.ts'
import { LeaderCall, type Outcome } from './leader-call.ts'
import { checkNumber } from './number-option.ts'
import { type FoundOffset, OffsetLookup } from './offset-lookup.ts'
import { type AlterReassignmentsOptions, type MovedPartition, movedPartitions, reassignmentsRequest } from './reassignments.ts'
import { topicsNamed } from './topics-named.ts'
import type { ClientConnection, NodeAddress } from './transport.ts'

const DEFAULT_PARTITIONS = 6
const DEFAULT_REPLICATION_FACTOR = 3
const READ_ATTEMPT_TIMEOUT_MS = 5_000
const NOTE_TIMEOUT_MS = 1_000
/** A leader answers once all in-sync replicas have it; one that lags is out of sync after 5 s. */
const LEADER_CHANGE_TIMEOUT_MS = 10_000
/** As it travels (zigzag) it must be exact. */
const MAX_BEFORE_OFFSET = 2 ** 52 - 1
/** One node that does not answer may not use up the time of a question that any can answer. */
const reading: Omit<AnyNodeOptions, 'timeoutMs'> = { attemptTimeoutMs: READ_ATTEMPT_TIMEOUT_MS }

interface Cancellable {
  cancel(): void
}

/** Topics and descriptions, from any node. What one call did, a later call of the same client sees. Every rejection is a BrokerError. */
export class Admin {
  readonly #cluster: Cluster
  readonly #running = new Set<Cancellable>()
  /** Monotonic clock, ms. */
  readonly #lastDeadlineMs: number
  readonly #onClosed: () => void
  #isClosed = false

  /** `onClosed`: who made it need not close it any more. */
  constructor(cluster: Cluster, options: AdminOptions = {}, onClosed: () => void = () => {}) {
    this.#cluster = cluster
    this.#onClosed = onClosed
    this.#lastDeadlineMs = options.totalTimeoutMs === undefined ? Infinity : cluster.clock.monotonicMs() + options.totalTimeoutMs
  }

  /** Resolves when every partition has a leader. The topic id is chosen here, so that a retry of an unknown outcome creates nothing twice. */
  async createTopic(options: CreateTopicOptions): Promise<CreateTopicResponse> {
    const deadlineMs = this.#deadline(options.timeoutMs)
    const configs = toMap(options.configs)
    const request: Omit<CreateTopicRequest, 'timeoutMs'> = {
      name: options.name,
      topicId: randomUuid(this.#cluster.random),
      partitions: options.partitions ?? options.assignment?.length ?? DEFAULT_PARTITIONS,
      replicationFactor: options.replicationFactor ?? options.assignment?.[0]?.length ?? DEFAULT_REPLICATION_FACTOR,
      assignment: options.assignment ?? null,
      configs,
      validateOnly: options.validateOnly ?? false,
    }
    try {
      return await this.#call(
        (connection, attemptMs, done) => {
          const noting = request.validateOnly ? done : this.#noting(connection, request.name, deadlineMs, done)
          connection.createTopic({ ...request, timeoutMs: nodeWaitMs(attemptMs) }, attemptMs, noting)
        },
        deadlineMs,
        changing,
      )
    } catch (error) {
      if (options.ifNotExists !== true || !(error instanceof BrokerError) || error.code !== 'TOPIC_ALREADY_EXISTS') throw error
    }
    return describeAsCreated(await this.#describe([request.name], deadlineMs))
  }

  /** Deletes the topic that has the name now. */
  async deleteTopic(name: string): Promise<void> {
    const deadlineMs = this.#deadline()
    const [topic] = await this.#describe([name], deadlineMs)
    if (topic === undefined) throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic "${name}"`)
    try {
      await this.#call<void>(
        (connection, attemptMs, done) => {
          connection.deleteTopic({ topicId: topic.topicId, timeoutMs: nodeWaitMs(attemptMs) }, attemptMs, this.#noting(connection, name, deadlineMs, done))
        },
        deadlineMs,
        { ...changing, retries: (error) => error.retriable && error.code !== 'UNKNOWN_TOPIC_ID' },
      )
    } catch (error) {
      // The id was there before the first attempt: if it is gone now, an attempt without an answer did it.
      if (!isDoneBefore(error, 'UNKNOWN_TOPIC_ID')) throw error
    }
  }

  async listTopics(): Promise<TopicInfo[]> {
    return [...(await this.#metadata(null, this.#deadline())).topics]
  }

  /** In the order of the names; all topics without them. Rejects UNKNOWN_TOPIC_OR_PARTITION when one is missing. */
  async describeTopics(names?: readonly string[]): Promise<TopicInfo[]> {
    return names === undefined ? await this.listTopics() : await this.#describe(names, this.#deadline())
  }

  describeCluster(options: { readonly timeoutMs?: number } = {}): Promise<ClusterDescription> {
    return this.#call((connection, timeoutMs, done) => connection.describeCluster(timeoutMs, done), this.#deadline(options.timeoutMs))
  }

  describeQuorum(): Promise<QuorumDescription> {
    return this.#call((connection, timeoutMs, done) => connection.describeQuorum(timeoutMs, done), this.#deadline())
  }

  /**
   * Of every partition, or of those named, in order. latest: the high watermark, exclusive. A number: ms since 1970; the first record that is
   * not older, offset and timestamp −1 where there is none.
   */
  async listOffsets(topic: string, at: OffsetAt, partitions?: readonly number[]): Promise<{ partition: number; offset: number; timestamp: number }[]> {
    if (typeof at === 'number') checkNumber('the timestamp', at, 0, Number.MAX_SAFE_INTEGER)
    const deadlineMs = this.#deadline()
    const [info] = await this.#describe([topic], deadlineMs)
    const asked = partitions ?? (info as TopicInfo).partitions.map(({ partition }) => partition)
    const questions = asked.toSorted((a, b) => a - b).map((partition) => ({ topic, partition, at }))
    const found = await this.#promise<readonly { partition: number; offset: number; timestamp: number }[]>(deadlineMs, (timeoutMs, done) => {
      return new OffsetLookup(this.#cluster, questions, timeoutMs, done)
    })
    return found.map(({ partition, offset, timestamp }) => ({ partition, offset, timestamp }))
  }

  /** Adds partitions and changes configs, all or nothing. Resolves to the topic with the change. */
  async alterTopic(options: AlterTopicOptions): Promise<TopicInfo> {
    const deadlineMs = this.#deadline(options.timeoutMs)
    const { name, validateOnly = false } = options
    const [topic] = await this.#describe([name], deadlineMs)
    const request = {
      topicId: (topic as TopicInfo).topicId,
      partitions: options.partitions ?? 0,
      assignment: options.assignment ?? null,
      set: toMap(options.set),
      delete: options.delete ?? [],
      validateOnly,
    }
    return await this.#call(
      (connection, attemptMs, done) => {
        const noting = validateOnly ? done : this.#noting(connection, name, deadlineMs, done)
        connection.alterTopic({ ...request, timeoutMs: nodeWaitMs(attemptMs) }, attemptMs, noting)
      },
      deadlineMs,
      changing,
    )
  }

  /** Topics first, then brokers, in the order asked; each broker is asked itself. */
  async describeConfigs(resources: { readonly topics?: readonly string[]; readonly brokers?: readonly number[] }): Promise<ConfigResource[]> {
    const deadlineMs = this.#deadline()
    const { topics = [], brokers = [] } = resources
    const described: ConfigResource[] = []
    if (topics.length > 0) {
      const request = { topics, brokers: [] }
      described.push(
        ...(await this.#call<DescribeConfigsResponse>((connection, timeoutMs, done) => connection.describeConfigs(request, timeoutMs, done), deadlineMs))
          .resources,
      )
    }
    const addresses = await this.#addresses(brokers, deadlineMs)
    const answers = brokers.map((nodeId, at) => {
      const request = { topics: [], brokers: [nodeId] }
      return this.#callNode<DescribeConfigsResponse>(
        addresses[at] as NodeAddress,
        (connection, timeoutMs, done) => connection.describeConfigs(request, timeoutMs, done),
        deadlineMs,
      )
    })
    for (const { resources: ofBroker } of await Promise.all(answers)) described.push(...ofBroker)
    return described
  }

  /**
   * Without partitions: of all that their preferred replica does not lead; those it leads already are then left out.
   * `unclean`: of those that have no leader, and whose other replicas are gone for good: what was acknowledged and only those hold is lost.
   */
  async electLeaders(options: ElectLeadersOptions = {}): Promise<ElectedPartition[]> {
    const { unclean = false, validateOnly = false } = options
    const deadlineMs = this.#deadline(options.timeoutMs)
    const wanted = options.partitions
    const wantedNames = wanted === undefined ? null : [...new Set(wanted.map(({ topic }) => topic))]
    const metadata = await this.#metadata(wantedNames, deadlineMs)
    const known = wantedNames === null ? metadata.topics : topicsNamed(metadata, wantedNames)
    const ids = new Map(known.map(({ name, topicId }) => [name, topicId]))
    const names = new Map(known.map(({ name, topicId }) => [topicId, name]))
    const partitions = wanted?.map(({ topic, partition }) => ({ topicId: ids.get(topic) as string, partition })) ?? null
    // The same for every attempt: one that comes later gives up no leader that was lost meanwhile.
    const metadataOffset = options.metadataOffset ?? (unclean && !validateOnly ? metadata.metadataOffset : null)
    const request = { partitions, unclean, validateOnly, metadataOffset }
    const { value, maybeDoneBefore } = await this.#change((connection, attemptMs, done: Done<ElectLeadersResponse>) => {
      const noting = this.#noting(connection, known[0]?.name ?? '', deadlineMs, done)
      connection.electLeaders({ ...request, timeoutMs: nodeWaitMs(attemptMs) }, attemptMs, noting)
    }, deadlineMs)
    const outcomes = maybeDoneBefore ? withElectedBefore(value.partitions, await this.#metadata(null, deadlineMs)) : value.partitions
    return outcomes.map(({ topicId, partition, elected, error }) => ({
      topic: names.get(topicId) ?? topicId,
      partition,
      elected,
      error: error === null ? null : toBrokerError(error),
      metadataOffset: value.metadataOffset,
    }))
  }

  /**
   * Makes a node a voter of the metadata quorum, or gives a voter whose disk was wiped its new data folder. Waits until the node has caught up.
   * Repeating it is harmless.
   */
  addVoter(options: VoterOptions): Promise<VotersChange> {
    return this.#changeVoters('addVoter', options)
  }

  /** Takes a node out of the voters; it goes on as an observer. */
  async removeVoter(options: VoterOptions): Promise<VotersChange> {
    try {
      return await this.#changeVoters('removeVoter', options)
    } catch (error) {
      if (!isDoneBefore(error, 'VOTER_NOT_FOUND')) throw error
    }
    const { status, replicas } = await this.describeQuorum()
    const folders = new Map(replicas.map(({ nodeId, directoryId }) => [nodeId, directoryId]))
    return { isChanged: true, voters: status.voters.map((nodeId) => ({ nodeId, directoryId: folders.get(nodeId) ?? null })), warnings: [] }
  }

  #changeVoters(call: 'addVoter' | 'removeVoter', options: VoterOptions): Promise<VotersChange> {
    const { nodeId, directoryId = null, validateOnly = false } = options
    return this.#call<VotersChange>(
      (connection, attemptMs, done) => connection[call]({ nodeId, directoryId, validateOnly, timeoutMs: nodeWaitMs(attemptMs) }, attemptMs, done),
      this.#deadline(options.timeoutMs),
      // A question is answered as it stands; a change waits for what passes by itself.
      { ...changing, retries: (error) => error.retriable && !(validateOnly && error.code === 'VOTER_NOT_READY') },
    )
  }

  /** Into maintenance a broker leads only what no other in-sync replica can, until it is taken out again. Resolves to the broker as it is then. */
  alterMaintenance(options: { readonly nodeId: number; readonly maintenance: boolean; readonly timeoutMs?: number }): Promise<BrokerDescription> {
    const { nodeId, maintenance } = options
    return this.#call<BrokerDescription>(
      (connection, attemptMs, done) => connection.alterMaintenance({ nodeId, maintenance, timeoutMs: nodeWaitMs(attemptMs) }, attemptMs, done),
      this.#deadline(options.timeoutMs),
      // A broker that nobody knows now is a mistyped one.
      { ...changing, retries: (error) => error.retriable && error.code !== 'BROKER_ID_NOT_REGISTERED' },
    )
  }

  /** Takes a broker that is gone for good out of the metadata. BROKER_IN_USE while it runs, holds replicas or is a voter. */
  async unregisterBroker(options: UnregisterBrokerOptions): Promise<void> {
    const { nodeId, validateOnly = false } = options
    const deadlineMs = this.#deadline(options.timeoutMs)
    const { brokers } = await this.#metadata([], deadlineMs)
    const isKnown = brokers.some((broker) => broker.nodeId === nodeId)
    try {
      await this.#call<void>(
        (connection, attemptMs, done) => {
          connection.unregisterBroker({ nodeId, validateOnly, timeoutMs: nodeWaitMs(attemptMs) }, attemptMs, done)
        },
        deadlineMs,
        { ...changing, retries: (error) => error.retriable && error.code !== 'BROKER_ID_NOT_REGISTERED' },
      )
    } catch (error) {
      // It was there before the first attempt: if it is gone now, an attempt without an answer did it.
      if (!isKnown || !isDoneBefore(error, 'BROKER_ID_NOT_REGISTERED')) throw error
    }
  }

  /** Begins moves of partitions, changes their limit, or takes them back; they go on by themselves. Each has its own outcome (KIP-455). */
  async alterReassignments(options: AlterReassignmentsOptions): Promise<MovedPartition[]> {
    const { moves } = options
    const deadlineMs = this.#deadline(options.timeoutMs)
    const known = await this.#describe([...new Set(moves.map(({ topic }) => topic))], deadlineMs)
    const { value, maybeDoneBefore } = await this.#change((connection, attemptMs, done: Done<AlterReassignmentsResponse>) => {
      const noting = this.#noting(connection, known[0]?.name ?? '', deadlineMs, done)
      connection.alterReassignments(reassignmentsRequest(options, known, nodeWaitMs(attemptMs)), attemptMs, noting)
    }, deadlineMs)
    if (!maybeDoneBefore) return movedPartitions(moves, value)
    const { topics: now } = await this.#metadata([...new Set(moves.map(({ topic }) => topic))], deadlineMs)
    return movedPartitions(moves, withCancelledBefore(moves, value, { before: known, now }))
  }

  /** Drops the records below an offset, for good; each partition has its own outcome. */
  async deleteRecords(records: readonly RecordsToDelete[], options: { readonly timeoutMs?: number } = {}): Promise<DeletedPartition[]> {
    for (const { beforeOffset } of records) checkNumber('beforeOffset', beforeOffset, -1, MAX_BEFORE_OFFSET)
    const deadlineMs = this.#deadline(options.timeoutMs)
    const questions = await this.#untilNow(records, deadlineMs)
    const outcomes = await this.#promise<readonly Outcome<RecordsToDelete, DeletedRecords>[]>(deadlineMs, (timeoutMs, done) => {
      return new LeaderCall<RecordsToDelete, DeletedRecords>(
        this.#cluster,
        {
          questions,
          timeoutMs,
          attemptTimeoutMs: LEADER_CHANGE_TIMEOUT_MS,
          stopsAtError: false,
          ask(connection, asked, attemptMs, answered) {
            const partitions = asked.map(({ topicId, partition, beforeOffset }) => ({ topicId, partition, beforeOffset }))
            const request = { partitions, timeoutMs: nodeWaitMs(attemptMs) }
            connection.deleteRecords(request, attemptMs, (error, response) => answered(error, error === undefined ? response.partitions : []))
          },
        },
        (answers) => done(undefined, answers),
      )
    })
    return outcomes.map(({ question, answer, error }) => ({
      topic: question.topic,
      partition: question.partition,
      lowWatermark: answer?.lowWatermark ?? -1,
      error,
    }))
  }

  /** "The high watermark" as a number, once: a second attempt would mean a later one. */
  async #untilNow(records: readonly RecordsToDelete[], deadlineMs: number): Promise<RecordsToDelete[]> {
    const open = records.filter(({ beforeOffset }) => beforeOffset === -1)
    if (open.length === 0) return [...records]
    const questions = open.map(({ topic, partition }) => ({ topic, partition, at: 'latest' as const }))
    const found = await this.#promise<readonly FoundOffset[]>(deadlineMs, (timeoutMs, done) => new OffsetLookup(this.#cluster, questions, timeoutMs, done))
    return records.map((record) => {
      const at = open.indexOf(record)
      return at === -1 ? record : { ...record, beforeOffset: (found[at] as FoundOffset).offset }
    })
  }

  /** Moves replicas of one node to another of its data folders, or ends such moves; they go on by themselves. Each has its own outcome (KIP-113). */
  async alterReplicaLogDirs(options: AlterReplicaLogDirsOptions): Promise<MovedPartition[]> {
    const { nodeId, partitions: named, path, bytesPerSecond = null, validateOnly = false } = options
    const deadlineMs = this.#deadline()
    const known = await this.#describe([...new Set(named.map(({ topic }) => topic))], deadlineMs)
    const ids = new Map(known.map(({ name, topicId }) => [name, topicId]))
    const partitions = named.map(({ topic, partition }) => ({ topicId: ids.get(topic) as string, partition }))
    const request = { partitions, path, bytesPerSecond, validateOnly }
    const [address] = await this.#addresses([nodeId], deadlineMs)
    const { value, maybeDoneBefore } = await this.#change<AlterReplicaLogDirsResponse>(
      (connection, timeoutMs, done) => connection.alterReplicaLogDirs(request, timeoutMs, done),
      deadlineMs,
      { ...reading, address: address as NodeAddress },
    )
    return movedPartitions(named, maybeDoneBefore ? withIndefinite(value) : value)
  }

  /** The data folders of one node, asked itself. */
  describeLogDirs(options: { readonly nodeId: number }): Promise<LogDirsDescription> {
    return this.#onNode(options.nodeId, (connection, timeoutMs, done) => connection.describeLogDirs(timeoutMs, done))
  }

  /** What the disk of the node there has of a partition, a digest a batch. What the replica is not fit for is answered at once. */
  digestBatches(address: NodeAddress, request: DigestBatchesRequest): Promise<BatchDigests> {
    return this.#call((connection, timeoutMs, done) => connection.digestBatches(request, timeoutMs, done), this.#deadline(), {
      ...reading,
      address,
      retries: ({ unanswered, retriable }) => unanswered && retriable,
    })
  }

  /** How much one node logs: debug, info, warn or error. */
  async logLevel(options: { readonly nodeId: number }): Promise<string> {
    const { level } = await this.#onNode<LogLevelDescription>(options.nodeId, (connection, timeoutMs, done) => connection.getLogLevel(timeoutMs, done))
    return level
  }

  /** Until that node restarts. Resolves to the level that counts now. */
  async setLogLevel(options: { readonly nodeId: number; readonly level: string }): Promise<string> {
    const request = { level: options.level }
    const { level } = await this.#onNode<LogLevelDescription>(options.nodeId, (connection, timeoutMs, done) => connection.setLogLevel(request, timeoutMs, done))
    return level
  }

  /** Ends what is under way, as indefinite. Called by the client's close. */
  close(): void {
    this.#isClosed = true
    for (const call of [...this.#running]) call.cancel()
    this.#onClosed()
  }

  async #describe(names: readonly string[], deadlineMs: number): Promise<TopicInfo[]> {
    return topicsNamed(await this.#metadata(names, deadlineMs), names)
  }

  /** Whatever this client asks later is answered no older. */
  async #metadata(topics: readonly string[] | null, deadlineMs: number): Promise<MetadataResponse> {
    const { metadata } = this.#cluster
    const ask: NodeCall<MetadataResponse> = (connection, timeoutMs, done) => connection.metadata({ topics, minOffset: metadata.offset }, timeoutMs, done)
    const response = await this.#call(ask, deadlineMs)
    metadata.noteOffset(response.metadataOffset)
    return response
  }

  /** After a change, learns the metadata offset that has it, from the node that said so. */
  #noting<T>(connection: ClientConnection, name: string, deadlineMs: number, done: Done<T>): Done<T> {
    return (error, value) => {
      if (error !== undefined) {
        done(error, value)
        return
      }
      const timeoutMs = Math.max(1, Math.min(NOTE_TIMEOUT_MS, deadlineMs - this.#cluster.clock.monotonicMs()))
      connection.metadata({ topics: [name], minOffset: 0 }, timeoutMs, (noteError, response) => {
        if (noteError === undefined) this.#cluster.metadata.noteOffset(response.metadataOffset)
        done(undefined, value)
      })
    }
  }

  /** When a call that begins now is over, with all that it asks on its way. */
  #deadline(timeoutMs = this.#cluster.requestTimeoutMs): number {
    return Math.min(this.#lastDeadlineMs, this.#cluster.clock.monotonicMs() + timeoutMs)
  }

  async #onNode<T>(nodeId: number, call: NodeCall<T>): Promise<T> {
    const deadlineMs = this.#deadline()
    const [address] = await this.#addresses([nodeId], deadlineMs)
    return await this.#callNode(address as NodeAddress, call, deadlineMs)
  }

  #callNode<T>(address: NodeAddress, call: NodeCall<T>, deadlineMs: number): Promise<T> {
    return this.#call(call, deadlineMs, { ...reading, address })
  }

  /** Where each of these nodes is reached. Rejects INVALID_REQUEST for one that is not a broker of the cluster. */
  async #addresses(nodeIds: readonly number[], deadlineMs: number): Promise<NodeAddress[]> {
    if (nodeIds.length === 0) return []
    const { brokers } = await this.#metadata([], deadlineMs)
    return nodeIds.map((nodeId) => {
      const node = brokers.find((other) => other.nodeId === nodeId)
      if (node !== undefined) return { host: node.host, port: node.grpcPort }
      throw new BrokerError('INVALID_REQUEST', `there is no broker ${nodeId}; those are ${brokers.map((other) => other.nodeId).join(', ')}`)
    })
  }

  #call<T>(call: NodeCall<T>, deadlineMs: number, options: Omit<AnyNodeOptions, 'timeoutMs'> = reading): Promise<T> {
    return this.#promise(deadlineMs, (timeoutMs, done) => new AnyNodeCall(this.#cluster, call, { ...options, timeoutMs }, done).start())
  }

  /** `maybeDoneBefore`: an earlier attempt got no answer, and may have done it already. */
  #change<T>(
    call: NodeCall<T>,
    deadlineMs: number,
    options: Omit<AnyNodeOptions, 'timeoutMs'> = changing,
  ): Promise<{ readonly value: T; readonly maybeDoneBefore: boolean }> {
    return this.#promise(deadlineMs, (timeoutMs, done) => {
      const running: AnyNodeCall<T> = new AnyNodeCall<T>(this.#cluster, call, { ...options, timeoutMs }, (error, value) =>
        done(error, { value, maybeDoneBefore: running.maybeDone }),
      )
      return running.start()
    })
  }

  /** Nothing is begun that has no time left: a change that is sent and not waited for has an outcome nobody knows. */
  #promise<T>(deadlineMs: number, start: (timeoutMs: number, done: Done<T>) => Cancellable): Promise<T> {
    if (this.#isClosed) return Promise.reject(new BrokerError('CLIENT_CLOSED', 'the client is closed'))
    const timeoutMs = deadlineMs - this.#cluster.clock.monotonicMs()
    if (timeoutMs <= 0) return Promise.reject(new BrokerError('REQUEST_TIMED_OUT', 'no time was left to ask'))
    return new Promise((resolve, reject) => {
      let isOver = false
      const running = start(timeoutMs, (error, value) => {
        isOver = true
        for (const call of this.#running) if (call === running) this.#running.delete(call)
        if (error === undefined) resolve(value)
        else reject(error)
      })
      if (!isOver) this.#running.add(running)
    })
  }
}
