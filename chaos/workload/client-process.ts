import { BrokerError } from '../../src/base/errors.ts'
import type { OxbowClient } from '../../src/client/client.ts'
import type { Consumer } from '../../src/client/consumer.ts'
import type { Producer, ProducerOptions } from '../../src/client/producer.ts'
import type { Key, Operation, Outcome, PartitionState, Polled, Value } from '../operations/operation.ts'
import { type Places, recordOf, valueIn } from './places.ts'
import type { ClientRequest } from './requests.ts'

export interface PollOptions {
  readonly timeoutMs: number
  readonly maxRecords: number
}

export interface ClientProcessOptions {
  /** Makes a topic that is needed. */
  readonly topics: { ensure(topic: string, client: OxbowClient): Promise<void> }
  readonly places: Places
  readonly producer: ProducerOptions
  readonly poll: PollOptions
}

/** What an operation came to, as the history has it. */
export type Completion = Pick<Operation, 'value' | 'error' | 'seekToBeginning' | 'partitions'> & { readonly type: Outcome }

/** As the history has it before anything is done. */
export function invocationOf(request: ClientRequest): Pick<Operation, 'f' | 'value' | 'seekToBeginning'> {
  switch (request.f) {
    case 'send':
      return { f: 'send', value: [['send', request.key, request.value]] }
    case 'poll':
      return { f: 'poll', value: [['poll']] }
    case 'assign':
      return { f: 'assign', value: request.keys, ...(request.seekToBeginning ? { seekToBeginning: true } : {}) }
    case 'crash':
      return { f: 'crash', value: [] }
    case 'debug-topic-partitions':
      return { f: 'debug-topic-partitions', value: request.keys }
  }
}

/** One client of a cluster, with a producer and a consumer of its own, that does one thing after the other. Nothing is done again: that is left to the product. */
export class ClientProcess {
  readonly client: OxbowClient
  readonly #options: ClientProcessOptions
  readonly #producer: Producer
  readonly #consumer: Consumer
  #assigned: readonly Key[] = []

  constructor(client: OxbowClient, options: ClientProcessOptions) {
    this.client = client
    this.#options = options
    this.#producer = client.producer(options.producer)
    this.#consumer = client.consumer()
  }

  get assigned(): readonly Key[] {
    return this.#assigned
  }

  /** `positions`: where to go on with keys that were assigned before; others are polled from the beginning. Throws only what no client may say. */
  async perform(request: ClientRequest, positions: ReadonlyMap<Key, number>): Promise<Completion> {
    switch (request.f) {
      case 'send':
        return await this.#send(request.key, request.value)
      case 'poll':
        return await this.poll(this.#options.poll)
      case 'assign':
        return await this.#assign(request.keys, request.seekToBeginning ? new Map() : positions, request.seekToBeginning)
      case 'crash':
        return { type: 'info', value: [] }
      case 'debug-topic-partitions':
        return await this.#describe(request.keys)
    }
  }

  async poll(options: PollOptions): Promise<Completion> {
    try {
      const polled: Record<Key, (readonly [number, Value])[]> = {}
      for (const record of await this.#consumer.poll(options)) {
        const key = this.#options.places.keyOf(record)
        const pairs = polled[key] ?? []
        polled[key] = pairs
        pairs.push([record.offset, valueIn(key, record.value)])
      }
      return { type: 'ok', value: [['poll', polled satisfies Polled]] }
    } catch (error) {
      // Nothing was taken: the position stays.
      return { type: 'fail', value: [['poll']], error: sentenceOf(error) }
    }
  }

  async close(): Promise<void> {
    await this.client.close()
  }

  async #send(key: Key, value: Value): Promise<Completion> {
    const { topic, partition } = this.#options.places.placeOf(key)
    const sent = [['send', key, value]] as const
    try {
      await this.#options.topics.ensure(topic, this.client)
    } catch (error) {
      return { type: 'fail', value: sent, error: sentenceOf(error) }
    }
    try {
      const { offset } = await this.#producer.send({ topic, partition, value: recordOf(key, value) })
      return { type: 'ok', value: [['send', key, [offset < 0 ? null : offset, value]]] }
    } catch (error) {
      return { type: error instanceof BrokerError && error.definite ? 'fail' : 'info', value: sent, error: sentenceOf(error) }
    }
  }

  /** How partitions stand, for whoever reads the history. */
  async #describe(keys: readonly Key[]): Promise<Completion> {
    const { places } = this.#options
    try {
      // Of all: a list of names is refused whole where one is not there, and just then somebody wants to see the others.
      const topics = new Map((await this.client.admin().listTopics()).map((topic) => [topic.name, topic]))
      const known = keys.flatMap((key): [Key, PartitionState][] => {
        const { topic, partition } = places.placeOf(key)
        const info = topics.get(topic)?.partitions.find((one) => one.partition === partition)
        return info === undefined ? [] : [[key, { leader: info.leader, leaderEpoch: info.leaderEpoch, replicas: info.replicas, isr: info.isr }]]
      })
      return { type: 'ok', value: keys, partitions: Object.fromEntries(known) }
    } catch (error) {
      return { type: 'fail', value: keys, error: sentenceOf(error) }
    }
  }

  async #assign(keys: readonly Key[], positions: ReadonlyMap<Key, number>, seekToBeginning: boolean): Promise<Completion> {
    const value = keys
    const { places, topics } = this.#options
    const seeking = seekToBeginning ? { seekToBeginning } : {}
    try {
      for (const topic of new Set(keys.map((key) => places.placeOf(key).topic))) await topics.ensure(topic, this.client)
    } catch (error) {
      return { type: 'fail', value, error: sentenceOf(error), ...seeking }
    }
    try {
      this.#assigned = keys
      await this.#consumer.assign(keys.map((key) => ({ ...places.placeOf(key), offset: positions.get(key) ?? 'earliest' })))
      return { type: 'ok', value, ...seeking }
    } catch (error) {
      // Where it stands is not known: some positions are missing.
      return { type: 'info', value, error: sentenceOf(error), ...seeking }
    }
  }
}

/** Clients reject with a BrokerError always. Whatever else is thrown is a bug, and ends the run. */
function sentenceOf(error: unknown): string {
  if (error instanceof BrokerError) return error.message
  throw error
}
