import { BrokerError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import type { ProduceRequest, ProduceResponse } from '../wire/api.ts'
import { asBrokerError, toBrokerError } from './api-error.ts'
import { backoffMs } from './backoff.ts'
import type { MetadataCache } from './metadata-cache.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { ProduceBatch } from './produce-batch.ts'
import type { ClientConnection, ClientStream } from './transport.ts'

/** One batch in a request, under the attempt that the request is. */
export interface SentBatch {
  readonly queue: PartitionQueue
  readonly batch: ProduceBatch
  readonly attempt: number
}

interface Outstanding {
  readonly sentAtMs: number
  readonly items: Map<string, SentBatch>
}

export interface ChannelOptions {
  readonly random: Random
  readonly monotonicMs: () => number
  readonly maxInFlight: number
  /** For each batch of a request, in order: its answer, or NETWORK_EXCEPTION when the stream ended. Called inside the channel's methods. */
  readonly onAnswer: (item: SentBatch, error: BrokerError | undefined, baseOffset: number) => void
  /** A refusal named who leads: said before its answer. */
  readonly noteLeader: MetadataCache['noteLeader']
  /** After the answers of one message, or the end of the stream. */
  readonly onTurn: () => void
}

/** As long as the longest pause between two streams. */
const STEADY_MS = 1_000
const LOST = 'the stream to the node ended before the answer'

/**
 * The produce stream to one node: closed → open → closed … It opens with the first request and after a pause when it ended without an answer.
 * Requests are outstanding until all their batches are answered; when the stream ends, all of them are lost.
 */
export class ProduceChannel {
  readonly #connection: ClientConnection
  readonly #options: ChannelOptions
  readonly #outstanding = new Map<number, Outstanding>()
  #stream: ClientStream<ProduceRequest> | undefined
  /** Counts streams: what an ended one still says is ignored. */
  #incarnation = 0
  #nextRequestId = 1
  #openedAtMs = 0
  /** Streams in a row that ended early, without an answer. */
  #failures = 0
  #notBeforeMs = 0

  constructor(connection: ClientConnection, options: ChannelOptions) {
    this.#connection = connection
    this.#options = options
  }

  /** When another request may be sent, ms; Infinity: after an answer. */
  get sendableAtMs(): number {
    return this.#outstanding.size >= this.#options.maxInFlight ? Infinity : this.#notBeforeMs
  }

  /** When the oldest unanswered request was sent, ms; Infinity when there is none. */
  get oldestSentAtMs(): number {
    for (const { sentAtMs } of this.#outstanding.values()) return sentAtMs
    return Infinity
  }

  send(items: readonly SentBatch[], request: { readonly acks: number; readonly timeoutMs: number }): void {
    const requestId = this.#nextRequestId++
    const partitions = items.map(({ queue, batch }) => ({
      topicId: queue.topicId,
      partition: queue.partition,
      leaderEpoch: queue.leaderEpoch,
      batch: batch.bytes,
    }))
    this.#outstanding.set(requestId, {
      sentAtMs: this.#options.monotonicMs(),
      items: new Map(items.map((item) => [partitionKey(item.queue), item])),
    })
    this.#stream ??= this.#open()
    const incarnation = this.#incarnation
    // Nobody answers acks 0: the request is done with when it has left, so that a slow network holds the producer back.
    const left = (): void => {
      if (incarnation === this.#incarnation) this.#left(requestId)
    }
    this.#stream.send({ requestId, ...request, partitions }, request.acks === 0 ? left : undefined)
  }

  #left(requestId: number): void {
    const outstanding = this.#outstanding.get(requestId)
    if (outstanding === undefined) return
    this.#outstanding.delete(requestId)
    for (const item of outstanding.items.values()) this.#options.onAnswer(item, undefined, -1)
    this.#options.onTurn()
  }

  #open(): ClientStream<ProduceRequest> {
    const incarnation = ++this.#incarnation
    this.#openedAtMs = this.#options.monotonicMs()
    return this.#connection.openProduce({
      response: (response) => {
        if (incarnation === this.#incarnation) this.#answered(response)
      },
      closed: (error) => {
        if (incarnation === this.#incarnation) this.#lost(error)
      },
    })
  }

  #answered(response: ProduceResponse): void {
    const outstanding = this.#outstanding.get(response.requestId)
    if (outstanding === undefined) return
    this.#failures = 0
    for (const { topicId, partition, baseOffset, error } of response.partitions) {
      const key = partitionKey({ topicId, partition })
      const item = outstanding.items.get(key)
      if (item === undefined) continue
      outstanding.items.delete(key)
      if (error?.leader !== undefined) this.#options.noteLeader({ topicId, partition }, error.leader)
      this.#options.onAnswer(item, error === null ? undefined : toBrokerError(error), baseOffset)
    }
    if (outstanding.items.size === 0) this.#outstanding.delete(response.requestId)
    this.#options.onTurn()
  }

  #lost(error: Error | undefined): void {
    this.#incarnation++
    this.#stream = undefined
    const nowMs = this.#options.monotonicMs()
    // Nobody answers acks 0: that the stream lasted says enough.
    this.#failures = nowMs - this.#openedAtMs >= STEADY_MS ? 1 : this.#failures + 1
    this.#notBeforeMs = nowMs + backoffMs(this.#options.random, this.#failures)
    const detail = error === undefined ? LOST : `${LOST}: ${asBrokerError(error).message}`
    const lost = [...this.#outstanding.values()]
    this.#outstanding.clear()
    for (const { items } of lost) for (const item of items.values()) this.#options.onAnswer(item, new BrokerError('NETWORK_EXCEPTION', detail), -1)
    this.#options.onTurn()
  }

  /** Ends the stream when it does not answer, or when nobody waits for its answers any more: they would hold places in flight. */
  reset(reason: string): void {
    const stream = this.#stream
    this.#lost(new BrokerError('REQUEST_TIMED_OUT', reason))
    stream?.close()
  }

  /** Whether there are unanswered requests, all of whose batches were given up here. */
  get isForsaken(): boolean {
    if (this.#outstanding.size === 0) return false
    for (const { items } of this.#outstanding.values()) for (const { batch, attempt } of items.values()) if (batch.attempt === attempt) return false
    return true
  }

  close(): void {
    this.#incarnation++
    this.#outstanding.clear()
    this.#stream?.close()
    this.#stream = undefined
  }
}

function partitionKey(of: { readonly topicId: string; readonly partition: number }): string {
  return `${of.topicId}:${of.partition}`
}
