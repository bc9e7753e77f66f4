import type { Random } from '../base/random.ts'
import type { FetchedPartition, FetchRequest, FetchResponse } from '../wire/api.ts'
import { backoffMs } from './backoff.ts'
import type { FetchPartition } from './fetch-partition.ts'
import type { MetadataCache } from './metadata-cache.ts'
import type { ClientConnection, ClientStream } from './transport.ts'

export interface SentFetch {
  readonly partition: FetchPartition
  readonly token: number
}

interface Outstanding {
  readonly sentAtMs: number
  readonly maxWaitMs: number
  readonly items: readonly SentFetch[]
}

export interface FetchChannelOptions {
  readonly random: Random
  readonly monotonicMs: () => number
  /** A refusal named who leads. */
  readonly noteLeader: MetadataCache['noteLeader']
  /** After an answer, or the end of the stream. */
  readonly onTurn: () => void
}

/** One waits for the idle partitions while the other carries the busy ones. */
const MAX_OUTSTANDING = 2

/** The fetch stream to one node: closed → open → closed …, as ProduceChannel. An answer is whole: what it does not name had nothing. */
export class FetchChannel {
  readonly #connection: ClientConnection
  readonly #options: FetchChannelOptions
  readonly #outstanding = new Map<number, Outstanding>()
  #stream: ClientStream<FetchRequest> | undefined
  #incarnation = 0
  #nextRequestId = 1
  #failures = 0
  #notBeforeMs = 0

  constructor(connection: ClientConnection, options: FetchChannelOptions) {
    this.#connection = connection
    this.#options = options
  }

  /** When another request may be sent, ms; Infinity: after an answer. */
  get sendableAtMs(): number {
    return this.#outstanding.size >= MAX_OUTSTANDING ? Infinity : this.#notBeforeMs
  }

  /** When the first unanswered request should have been answered, ms; Infinity when there is none. */
  get oldestDueAtMs(): number {
    for (const { sentAtMs, maxWaitMs } of this.#outstanding.values()) return sentAtMs + maxWaitMs
    return Infinity
  }

  /** Whether there are unanswered requests, all of whose partitions were given up here. */
  get isForsaken(): boolean {
    if (this.#outstanding.size === 0) return false
    for (const { items } of this.#outstanding.values()) for (const { partition, token } of items) if (partition.token === token) return false
    return true
  }

  send(partitions: readonly FetchPartition[], options: { readonly maxWaitMs: number; readonly maxBytes: number; readonly partitionMaxBytes: number }): void {
    const requestId = this.#nextRequestId++
    const { maxWaitMs, maxBytes, partitionMaxBytes } = options
    const asked = partitions.map(({ topicId, partition, leaderEpoch, fetchOffset }) => {
      return { topicId: topicId as string, partition, leaderEpoch, fetchOffset, maxBytes: partitionMaxBytes }
    })
    const sentAtMs = this.#options.monotonicMs()
    for (const partition of partitions) partition.noteSent(sentAtMs)
    const items = partitions.map((partition) => ({ partition, token: partition.token }))
    this.#outstanding.set(requestId, { sentAtMs, maxWaitMs, items })
    this.#stream ??= this.#open()
    this.#stream.send({ requestId, maxWaitMs, minBytes: 1, maxBytes, partitions: asked })
  }

  #open(): ClientStream<FetchRequest> {
    const incarnation = ++this.#incarnation
    return this.#connection.openFetch({
      response: (response) => {
        if (incarnation === this.#incarnation) this.#answered(response)
      },
      closed: () => {
        if (incarnation === this.#incarnation) this.#lost()
      },
    })
  }

  #answered(response: FetchResponse): void {
    const outstanding = this.#outstanding.get(response.requestId)
    if (outstanding === undefined) return
    this.#outstanding.delete(response.requestId)
    this.#failures = 0
    const nowMs = this.#options.monotonicMs()
    const at = { nowMs, waitedMs: nowMs - outstanding.sentAtMs, maxWaitMs: outstanding.maxWaitMs }
    const answers = new Map<string, FetchedPartition>(response.partitions.map((answer) => [`${answer.topicId}:${answer.partition}`, answer]))
    for (const { topicId, partition, error } of response.partitions)
      if (error?.leader !== undefined) this.#options.noteLeader({ topicId, partition }, error.leader)
    for (const { partition, token } of outstanding.items) partition.answered(token, answers.get(`${partition.topicId}:${partition.partition}`), at)
    this.#options.onTurn()
  }

  #lost(): void {
    this.#incarnation++
    this.#stream = undefined
    this.#failures++
    const nowMs = this.#options.monotonicMs()
    this.#notBeforeMs = nowMs + backoffMs(this.#options.random, this.#failures)
    const lost = [...this.#outstanding.values()]
    this.#outstanding.clear()
    for (const { items } of lost) for (const { partition, token } of items) partition.lost(token, nowMs)
    this.#options.onTurn()
  }

  /** Ends the stream; what is outstanding is lost. */
  reset(): void {
    const stream = this.#stream
    this.#lost()
    stream?.close()
  }

  /** Ends the stream without a pause before the next: nothing is wrong with the node. */
  close(): void {
    this.#incarnation++
    for (const { items } of this.#outstanding.values()) for (const { partition, token } of items) if (partition.token === token) partition.release()
    this.#outstanding.clear()
    this.#stream?.close()
    this.#stream = undefined
  }
}
