import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import { randomUuid } from '../base/ids.ts'
import type { ClusterDescription, CreateTopicRequest, CreateTopicResponse, MetadataResponse, QuorumDescription, TopicInfo } from '../wire/api.ts'
import { AnyNodeCall, type AnyNodeOptions, type NodeCall } from './any-node.ts'
import { type Cluster, MAX_NODE_WAIT_MS } from './cluster.ts'
import { OffsetLookup } from './offset-lookup.ts'
import type { ClientConnection } from './transport.ts'

export interface CreateTopicOptions {
  readonly name: string
  /** Default 6; with an assignment its length. */
  readonly partitions?: number
  /** Default 3; with an assignment its width. */
  readonly replicationFactor?: number
  /** Node ids a partition, preferred leader first. */
  readonly assignment?: readonly (readonly number[])[]
  readonly configs?: ReadonlyMap<string, string> | Readonly<Record<string, string>>
  /** Answers with the topic as it is when the name is taken. */
  readonly ifNotExists?: boolean
  /** Checks, creates nothing. */
  readonly validateOnly?: boolean
  readonly timeoutMs?: number
}

export interface AdminOptions {
  /** For all calls together, from now on. Default: each call has the client's requestTimeoutMs. */
  readonly totalTimeoutMs?: number
}

const DEFAULT_PARTITIONS = 6
const DEFAULT_REPLICATION_FACTOR = 3
const READ_ATTEMPT_TIMEOUT_MS = 5_000
const NOTE_TIMEOUT_MS = 1_000
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
    const configs = options.configs instanceof Map ? options.configs : new Map(Object.entries(options.configs ?? {}))
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
          connection.createTopic({ ...request, timeoutMs: Math.min(attemptMs, MAX_NODE_WAIT_MS) }, attemptMs, noting)
        },
        deadlineMs,
        { attemptTimeoutMs: Infinity },
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
    let attempts = 0
    try {
      await this.#call<void>(
        (connection, attemptMs, done) => {
          attempts++
          connection.deleteTopic(
            { topicId: topic.topicId, timeoutMs: Math.min(attemptMs, MAX_NODE_WAIT_MS) },
            attemptMs,
            this.#noting(connection, name, deadlineMs, done),
          )
        },
        deadlineMs,
        { attemptTimeoutMs: Infinity, retries: (error) => error.retriable && error.code !== 'UNKNOWN_TOPIC_ID' },
      )
    } catch (error) {
      // The id was there before the first attempt: if it is gone now, an attempt without an answer did it.
      if (attempts > 1 && error instanceof BrokerError && error.code === 'UNKNOWN_TOPIC_ID') return
      throw error
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

  /** Of every partition, or of those named, in order. latest: the high watermark, exclusive. */
  async listOffsets(topic: string, at: 'earliest' | 'latest', partitions?: readonly number[]): Promise<{ partition: number; offset: number }[]> {
    const deadlineMs = this.#deadline()
    const [info] = await this.#describe([topic], deadlineMs)
    const asked = partitions ?? (info as TopicInfo).partitions.map(({ partition }) => partition)
    const questions = asked.toSorted((a, b) => a - b).map((partition) => ({ topic, partition, at }))
    const found = await this.#promise<readonly { partition: number; offset: number }[]>(deadlineMs, (timeoutMs, done) => {
      return new OffsetLookup(this.#cluster, questions, timeoutMs, done)
    })
    return found.map(({ partition, offset }) => ({ partition, offset }))
  }

  /** Ends what is under way, as indefinite. Called by the client's close. */
  close(): void {
    this.#isClosed = true
    for (const call of [...this.#running]) call.cancel()
    this.#onClosed()
  }

  async #describe(names: readonly string[], deadlineMs: number): Promise<TopicInfo[]> {
    const { topics } = await this.#metadata(names, deadlineMs)
    return names.map((name) => {
      const topic = topics.find((other) => other.name === name)
      if (topic === undefined) throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic "${name}"`)
      return topic
    })
  }

  #metadata(topics: readonly string[] | null, deadlineMs: number): Promise<MetadataResponse> {
    return this.#call((connection, timeoutMs, done) => connection.metadata({ topics, minOffset: this.#cluster.metadata.offset }, timeoutMs, done), deadlineMs)
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

  #call<T>(call: NodeCall<T>, deadlineMs: number, options: Omit<AnyNodeOptions, 'timeoutMs'> = reading): Promise<T> {
    return this.#promise(deadlineMs, (timeoutMs, done) => new AnyNodeCall(this.#cluster, call, { ...options, timeoutMs }, done).start())
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

function describeAsCreated(topics: readonly TopicInfo[]): CreateTopicResponse {
  const { topicId, partitions } = topics[0] as TopicInfo
  return {
    topicId,
    partitions: partitions.length,
    replicationFactor: partitions[0]?.replicas.length ?? 0,
    assignment: partitions.map(({ replicas }) => replicas),
  }
}
