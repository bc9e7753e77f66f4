import type { Clock } from '../../src/base/clock.ts'
import type { Done } from '../../src/base/done.ts'
import { BrokerError, type Code, errorTable, type LeaderHint } from '../../src/base/errors.ts'
import type { Random } from '../../src/base/random.ts'
import type { ClientConnection, ClientStream, ClientTransport, NodeAddress, StreamHandlers } from '../../src/client/transport.ts'
import type {
  ApiError,
  FetchedPartition,
  FetchPartition,
  FetchRequest,
  FetchResponse,
  ListOffsetsRequest,
  MetadataRequest,
  MetadataResponse,
  ProducedPartition,
  ProducePartition,
  ProduceRequest,
  ProduceResponse,
} from '../../src/wire/api.ts'
import { FakePartition } from './fake-partition.ts'

export interface FakeTopic {
  readonly name: string
  topicId: string
  readonly partitions: FakePartition[]
}

export interface ClusterOptions {
  readonly clock: Clock
  readonly random: Random
  readonly nodes?: number
  /** One way, ms, both inclusive. */
  readonly minDelayMs?: number
  readonly maxDelayMs?: number
  /** From the append to the high watermark, at most. */
  readonly maxCommitMs?: number
}

/** 'ignore': no answer ever; 'loseAnswer': done, but not said; a code: refused before anything is done. */
export type Verdict = Code | 'ignore' | 'loseAnswer' | undefined
export type SeenProduce = { readonly atMs: number; readonly nodeId: number; readonly request: ProduceRequest }
export type SeenFetch = { readonly atMs: number; readonly nodeId: number; readonly request: FetchRequest }

export function apiError(code: Code, definite: boolean = errorTable[code].definite, leader?: LeaderHint): ApiError {
  const error = { code, message: 'said the fake', retriable: errorTable[code].retriable, definite }
  return leader === undefined ? error : { ...error, leader }
}

interface OpenStream {
  readonly nodeId: number
  readonly end: (error: Error | undefined) => void
}

/**
 * A cluster as clients see it: one true log a partition, a leader that alone may append, metadata that reaches the other nodes late.
 * `produceVerdict` and `fetchVerdict` let a test decide; everything else keeps the rules.
 */
export class FakeCluster implements ClientTransport {
  readonly clock: Clock
  readonly random: Random
  readonly topics = new Map<string, FakeTopic>()
  readonly produced: SeenProduce[] = []
  readonly fetched: SeenFetch[] = []
  readonly dead = new Set<number>()
  readonly silent = new Set<number>()
  /** Nodes that take nothing from the network: what is sent to them does not leave. */
  readonly stuck = new Set<number>()
  /** Nodes that hear of nothing new, and answer all the same. */
  readonly deaf = new Set<number>()
  metadataRequests = 0
  openStreams: OpenStream[] = []
  produceVerdict: (nodeId: number, partition: ProducePartition) => Verdict = () => undefined
  fetchVerdict: (nodeId: number, partition: FetchPartition) => Code | undefined = () => undefined
  /** Who refuses because of its epoch names the leader that it knows of. */
  leaderHint: (nodeId: number, topicId: string, partition: number) => LeaderHint | undefined = (...asked) => this.#known(...asked)
  /** Nodes give no producer id, but this. */
  producerIdRefusal: BrokerError | undefined
  damage: (bytes: Buffer) => Buffer = (bytes) => bytes
  readonly #options: Required<ClusterOptions>
  readonly #waiting: {
    readonly topicId: string
    readonly partition: number
    readonly endOffset: number
    readonly leaderEpoch: number
    readonly reply: (error: ApiError | null) => void
  }[] = []
  #metadataOffset = 1
  #nextProducerId = 1000
  #snapshots = new Map<number, MetadataResponse>()

  constructor(options: ClusterOptions) {
    this.#options = { nodes: 3, minDelayMs: 1, maxDelayMs: 1, maxCommitMs: 0, ...options }
    this.clock = options.clock
    this.random = options.random
  }

  get nodeIds(): number[] {
    return Array.from({ length: this.#options.nodes }, (_, index) => index + 1)
  }

  get bootstrap(): string[] {
    return this.nodeIds.map((nodeId) => `n${nodeId}:9`)
  }

  addTopic(name: string, partitions: number, topicId = name.padEnd(32, '0')): FakeTopic {
    const topic = { name, topicId, partitions: Array.from({ length: partitions }, (_, index) => new FakePartition((index % this.#options.nodes) + 1)) }
    this.topics.set(name, topic)
    this.publish(0)
    return topic
  }

  /** The topic has so many from now on. */
  addPartitions(name: string, partitions: number): void {
    const topic = this.topics.get(name) as FakeTopic
    while (topic.partitions.length < partitions) topic.partitions.push(new FakePartition((topic.partitions.length % this.#options.nodes) + 1))
    this.publish(0)
  }

  partition(name: string, partition: number): FakePartition {
    return this.topics.get(name)?.partitions[partition] as FakePartition
  }

  /** A new leader epoch; what was above the high watermark may be lost, and who waits is told that it may have happened. */
  moveLeader(name: string, partition: number, leader: number, options: { readonly cut?: boolean; readonly lagMs?: number } = {}): void {
    const state = this.partition(name, partition)
    state.leader = leader
    state.leaderEpoch++
    if (options.cut === true) state.cutToHighWatermark()
    this.#answerWaiting()
    this.publish(options.lagMs ?? 0)
    if (options.cut !== true) this.#commitLater(state)
  }

  /** Lets every node know the truth of now, each after 0 to `lagMs`. */
  publish(lagMs: number): void {
    this.#metadataOffset++
    const snapshot = this.#snapshot()
    for (const nodeId of this.nodeIds) {
      const learn = (): void => {
        if (!this.deaf.has(nodeId) && snapshot.metadataOffset > (this.#snapshots.get(nodeId)?.metadataOffset ?? 0)) this.#snapshots.set(nodeId, snapshot)
      }
      if (lagMs === 0) learn()
      else this.clock.after(this.random.integer(lagMs + 1), learn)
    }
  }

  /** The high watermark reaches the end of the log. */
  commit(name: string, partition: number): void {
    const state = this.partition(name, partition)
    state.highWatermark = state.endOffset
    this.#answerWaiting()
  }

  kill(nodeId: number): void {
    this.dead.add(nodeId)
    this.closeStreams(nodeId)
  }

  restart(nodeId: number): void {
    this.dead.delete(nodeId)
  }

  closeStreams(nodeId: number): void {
    const ended = this.openStreams.filter((stream) => stream.nodeId === nodeId)
    this.openStreams = this.openStreams.filter((stream) => stream.nodeId !== nodeId)
    for (const stream of ended) stream.end(new BrokerError('NETWORK_EXCEPTION', 'the fake closed it'))
  }

  #snapshot(): MetadataResponse {
    return {
      clusterId: 'c'.repeat(32),
      controllerId: 1,
      metadataOffset: this.#metadataOffset,
      brokers: this.nodeIds.map((nodeId) => ({ nodeId, host: `n${nodeId}`, grpcPort: 9, kafkaPort: null, httpPort: null, rack: null })),
      topics: [...this.topics.values()].map(({ name, topicId, partitions }) => ({
        name,
        topicId,
        configs: new Map(),
        partitions: partitions.map(({ leader, leaderEpoch, placement }, partition) => ({
          partition,
          leader,
          leaderEpoch,
          replicas: this.nodeIds,
          isr: this.nodeIds,
          elr: [],
          addingReplicas: [],
          removingReplicas: [],
          ...placement,
        })),
      })),
      missing: [],
    }
  }

  #delay(): number {
    const { minDelayMs, maxDelayMs } = this.#options
    return minDelayMs + this.random.integer(maxDelayMs - minDelayMs + 1)
  }

  #commitLater(state: FakePartition): void {
    const { endOffset, leaderEpoch } = state
    this.clock.after(this.random.integer(this.#options.maxCommitMs + 1), () => {
      if (state.leaderEpoch !== leaderEpoch || state.isHeld) return
      state.highWatermark = Math.max(state.highWatermark, endOffset)
      this.#answerWaiting()
    })
  }

  #answerWaiting(): void {
    for (const waiter of [...this.#waiting]) {
      const state = this.#find(waiter.topicId, waiter.partition)
      const isGone = state === undefined || state.leaderEpoch !== waiter.leaderEpoch
      if (!isGone && state.highWatermark < waiter.endOffset) continue
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
      waiter.reply(isGone ? apiError('NOT_LEADER_OR_FOLLOWER', false) : null)
    }
  }

  #find(topicId: string, partition: number): FakePartition | undefined {
    for (const topic of this.topics.values()) if (topic.topicId === topicId) return topic.partitions[partition]
    return undefined
  }

  connect(address: NodeAddress): ClientConnection {
    const nodeId = Number(address.host.slice(1))
    const unary = <T>(answer: () => T | BrokerError, timeoutMs: number, done: Done<T>): void => {
      if (this.silent.has(nodeId)) this.clock.after(timeoutMs, () => done(new BrokerError('REQUEST_TIMED_OUT', 'silent'), undefined as T))
      else {
        this.clock.after(this.#delay() + this.#delay(), () => {
          const result = this.dead.has(nodeId) ? new BrokerError('NETWORK_EXCEPTION', 'refused') : answer()
          if (result instanceof BrokerError) done(result, undefined as T)
          else done(undefined, result)
        })
      }
    }
    const unbuilt = (): never => {
      throw new Error('not part of this fake')
    }
    return {
      address,
      metadata: (request, timeoutMs, done) => unary(() => this.#metadata(nodeId, request), timeoutMs, done),
      listOffsets: (request, timeoutMs, done) => unary(() => this.#listOffsets(nodeId, request), timeoutMs, done),
      createProducerId: (timeoutMs, done) => unary(() => this.producerIdRefusal ?? { producerId: this.#nextProducerId++, producerEpoch: 0 }, timeoutMs, done),
      createTopic: unbuilt,
      deleteTopic: unbuilt,
      describeCluster: unbuilt,
      describeQuorum: unbuilt,
      alterTopic: unbuilt,
      describeConfigs: unbuilt,
      electLeaders: unbuilt,
      addVoter: unbuilt,
      removeVoter: unbuilt,
      alterMaintenance: unbuilt,
      unregisterBroker: unbuilt,
      alterReassignments: unbuilt,
      deleteRecords: unbuilt,
      alterReplicaLogDirs: unbuilt,
      describeLogDirs: unbuilt,
      digestBatches: unbuilt,
      getLogLevel: unbuilt,
      setLogLevel: unbuilt,
      openProduce: (handlers) => {
        const stream = this.#open<ProduceRequest, ProduceResponse>(nodeId, handlers, (request, answer) => this.#produce(nodeId, request, answer))
        // What was sent is a copy: the producer may seal the same buffer again.
        return {
          ...stream,
          send: (request, left) => stream.send({ ...request, partitions: request.partitions.map((one) => ({ ...one, batch: Buffer.from(one.batch) })) }, left),
        }
      },
      openFetch: (handlers) => this.#open(nodeId, handlers, (request, answer) => this.#fetch(nodeId, request, answer)),
      close: () => undefined,
    }
  }

  close(): void {}

  #metadata(nodeId: number, request: MetadataRequest): MetadataResponse | BrokerError {
    this.metadataRequests++
    const known = this.#snapshots.get(nodeId)
    if (known === undefined || known.metadataOffset < request.minOffset) return new BrokerError('LEADER_NOT_AVAILABLE', 'knows no such thing yet')
    const topics = request.topics === null ? known.topics : known.topics.filter(({ name }) => request.topics?.includes(name))
    return { ...known, topics, missing: (request.topics ?? []).filter((name) => !topics.some((topic) => topic.name === name)) }
  }

  #listOffsets(
    nodeId: number,
    request: ListOffsetsRequest,
  ): { partitions: { topicId: string; partition: number; offset: number; timestamp: number; leaderEpoch: number; error: ApiError | null }[] } {
    return {
      partitions: request.partitions.map(({ topicId, partition, at }) => {
        const state = this.#find(topicId, partition)
        const code = this.#refusal(nodeId, topicId, partition, -1)
        return {
          topicId,
          partition,
          timestamp: -1,
          leaderEpoch: 0,
          offset: code !== undefined ? -1 : at === 'latest' ? (state?.highWatermark ?? -1) : 0,
          error: code === undefined ? null : apiError(code),
        }
      }),
    }
  }

  #refusal(nodeId: number, topicId: string, partition: number, leaderEpoch: number): Code | undefined {
    const state = this.#find(topicId, partition)
    if (state === undefined) return 'UNKNOWN_TOPIC_ID'
    const applied = this.#snapshots.get(nodeId)?.topics.find((topic) => topic.topicId === topicId)?.partitions[partition]
    if (state.leader !== nodeId || applied?.leaderEpoch !== state.leaderEpoch) return 'NOT_LEADER_OR_FOLLOWER'
    if (leaderEpoch >= 0 && leaderEpoch < state.leaderEpoch) return 'FENCED_LEADER_EPOCH'
    return leaderEpoch > state.leaderEpoch ? 'UNKNOWN_LEADER_EPOCH' : undefined
  }

  #known(nodeId: number, topicId: string, partition: number): LeaderHint | undefined {
    const known = this.#snapshots.get(nodeId)?.topics.find((topic) => topic.topicId === topicId)?.partitions[partition]
    if (known === undefined || known.leader < 0) return undefined
    return { nodeId: known.leader, host: `n${known.leader}`, grpcPort: 9, leaderEpoch: known.leaderEpoch }
  }

  #refused(code: Code, nodeId: number, { topicId, partition }: { readonly topicId: string; readonly partition: number }): ApiError {
    return apiError(code, undefined, code.includes('LEADER') ? this.leaderHint(nodeId, topicId, partition) : undefined)
  }

  /** Requests arrive in order; what is under way when the stream ends may still be done. */
  #open<Request, Response>(
    nodeId: number,
    handlers: StreamHandlers<Response>,
    serve: (request: Request, answer: (response: Response) => void) => void,
  ): ClientStream<Request> {
    let isOpen = true
    let arrivesAtMs = 0
    let answersAtMs = 0
    const end = (error: Error | undefined): void => {
      if (!isOpen) return
      isOpen = false
      this.clock.after(0, () => handlers.closed(error))
    }
    const entry = { nodeId, end }
    this.openStreams.push(entry)
    const answer = (response: Response): void => {
      answersAtMs = Math.max(answersAtMs, this.clock.monotonicMs() + this.#delay())
      this.clock.after(answersAtMs - this.clock.monotonicMs(), () => {
        if (isOpen) handlers.response(response)
      })
    }
    if (this.dead.has(nodeId)) this.clock.after(this.#delay(), () => end(new BrokerError('NETWORK_EXCEPTION', 'refused')))
    return {
      send: (request, left) => {
        if (left !== undefined) this.clock.after(this.stuck.has(nodeId) ? 60_000 : 0, () => isOpen && left())
        arrivesAtMs = Math.max(arrivesAtMs, this.clock.monotonicMs() + this.#delay())
        const arrive = (): void => {
          if (this.dead.has(nodeId) || (!isOpen && this.random.integer(2) === 0)) return
          if (this.silent.has(nodeId)) this.clock.after(20, arrive)
          else serve(request, answer)
        }
        this.clock.after(arrivesAtMs - this.clock.monotonicMs(), arrive)
      },
      close: () => {
        isOpen = false
        this.openStreams = this.openStreams.filter((other) => other !== entry)
      },
    }
  }

  #produce(nodeId: number, request: ProduceRequest, answer: (response: ProduceResponse) => void): void {
    this.produced.push({ atMs: this.clock.monotonicMs(), nodeId, request })
    const answers: ProducedPartition[] = []
    let pending = request.partitions.length
    const add = (produced: ProducedPartition | undefined): void => {
      if (produced !== undefined) answers.push(produced)
      if (--pending === 0 && answers.length > 0 && request.acks !== 0) answer({ requestId: request.requestId, partitions: answers })
    }
    for (const partition of request.partitions) this.#produceOne(nodeId, partition, request.acks, add)
  }

  #produceOne(nodeId: number, request: ProducePartition, acks: number, add: (produced: ProducedPartition | undefined) => void): void {
    const { topicId, partition, leaderEpoch, batch } = request
    const fail = (error: ApiError): void => add({ topicId, partition, baseOffset: -1, error })
    const verdict = this.produceVerdict(nodeId, request)
    if (verdict === 'ignore') {
      add(undefined)
      return
    }
    const isAfterAppend = verdict === 'REQUEST_TIMED_OUT' || verdict === 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'
    const chosen = verdict !== undefined && verdict !== 'loseAnswer' && !isAfterAppend ? verdict : undefined
    const refusal = chosen ?? this.#refusal(nodeId, topicId, partition, leaderEpoch)
    if (refusal !== undefined) {
      fail(this.#refused(refusal, nodeId, request))
      return
    }
    const state = this.#find(topicId, partition) as FakePartition
    const result = state.append(batch)
    if (result.type === 'refused') {
      fail(apiError(result.code))
      return
    }
    this.#commitLater(state)
    if (verdict !== undefined) {
      if (verdict === 'loseAnswer') add(undefined)
      else fail(apiError(verdict))
      return
    }
    const { baseOffset, endOffset } = result
    const reply = (error: ApiError | null): void => add({ topicId, partition, baseOffset: error === null ? baseOffset : -1, error })
    if (acks === 1) reply(null)
    else this.#waiting.push({ topicId, partition, endOffset, leaderEpoch: state.leaderEpoch, reply })
  }

  #fetch(nodeId: number, request: FetchRequest, answer: (response: FetchResponse) => void): void {
    this.fetched.push({ atMs: this.clock.monotonicMs(), nodeId, request })
    const dueAtMs = this.clock.monotonicMs() + request.maxWaitMs
    const attempt = (): void => {
      const partitions = request.partitions.map((partition) => this.#fetchOne(nodeId, partition))
      const isWorthIt = partitions.some(({ error, batches }) => error !== null || batches.length > 0)
      if (isWorthIt || this.clock.monotonicMs() >= dueAtMs) answer({ requestId: request.requestId, partitions })
      else this.clock.after(5, attempt)
    }
    attempt()
  }

  #fetchOne(nodeId: number, request: FetchPartition): FetchedPartition {
    const { topicId, partition, leaderEpoch, fetchOffset, maxBytes } = request
    const state = this.#find(topicId, partition)
    const code = this.fetchVerdict(nodeId, request) ?? this.#refusal(nodeId, topicId, partition, leaderEpoch)
    const base = { topicId, partition, highWatermark: state?.highWatermark ?? -1, logStartOffset: 0 }
    if (code !== undefined || state === undefined) return { ...base, error: this.#refused(code ?? 'UNKNOWN_TOPIC_ID', nodeId, request), batches: [] }
    const batches: Buffer[] = []
    let bytes = 0
    for (const stored of state.batches) {
      if (stored.header.lastOffset < fetchOffset) continue
      if (stored.header.lastOffset >= state.highWatermark || (batches.length > 0 && bytes + stored.bytes.length > maxBytes)) break
      bytes += stored.bytes.length
      batches.push(stored.bytes)
    }
    return { ...base, error: null, batches: batches.length === 0 ? [] : [this.damage(Buffer.concat(batches))] }
  }
}
