import type { Clock, Timer } from '../base/clock.ts'
import { BrokerError, codeOf } from '../base/errors.ts'
import { peekBatchSize } from '../record/batch.ts'
import { readInt64 } from '../base/bytes.ts'
import type { FetchedPartition, FetchPartition, FetchRequest, FetchResponse } from '../wire/api.ts'
import { toApiError } from './api-error.ts'
import type { Replica } from './replica.ts'

const MAX_WAIT_MS = 30_000
/** With all that is around it below the 8 MiB of a message (rules 8). */
const MAX_RESPONSE_BYTES = 7 * 1024 * 1024

export interface FetchContext {
  readonly clock: Clock
  readonly find: (topicId: string, partition: number) => Replica | undefined
  readonly knowsTopic: (topicId: string) => boolean
  readonly readFailed: (replica: Replica, error: Error) => void
}

type MemoryRead = { readonly type: 'done'; readonly result: FetchedPartition } | { readonly type: 'onDisk'; readonly replica: Replica }

/**
 * One consumer fetch: answered when minBytes below the high watermarks are there, when a partition has an error, or when its time is
 * over. It waits by being woken by its replicas, reads once it is due, and is answered once.
 */
export class PendingFetch {
  readonly #context: FetchContext
  readonly #request: FetchRequest
  readonly #reply: (response: FetchResponse) => void
  readonly #onEnd: (pending: PendingFetch) => void
  readonly #replicas: Replica[] = []
  readonly #wake = (): void => this.#check(false)
  #timer: Timer | undefined
  #state: 'waiting' | 'reading' | 'ended' = 'waiting'

  constructor(context: FetchContext, request: FetchRequest, reply: (response: FetchResponse) => void, onEnd: (pending: PendingFetch) => void) {
    this.#context = context
    this.#request = request
    this.#reply = reply
    this.#onEnd = onEnd
  }

  start(): void {
    this.#check(this.#request.maxWaitMs <= 0)
    if (this.#state !== 'waiting') return
    for (const { topicId, partition } of this.#request.partitions) {
      const replica = this.#context.find(topicId, partition)
      if (replica === undefined) continue
      replica.addReader(this.#wake)
      this.#replicas.push(replica)
    }
    this.#timer = this.#context.clock.after(Math.min(this.#request.maxWaitMs, MAX_WAIT_MS), () => this.#check(true))
  }

  abandon(): void {
    this.#stopWaiting()
    this.#state = 'ended'
  }

  #stopWaiting(): void {
    this.#timer?.cancel()
    for (const replica of this.#replicas) replica.removeReader(this.#wake)
  }

  /** Reads when there is enough, an error, or no more time. */
  #check(isLast: boolean): void {
    if (this.#state !== 'waiting') return
    let available = 0
    let isDue = isLast
    for (const fetch of this.#request.partitions) {
      try {
        const replica = this.#readable(fetch)
        // Bytes are not known by offset: a record counts as one byte, so minBytes 1 means "anything".
        available += Math.max(0, replica.core.highWatermark - fetch.fetchOffset)
      } catch (error) {
        toApiError(error)
        isDue = true
      }
    }
    if (!isDue && available < Math.max(1, this.#request.minBytes)) return
    this.#state = 'reading'
    this.#stopWaiting()
    this.#read()
  }

  /** The replica that serves this fetch. Throws what the client must know. */
  #readable({ topicId, partition, leaderEpoch, fetchOffset }: FetchPartition): Replica {
    const replica = this.#context.find(topicId, partition)
    if (replica === undefined) {
      if (this.#context.knowsTopic(topicId)) throw new BrokerError('NOT_LEADER_OR_FOLLOWER', 'this node holds no replica of the partition')
      throw new BrokerError('UNKNOWN_TOPIC_ID', `no topic has the id ${topicId}`)
    }
    const { core } = replica
    if (replica.dead) throw new BrokerError('KAFKA_STORAGE_ERROR', 'the log of this replica is offline; see the log of the node')
    if (core.role !== 'leader') throw new BrokerError('NOT_LEADER_OR_FOLLOWER', 'another node leads the partition')
    if (leaderEpoch >= 0 && leaderEpoch < core.leaderEpoch) throw new BrokerError('FENCED_LEADER_EPOCH', `the leader epoch is ${core.leaderEpoch}`)
    if (leaderEpoch > core.leaderEpoch) throw new BrokerError('UNKNOWN_LEADER_EPOCH', `leader epoch ${leaderEpoch} is not known here yet`)
    // Between the high watermark and the end is not out of range: a new leader may still be behind (rules R6.7).
    if (fetchOffset < core.logStartOffset || fetchOffset > core.logEndOffset)
      throw new BrokerError('OFFSET_OUT_OF_RANGE', `the log holds offsets ${core.logStartOffset} to ${core.logEndOffset}`)
    return replica
  }

  /**
   * One partition after the other, so that what is held never exceeds one answer, from disk either. Those that need no disk are read in a loop:
   * a request names thousands of them, and each must not be a frame of the stack.
   */
  #read(): void {
    const { partitions } = this.#request
    const results: FetchedPartition[] = []
    let room = Math.min(this.#request.maxBytes, MAX_RESPONSE_BYTES)
    const add = (result: FetchedPartition): void => {
      results.push(result)
      for (const batch of result.batches) room -= batch.length
    }
    const advance = (): void => {
      if (this.#state === 'ended') return
      while (results.length < partitions.length) {
        const fetch = partitions[results.length] as FetchPartition
        const maxBytes = Math.max(0, Math.min(fetch.maxBytes, room))
        const found = this.#readMemory(fetch, maxBytes)
        if (found.type === 'onDisk') {
          this.#readDisk(found.replica, fetch, maxBytes, (result) => {
            add(result)
            advance()
          })
          return
        }
        add(found.result)
      }
      this.#finish(results)
    }
    advance()
  }

  #readMemory(fetch: FetchPartition, maxBytes: number): MemoryRead {
    const { topicId, partition, fetchOffset } = fetch
    try {
      const replica = this.#readable(fetch)
      const { highWatermark } = replica.core
      const isEmpty = fetchOffset >= highWatermark || maxBytes === 0
      const cached = isEmpty ? [] : replica.log.readCached(fetchOffset, maxBytes)
      if (cached === undefined) return { type: 'onDisk', replica }
      const batches = upTo(cached, highWatermark)
      return { type: 'done', result: { topicId, partition, highWatermark, logStartOffset: replica.core.logStartOffset, error: null, batches } }
    } catch (error) {
      return { type: 'done', result: failed(fetch, error) }
    }
  }

  /** `done` never comes within this call: the log defers what it answers. */
  #readDisk(replica: Replica, fetch: FetchPartition, maxBytes: number, done: (result: FetchedPartition) => void): void {
    const { topicId, partition, fetchOffset } = fetch
    const { leaderEpoch, highWatermark } = replica.core
    replica.log.read(fetchOffset, maxBytes, (error, batches) => {
      if (error !== undefined) {
        this.#context.readFailed(replica, error)
        const hasMoved = codeOf(error) === 'OFFSET_OUT_OF_RANGE'
        done(failed(fetch, hasMoved ? error : new BrokerError('KAFKA_STORAGE_ERROR', `the log could not be read here: ${error.message}`)))
        return
      }
      let result: FetchedPartition
      try {
        // Meanwhile another may lead, and what was read may be what it has put there, committed or not.
        if (this.#readable(fetch) !== replica || replica.core.leaderEpoch !== leaderEpoch) {
          throw new BrokerError('NOT_LEADER_OR_FOLLOWER', 'the leader of the partition changed while it was read')
        }
        result = { topicId, partition, highWatermark, logStartOffset: replica.core.logStartOffset, error: null, batches: upTo(batches, highWatermark) }
      } catch (thrown) {
        result = failed(fetch, thrown)
      }
      done(result)
    })
  }

  #finish(partitions: readonly FetchedPartition[]): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#onEnd(this)
    this.#reply({ requestId: this.#request.requestId, partitions })
  }
}

function failed({ topicId, partition }: FetchPartition, error: unknown): FetchedPartition {
  return { topicId, partition, highWatermark: -1, logStartOffset: -1, error: toApiError(error), batches: [] }
}

/** Whole batches that begin below `endOffset`; as the high watermark is a batch boundary, they end below it too. */
function upTo(batches: readonly Buffer[], endOffset: number): Buffer[] {
  const kept: Buffer[] = []
  for (const bytes of batches) {
    let at = 0
    while (at < bytes.length && readInt64(bytes, at) < endOffset) at += peekBatchSize(bytes, at) ?? bytes.length
    if (at === 0) break
    kept.push(at === bytes.length ? bytes : bytes.subarray(0, at))
    if (at < bytes.length) break
  }
  return kept
}
