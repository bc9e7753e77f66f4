import type { Timer } from '../base/clock.ts'
import type { Done, DoneVoid } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import { loadCodec } from '../compression/codecs.ts'
import { asBrokerError } from './api-error.ts'
import type { Cluster } from './cluster.ts'
import { addressKey } from './connections.ts'
import { FetchChannel } from './fetch-channel.ts'
import { type ConsumedRecord, FetchPartition } from './fetch-partition.ts'
import { numberOption } from './number-option.ts'
import { OffsetLookup } from './offset-lookup.ts'
import { MAX_REQUEST_PARTITIONS } from '../wire/api.ts'

/** Defaults: rules 8. */
export interface ConsumerOptions {
  /** How long a node waits for new records before it answers with none; default 500. */
  readonly maxWaitMs?: number
  /** Of one answer; about twice as much is fetched ahead. Default 4 MiB. */
  readonly maxBytes?: number
  /** Of one partition in an answer, and fetched ahead a partition; default 1 MiB. A larger batch still comes whole. */
  readonly partitionMaxBytes?: number
  /** Where to go when the position is outside of the log; default 'error': poll rejects OFFSET_OUT_OF_RANGE until a seek, so that nothing is skipped unnoticed. */
  readonly outOfRange?: 'earliest' | 'latest' | 'error'
}

export type StartOffset = number | 'earliest' | 'latest'

export interface Assignment {
  readonly topic: string
  readonly partition: number
  readonly offset: StartOffset
}

interface Poll {
  readonly maxRecords: number
  readonly done: Done<ConsumedRecord[]>
  timer: Timer | undefined
}

const DEFAULT_MAX_BYTES = 4 * 1024 * 1024
const DEFAULT_PARTITION_BYTES = 1024 * 1024
const DEFAULT_MAX_WAIT_MS = 500
const MAX_WAIT_LIMIT_MS = 30_000
/** What a fetch request can say. */
const MAX_INT32 = 2 ** 31 - 1
const STALLED_AFTER_MS = 1_000

/**
 * All decisions of a consumer, synchronous above Clock, Random and ClientTransport. Inputs: answers, lost streams, metadata, time, and the caller's
 * polls and seeks. As in ProducerCore, each input schedules one `pump` for the end of the turn, which fetches what may be fetched and answers polls.
 */
export class ConsumerCore {
  readonly #cluster: Cluster
  readonly #options: Required<ConsumerOptions>
  readonly #channels = new Map<string, FetchChannel>()
  readonly #lookups = new Set<OffsetLookup>()
  readonly #loadingCodecs = new Set<number>()
  readonly #stopListening: () => void
  #partitions: FetchPartition[] = []
  #polls: Poll[] = []
  #turnOf = 0
  #isPumpDue = false
  #isClosed = false
  #timer: Timer | undefined
  #wakeAtMs = Infinity

  constructor(cluster: Cluster, options: ConsumerOptions) {
    this.#cluster = cluster
    this.#options = {
      maxWaitMs: Math.min(numberOption('maxWaitMs', options.maxWaitMs ?? DEFAULT_MAX_WAIT_MS, 1), MAX_WAIT_LIMIT_MS),
      maxBytes: numberOption('maxBytes', options.maxBytes ?? DEFAULT_MAX_BYTES, 1, MAX_INT32),
      partitionMaxBytes: numberOption('partitionMaxBytes', options.partitionMaxBytes ?? DEFAULT_PARTITION_BYTES, 1, MAX_INT32),
      outOfRange: options.outOfRange ?? 'error',
    }
    this.#stopListening = cluster.metadata.onUpdate(() => this.#learn())
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Replaces what is assigned. Done when earliest and latest are known; with an error the assignment stays, without these positions. */
  assign(assignments: readonly Assignment[], done: DoneVoid): void {
    if (this.#isClosed) {
      this.#defer(done, closedError())
      return
    }
    const keys = new Set(assignments.map(({ topic, partition }) => `${topic}:${partition}`))
    const invalid = assignments.find(({ partition, offset }) => !isIndex(partition) || (typeof offset === 'number' && !isIndex(offset)))
    if (keys.size < assignments.length || invalid !== undefined) {
      this.#defer(done, new BrokerError('INVALID_REQUEST', 'an assignment names each partition once, with an offset of 0 or more'))
      return
    }
    for (const channel of this.#channels.values()) channel.close()
    for (const lookup of [...this.#lookups]) lookup.cancel()
    this.#partitions = assignments.map(({ topic, partition }) => new FetchPartition(topic, partition, this.#cluster.random))
    for (const { topic } of assignments) this.#cluster.metadata.want(topic)
    this.#learn()
    this.#position(assignments, done)
  }

  seek(target: Assignment, done: DoneVoid): void {
    if (this.#isClosed) {
      this.#defer(done, closedError())
      return
    }
    if (this.#find(target.topic, target.partition) === undefined) {
      this.#defer(done, notAssigned(target.topic, target.partition))
      return
    }
    if (typeof target.offset === 'number' && !isIndex(target.offset)) {
      this.#defer(done, new BrokerError('INVALID_REQUEST', `${target.offset} is not an offset`))
      return
    }
    this.#position([target], done)
  }

  /** Of the next record. Throws INVALID_REQUEST when the partition is not assigned or not positioned yet. */
  position(topic: string, partition: number): number {
    const position = this.#find(topic, partition)?.position
    if (position === undefined) throw notAssigned(topic, partition)
    return position
  }

  /** Answers with at least one record, or with none after timeoutMs. */
  poll(maxRecords: number, timeoutMs: number, done: Done<ConsumedRecord[]>): void {
    if (this.#isClosed) {
      this.#cluster.clock.defer(() => done(closedError(), []))
      return
    }
    const poll: Poll = { maxRecords: Math.max(1, maxRecords), done, timer: undefined }
    if (timeoutMs < Infinity) poll.timer = this.#cluster.clock.after(timeoutMs, () => this.#endPoll(poll, undefined, this.#take(poll.maxRecords)))
    this.#polls.push(poll)
    this.#schedulePump()
  }

  /** The next record if one is here, without waiting. Throws what poll would reject with. */
  takeNow(): ConsumedRecord | undefined {
    if (this.#isClosed) return undefined
    const error = this.#takeError()
    if (error !== undefined) throw error
    return this.#take(1)[0]
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#stopListening()
    this.#timer?.cancel()
    for (const lookup of [...this.#lookups]) lookup.cancel()
    for (const channel of this.#channels.values()) channel.close()
    for (const poll of [...this.#polls]) this.#endPoll(poll, closedError(), [])
    this.#partitions = []
  }

  #defer(done: DoneVoid, error: BrokerError | undefined): void {
    this.#cluster.clock.defer(() => done(error))
  }

  #find(topic: string, partition: number): FetchPartition | undefined {
    return this.#partitions.find((other) => other.topic === topic && other.partition === partition)
  }

  /** Sets positions: numbers at once, the others when the leaders have said. */
  #position(targets: readonly Assignment[], done: DoneVoid): void {
    const asked: { topic: string; partition: number; at: 'earliest' | 'latest' }[] = []
    const seeking = new Map<string, { readonly partition: FetchPartition; readonly token: number }>()
    for (const { topic, partition, offset } of targets) {
      const found = this.#find(topic, partition) as FetchPartition
      found.seek(typeof offset === 'number' ? offset : undefined)
      if (typeof offset === 'number') continue
      asked.push({ topic, partition, at: offset })
      seeking.set(`${topic}:${partition}`, { partition: found, token: found.token })
    }
    this.#schedulePump()
    if (asked.length === 0) {
      this.#defer(done, undefined)
      return
    }
    const lookup = new OffsetLookup(this.#cluster, asked, this.#cluster.requestTimeoutMs, (error, found) => {
      this.#lookups.delete(lookup)
      for (const { topic, partition, offset } of found) {
        const target = seeking.get(`${topic}:${partition}`)
        // A later seek of the same partition wins.
        if (target !== undefined && target.partition.token === target.token) target.partition.seek(offset)
      }
      this.#schedulePump()
      done(error)
    })
    this.#lookups.add(lookup)
  }

  #learn(): void {
    const { metadata } = this.#cluster
    // It comes again with what this client was told of (rules R4.6).
    if (metadata.isBehind) return
    for (const partition of this.#partitions) {
      const topic = metadata.topic(partition.topic)
      const info = topic?.partitions[partition.partition]
      if (topic !== undefined && info !== undefined) partition.update(topic.topicId, info.leader, info.leaderEpoch)
      else if (metadata.lacksPartition(partition.topic, partition.partition) || metadata.isGone(partition.topic)) {
        partition.fail(new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `there is no partition ${partition.partition} of a topic "${partition.topic}"`))
      }
    }
    for (const channel of this.#channels.values()) if (channel.isForsaken) channel.reset()
    this.#schedulePump()
  }

  #schedulePump(): void {
    if (this.#isPumpDue || this.#isClosed) return
    this.#isPumpDue = true
    this.#cluster.clock.defer(() => this.#pump())
  }

  #wakeBy(atMs: number): void {
    if (atMs >= this.#wakeAtMs) return
    this.#timer?.cancel()
    this.#wakeAtMs = atMs
    this.#timer = this.#cluster.clock.after(Math.max(0, atMs - this.#cluster.clock.monotonicMs()), () => {
      this.#wakeAtMs = Infinity
      this.#pump()
    })
  }

  #pump(): void {
    this.#isPumpDue = false
    if (this.#isClosed) return
    this.#answerPolls()
    const nowMs = this.#cluster.clock.monotonicMs()
    const ready = new Map<number, FetchPartition[]>()
    let wakeAtMs = Infinity
    let bufferedBytes = 0
    for (const partition of this.#partitions) bufferedBytes += partition.bufferedBytes
    for (const partition of this.#partitions) {
      if (partition.isOutOfRange) this.#leaveRange(partition)
      if (partition.wantedCodec !== undefined) this.#loadCodec(partition.wantedCodec)
      if (partition.wantsMetadata) this.#cluster.metadata.requestRefresh()
      const atMs = partition.fetchableAtMs(this.#options.partitionMaxBytes)
      if (atMs > nowMs) wakeAtMs = Math.min(wakeAtMs, atMs)
      else if (bufferedBytes < 2 * this.#options.maxBytes && ready.get(partition.leader)?.push(partition) === undefined)
        ready.set(partition.leader, [partition])
    }
    for (const [nodeId, partitions] of ready) wakeAtMs = Math.min(wakeAtMs, this.#fetchFrom(nodeId, partitions, nowMs))
    for (const channel of this.#channels.values()) wakeAtMs = Math.min(wakeAtMs, this.#watch(channel, nowMs))
    this.#wakeBy(wakeAtMs)
    // Who waits is told at once what has failed only now.
    if (this.#partitions.some(({ hasError }) => hasError)) this.#answerPolls()
  }

  /** Batches of a codec that was never met wait until it is there. */
  #loadCodec(codec: number): void {
    if (this.#loadingCodecs.has(codec)) return
    this.#loadingCodecs.add(codec)
    loadCodec(codec, (error) => {
      this.#loadingCodecs.delete(codec)
      const cause = error === undefined ? undefined : asBrokerError(error)
      for (const partition of this.#partitions) if (partition.wantedCodec === codec) partition.codecLoaded(cause)
      this.#schedulePump()
    })
  }

  #leaveRange(partition: FetchPartition): void {
    const { outOfRange } = this.#options
    const { topic, fetchOffset } = partition
    if (outOfRange !== 'error') {
      this.#position([{ topic, partition: partition.partition, offset: outOfRange }], (error) => {
        // A later seek wins.
        if (!(error instanceof BrokerError) || error.code === 'CLIENT_CLOSED' || partition.token !== token) return
        if (error.code === 'REQUEST_TIMED_OUT') this.#leaveRange(partition)
        else partition.fail(error)
      })
      // Of the seek that this began.
      const { token } = partition
      return
    }
    partition.fail(new BrokerError('OFFSET_OUT_OF_RANGE', `offset ${fetchOffset} is outside of the log of ${topic}-${partition.partition}; seek to go on`))
  }

  #fetchFrom(nodeId: number, partitions: readonly FetchPartition[], nowMs: number): number {
    const address = this.#cluster.metadata.address(nodeId)
    if (address === undefined) {
      this.#cluster.metadata.requestRefresh()
      return nowMs + STALLED_AFTER_MS
    }
    const { clock, random, connections, metadata } = this.#cluster
    const key = addressKey(address)
    const channel =
      this.#channels.get(key) ??
      new FetchChannel(connections.to(address), {
        random,
        monotonicMs: () => clock.monotonicMs(),
        noteLeader: (ref, hint) => metadata.noteLeader(ref, hint),
        onTurn: () => this.#schedulePump(),
      })
    this.#channels.set(key, channel)
    for (let rest = inTurn(partitions); rest.length > 0; rest = rest.slice(MAX_REQUEST_PARTITIONS)) {
      const atMs = channel.sendableAtMs
      if (atMs > nowMs) return atMs
      channel.send(
        rest.slice(0, MAX_REQUEST_PARTITIONS).toSorted((a, b) => a.servedAtMs - b.servedAtMs),
        this.#options,
      )
    }
    return Infinity
  }

  #watch(channel: FetchChannel, nowMs: number): number {
    const dueAtMs = channel.oldestDueAtMs
    if (dueAtMs === Infinity) return Infinity
    if (nowMs < dueAtMs + STALLED_AFTER_MS) return dueAtMs + STALLED_AFTER_MS
    if (nowMs >= dueAtMs + this.#cluster.requestTimeoutMs) {
      channel.reset()
      return Infinity
    }
    this.#cluster.metadata.requestRefresh()
    return nowMs + STALLED_AFTER_MS
  }

  #answerPolls(): void {
    while (this.#polls[0] !== undefined) {
      const error = this.#takeError()
      const records = error === undefined ? this.#take(this.#polls[0].maxRecords) : []
      if (error === undefined && records.length === 0) return
      this.#endPoll(this.#polls[0], error, records)
    }
  }

  #endPoll(poll: Poll, error: BrokerError | undefined, records: ConsumedRecord[]): void {
    const at = this.#polls.indexOf(poll)
    if (at < 0) return
    this.#polls.splice(at, 1)
    poll.timer?.cancel()
    poll.done(error, records)
  }

  #takeError(): BrokerError | undefined {
    for (const partition of this.#partitions) if (partition.hasError) return partition.takeError()
    return undefined
  }

  /** Batch by batch, one partition after the other. */
  #take(maxRecords: number): ConsumedRecord[] {
    const records: ConsumedRecord[] = []
    let empty = 0
    while (records.length < maxRecords && empty < this.#partitions.length) {
      const partition = this.#partitions[this.#turnOf % this.#partitions.length] as FetchPartition
      const wasHere = partition.take(maxRecords - records.length, records)
      empty = wasHere ? 0 : empty + 1
      if (records.length < maxRecords) this.#turnOf++
    }
    if (records.length > 0) this.#schedulePump()
    return records
  }
}

/** More than one request takes: those that were not asked for the longest first, or the idle ones would keep the others from their turn. */
function inTurn(partitions: readonly FetchPartition[]): readonly FetchPartition[] {
  return partitions.length <= MAX_REQUEST_PARTITIONS ? partitions : partitions.toSorted((a, b) => a.askedAtMs - b.askedAtMs)
}

function isIndex(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function closedError(): BrokerError {
  return new BrokerError('CLIENT_CLOSED', 'the consumer is closed')
}

function notAssigned(topic: string, partition: number): BrokerError {
  return new BrokerError('INVALID_REQUEST', `partition ${partition} of "${topic}" is not assigned, or its position is not known yet`)
}
