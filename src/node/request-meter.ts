import type { Done } from '../base/done.ts'
import { BrokerError, type Code } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import type { Broker, BrokerSession } from '../broker/api.ts'
import { BATCH_HEADER_BYTES, peekRecordCount } from '../record/batch.ts'
import type { FetchRequest, FetchResponse, ProducePartition, ProduceRequest, ProduceResponse } from '../wire/api.ts'
import type { FetchRecordsRequest, FetchRecordsResponse, ProduceRecordsRequest, ProduceRecordsResponse } from '../wire/plain-api.ts'
import { Histogram } from './histogram.ts'

/** Requests of one kind. The time is from the call to the answer, waits of a fetch or of acks=all included. */
export interface RequestCounts {
  readonly totalMs: Histogram
  /** Answers by error; a request of many partitions counts each error once. Bounded by the table of errors. */
  readonly errors: ReadonlyMap<Code, number>
}

/** What went through one topic here since this process began, by batches. */
export interface TopicCounts {
  readonly records: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** Kafka's names, where they are not the method's own. */
const KAFKA_NAMES: Readonly<Record<string, string>> = {
  createProducerId: 'InitProducerId',
  createTopic: 'CreateTopics',
  deleteTopic: 'DeleteTopics',
  alterTopic: 'AlterTopic',
}

class RequestCounter implements RequestCounts {
  readonly totalMs = new Histogram()
  readonly errors = new Map<Code, number>()

  /** `errors` may hold the same code more than once. */
  answered(startMs: number, errors: Iterable<Code>): void {
    this.totalMs.observe(Math.max(0, performance.now() - startMs))
    for (const code of new Set(errors)) this.errors.set(code, (this.errors.get(code) ?? 0) + 1)
  }
}

class TopicCounter implements TopicCounts {
  records = 0
  bytesIn = 0
  bytesOut = 0
}

/** Counts what clients ask of this node, a batch at the finest. */
export class RequestMeter {
  readonly #kinds = new Map<string, RequestCounter>()
  readonly #topics = new Map<Uuid, TopicCounter>()

  /** By Kafka's name of the request. Kinds that were never asked for are absent. */
  get kinds(): ReadonlyMap<string, RequestCounts> {
    return this.#kinds
  }

  get topics(): ReadonlyMap<Uuid, TopicCounts> {
    return this.#topics
  }

  /** Deleted topics are counted no longer. */
  keepTopics(exists: (topicId: Uuid) => boolean): void {
    for (const topicId of this.#topics.keys()) if (!exists(topicId)) this.#topics.delete(topicId)
  }

  kind(name: string): RequestCounter {
    let counter = this.#kinds.get(name)
    if (counter === undefined) this.#kinds.set(name, (counter = new RequestCounter()))
    return counter
  }

  /** Only for topics that exist: what a client makes up must take no memory. */
  topic(topicId: Uuid): TopicCounter {
    let counter = this.#topics.get(topicId)
    if (counter === undefined) this.#topics.set(topicId, (counter = new TopicCounter()))
    return counter
  }
}

function errorCodes(partitions: readonly { readonly error: { readonly code: Code } | null }[]): Code[] {
  return partitions.flatMap(({ error }) => (error === null ? [] : [error.code]))
}

interface SentBatch {
  readonly topicId: Uuid
  readonly bytes: number
  readonly records: number
}

/** What is not even a header is refused later, and counts for nothing. */
function sentBatch({ topicId, batch }: ProducePartition): SentBatch {
  return { topicId, bytes: batch.length, records: batch.length < BATCH_HEADER_BYTES ? 0 : Math.max(0, peekRecordCount(batch, 0)) }
}

/** The topics there are now. */
export interface KnownTopics {
  has(topicId: Uuid): boolean
  idOf(name: string): Uuid | undefined
}

/** Keys and values alone: the batch that holds them is made, or was taken apart, elsewhere. */
function plainBytes(records: readonly { readonly key: Buffer | null; readonly value: Buffer | null }[]): number {
  return records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0)
}

function codesOf(error: Error | undefined): readonly Code[] {
  if (error === undefined) return []
  return [error instanceof BrokerError ? error.code : 'UNKNOWN_SERVER_ERROR']
}

class MeteredSession implements BrokerSession {
  readonly #session: BrokerSession
  readonly #meter: RequestMeter
  readonly #topics: KnownTopics

  constructor(session: BrokerSession, meter: RequestMeter, topics: KnownTopics) {
    this.#session = session
    this.#meter = meter
    this.#topics = topics
  }

  produce(request: ProduceRequest, reply: (response: ProduceResponse) => void): void {
    const startMs = performance.now()
    const batches = request.partitions.map(sentBatch)
    if (request.acks === 0) this.#unanswered(batches, startMs)
    this.#session.produce(request, (response) => {
      this.#meter.kind('Produce').answered(startMs, errorCodes(response.partitions))
      for (const [at, { error }] of response.partitions.entries()) if (error === null) this.#count(batches[at])
      reply(response)
    })
  }

  /** Nobody will say how it went: what names a topic that is there counts. */
  #unanswered(batches: readonly SentBatch[], startMs: number): void {
    this.#meter.kind('Produce').answered(startMs, [])
    for (const batch of batches) if (this.#topics.has(batch.topicId)) this.#count(batch)
  }

  #count(batch: SentBatch | undefined): void {
    if (batch === undefined) return
    const topic = this.#meter.topic(batch.topicId)
    topic.records += batch.records
    topic.bytesIn += batch.bytes
  }

  fetch(request: FetchRequest, reply: (response: FetchResponse) => void): void {
    const startMs = performance.now()
    this.#session.fetch(request, (response) => {
      this.#meter.kind('Fetch').answered(startMs, errorCodes(response.partitions))
      for (const { topicId, batches } of response.partitions) {
        if (batches.length === 0) continue
        const topic = this.#meter.topic(topicId)
        for (const batch of batches) topic.bytesOut += batch.length
      }
      reply(response)
    })
  }

  produceRecords(request: ProduceRecordsRequest, done: Done<ProduceRecordsResponse>): void {
    const startMs = performance.now()
    const sent = { bytes: plainBytes(request.records), records: request.records.length }
    const topicId = this.#topics.idOf(request.topic)
    this.#session.produceRecords(request, (error, response) => {
      this.#meter.kind('ProduceRecords').answered(startMs, codesOf(error))
      if (error === undefined && topicId !== undefined) this.#count({ topicId, ...sent })
      done(error, response)
    })
  }

  fetchRecords(request: FetchRecordsRequest, done: Done<FetchRecordsResponse>): void {
    const startMs = performance.now()
    const topicId = this.#topics.idOf(request.topic)
    this.#session.fetchRecords(request, (error, response) => {
      this.#meter.kind('FetchRecords').answered(startMs, codesOf(error))
      if (error === undefined && topicId !== undefined && response.records.length > 0) this.#meter.topic(topicId).bytesOut += plainBytes(response.records)
      done(error, response)
    })
  }

  get paused(): boolean {
    return this.#session.paused
  }

  onResume(handler: () => void): void {
    this.#session.onResume(handler)
  }

  close(): void {
    this.#session.close()
  }
}

type Answer = (error: Error | undefined, value: unknown) => void

function nameOf(method: string): string {
  return KAFKA_NAMES[method] ?? method.charAt(0).toUpperCase() + method.slice(1)
}

/** The same broker, with what it is asked counted and timed. Every call but openSession ends with its callback. */
export function meteredBroker(broker: Broker, meter: RequestMeter, topics: KnownTopics): Broker {
  const calls = new Map<string | symbol, unknown>([['openSession', (): BrokerSession => new MeteredSession(broker.openSession(), meter, topics)]])
  return new Proxy(broker, {
    get(target, property): unknown {
      const known = calls.get(property)
      if (known !== undefined) return known
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function' || typeof property !== 'string') return value
      const call = (...args: unknown[]): unknown => {
        const done = args.at(-1)
        if (typeof done !== 'function') return value.apply(target, args)
        const startMs = performance.now()
        const answered: Answer = (error, result) => {
          meter.kind(nameOf(property)).answered(startMs, codesOf(error))
          ;(done as Answer)(error, result)
        }
        return value.apply(target, [...args.slice(0, -1), answered])
      }
      calls.set(property, call)
      return call
    },
  })
}
