import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import { randomUuid } from '../base/ids.ts'
import type { ClusterDescription, CreateTopicRequest, CreateTopicResponse, MetadataResponse, QuorumDescription, TopicInfo } from '../wire/api.ts'
import { AnyNodeCall, type AnyNodeOptions, type NodeCall } from './any-node.ts'
import type { Cluster } from './cluster.ts'
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

const DEFAULT_PARTITIONS = 6
const DEFAULT_REPLICATION_FACTOR = 3
const READ_ATTEMPT_TIMEOUT_MS = 5_000
const NOTE_TIMEOUT_MS = 1_000

interface Cancellable {
  cancel(): void
}

/** Topics and descriptions, from any node. What one call did, a later call of the same client sees. Every rejection is a BrokerError. */
export class Admin {
  readonly #cluster: Cluster
  readonly #running = new Set<Cancellable>()
  #isClosed = false

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Resolves when every partition has a leader. The topic id is chosen here, so that a retry of an unknown outcome creates nothing twice. */
  async createTopic(options: CreateTopicOptions): Promise<CreateTopicResponse> {
    const timeoutMs = options.timeoutMs ?? this.#cluster.requestTimeoutMs
    const configs = options.configs instanceof Map ? options.configs : new Map(Object.entries(options.configs ?? {}))
    const request: CreateTopicRequest = {
      name: options.name,
      topicId: randomUuid(this.#cluster.random),
      partitions: options.partitions ?? options.assignment?.length ?? DEFAULT_PARTITIONS,
      replicationFactor: options.replicationFactor ?? options.assignment?.[0]?.length ?? DEFAULT_REPLICATION_FACTOR,
      assignment: options.assignment ?? null,
      configs,
      validateOnly: options.validateOnly ?? false,
      timeoutMs,
    }
    try {
      return await this.#call(
        (connection, attemptMs, done) => {
          connection.createTopic({ ...request, timeoutMs: attemptMs }, attemptMs, this.#noting(connection, request.validateOnly ? null : request.name, done))
        },
        { timeoutMs, attemptTimeoutMs: timeoutMs },
      )
    } catch (error) {
      if (options.ifNotExists !== true || !(error instanceof BrokerError) || error.code !== 'TOPIC_ALREADY_EXISTS') throw error
    }
    return describeAsCreated(await this.describeTopics([request.name]))
  }

  /** Deletes the topic that has the name now. */
  async deleteTopic(name: string): Promise<void> {
    const [topic] = await this.describeTopics([name])
    if (topic === undefined) throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic "${name}"`)
    const timeoutMs = this.#cluster.requestTimeoutMs
    let attempts = 0
    try {
      await this.#call<void>(
        (connection, attemptMs, done) => {
          attempts++
          connection.deleteTopic({ topicId: topic.topicId, timeoutMs: attemptMs }, attemptMs, this.#noting(connection, name, done))
        },
        { timeoutMs, attemptTimeoutMs: timeoutMs, retries: (error) => error.retriable && error.code !== 'UNKNOWN_TOPIC_ID' },
      )
    } catch (error) {
      // The id was there before the first attempt: if it is gone now, an attempt without an answer did it.
      if (attempts > 1 && error instanceof BrokerError && error.code === 'UNKNOWN_TOPIC_ID') return
      throw error
    }
  }

  async listTopics(): Promise<TopicInfo[]> {
    return [...(await this.#metadata(null)).topics]
  }

  /** In the order of the names; all topics without them. Rejects UNKNOWN_TOPIC_OR_PARTITION when one is missing. */
  async describeTopics(names?: readonly string[]): Promise<TopicInfo[]> {
    if (names === undefined) return await this.listTopics()
    const { topics } = await this.#metadata(names)
    return names.map((name) => {
      const topic = topics.find((other) => other.name === name)
      if (topic === undefined) throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic "${name}"`)
      return topic
    })
  }

  describeCluster(options: { readonly timeoutMs?: number } = {}): Promise<ClusterDescription> {
    return this.#call((connection, timeoutMs, done) => connection.describeCluster(timeoutMs, done), this.#reading(options.timeoutMs))
  }

  describeQuorum(): Promise<QuorumDescription> {
    return this.#call((connection, timeoutMs, done) => connection.describeQuorum(timeoutMs, done))
  }

  /** Of every partition, in order. latest: the high watermark, exclusive. */
  async listOffsets(topic: string, at: 'earliest' | 'latest'): Promise<{ partition: number; offset: number }[]> {
    const [info] = await this.describeTopics([topic])
    const questions = (info as TopicInfo).partitions.map(({ partition }) => ({ topic, partition, at })).sort((a, b) => a.partition - b.partition)
    const found = await this.#promise<readonly { partition: number; offset: number }[]>((done) => {
      return new OffsetLookup(this.#cluster, questions, this.#cluster.requestTimeoutMs, done)
    })
    return found.map(({ partition, offset }) => ({ partition, offset }))
  }

  /** Ends what is under way, as indefinite. Called by the client's close. */
  close(): void {
    this.#isClosed = true
    for (const call of [...this.#running]) call.cancel()
  }

  #metadata(topics: readonly string[] | null): Promise<MetadataResponse> {
    return this.#call((connection, timeoutMs, done) => connection.metadata({ topics, minOffset: this.#cluster.metadata.offset }, timeoutMs, done))
  }

  /** After a change, learns the metadata offset that has it, from the node that said so. */
  #noting<T>(connection: ClientConnection, name: string | null, done: Done<T>): Done<T> {
    return (error, value) => {
      if (error !== undefined || name === null) {
        done(error, value)
        return
      }
      connection.metadata({ topics: [name], minOffset: 0 }, NOTE_TIMEOUT_MS, (noteError, response) => {
        if (noteError === undefined) this.#cluster.metadata.noteOffset(response.metadataOffset)
        done(undefined, value)
      })
    }
  }

  /** One node that does not answer may not use up the time of a question that any can answer. */
  #reading(timeoutMs = this.#cluster.requestTimeoutMs): AnyNodeOptions {
    return { timeoutMs, attemptTimeoutMs: Math.min(timeoutMs, READ_ATTEMPT_TIMEOUT_MS) }
  }

  #call<T>(call: NodeCall<T>, options = this.#reading()): Promise<T> {
    return this.#promise((done) => new AnyNodeCall(this.#cluster, call, options, done).start())
  }

  #promise<T>(start: (done: Done<T>) => Cancellable): Promise<T> {
    if (this.#isClosed) return Promise.reject(new BrokerError('CLIENT_CLOSED', 'the client is closed'))
    return new Promise((resolve, reject) => {
      let isOver = false
      const running = start((error, value) => {
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
