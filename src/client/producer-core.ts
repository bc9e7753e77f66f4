import type { Timer } from '../base/clock.ts'
import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import { isCodecLoaded, loadCodec } from '../compression/codecs.ts'
import { compressionTypes, type RecordInput, recordSizeBound } from '../record/records.ts'
import { asBrokerError } from './api-error.ts'
import { type Cluster, MAX_NODE_WAIT_MS } from './cluster.ts'
import { CompressionRatio } from './compression-ratio.ts'
import { addressKey } from './connections.ts'
import { PartitionQueue } from './partition-queue.ts'
import { type ProduceBatch, type RecordMetadata, undelivered } from './produce-batch.ts'
import { ProduceChannel, type SentBatch } from './produce-channel.ts'
import { ProducerIds } from './producer-ids.ts'
import { MAX_RECORD_BYTES, type ProducerRecord, type ResolvedProducerOptions, toRecordInput } from './producer-options.ts'
import { ProducerRoom } from './producer-room.ts'
import { type AcceptedRecord, TopicQueues } from './topic-queues.ts'
import { MAX_REQUEST_PARTITIONS } from '../wire/api.ts'

/**
 * All decisions of a producer, synchronous above Clock, Random and ClientTransport. Inputs: records, answers, lost streams, metadata, time.
 * Each input changes state at once and schedules one `pump` for the end of the turn, which expires, stamps and sends what is due.
 * Outcomes are fixed inside and delivered when the input is done, so that a caller's callback may send again.
 */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024
/** Unanswered for so long: the node may be gone without a word, so ask who leads now. */
const STALLED_AFTER_MS = 1_000
/** The node answers REQUEST_TIMED_OUT by itself; this much later it does not answer at all. */
const ANSWER_GRACE_MS = 1_000
const CLOSE_TIMEOUT_MS = 5_000

/** Counts since the producer was made; `buffered…` are of now. */
export interface ProducerStats {
  readonly recordsAccepted: number
  readonly recordsAcknowledged: number
  readonly recordsFailed: number
  readonly batchesSent: number
  readonly batchesRetried: number
  readonly requestsSent: number
  readonly bytesSent: number
  readonly bufferedBytes: number
  readonly bufferedRecords: number
}

interface Waiter {
  readonly record: ProducerRecord
  readonly done: Done<RecordMetadata>
  readonly sinceMs: number
}

export class ProducerCore {
  readonly #cluster: Cluster
  readonly #options: ResolvedProducerOptions
  readonly #room: ProducerRoom
  readonly #ids: ProducerIds
  readonly #topics = new Map<string, TopicQueues>()
  readonly #active = new Set<PartitionQueue>()
  readonly #channels = new Map<string, ProduceChannel>()
  readonly #counts = { recordsAccepted: 0, recordsAcknowledged: 0, recordsFailed: 0, batchesSent: 0, batchesRetried: 0, requestsSent: 0, bytesSent: 0 }
  readonly #waiters: Waiter[] = []
  readonly #stopListening: () => void
  #roomWaiters: (() => void)[] = []
  #flushes: { readonly number: number; readonly done: () => void }[] = []
  #closers: (() => void)[] = []
  #settled: ProduceBatch[] = []
  #number = 0
  #flushNumber = 0
  #state: 'open' | 'closing' | 'closed' = 'open'
  readonly #codec: number
  /** While its package loads, records wait as if there were no room. */
  #isCodecLoading = false
  #codecError: BrokerError | undefined
  #isPumpDue = false
  #isPumping = false
  #isDelivering = false
  #timer: Timer | undefined
  #closeTimer: Timer | undefined
  #wakeAtMs = Infinity

  constructor(cluster: Cluster, options: ResolvedProducerOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#room = new ProducerRoom(options.bufferBytes)
    this.#ids = new ProducerIds(cluster, () => this.#schedulePump())
    this.#stopListening = cluster.metadata.onUpdate(() => this.#learn())
    this.#codec = compressionTypes.indexOf(options.compression)
    if (this.#codec !== 0 && !isCodecLoaded(this.#codec)) this.#loadCodec()
  }

  #loadCodec(): void {
    this.#isCodecLoading = true
    loadCodec(this.#codec, (error) => {
      this.#isCodecLoading = false
      if (error !== undefined) this.#codecError = asBrokerError(error)
      this.#schedulePump()
    })
  }

  get stats(): ProducerStats {
    const done = this.#counts.recordsAcknowledged + this.#counts.recordsFailed
    return { ...this.#counts, bufferedBytes: this.#room.usedBytes, bufferedRecords: this.#counts.recordsAccepted - done }
  }

  /** False: no room, nothing was taken. Otherwise `done` is called once, never before this returns. */
  trySend(record: ProducerRecord, done: Done<RecordMetadata>): boolean {
    if (this.#waiters.length > 0 && this.#state === 'open') return false
    return this.#accept(record, done, this.#state === 'open')
  }

  /** As trySend, but waits in line for room, at most the delivery timeout. */
  send(record: ProducerRecord, done: Done<RecordMetadata>): void {
    if (this.trySend(record, done)) return
    this.#waiters.push({ record, done, sinceMs: this.#cluster.clock.monotonicMs() })
    this.#schedulePump()
  }

  /** Calls back when a record that was refused would be taken; at once when none was. */
  whenRoom(done: () => void): void {
    if (this.#isOver(done)) return
    this.#roomWaiters.push(done)
    this.#schedulePump()
  }

  /** Calls back when all records so far are answered, without lingering. */
  flush(done: () => void): void {
    if (this.#isOver(done)) return
    const number = this.#number + this.#waiters.length
    this.#flushNumber = Math.max(this.#flushNumber, number)
    this.#flushes.push({ number, done })
    this.#schedulePump()
  }

  /** Takes no more; delivers what it has, at most 5 s, and rejects the rest. */
  close(done: () => void): void {
    if (this.#isOver(done)) return
    this.#closers.push(done)
    if (this.#state === 'closing') return
    this.#state = 'closing'
    this.#closeTimer = this.#cluster.clock.after(CLOSE_TIMEOUT_MS, () => this.#end())
    this.#schedulePump()
  }

  /** After the end nothing is left to wait for. */
  #isOver(done: () => void): boolean {
    if (this.#state !== 'closed') return false
    this.#cluster.clock.defer(done)
    return true
  }

  /** `sinceMs`: when it was sent, if it waited for room. */
  #accept(record: ProducerRecord, done: Done<RecordMetadata>, isOpen: boolean, sinceMs?: number): boolean {
    if (!isOpen) return this.#refuse(new BrokerError('CLIENT_CLOSED', 'the producer is closed'), done)
    if (this.#codecError !== undefined) return this.#refuse(this.#codecError, done)
    if (this.#isCodecLoading || this.#room.usedBytes >= this.#room.limitBytes) return this.#noRoom(1)
    const { clock, metadata } = this.#cluster
    let input: RecordInput
    try {
      input = toRecordInput(record, clock)
    } catch (error) {
      return this.#refuse(asBrokerError(error as Error), done)
    }
    const sizeBytes = recordSizeBound(input)
    if (sizeBytes > Math.min(MAX_RECORD_BYTES, this.#room.limitBytes)) {
      return this.#refuse(
        new BrokerError('MESSAGE_TOO_LARGE', `a record of ${sizeBytes} bytes; a message holds ${MAX_RECORD_BYTES}, the buffer ${this.#room.limitBytes}`),
        done,
      )
    }
    const topic = this.#topics.get(record.topic) ?? this.#addTopic(record.topic)
    if (!this.#room.take(sizeBytes)) return this.#noRoom(sizeBytes)
    this.#counts.recordsAccepted++
    const accepted: AcceptedRecord = {
      record: input,
      partition: record.partition ?? -1,
      sizeBytes,
      done,
      nowMs: sinceMs ?? clock.monotonicMs(),
      number: ++this.#number,
    }
    if (topic.isKnown) this.#place(topic, accepted)
    else {
      metadata.want(record.topic)
      this.#hold(topic, accepted)
    }
    return true
  }

  #hold(topic: TopicQueues, accepted: AcceptedRecord): void {
    topic.hold(accepted)
    this.#wakeBy(accepted.nowMs + this.#options.deliveryTimeoutMs)
  }

  #noRoom(sizeBytes: number): boolean {
    if (!this.#room.isWanted) this.#schedulePump()
    this.#room.want(sizeBytes)
    return false
  }

  /** Nothing was taken, but the caller learns why in a turn of its own. */
  #refuse(error: BrokerError, done: Done<RecordMetadata>): boolean {
    this.#cluster.clock.defer(() => done(error, undefined as never))
    return true
  }

  #addTopic(name: string): TopicQueues {
    const { random, metadata } = this.#cluster
    const { idempotent, lingerMs, batchBytes, deliveryTimeoutMs } = this.#options
    const onSettled = (batch: ProduceBatch): void => {
      this.#settled.push(batch)
    }
    const ratio = new CompressionRatio(this.#codec)
    const topic = new TopicQueues({
      name,
      random,
      makeQueue: (topicId, partition) =>
        new PartitionQueue({ topic: name, topicId, partition, idempotent, lingerMs, batchBytes, deliveryTimeoutMs, ratio, random, onSettled }),
    })
    this.#topics.set(name, topic)
    metadata.want(name)
    topic.update(metadata.topic(name), false)
    return topic
  }

  #place(topic: TopicQueues, accepted: AcceptedRecord): void {
    const { record, partition, sizeBytes, done, nowMs, number } = accepted
    const queue = topic.choose(record.key, partition, sizeBytes)
    if (queue === undefined) {
      if (this.#cluster.metadata.lacksPartition(topic.name, partition)) this.#drop(accepted, unknown(topic, partition))
      else this.#hold(topic, accepted)
      return
    }
    if (!queue.append(record, sizeBytes, done, { nowMs, number })) return
    this.#active.add(queue)
    // The batch before is complete, or there is no linger; else the new one is due after it.
    if (queue.isBacklogged || this.#options.lingerMs === 0 || number <= this.#urgentNumber()) this.#schedulePump()
    else this.#wakeBy(nowMs + this.#options.lingerMs)
  }

  /** An accepted record that got into no batch. */
  #drop(accepted: AcceptedRecord, error: BrokerError): void {
    this.#room.give(accepted.sizeBytes)
    this.#counts.recordsFailed++
    this.#cluster.clock.defer(() => accepted.done(error, undefined as never))
  }

  /** Records up to this number do not linger: they are flushed, or their room is needed. */
  #urgentNumber(): number {
    const isUrgent = this.#state !== 'open' || this.#waiters.length > 0 || this.#room.isWanted
    return isUrgent ? Infinity : this.#flushNumber
  }

  #learn(): void {
    const { metadata } = this.#cluster
    for (const topic of this.#topics.values()) {
      const isGone = metadata.isGone(topic.name)
      topic.update(metadata.topic(topic.name), isGone)
      const pending = topic.isKnown || isGone ? topic.takePending() : []
      for (const accepted of pending) {
        if (topic.isKnown) this.#place(topic, accepted)
        else this.#drop(accepted, unknown(topic, accepted.partition))
      }
    }
    for (const channel of this.#channels.values()) if (channel.isForsaken) channel.reset('its partitions are led elsewhere')
    this.#turn()
  }

  #turn(): void {
    if (this.#isPumping) return
    this.#deliver()
    this.#schedulePump()
  }

  #schedulePump(): void {
    if (this.#isPumpDue || this.#state === 'closed') return
    this.#isPumpDue = true
    this.#cluster.clock.defer(() => this.#pump())
  }

  #wakeBy(atMs: number): void {
    if (atMs >= this.#wakeAtMs || this.#state === 'closed') return
    this.#timer?.cancel()
    this.#wakeAtMs = atMs
    this.#timer = this.#cluster.clock.after(Math.max(0, atMs - this.#cluster.clock.monotonicMs()), () => {
      this.#wakeAtMs = Infinity
      this.#pump()
    })
  }

  #pump(): void {
    this.#isPumpDue = false
    if (this.#state === 'closed') return
    this.#isPumping = true
    const nowMs = this.#cluster.clock.monotonicMs()
    const ready = new Map<number, PartitionQueue[]>()
    let wakeAtMs = this.#expireWaiting(nowMs)
    let wantsMetadata = false
    for (const queue of this.#active) {
      wakeAtMs = Math.min(wakeAtMs, queue.expire(nowMs, this.#unsentCause(queue)), this.#provideIdentity(queue, nowMs))
      if (queue.isIdle) this.#active.delete(queue)
      wantsMetadata ||= queue.wantsMetadata
      const atMs = queue.sendableAtMs(this.#urgentNumber())
      if (atMs > nowMs) wakeAtMs = Math.min(wakeAtMs, atMs)
      else if (ready.get(queue.leader)?.push(queue) === undefined) ready.set(queue.leader, [queue])
    }
    for (const [nodeId, queues] of ready) wakeAtMs = Math.min(wakeAtMs, this.#sendTo(nodeId, queues, nowMs))
    for (const channel of this.#channels.values()) wakeAtMs = Math.min(wakeAtMs, this.#watch(channel, nowMs))
    if (wantsMetadata) this.#cluster.metadata.requestRefresh()
    this.#isPumping = false
    this.#wakeBy(wakeAtMs)
    this.#deliver()
    if (this.#state === 'closing' && this.#waiters.length === 0 && this.stats.bufferedRecords === 0) this.#end()
  }

  /** Fails what waited too long for room or for its topic. Returns when that is due next. */
  #expireWaiting(nowMs: number): number {
    const { deliveryTimeoutMs } = this.#options
    // As it is asked to be woken, to the last bit: whoever is woken finds something due.
    const isDue = (sinceMs: number): boolean => sinceMs + deliveryTimeoutMs <= nowMs
    while (this.#waiters[0] !== undefined && isDue(this.#waiters[0].sinceMs)) {
      const { done } = this.#waiters.shift() as Waiter
      this.#number++
      this.#refuse(new BrokerError('BUFFER_EXHAUSTED', `no room within ${deliveryTimeoutMs} ms`), done)
    }
    let oldestMs = this.#waiters[0]?.sinceMs ?? Infinity
    for (const topic of this.#topics.values()) {
      if (topic.pending.length === 0) continue
      // Where nodes answered, none of them knows it.
      for (const accepted of topic.takePending(isDue))
        this.#drop(accepted, undelivered(deliveryTimeoutMs, this.#cluster.metadata.lastError ?? unknown(topic, accepted.partition)))
      oldestMs = Math.min(oldestMs, topic.pending[0]?.nowMs ?? Infinity)
      this.#cluster.metadata.requestRefresh()
    }
    return oldestMs + deliveryTimeoutMs
  }

  /** Gives the queue a producer id when it needs one, or sees to getting one. Returns when to look again. */
  #provideIdentity(queue: PartitionQueue, nowMs: number): number {
    const generation = queue.neededGeneration
    if (generation === undefined) return Infinity
    const identity = this.#ids.from(generation)
    if (identity === undefined) return this.#ids.request(nowMs)
    queue.setIdentity(identity)
    return Infinity
  }

  #unsentCause(queue: PartitionQueue): BrokerError | undefined {
    return (queue.neededGeneration === undefined ? undefined : this.#ids.lastError) ?? this.#cluster.metadata.lastError
  }

  /** Sends as much as goes; returns when more may go, if time alone decides it. */
  #sendTo(nodeId: number, queues: readonly PartitionQueue[], nowMs: number): number {
    const address = this.#cluster.metadata.address(nodeId)
    if (address === undefined) {
      this.#cluster.metadata.requestRefresh()
      return nowMs + STALLED_AFTER_MS
    }
    const key = addressKey(address)
    const channel = this.#channels.get(key) ?? new ProduceChannel(this.#cluster.connections.to(address), this.#channelOptions())
    this.#channels.set(key, channel)
    let waiting = queues
    while (waiting.length > 0) {
      const atMs = channel.sendableAtMs
      if (atMs > nowMs) return atMs
      waiting = this.#sendOne(channel, waiting, nowMs)
    }
    return Infinity
  }

  /** One request: a batch of each queue, as far as they fit. Returns the queues that have more. */
  #sendOne(channel: ProduceChannel, queues: readonly PartitionQueue[], nowMs: number): PartitionQueue[] {
    const acks = this.#options.acks === 'all' ? -1 : this.#options.acks
    const items: SentBatch[] = []
    const rest: PartitionQueue[] = []
    let bytes = 0
    for (const queue of queues) {
      if (queue.sendableAtMs(this.#urgentNumber()) > nowMs) continue
      if (items.length === MAX_REQUEST_PARTITIONS || (items.length > 0 && bytes + queue.headBytes > MAX_REQUEST_BYTES)) {
        rest.push(queue)
        continue
      }
      const batch = queue.take()
      bytes += batch.sizeBytes
      items.push({ queue, batch, attempt: batch.attempt })
      if (batch.attempt > 1) this.#counts.batchesRetried++
      rest.push(queue)
    }
    if (items.length === 0) return []
    this.#counts.requestsSent++
    this.#counts.batchesSent += items.length
    this.#counts.bytesSent += bytes
    channel.send(items, { acks, timeoutMs: Math.min(this.#cluster.requestTimeoutMs, MAX_NODE_WAIT_MS) })
    return rest
  }

  #channelOptions(): ConstructorParameters<typeof ProduceChannel>[1] {
    const { clock, random, metadata } = this.#cluster
    return {
      random,
      monotonicMs: () => clock.monotonicMs(),
      maxInFlight: this.#options.maxInFlight,
      onAnswer: ({ queue, batch, attempt }, error, baseOffset) => queue.answered(batch, attempt, error, baseOffset, clock.monotonicMs()),
      noteLeader: (ref, hint) => metadata.noteLeader(ref, hint),
      onTurn: () => this.#turn(),
    }
  }

  /** A node that does not answer: asks who leads now, in the end gives the stream up. Returns when to look again. */
  #watch(channel: ProduceChannel, nowMs: number): number {
    const sentAtMs = channel.oldestSentAtMs
    if (sentAtMs === Infinity) return Infinity
    if (nowMs < sentAtMs + STALLED_AFTER_MS) return sentAtMs + STALLED_AFTER_MS
    if (channel.isForsaken || nowMs >= sentAtMs + this.#cluster.requestTimeoutMs + ANSWER_GRACE_MS) {
      channel.reset(`no answer within ${Math.floor(nowMs - sentAtMs)} ms`)
      this.#schedulePump()
      return Infinity
    }
    this.#cluster.metadata.requestRefresh()
    return nowMs + STALLED_AFTER_MS
  }

  #deliver(): void {
    if (this.#isDelivering) return
    this.#isDelivering = true
    while (this.#settled.length > 0) {
      const settled = this.#settled
      this.#settled = []
      for (const batch of settled) {
        this.#room.give(batch.reservedBytes)
        if (batch.failure === undefined) this.#counts.recordsAcknowledged += batch.recordCount
        else this.#counts.recordsFailed += batch.recordCount
        const thrown = batch.deliver()
        if (thrown !== undefined) this.#cluster.clock.defer(() => throwIt(thrown))
      }
    }
    this.#isDelivering = false
    this.#admit()
    this.#endFlushes()
  }

  /** Those who wait for room, in their order. */
  #admit(): void {
    if (this.#isCodecLoading) return
    for (let waiter = this.#waiters[0]; waiter !== undefined; waiter = this.#waiters[0]) {
      const number = this.#number
      if (!this.#accept(waiter.record, waiter.done, this.#state !== 'closed', waiter.sinceMs)) break
      // A flush counted it: it has a number even when it was refused.
      this.#number = number + 1
      this.#waiters.shift()
    }
    if (this.#waiters.length > 0 || !this.#room.satisfies()) return
    const waiting = this.#roomWaiters
    this.#roomWaiters = []
    for (const done of waiting) done()
  }

  #endFlushes(): void {
    if (this.#flushes.length === 0) return
    let first = this.#number + 1
    for (const queue of this.#active) first = Math.min(first, queue.firstUnsettledNumber)
    for (const topic of this.#topics.values()) first = Math.min(first, topic.pending[0]?.number ?? Infinity)
    const ended = this.#flushes.filter(({ number }) => number < first)
    this.#flushes = this.#flushes.filter(({ number }) => number >= first)
    for (const { done } of ended) this.#cluster.clock.defer(done)
  }

  /** Nothing more is heard or sent: what is left is rejected, indefinite where it was sent. */
  #end(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#stopListening()
    this.#timer?.cancel()
    this.#closeTimer?.cancel()
    this.#ids.cancel()
    const error = new BrokerError('CLIENT_CLOSED', 'the producer was closed before an answer')
    for (const queue of this.#active) queue.abort(error)
    for (const topic of this.#topics.values()) for (const accepted of topic.takePending()) this.#drop(accepted, error)
    for (const { done } of this.#waiters.splice(0)) this.#refuse(error, done)
    for (const channel of this.#channels.values()) channel.close()
    this.#deliver()
    for (const { done } of this.#flushes.splice(0)) this.#cluster.clock.defer(done)
    for (const done of [...this.#roomWaiters.splice(0), ...this.#closers.splice(0)]) this.#cluster.clock.defer(done)
  }
}

function throwIt(thrown: unknown): never {
  throw thrown
}

function unknown({ name, isKnown, queues }: TopicQueues, partition: number): BrokerError {
  const what = isKnown ? `topic "${name}" has ${queues.length} partitions, not one with number ${partition}` : `there is no topic "${name}"`
  return new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', what)
}
