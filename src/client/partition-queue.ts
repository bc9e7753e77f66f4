import { assert } from '../base/assert.ts'
import type { Done } from '../base/done.ts'
import { BrokerError, type Code } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import type { Random } from '../base/random.ts'
import type { RecordInput } from '../record/records.ts'
import { backoffMs } from './backoff.ts'
import type { CompressionRatio } from './compression-ratio.ts'
import { ProduceBatch, type ProducerIdentity, type RecordMetadata, undelivered } from './produce-batch.ts'

/**
 * The batches of one partition, as a pure machine. A batch is
 *   waiting (the last one may be open) → in flight → settled
 *                  ↑ retry ─────────────┘      (expired: settled, but in flight until its answer comes)
 * Invariants:
 * - both lists are in the order of their batches; a retried batch stands before all later ones;
 * - idempotent: a sequence is given at the first send and never again while the producer id stays; between the first unresolved batch and the last
 *   stamped one lie at most five, because the broker knows the last five (rules R6.8); otherwise one batch is in flight, so that a retry keeps the order;
 * - a stamped batch that finally failed breaks the sequence: nothing new is stamped until all in flight are resolved; then what surely was not
 *   appended is stamped anew under a new producer id, and what may have been is failed as indefinite, never sent again;
 * - so does a batch of many records that is too large for the topic: it goes again in halves, and later batches are no larger;
 * - none is sent that is larger than `batchBytes` on the wire, but of one record: what compresses worse than was expected is cut before it is sent;
 * - so does a broker that forgot the producer (rules R6.8): it says "out of order" to the first unresolved batch, although another was before it;
 * - a final refusal counts only when all batches before are resolved: until then it is tried again, because breaking the sequence would fail those.
 * Source: Kafka TransactionManager, Sender (splitAndReenqueue); KIP-98, KIP-126, KIP-360.
 */
export interface QueueOptions {
  readonly topic: string
  readonly topicId: Uuid
  readonly partition: number
  readonly idempotent: boolean
  readonly lingerMs: number
  readonly batchBytes: number
  readonly deliveryTimeoutMs: number
  /** Of the topic; its codec is loaded before a record comes. */
  readonly ratio: CompressionRatio
  readonly random: Random
  /** A batch's outcome is fixed, to be delivered later. Called inside of the queue's methods: it only notes. */
  readonly onSettled: (batch: ProduceBatch) => void
}

const MAX_UNRESOLVED = 5
const MIN_CAPACITY_BYTES = 1024
/** A batch holds at most so many times `batchBytes` before compression: that bounds how long one turn may compress. */
const MAX_PLAIN_BATCHES = 4
const TWO_31 = 0x8000_0000
/** Failures that newer metadata does not mend. Anything else may come from a leader of the past, which nobody has told: it would say so for ever. */
const UNRELATED_TO_LEADER: ReadonlySet<Code> = new Set<Code>(['THROTTLING_QUOTA_EXCEEDED', 'CORRUPT_MESSAGE'])

export class PartitionQueue {
  readonly topic: string
  readonly topicId: Uuid
  readonly partition: number
  readonly #options: QueueOptions
  #waiting: ProduceBatch[] = []
  #inFlight: ProduceBatch[] = []
  #identity: ProducerIdentity | undefined
  #minGeneration = 0
  #nextSequence = 0
  #nextNumber = 0
  #nextOrder = 0
  #isBroken = false
  #doom: BrokerError | undefined
  #failures = 0
  #notBeforeMs = 0
  #lastSizeBytes = 0
  /** What the topic is known to take, at most what was asked for. */
  #batchBytes: number
  #leader = -1
  #leaderEpoch = -1
  /** The node that has what is in flight. */
  #sentTo = -1
  /** The leader epoch under which the last failure came: until a newer one is known, news is wanted. */
  #failedEpoch = -1

  constructor(options: QueueOptions) {
    this.#options = options
    this.#batchBytes = options.batchBytes
    this.topic = options.topic
    this.topicId = options.topicId
    this.partition = options.partition
  }

  get leader(): number {
    return this.#leader
  }

  get leaderEpoch(): number {
    return this.#leaderEpoch
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#inFlight.length === 0
  }

  /** More than one batch waits: the first is complete. */
  get isBacklogged(): boolean {
    return this.#waiting.length > 1
  }

  /** Number of the first record that is not settled; Infinity when all are. A batch that waits to be sent again stands before those in flight. */
  get firstUnsettledNumber(): number {
    const sent = this.#inFlight.find((batch) => !batch.isSettled)?.firstNumber ?? Infinity
    return Math.min(sent, this.#waiting[0]?.firstNumber ?? Infinity)
  }

  /** The smallest generation of a producer id that it needs and does not have; undefined when it needs none. */
  get neededGeneration(): number | undefined {
    return this.#options.idempotent && this.#identity === undefined && this.#waiting.length > 0 ? this.#minGeneration : undefined
  }

  /** Nothing can be sent, or the last failure asks for newer metadata. */
  get wantsMetadata(): boolean {
    return !this.isIdle && (this.#leader < 0 || this.#failedEpoch >= this.#leaderEpoch)
  }

  /** Whether a record of that size goes into the batch that is open now. */
  fits(sizeBytes: number): boolean {
    const last = this.#waiting.at(-1)
    return last?.isOpen === true && !this.#exceeds(last.plainBytes + sizeBytes, this.#batchBytes)
  }

  #exceeds(plainBytes: number, limitBytes: number): boolean {
    return this.#options.ratio.estimate(plainBytes) > limitBytes || plainBytes > MAX_PLAIN_BATCHES * limitBytes
  }

  /** Returns whether the record opened a batch or the one before it is complete: something to plan. */
  append(record: RecordInput, sizeBytes: number, done: Done<RecordMetadata>, at: { readonly nowMs: number; readonly number: number }): boolean {
    assert(this.#doom === undefined, 'a record goes to a topic that is there')
    const opens = !this.fits(sizeBytes)
    if (opens) {
      this.#closeLast()
      this.#waiting.push(this.#open(sizeBytes, at))
    }
    ;(this.#waiting.at(-1) as ProduceBatch).append(record, sizeBytes, done)
    return opens
  }

  #open(sizeBytes: number, at: { readonly nowMs: number; readonly number: number }): ProduceBatch {
    const { topic, partition, ratio } = this.#options
    const { codec } = ratio
    this.#lastSizeBytes = Math.max(this.#waiting.at(-1)?.plainBytes ?? 0, this.#lastSizeBytes >>> 1)
    const capacityBytes = Math.max(MIN_CAPACITY_BYTES, sizeBytes, Math.min(this.#batchBytes, this.#lastSizeBytes * 2))
    return new ProduceBatch({ topic, partition, order: this.#nextOrder++, firstNumber: at.number, createdAtMs: at.nowMs, capacityBytes, codec })
  }

  /** The last batch is complete: it is compressed now, in the turn of the record that found it full, not all of them in the turn that sends. */
  #closeLast(): void {
    const { ratio } = this.#options
    const last = this.#waiting.at(-1)
    if (ratio.codec === 0 || last === undefined || !last.isOpen) return
    last.close()
    ratio.note(last)
    if (last.recordCount === 1 || last.sizeBytes <= this.#batchBytes) return
    const parts = last.split(this.#batchBytes)
    for (const part of parts) part.order = this.#nextOrder++
    this.#waiting.splice(-1, 1, ...parts)
  }

  /** What is known of its leader now. A new leader is tried at once; what waits on the old one is given up there. Returns whether anything was given up. */
  updateLeader(leader: number, leaderEpoch: number): boolean {
    const moved = leader >= 0 && (leaderEpoch > this.#leaderEpoch || leader !== this.#leader)
    const leaves = moved && leader !== this.#sentTo && this.#options.idempotent && this.#inFlight.length > 0
    this.#leader = leader
    this.#leaderEpoch = leaderEpoch
    if (!moved) return false
    this.#notBeforeMs = 0
    this.#failures = 0
    if (!leaves) return false
    for (const batch of this.#inFlight.splice(0)) {
      batch.abandonAttempt()
      if (!batch.isSettled) this.#requeue(batch)
    }
    this.#mend()
    return true
  }

  setIdentity(identity: ProducerIdentity): void {
    assert(identity.generation >= this.#minGeneration, 'a broken sequence needs a newer producer id')
    assert(this.#identity === undefined && this.#inFlight.length === 0, 'a producer id is changed when nothing is in flight')
    this.#identity = identity
    this.#nextSequence = 0
    this.#nextNumber = 0
  }

  /** When the first waiting batch may be sent, ms; Infinity: not before something happens. `urgentNumber`: no linger for records up to this number. */
  sendableAtMs(urgentNumber: number): number {
    const head = this.#waiting[0]
    if (head === undefined || this.#leader < 0 || this.#isBroken) return Infinity
    const { idempotent, lingerMs } = this.#options
    const first = this.#inFlight[0]
    if (!idempotent) {
      if (first !== undefined) return Infinity
    } else if (!head.isStamped) {
      if (this.#identity === undefined) return Infinity
      if (first !== undefined && this.#nextNumber - first.number >= MAX_UNRESOLVED) return Infinity
    }
    const complete = !head.isOpen || this.#waiting.length > 1 || this.#exceeds(head.plainBytes, this.#batchBytes - 1) || head.firstNumber <= urgentNumber
    return Math.max(this.#notBeforeMs, complete ? 0 : head.createdAtMs + lingerMs)
  }

  /** Size of the batch that `take` would give. */
  get headBytes(): number {
    return this.#waiting[0]?.sizeBytes ?? 0
  }

  /** The first waiting batch, stamped, now in flight. Only when `sendableAtMs` has come. */
  take(): ProduceBatch {
    if (this.#waiting.length === 1) this.#closeLast()
    const batch = this.#waiting.shift()
    assert(batch !== undefined && !this.#isBroken, 'a batch is there to send')
    if (!this.#options.idempotent) batch.seal()
    else if (!batch.isStamped) {
      assert(this.#identity !== undefined, 'a producer id comes before a sequence')
      batch.stamp(this.#identity, this.#nextSequence, this.#nextNumber++)
      this.#nextSequence = (this.#nextSequence + batch.recordCount) % TWO_31
    }
    batch.noteSent(this.#isFirstUnresolved(batch))
    this.#sentTo = this.#leader
    this.#lastSizeBytes = batch.plainBytes
    assert(
      this.#inFlight.every((other) => other.order !== batch.order),
      'a batch is in flight once',
    )
    insertInOrder(this.#inFlight, batch)
    assert(!this.#options.idempotent || this.#inFlight.length <= MAX_UNRESOLVED, 'at most five batches are in flight')
    return batch
  }

  /** An answer to this attempt, or the loss of it. Whatever is not in flight under this attempt any more is ignored. */
  answered(batch: ProduceBatch, attempt: number, error: BrokerError | undefined, baseOffset: number, nowMs: number): void {
    if (batch.attempt !== attempt || !this.#inFlight.includes(batch)) return
    const isFirst = this.#isFirstUnresolved(batch)
    this.#remove(batch)
    if (error === undefined || error.code === 'DUPLICATE_SEQUENCE_NUMBER') {
      this.#failures = 0
      this.#notBeforeMs = 0
      this.#failedEpoch = -1
      if (!batch.isSettled) this.#settle(batch, undefined, error === undefined ? baseOffset : -1)
    } else {
      batch.noteFailure(error)
      if (!batch.isSettled) this.#failed(batch, error, isFirst, nowMs)
    }
    this.#mend()
  }

  #failed(batch: ProduceBatch, error: BrokerError, isFirst: boolean, nowMs: number): void {
    const { idempotent, random } = this.#options
    // Its predecessor was not in the log then (or never will be): its turn comes when that is resolved. What counts is who was first when
    // it was sent: the answer may come late, behind those of other partitions, when its predecessor has long been sent again and acknowledged.
    const isGap = idempotent && error.code === 'OUT_OF_ORDER_SEQUENCE_NUMBER'
    const waitsForFirst = isGap && (!batch.wasSentFirst || this.#isBroken)
    const retries = error.definite ? error.retriable : idempotent
    // What the first one's answer says may be held back by other partitions: those behind it do not spin meanwhile.
    if (!isFirst) this.#notBeforeMs = Math.max(this.#notBeforeMs, nowMs + backoffMs(random, 1))
    if (this.#doom !== undefined) this.#settle(batch, this.#doom, -1)
    else if (waitsForFirst) this.#requeue(batch)
    else if (retries) {
      if (isFirst) {
        this.#failures++
        this.#notBeforeMs = nowMs + backoffMs(random, this.#failures)
      }
      if (!UNRELATED_TO_LEADER.has(error.code)) this.#failedEpoch = this.#leaderEpoch
      this.#requeue(batch)
    } else if (!isFirst) this.#requeue(batch)
    else if (isGap && batch.number > 0 && !batch.maybeAppended) {
      // All before it were acknowledged, so the broker forgot them. This one is in no log, nor is any behind it.
      this.#isBroken = true
      this.#requeue(batch)
    } else if (error.code === 'MESSAGE_TOO_LARGE' && batch.recordCount > 1 && !batch.maybeAppended) {
      this.#batchBytes = Math.min(this.#batchBytes, batch.sizeBytes >>> 1)
      this.#isBroken = true
      this.#requeue(batch)
    } else {
      if (idempotent) this.#isBroken = true
      this.#settle(batch, error, -1)
    }
  }

  /** The topic is gone: what waits fails now, what is in flight unless it succeeds. */
  doom(error: BrokerError): void {
    this.#doom = error
    this.#leader = -1
    for (const batch of this.#waiting.splice(0)) this.#settle(batch, error, -1)
  }

  /** Fails what is older than the delivery timeout. What was sent is indefinite; `unsentCause`: why the rest was not sent. Returns when that is due next, ms. */
  expire(nowMs: number, unsentCause: BrokerError | undefined): number {
    const { deliveryTimeoutMs, idempotent } = this.#options
    for (const batch of this.#inFlight) {
      if (batch.isSettled || batch.createdAtMs + deliveryTimeoutMs > nowMs) continue
      const error = new BrokerError(
        'REQUEST_TIMED_OUT',
        `sent, not acknowledged within ${deliveryTimeoutMs} ms${batch.lastError === undefined ? '' : `; last: ${batch.lastError.message}`}`,
      )
      batch.noteFailure(error)
      if (idempotent) this.#isBroken = true
      this.#settle(batch, error, -1)
    }
    while (this.#waiting[0] !== undefined && this.#waiting[0].createdAtMs + deliveryTimeoutMs <= nowMs) {
      const batch = this.#waiting.shift() as ProduceBatch
      if (batch.isStamped) this.#isBroken = true
      const error = batch.maybeAppended
        ? new BrokerError('REQUEST_TIMED_OUT', `not acknowledged within ${deliveryTimeoutMs} ms; last: ${batch.lastError?.message ?? 'no answer'}`)
        : undelivered(deliveryTimeoutMs, batch.lastError ?? unsentCause)
      this.#settle(batch, error, -1)
    }
    this.#mend()
    const oldest = Math.min(this.#inFlight.find((batch) => !batch.isSettled)?.createdAtMs ?? Infinity, this.#waiting[0]?.createdAtMs ?? Infinity)
    return oldest + deliveryTimeoutMs
  }

  /** Ends everything now: what was sent is indefinite. */
  abort(error: BrokerError): void {
    for (const batch of this.#inFlight.splice(0)) {
      batch.abandonAttempt()
      if (!batch.isSettled) this.#settle(batch, error, -1)
    }
    for (const batch of this.#waiting.splice(0)) this.#settle(batch, error, -1)
  }

  /** Once nothing is in flight, a broken sequence is left behind with its producer id. */
  #mend(): void {
    if (!this.#isBroken || this.#inFlight.length > 0) return
    this.#isBroken = false
    this.#minGeneration = (this.#identity?.generation ?? -1) + 1
    this.#identity = undefined
    const waiting = this.#waiting
    this.#waiting = []
    for (const batch of waiting) {
      if (batch.maybeAppended) this.#settle(batch, batch.lastError ?? new BrokerError('OUT_OF_ORDER_SEQUENCE_NUMBER', 'a batch before it failed'), -1)
      else {
        if (batch.isStamped) batch.unstamp()
        this.#waiting.push(...this.#cut(batch))
      }
    }
    for (const batch of this.#waiting) batch.order = this.#nextOrder++
  }

  /** The batch as the topic takes it. */
  #cut(batch: ProduceBatch): ProduceBatch[] {
    const isWhole = batch.isOpen || batch.recordCount === 1 || batch.sizeBytes <= this.#batchBytes
    return isWhole ? [batch] : batch.split(this.#batchBytes)
  }

  #isFirstUnresolved(batch: ProduceBatch): boolean {
    return (this.#inFlight[0]?.order ?? Infinity) >= batch.order && (this.#waiting[0]?.order ?? Infinity) > batch.order
  }

  #requeue(batch: ProduceBatch): void {
    insertInOrder(this.#waiting, batch)
  }

  #remove(batch: ProduceBatch): void {
    this.#inFlight.splice(this.#inFlight.indexOf(batch), 1)
  }

  #settle(batch: ProduceBatch, error: BrokerError | undefined, baseOffset: number): void {
    batch.settle(error, baseOffset)
    this.#options.onSettled(batch)
  }
}

function insertInOrder(batches: ProduceBatch[], batch: ProduceBatch): void {
  let at = batches.length
  while (at > 0 && (batches[at - 1] as ProduceBatch).order > batch.order) at--
  batches.splice(at, 0, batch)
}
