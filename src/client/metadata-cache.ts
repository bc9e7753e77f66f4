import type { Clock, Timer } from '../base/clock.ts'
import { BrokerError, type LeaderHint } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import { between, type Random } from '../base/random.ts'
import type { MetadataResponse, NodeInfo, PartitionInfo } from '../wire/api.ts'
import { asBrokerError } from './api-error.ts'
import { backoffMs } from './backoff.ts'
import { addressKey, type Connections } from './connections.ts'
import type { NodeAddress } from './transport.ts'

/**
 * What the client knows of the cluster. One refresh at a time: idle → asking (a second and third node are asked too when the first is slow)
 * → updated | paused before the next attempt → asking …
 * Invariants: what is known never goes back to an older metadata offset; nodes are asked in turn, so that one that is cut off from the quorum
 * cannot keep us in the past; a topic deleted and made again under its name is another topic (its id differs).
 */
export interface KnownTopic {
  readonly name: string
  readonly topicId: Uuid
  /** Index = partition number. */
  readonly partitions: readonly PartitionInfo[]
}

export interface MetadataOptions {
  readonly clock: Clock
  readonly random: Random
  readonly connections: Connections
  readonly bootstrap: readonly NodeAddress[]
  readonly maxAgeMs: number
}

/** A topic that answers call missing for this long does not exist; before, it may just not be known everywhere yet. */
export const MISSING_TOPIC_GRACE_MS = 5_000
const ANSWER_TIMEOUT_MS = 2_000
const HEDGE_AFTER_MS = 250
const MAX_ASKED_AT_ONCE = 3
/** Failover is waited for at this pace; after FAST_ATTEMPTS (some 3 s) more and more slowly. */
const PACE_MIN_MS = 40
const PACE_MAX_MS = 60
const FAST_ATTEMPTS = 60
const QUIET_MS = 1_000

export class MetadataCache {
  readonly #options: MetadataOptions
  readonly #wanted = new Set<string>()
  readonly #missingSince = new Map<string, number>()
  /** Missing names that were asked for again: they may be there by now, and only an answer from now on says so or not. */
  readonly #doubted = new Set<string>()
  /** Partitions asked for that a known topic does not have, by the number of answers when that was asked first. */
  readonly #lacking = new Map<string, number>()
  #answers = 0
  readonly #listeners = new Set<() => void>()
  #topics = new Map<string, KnownTopic>()
  #brokers = new Map<number, NodeInfo>()
  #clusterId: Uuid | null = null
  #offset = 0
  #isBehind = false
  #lastError: BrokerError | undefined
  #round = 0
  #asked = 0
  #nextNode: number
  #isWanted = false
  #isAsking = false
  #streak = 0
  #nextAtMs = 0
  #timer: Timer | undefined
  #hedge: Timer | undefined
  #isClosed = false

  constructor(options: MetadataOptions) {
    this.#options = options
    this.#nextNode = options.random.integer(1_000)
  }

  /** Why the last attempt to learn failed; undefined after a success. */
  get lastError(): BrokerError | undefined {
    return this.#lastError
  }

  /** Exclusive: metadata below it is known. */
  get offset(): number {
    return this.#offset
  }

  topic(name: string): KnownTopic | undefined {
    return this.#topics.get(name)
  }

  address(nodeId: number): NodeAddress | undefined {
    const node = this.#brokers.get(nodeId)
    return node === undefined ? undefined : { host: node.host, port: node.grpcPort }
  }

  /** Whether the topic has been missing for so long that it does not exist. */
  isGone(name: string): boolean {
    const since = this.#missingSince.get(name)
    return since !== undefined && !this.#doubted.has(name) && this.#options.clock.monotonicMs() - since >= MISSING_TOPIC_GRACE_MS
  }

  /**
   * Whether a known topic has no such partition. It may have grown, and a node that is cut off says otherwise: news are asked for, and only once as many
   * answers came as there are nodes to ask, in turn, there is none.
   */
  lacksPartition(name: string, partition: number): boolean {
    const topic = this.#topics.get(name)
    if (topic === undefined || topic.partitions[partition] !== undefined) return false
    const key = `${name}/${partition}`
    const askedAt = this.#lacking.get(key) ?? this.#answers
    if (this.#answers - askedAt >= this.candidates().length) return true
    this.#lacking.set(key, askedAt)
    this.requestRefresh()
    return false
  }

  /** Keeps the topic in the cache from now on, and asks for it when it is not known. What was missing of it before is asked for anew. */
  want(name: string): void {
    for (const [key, askedAt] of this.#lacking) if (askedAt < this.#answers && key.startsWith(`${name}/`)) this.#lacking.delete(key)
    if (this.#topics.has(name)) return
    this.#wanted.add(name)
    this.#doubted.add(name)
    this.requestRefresh()
  }

  /** Called after every answer, whether or not it brought news. Returns how to stop. */
  onUpdate(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Nothing older than this counts any more: an answer of our own said so. */
  noteOffset(offset: number): void {
    if (offset <= this.#offset) return
    this.#offset = offset
    if (this.#topics.size === 0) return
    this.#isBehind = true
    this.requestRefresh()
  }

  /** This client was told of newer metadata than what is kept here, which is being asked for: nothing new is begun by what is kept (rules R4.6). */
  get isBehind(): boolean {
    return this.#isBehind
  }

  /**
   * A node that refused named the leader of a partition. Believed where it is newer than what is known, and of a node that is known; the next
   * answer counts again, whatever it says: a wrong hint costs one more refusal.
   */
  noteLeader(ref: { readonly topicId: Uuid; readonly partition: number }, hint: LeaderHint): void {
    for (const topic of this.#topics.values()) {
      const known = topic.topicId === ref.topicId ? topic.partitions[ref.partition] : undefined
      if (known === undefined || hint.leaderEpoch <= known.leaderEpoch || !this.#brokers.has(hint.nodeId)) continue
      const partitions = topic.partitions.with(ref.partition, { ...known, leader: hint.nodeId, leaderEpoch: hint.leaderEpoch })
      this.#topics.set(topic.name, { ...topic, partitions })
      this.#options.clock.defer(() => this.#tell())
      return
    }
  }

  /** All nodes that may be asked anything, those of the cluster first. */
  candidates(): NodeAddress[] {
    const byKey = new Map<string, NodeAddress>()
    for (const { host, grpcPort } of this.#brokers.values()) byKey.set(addressKey({ host, port: grpcPort }), { host, port: grpcPort })
    for (const address of this.#options.bootstrap) byKey.set(addressKey(address), address)
    return [...byKey.values()]
  }

  /** Asks for news: at once, unless the last attempt was just now. Ask again as long as what you need is not there. */
  requestRefresh(): void {
    if (this.#isClosed || this.#isAsking || this.#isWanted) return
    this.#isWanted = true
    const nowMs = this.#options.clock.monotonicMs()
    if (nowMs > this.#nextAtMs + QUIET_MS) this.#streak = 0
    this.#wakeIn(Math.max(0, this.#nextAtMs - nowMs), () => this.#ask())
  }

  close(): void {
    this.#isClosed = true
    this.#round++
    this.#timer?.cancel()
    this.#hedge?.cancel()
    this.#listeners.clear()
  }

  #wakeIn(delayMs: number, callback: () => void): void {
    this.#timer?.cancel()
    this.#timer = this.#options.clock.after(delayMs, callback)
  }

  #ask(): void {
    this.#isWanted = false
    this.#isAsking = true
    this.#round++
    this.#asked = 0
    const round = this.#round
    this.#options.connections.whenReady((error) => {
      if (round !== this.#round) return
      if (error === undefined) this.#askNode(round)
      else this.#pause(asBrokerError(error))
    })
  }

  #askNode(round: number): void {
    const candidates = this.candidates()
    const address = candidates[this.#nextNode++ % candidates.length] as NodeAddress
    this.#asked++
    this.#hedge?.cancel()
    if (this.#asked < Math.min(MAX_ASKED_AT_ONCE, candidates.length)) {
      this.#hedge = this.#options.clock.after(HEDGE_AFTER_MS, () => {
        if (round === this.#round) this.#askNode(round)
      })
    }
    const request = { topics: [...this.#wanted], minOffset: 0 }
    this.#options.connections.to(address).metadata(request, ANSWER_TIMEOUT_MS, (error, response) => {
      if (round !== this.#round) return
      const refused = error !== undefined ? asBrokerError(error) : this.#refuse(response)
      if (refused === undefined) this.#accept(response, request.topics)
      else if (this.#asked < candidates.length) this.#askNode(round)
      else this.#pause(refused)
    })
  }

  /** Why an answer cannot be used: it is of another cluster, or older than what is known. */
  #refuse(response: MetadataResponse): BrokerError | undefined {
    if (this.#clusterId !== null && response.clusterId !== null && response.clusterId !== this.#clusterId) {
      return new BrokerError('INCONSISTENT_CLUSTER_ID', `a node of cluster ${response.clusterId} answered, this client talks to ${this.#clusterId}`)
    }
    if (response.metadataOffset < this.#offset)
      return new BrokerError('LEADER_NOT_AVAILABLE', `a node is behind: it knows metadata below ${response.metadataOffset}, not ${this.#offset}`)
    return undefined
  }

  #accept(response: MetadataResponse, asked: readonly string[]): void {
    const nowMs = this.#options.clock.monotonicMs()
    this.#clusterId ??= response.clusterId
    this.#answers++
    this.#offset = response.metadataOffset
    this.#isBehind = false
    if (response.brokers.length > 0) this.#brokers = new Map(response.brokers.map((node) => [node.nodeId, node]))
    // What all of them said holds until the next answer: then it is asked anew.
    const turn = this.candidates().length
    for (const [key, askedAt] of this.#lacking) if (this.#answers - askedAt > turn) this.#lacking.delete(key)
    this.#topics = new Map()
    for (const { name, topicId, partitions } of response.topics) {
      this.#topics.set(name, { name, topicId, partitions: partitions.toSorted((a, b) => a.partition - b.partition) })
    }
    for (const name of asked) {
      this.#doubted.delete(name)
      if (this.#topics.has(name)) this.#missingSince.delete(name)
      else if (!this.#missingSince.has(name)) this.#missingSince.set(name, nowMs)
    }
    this.#lastError = undefined
    this.#rest(nowMs)
    this.#wakeIn(this.#options.maxAgeMs, () => this.requestRefresh())
    if (asked.length < this.#wanted.size) this.requestRefresh()
    this.#tell()
  }

  #pause(error: BrokerError): void {
    this.#lastError = error
    this.#rest(this.#options.clock.monotonicMs())
    this.requestRefresh()
    this.#tell()
  }

  #rest(nowMs: number): void {
    this.#round++
    this.#hedge?.cancel()
    this.#isAsking = false
    this.#streak++
    const { random } = this.#options
    this.#nextAtMs = nowMs + (this.#streak <= FAST_ATTEMPTS ? between(random, PACE_MIN_MS, PACE_MAX_MS) : backoffMs(random, this.#streak - FAST_ATTEMPTS))
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}
