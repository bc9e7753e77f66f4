import type { Clock } from '../../src/base/clock.ts'
import { SeededRandom } from '../../src/base/random.ts'
import type { OxbowClient } from '../../src/client/client.ts'
import type { ProducerOptions } from '../../src/client/producer.ts'
import type { Key, Operation, Outcome } from '../operations/operation.ts'
import { sleep } from '../sleep.ts'
import { pollToTheEnd } from './last-phase.ts'
import { KeyPool, type KeyPoolOptions } from './key-pool.ts'
import type { Copies } from './node-copy.ts'
import { numberedPlaces, type Places, valueIn } from './places.ts'
import { isReborn, RebornPlaces } from './reborn-places.ts'
import { RebornTopic } from './reborn-topic.ts'
import { Requests } from './requests.ts'
import { Seen } from './seen.ts'
import { type TopicOptions, Topics } from './topics.ts'
import { Worker } from './worker.ts'

/** Where what clients did goes, in the order in which it happened. */
export interface HistorySink {
  add(operation: Omit<Operation, 'index'>): unknown
}

export interface WorkloadOptions {
  readonly clock: Clock
  readonly seed: number
  /** Operations a second, of all threads together. */
  readonly rate: number
  readonly threads: number
  /** How many keys are in use, and for how long; default: ten, up to 1,024 writes. */
  readonly keys?: KeyPoolOptions
  /** A fresh client of a thread. */
  readonly openClient: (thread: number) => OxbowClient
  readonly history: HistorySink
  readonly topic: TopicOptions
  /** Before the names of all topics; default: nothing. */
  readonly topicPrefix?: string
  /** Acks, idempotence, how long it tries. */
  readonly producer: ProducerOptions
  /** When anything is acknowledged. */
  readonly onAcknowledged?: () => void
}

/** Copies of partitions on the disks of nodes. */
export interface CopyCounts {
  readonly read: number
  /** Of which nobody knows all: a node finds damage where it reads, and need not have read everything. */
  readonly damaged: number
  /** Partitions of which there were fewer than they have replicas, as sentences: nobody says where the others are. */
  readonly missing: readonly string[]
  /** Damage that nobody did on purpose, as sentences. */
  readonly unexplained: readonly string[]
}

const KEYS = { activeKeys: 10, maxWritesPerKey: 1_024 }
const CRASH_EVERY_S = 30
/** Short: a thread that waits does nothing else, and what is fetched ahead comes with the next one. */
const POLL = { timeoutMs: 20, maxRecords: 500 }
/** No client ever is a process as late as this. */
const FIRST_COPY_PROCESS = 1_000_000_000
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
  readonly #places: Places
  readonly #reborn: RebornTopic
  readonly #startedMs: number
  #running: Promise<unknown> = Promise.resolve()
  #isStopped = false

  constructor(options: WorkloadOptions) {
    const { clock, seed, rate, threads, keys = KEYS, openClient, topic, topicPrefix = '', producer } = options
    // One more makes and deletes a topic.
    const allThreads = threads + 1
    const random = new SeededRandom(seed)
    this.#options = options
    this.#startedMs = clock.monotonicMs()
    this.#places = numberedPlaces(topicPrefix)
    this.seen = new Seen(options.onAcknowledged)
    const pool = new KeyPool(random.fork('keys'), keys)
    this.#requests = new Requests(random.fork('requests'), { pool, seen: this.seen, crashOneIn: rate * CRASH_EVERY_S })
    const shared = {
      threads: allThreads,
      topics: new Topics(topic),
      places: this.#places,
      producer,
      poll: POLL,
      seen: this.seen,
      note: (one: Omit<Operation, 'index' | 'time'>) => this.#note(one),
    }
    this.#workers = Array.from({ length: threads }, (_, thread) => new Worker({ ...shared, thread, openClient: () => openClient(thread) }))
    const places = new RebornPlaces(topicPrefix)
    const seen = new Seen(options.onAcknowledged)
    const worker = new Worker({ ...shared, thread: threads, openClient: () => openClient(threads), places, topics: noTopics, seen })
    this.#reborn = new RebornTopic({ clock, places, worker, seen, random: random.fork('reborn'), topic, everyMs: (1000 * threads) / rate })
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

  /** Each thread reads all that was ever acknowledged or polled. Answers the partitions of which one of them did not come to the end in time. */
  async pollEverything(limitMs: number): Promise<readonly string[]> {
    const { clock } = this.#options
    const { seen } = this
    const deadlineMs = clock.monotonicMs() + limitMs
    const [ofReborn, ...ofAll] = await Promise.all([
      this.#reborn.pollToTheEnd(deadlineMs),
      ...this.#workers.map((worker) => pollToTheEnd({ clock, seen }, worker, deadlineMs)),
    ])
    return [...new Set([...ofAll.flat(), ...ofReborn])].map((key) => this.nameOf(key))
  }

  /** The partition that a key is. */
  nameOf(key: Key): string {
    const { topic, partition } = (isReborn(key) ? this.#reborn.places : this.#places).placeOf(key)
    return `${topic}-${partition}`
  }

  /** Notes what nodes have on their own disks of every key, each as one poll of that node. Answers how many there are, and what is wrong with them. */
  noteCopies(copies: Copies): CopyCounts {
    const count = { read: 0, damaged: 0 }
    const [missing, unexplained]: [string[], string[]] = [[], []]
    const { replicationFactor } = this.#options.topic
    const groups = [
      { keys: this.seen.ends().keys(), places: this.#places },
      { keys: this.#reborn.keys, places: this.#reborn.places },
    ]
    for (const { keys, places } of groups) {
      for (const key of keys) {
        const found = copies.of(places.placeOf(key))
        if (found.length < replicationFactor) missing.push(`${this.nameOf(key)}: ${found.length} of ${replicationFactor}`)
        for (const { node, records, damage } of found) {
          const polled = { [key]: records.map(([offset, value]) => [offset, valueIn(key, value)] as const) }
          const poll = { process: FIRST_COPY_PROCESS + node, f: 'poll', node } as const
          this.#note({ ...poll, type: 'invoke', value: [['poll']] })
          this.#note({ ...poll, value: [['poll', polled]], ...(damage === undefined ? { type: 'ok' } : { type: 'info', error: damage.text }) })
          count[damage === undefined ? 'read' : 'damaged']++
          if (damage?.isExplained === false) unexplained.push(`${this.nameOf(key)} on node ${node}: ${damage.text}`)
        }
      }
    }
    return { ...count, missing, unexplained }
  }

  async close(): Promise<void> {
    this.#isStopped = true
    await Promise.allSettled([this.#running])
    await Promise.all([...this.#workers, this.#reborn.worker].map((worker) => worker.close()))
  }

  #note(operation: Omit<Operation, 'index' | 'time'>): void {
    const { clock, history } = this.#options
    history.add({ time: Math.round((clock.monotonicMs() - this.#startedMs) * 1e6), ...operation })
  }

  async #run(worker: Worker): Promise<void> {
    const { clock, rate, threads } = this.#options
    const everyMs = (1000 * threads) / rate
    let nextMs = clock.monotonicMs() + (everyMs * worker.thread) / threads
    while (!this.#isStopped) {
      const waitMs = nextMs - clock.monotonicMs()
      if (waitMs > 0) await sleep(clock, waitMs)
      nextMs = Math.max(nextMs + everyMs, clock.monotonicMs() - MAX_LATE_MS)
      await worker.perform(this.#requests.next(worker.assigned))
    }
  }
}
