import { assert } from '../base/assert.ts'
import type { Clock, Timer } from '../base/clock.ts'
import { BrokerError, errorTable } from '../base/errors.ts'
import { BATCH_HEADER_BYTES, hasValidCrc, readBatchHeader } from '../record/batch.ts'
import { COMPRESSION_MASK, compressionTypes, MAX_SECTION_BYTES, MIN_RECORD_BYTES } from '../record/records.ts'
import type { ApiError, ProducedPartition, ProducePartition, ProduceRequest, ProduceResponse } from '../wire/api.ts'
import { toApiError } from './api-error.ts'
import type { ProduceOutcome, Replica, UnsyncedBytes } from './replica.ts'

/** Longest wait that a client may ask for. */
const MAX_TIMEOUT_MS = 300_000

/**
 * Bytes of produce on this node (rules 8, I10): of requests that wait for an answer, and of batches that wait for the disk. Each is within the
 * limit on its own, for the second are copies of the first, and outlive them: acks 0 has no answer, and who is gone or out of time waits for
 * none, but what was appended stays in memory until it is synced. Beyond the limit streams are not read.
 */
export class ProduceBudget implements UnsyncedBytes {
  readonly #limitBytes: number
  readonly #waiting = new Set<() => void>()
  #unansweredBytes = 0
  #unsyncedBytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  get isExceeded(): boolean {
    return this.#unansweredBytes > this.#limitBytes || this.#unsyncedBytes > this.#limitBytes
  }

  take(bytes: number): void {
    this.#unansweredBytes += bytes
  }

  release(bytes: number): void {
    this.#unansweredBytes -= bytes
    assert(this.#unansweredBytes >= 0, 'what is answered was taken')
    this.#resume()
  }

  appended(bytes: number): void {
    this.#unsyncedBytes += bytes
  }

  settled(bytes: number): void {
    this.#unsyncedBytes -= bytes
    assert(this.#unsyncedBytes >= 0, 'what is settled was appended')
    this.#resume()
  }

  #resume(): void {
    if (this.isExceeded || this.#waiting.size === 0) return
    const resumed = [...this.#waiting]
    this.#waiting.clear()
    for (const resume of resumed) resume()
  }

  /** Calls `resume` once there is room. */
  onRoom(resume: () => void): void {
    this.#waiting.add(resume)
  }

  forget(resume: () => void): void {
    this.#waiting.delete(resume)
  }
}

export interface ProduceContext {
  readonly clock: Clock
  readonly budget: ProduceBudget
  readonly find: (topicId: string, partition: number) => Replica | undefined
  /** Of the folder that the replica stands on. */
  readonly isDiskLow: (replica: Replica) => boolean
  readonly knowsTopic: (topicId: string) => boolean
}

/**
 * One produce request: its batches go to their partitions in this turn; it is answered once, when every partition was, or when its
 * time is over (then indefinite for those that wait).
 */
export class PendingProduce {
  readonly #context: ProduceContext
  readonly #request: ProduceRequest
  readonly #reply: (response: ProduceResponse) => void
  readonly #results: (ProducedPartition | undefined)[]
  readonly #waiting = new Map<number, { readonly replica: Replica; readonly produceId: number }>()
  readonly #onEnd: (pending: PendingProduce) => void
  #bytes = 0
  #left: number
  #timer: Timer | undefined
  #ended = false

  constructor(context: ProduceContext, request: ProduceRequest, reply: (response: ProduceResponse) => void, onEnd: (pending: PendingProduce) => void) {
    this.#context = context
    this.#request = request
    this.#reply = reply
    this.#onEnd = onEnd
    this.#left = request.partitions.length
    this.#results = new Array(request.partitions.length)
  }

  start(): void {
    const { acks, timeoutMs, partitions } = this.#request
    for (const { batch } of partitions) this.#bytes += batch.length
    this.#context.budget.take(this.#bytes)
    for (const [at, produce] of partitions.entries()) this.#produce(produce, at)
    if (partitions.length === 0) this.#finish()
    else if (acks === 0) this.#end()
    else if (!this.#ended) this.#timer = this.#context.clock.after(Math.min(timeoutMs, MAX_TIMEOUT_MS), () => this.#timeOut())
  }

  /** The connection ended: nobody waits any more. */
  abandon(): void {
    this.#end()
  }

  #produce(produce: ProducePartition, at: number): void {
    const { acks } = this.#request
    try {
      const replica = this.#find(produce)
      const header = checkBatch(produce.batch)
      let answered = false
      const input = { acks: checkAcks(acks), nowMs: this.#context.clock.wallMs(), currentLeaderEpoch: produce.leaderEpoch, header, bytes: produce.batch }
      const done = (outcome: ProduceOutcome): void => {
        answered = true
        this.#waiting.delete(at)
        this.#settle(at, outcome.baseOffset, errorOf(outcome))
      }
      const produceId = replica.produce(input, done, this.#context.budget)
      if (!answered && acks !== 0) this.#waiting.set(at, { replica, produceId })
    } catch (error) {
      this.#settle(at, -1, toApiError(error))
    }
  }

  #find({ topicId, partition }: ProducePartition): Replica {
    const replica = this.#context.find(topicId, partition)
    if (replica !== undefined && this.#context.isDiskLow(replica))
      throw new BrokerError('DISK_LOW', 'less than 5 % or 1 GiB is free where the partition stands; free some space or delete topics')
    if (replica !== undefined) return replica
    if (this.#context.knowsTopic(topicId)) throw new BrokerError('NOT_LEADER_OR_FOLLOWER', 'this node holds no replica of the partition')
    throw new BrokerError('UNKNOWN_TOPIC_ID', `no topic has the id ${topicId}`)
  }

  #settle(at: number, baseOffset: number, error: ApiError | null): void {
    if (this.#ended || this.#results[at] !== undefined) return
    const { topicId, partition } = this.#request.partitions[at] as ProducePartition
    this.#results[at] = { topicId, partition, baseOffset, error }
    if (--this.#left === 0) this.#finish()
  }

  #timeOut(): void {
    for (const [at, { replica, produceId }] of [...this.#waiting]) {
      replica.expireProduce(produceId)
      // The machine says what it can say; one that has not come to this produce says nothing.
      this.#settle(at, -1, toApiError(new BrokerError('REQUEST_TIMED_OUT', 'the in-sync replicas did not confirm in time')))
    }
  }

  #finish(): void {
    const { requestId, acks } = this.#request
    this.#end()
    if (acks !== 0) this.#reply({ requestId, partitions: this.#results as ProducedPartition[] })
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#timer?.cancel()
    for (const { replica, produceId } of this.#waiting.values()) replica.forgetProduce(produceId)
    this.#waiting.clear()
    this.#onEnd(this)
    this.#context.budget.release(this.#bytes)
  }
}

function checkAcks(acks: number): -1 | 0 | 1 {
  if (acks === -1 || acks === 0 || acks === 1) return acks
  throw new BrokerError('INVALID_REQUIRED_ACKS', `acks is ${acks}; it is −1 (all in-sync replicas), 1 or 0`)
}

/** Exactly one whole batch with the right CRC: what a client sends is checked before a machine sees it. */
function checkBatch(batch: Buffer): ReturnType<typeof readBatchHeader> {
  if (batch.length < BATCH_HEADER_BYTES) throw new BrokerError('CORRUPT_MESSAGE', `a batch has at least ${BATCH_HEADER_BYTES} bytes, this one ${batch.length}`)
  const header = readBatchHeader(batch, 0)
  if (header.sizeBytes !== batch.length)
    throw new BrokerError('INVALID_RECORD', `the batch says ${header.sizeBytes} bytes, ${batch.length} came: one batch a partition and request`)
  const codec = header.attributes & COMPRESSION_MASK
  if (codec >= compressionTypes.length) throw new BrokerError('INVALID_RECORD', `the batch is compressed with codec ${codec}, which there is not`)
  // A count takes offsets: a few bytes must not use up billions of them, nor stop every reader at a batch that cannot be.
  // Compressed records are not looked at, here or anywhere on a broker: they hold at most what a reader would take.
  if (header.recordCount * MIN_RECORD_BYTES > (codec === 0 ? batch.length - BATCH_HEADER_BYTES : MAX_SECTION_BYTES))
    throw new BrokerError('INVALID_RECORD', `${header.recordCount} records do not fit in a batch of ${batch.length} bytes`)
  if (!hasValidCrc(batch)) throw new BrokerError('CORRUPT_MESSAGE', 'the checksum of the batch is wrong')
  return header
}

function errorOf(outcome: ProduceOutcome): ApiError | null {
  const { code, detail, definite } = outcome
  return code === null ? null : { code, message: detail, retriable: errorTable[code].retriable, definite }
}
