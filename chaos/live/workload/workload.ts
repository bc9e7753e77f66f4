import { SeededRandom } from '../../../src/base/random.ts'
import type { OxbowClient } from '../../../src/client/client.ts'
import type { ProducerOptions } from '../../../src/client/producer.ts'
import type { HistoryWriter } from '../../operations/history-file.ts'
import type { Operation, Outcome } from '../../operations/operation.ts'
import { sleep } from '../cluster-process.ts'
import { pollToTheEnd } from './last-phase.ts'
import { KeyPool } from './key-pool.ts'
import { numberedPlaces } from './places.ts'
import { RebornPlaces } from './reborn-places.ts'
import { RebornTopic } from './reborn-topic.ts'
import { Requests } from './requests.ts'
import { Seen } from './seen.ts'
import { type TopicOptions, Topics } from './topics.ts'
import { Worker } from './worker.ts'

export interface WorkloadOptions {
  readonly seed: number
  /** Operations a second, of all threads together. */
  readonly rate: number
  readonly threads: number
  /** A fresh client of a thread. */
  readonly openClient: (thread: number) => OxbowClient
  readonly history: HistoryWriter
  readonly topic: TopicOptions
  /** Before the names of all topics; default: nothing. */
  readonly topicPrefix?: string
  /** Acks, idempotence, how long it tries. */
  readonly producer: ProducerOptions
  /** When anything is acknowledged. */
  readonly onAcknowledged?: () => void
}

const ACTIVE_KEYS = 10
const MAX_WRITES_PER_KEY = 1_024
const CRASH_EVERY_S = 30
/** Short: a thread that waits does nothing else, and what is fetched ahead comes with the next one. */
const POLL = { timeoutMs: 20, maxRecords: 500 }
/** Further behind its times than this, a thread does not catch up. */
const MAX_LATE_MS = 1_000

/** Whoever uses it makes its topic itself. */
const noTopics = { ensure: (): Promise<void> => Promise.resolve() }

/** Clients that send, poll, assign and crash, at a rate, until they are stopped; then each polls everything. Source: jepsen.tests.kafka. */
export class Workload {
  readonly seen: Seen
  readonly #options: WorkloadOptions
  readonly #requests: Requests
  readonly #workers: readonly Worker[]
  readonly #reborn: RebornTopic
  readonly #startedMs = performance.now()
  #running: Promise<unknown> = Promise.resolve()
  #isStopped = false

  constructor(options: WorkloadOptions) {
    const { seed, rate, threads, openClient, topic, topicPrefix = '', producer } = options
    // One more makes and deletes a topic.
    const allThreads = threads + 1
    const random = new SeededRandom(seed)
    this.#options = options
    this.seen = new Seen(options.onAcknowledged)
    const pool = new KeyPool(random.fork('keys'), { activeKeys: ACTIVE_KEYS, maxWritesPerKey: MAX_WRITES_PER_KEY })
    this.#requests = new Requests(random.fork('requests'), { pool, seen: this.seen, crashOneIn: rate * CRASH_EVERY_S })
    const shared = {
      threads: allThreads,
      topics: new Topics(topic),
      places: numberedPlaces(topicPrefix),
      producer,
      poll: POLL,
      seen: this.seen,
      note: (one: Omit<Operation, 'index' | 'time'>) => this.#note(one),
    }
    this.#workers = Array.from({ length: threads }, (_, thread) => new Worker({ ...shared, thread, openClient: () => openClient(thread) }))
    const places = new RebornPlaces(topicPrefix)
    const seen = new Seen(options.onAcknowledged)
    const worker = new Worker({ ...shared, thread: threads, openClient: () => openClient(threads), places, topics: noTopics, seen })
    this.#reborn = new RebornTopic({ places, worker, seen, random: random.fork('reborn'), topic, everyMs: (1000 * threads) / rate })
  }

  /** Of all operations so far. */
  get outcomes(): Readonly<Record<Outcome, number>> {
    const [one, other] = [this.seen.outcomes, this.#reborn.outcomes]
    return { ok: one.ok + other.ok, fail: one.fail + other.fail, info: one.info + other.info }
  }

  /** How often a topic was deleted, to be made again. */
  get lives(): number {
    return this.#reborn.lives
  }

  start(): void {
    this.#running = Promise.all([...this.#workers.map((worker) => this.#run(worker)), this.#reborn.run(() => this.#isStopped)])
    // Whoever stops it is told.
    this.#running.catch(() => undefined)
  }

  /** Fulfilled when no operation is under way. Rejects with what no client may say. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  /** Each thread reads all that was ever acknowledged or polled. Answers whether all of them came to the end in time. */
  async pollEverything(limitMs: number): Promise<boolean> {
    const ends = this.seen.ends()
    const deadlineMs = performance.now() + limitMs
    const complete = await Promise.all([...this.#workers.map((worker) => pollToTheEnd(worker, ends, deadlineMs)), this.#reborn.pollToTheEnd(deadlineMs)])
    return complete.every(Boolean)
  }

  async close(): Promise<void> {
    this.#isStopped = true
    await Promise.allSettled([this.#running])
    await Promise.all([...this.#workers, this.#reborn.worker].map((worker) => worker.close()))
  }

  #note(operation: Omit<Operation, 'index' | 'time'>): void {
    this.#options.history.add({ time: Math.round((performance.now() - this.#startedMs) * 1e6), ...operation })
  }

  async #run(worker: Worker): Promise<void> {
    const { rate, threads } = this.#options
    const everyMs = (1000 * threads) / rate
    let nextMs = performance.now() + (everyMs * worker.thread) / threads
    while (!this.#isStopped) {
      const waitMs = nextMs - performance.now()
      if (waitMs > 0) await sleep(waitMs)
      nextMs = Math.max(nextMs + everyMs, performance.now() - MAX_LATE_MS)
      await worker.perform(this.#requests.next(worker.assigned))
    }
  }
}
