import { BrokerError } from '../src/base/errors.ts'
import type { Clock } from '../src/base/clock.ts'
import { between, type Random } from '../src/base/random.ts'
import type { OxbowClient } from '../src/client/client.ts'
import type { Producer } from '../src/client/producer.ts'
import type { History } from './history.ts'

/** A topic that the workload made. */
export interface WorkloadTopic {
  readonly name: string
  readonly topicId: string
  readonly partitions: number
}

export interface WorkloadOptions {
  readonly clock: Clock
  readonly history: History
  /** A record was acknowledged: checked at once. */
  readonly acknowledged: (topicId: string, partition: number, offset: number) => void
  /** What no client may answer with: a bug. */
  readonly failed: (error: unknown) => void
}

const CREATE_TIMEOUT_MS = 10_000
const FILLER = 'the river cuts its own bend off and the bend stays, a lake that remembers the stream it was part of for as long as there is rain '

/** Waits on a Clock: real, or simulated. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.after(delayMs, resolve))
}

/** What clients do: topics are made, each producer sends unique values to partitions that it picks, and everything goes into the history. */
export class Workload {
  readonly #options: WorkloadOptions
  readonly #topics: WorkloadTopic[] = []
  #lastSendId = 0
  #unsettled = 0
  #stopped = false

  constructor(options: WorkloadOptions) {
    this.#options = options
  }

  /** Topics so far. */
  get topics(): readonly WorkloadTopic[] {
    return this.#topics
  }

  /** Sends and admin calls without an outcome. */
  get unsettled(): number {
    return this.#unsettled
  }

  stop(): void {
    this.#stopped = true
  }

  /** Tries until it is there: a cluster without a controller comes back. */
  async createTopic(client: OxbowClient, name: string, partitions: number): Promise<void> {
    const { clock, history } = this.#options
    const admin = client.admin()
    this.#unsettled += 1
    for (;;) {
      try {
        const { topicId } = await admin.createTopic({ name, partitions, replicationFactor: 3, ifNotExists: true, timeoutMs: CREATE_TIMEOUT_MS })
        history.add({ type: 'admin', atMs: clock.monotonicMs(), what: `create ${name}`, code: null })
        this.#topics.push({ name, topicId, partitions })
        this.#unsettled -= 1
        return
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error
        history.add({ type: 'admin', atMs: clock.monotonicMs(), what: `create ${name}`, code: error.code })
        await sleep(clock, 100)
      }
    }
  }

  /** Sends a record every gapMs or so, now and then a burst, until the workload is stopped. */
  async produce(producer: Producer, name: string, options: { readonly gapMs: number; readonly random: Random }): Promise<void> {
    const { clock } = this.#options
    const { random, gapMs } = options
    while (!this.#stopped) {
      await sleep(clock, between(random, 1, 2 * gapMs))
      const topic = this.#topics[random.integer(Math.max(1, this.#topics.length))]
      if (topic === undefined || this.#stopped) continue
      const burst = random.integer(8) === 0 ? between(random, 2, 12) : 1
      for (let sent = 0; sent < burst; sent++) this.send(producer, name, topic, random.integer(topic.partitions), random)
    }
  }

  /** One send; its outcome goes into the history when it comes. */
  send(producer: Producer, name: string, topic: WorkloadTopic, partition: number, random: Random): void {
    const { clock, history, acknowledged, failed } = this.#options
    this.#lastSendId += 1
    const sendId = this.#lastSendId
    const value = `${sendId} ${FILLER.slice(0, random.integer(FILLER.length))}`
    history.add({ type: 'send', atMs: clock.monotonicMs(), sendId, producer: name, topicId: topic.topicId, partition, value })
    this.#unsettled += 1
    producer
      .send({ topic: topic.name, partition, value })
      .then(({ offset }) => {
        this.#unsettled -= 1
        if (offset < 0) {
          history.add({ type: 'info', atMs: clock.monotonicMs(), sendId, code: 'DUPLICATE_SEQUENCE_NUMBER' })
          return
        }
        history.add({ type: 'ok', atMs: clock.monotonicMs(), sendId, partition, offset })
        acknowledged(topic.topicId, partition, offset)
      })
      .catch((error: unknown) => {
        if (!(error instanceof BrokerError)) {
          failed(error)
          return
        }
        this.#unsettled -= 1
        history.add({ type: error.definite ? 'fail' : 'info', atMs: clock.monotonicMs(), sendId, code: error.code })
      })
  }
}
