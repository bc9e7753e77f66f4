import { assert } from '../base/assert.ts'
import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import { compress, decompress } from '../compression/codecs.ts'
import { BATCH_HEADER_BYTES, readBatchHeader } from '../record/batch.ts'
import { BatchBuilder, COMPRESSION_MASK, NO_PRODUCER, type RecordInput, recordSizeBound, visitSection } from '../record/records.ts'
import { asIndefinite } from './api-error.ts'

/** Where a record went. `offset` −1: acknowledged without one (acks 0, or a duplicate too old for the broker to say where it is). */
export interface RecordMetadata {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Wall clock ms, as written by the producer. */
  readonly timestamp: number
}

/** A producer id and epoch from the cluster; a later `generation` is asked for when a partition's sequence broke. */
export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
  readonly generation: number
}

export interface BatchOptions {
  readonly topic: string
  readonly partition: number
  /** Position in its partition's order of batches. Changes only while nothing of the partition is in flight. */
  readonly order: number
  /** Number of its first record among all records of the producer. */
  readonly firstNumber: number
  readonly createdAtMs: number
  readonly capacityBytes: number
  /** Kafka's number; 0: none. It is loaded. */
  readonly codec: number
}

/**
 * One batch on its way: open (takes records) → closed (compressed, once) → stamped (sealed, has its sequence) → settled (its records were answered, once).
 * A stamp holds while the producer id stays; `unstamp` is only for a batch that surely was not appended.
 */
export class ProduceBatch {
  readonly topic: string
  readonly partition: number
  order: number
  readonly firstNumber: number
  readonly createdAtMs: number
  readonly #codec: number
  readonly #builder: BatchBuilder
  readonly #dones: Done<RecordMetadata>[] = []
  readonly #timestamps: number[] = []
  #reservedBytes = 0
  #plainBytes = 0
  #isOpen = true
  #bytes: Buffer | undefined
  #sequence = -1
  #number = -1
  #attempt = 0
  #wasSentFirst = false
  #maybeAppended = false
  #isSettled = false
  #lastError: BrokerError | undefined
  #failure: BrokerError | undefined
  #baseOffset = -1

  constructor(options: BatchOptions) {
    this.topic = options.topic
    this.partition = options.partition
    this.order = options.order
    this.firstNumber = options.firstNumber
    this.createdAtMs = options.createdAtMs
    this.#codec = options.codec
    this.#builder = new BatchBuilder(options.capacityBytes)
  }

  /** Takes records still. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  get isStamped(): boolean {
    return this.#sequence >= 0
  }

  /** Position among the batches of its partition under one producer id; −1 before it is stamped. */
  get number(): number {
    return this.#number
  }

  /** Plain while it is open, then as it is sent. */
  get sizeBytes(): number {
    return this.#builder.sizeBytes
  }

  /** Before compression. */
  get plainBytes(): number {
    return this.#isOpen ? this.#builder.sizeBytes : this.#plainBytes
  }

  get recordCount(): number {
    return this.#builder.recordCount
  }

  /** Bytes of the producer's buffer that it holds. */
  get reservedBytes(): number {
    return this.#reservedBytes
  }

  /** How often it was sent. An answer to an older attempt says nothing about this one. */
  get attempt(): number {
    return this.#attempt
  }

  /** An attempt ended without a definite answer. */
  get maybeAppended(): boolean {
    return this.#maybeAppended
  }

  get isSettled(): boolean {
    return this.#isSettled
  }

  get lastError(): BrokerError | undefined {
    return this.#lastError
  }

  /** The sealed batch. */
  get bytes(): Buffer {
    assert(this.#bytes !== undefined, 'a batch is sealed before it is sent')
    return this.#bytes
  }

  append(record: RecordInput, sizeBytes: number, done: Done<RecordMetadata>): void {
    assert(this.isOpen, 'records go into open batches')
    this.#builder.append(record)
    this.#dones.push(done)
    this.#timestamps.push(record.timestamp)
    this.#reservedBytes += sizeBytes
  }

  /** Takes no more records. They are compressed here, all at once and this once: whatever is sent later is these bytes. */
  close(): void {
    if (!this.#isOpen) return
    this.#plainBytes = this.#builder.sizeBytes
    this.#isOpen = false
    if (this.#codec !== 0) this.#builder.compress(this.#codec, (records) => compress(this.#codec, records))
  }

  /** Seals without a producer. */
  seal(): void {
    this.close()
    this.#bytes ??= this.#builder.seal(NO_PRODUCER)
  }

  stamp(identity: ProducerIdentity, sequence: number, number: number): void {
    assert(!this.isStamped, 'a sequence never changes while its producer id stays')
    this.close()
    this.#bytes = this.#builder.seal({ producerId: identity.producerId, producerEpoch: identity.producerEpoch, baseSequence: sequence })
    this.#sequence = sequence
    this.#number = number
  }

  unstamp(): void {
    assert(!this.#maybeAppended, 'what may be in the log is never sent under another producer id')
    this.#sequence = -1
    this.#number = -1
  }

  /**
   * Its records in batches of at most `limitBytes` before compression, or of one record; this one is left empty. Only for what was surely not
   * appended.
   */
  split(limitBytes: number): ProduceBatch[] {
    assert(!this.#maybeAppended && !this.#isSettled && !this.isStamped, 'what is split was refused whole, or never sent')
    const { topic, partition, order, firstNumber, createdAtMs } = this
    const options = { topic, partition, order, firstNumber, createdAtMs, codec: this.#codec, capacityBytes: Math.min(limitBytes, this.plainBytes) }
    const dones = this.#dones.splice(0)
    const parts: ProduceBatch[] = []
    this.#visit((record, index) => {
      const sizeBytes = recordSizeBound(record)
      const last = parts.at(-1)
      const fits = last !== undefined && last.sizeBytes + sizeBytes <= limitBytes
      const part = fits ? last : new ProduceBatch(options)
      if (!fits) {
        last?.seal()
        parts.push(part)
      }
      part.append(record, sizeBytes, dones[index] as Done<RecordMetadata>)
    })
    parts.at(-1)?.seal()
    return parts
  }

  #visit(visit: (record: RecordInput, index: number) => void): void {
    this.seal()
    const header = readBatchHeader(this.bytes, 0)
    const codec = header.attributes & COMPRESSION_MASK
    const section = this.bytes.subarray(BATCH_HEADER_BYTES)
    visitSection(codec === 0 ? section : decompress(codec, section, this.#plainBytes), header, (offset, timestamp, key, value, headers) =>
      visit({ timestamp, key, value, headers }, offset),
    )
  }

  /** All batches before it were resolved when this attempt was sent. */
  get wasSentFirst(): boolean {
    return this.#wasSentFirst
  }

  noteSent(isFirst: boolean): void {
    this.#attempt++
    this.#wasSentFirst = isFirst
  }

  /** An attempt failed, or nothing will be heard of it. */
  noteFailure(error: BrokerError): void {
    this.#lastError = error
    if (!error.definite) this.#maybeAppended = true
  }

  /** The attempt under way is given up: its answer, if it still comes, is ignored. */
  abandonAttempt(): void {
    this.#attempt++
    this.#maybeAppended = true
  }

  /** Fixes the outcome. An error is indefinite when any attempt may have been appended (rules R1.3). */
  settle(error: BrokerError | undefined, baseOffset: number): void {
    assert(!this.#isSettled, 'a batch is settled once')
    this.#isSettled = true
    this.#failure = error !== undefined && this.#maybeAppended ? asIndefinite(error) : error
    this.#baseOffset = baseOffset
  }

  get failure(): BrokerError | undefined {
    return this.#failure
  }

  /** Tells every record its outcome. A caller's own error does not keep the others from theirs; the first is returned. */
  deliver(): unknown {
    assert(this.#isSettled, 'an outcome is fixed before it is told')
    const { topic, partition } = this
    const failure = this.#failure
    let thrown: unknown
    for (let index = 0; index < this.#dones.length; index++) {
      const done = this.#dones[index] as Done<RecordMetadata>
      const offset = this.#baseOffset < 0 ? -1 : this.#baseOffset + index
      try {
        if (failure === undefined) done(undefined, { topic, partition, offset, timestamp: this.#timestamps[index] as number })
        else done(failure, undefined as never)
      } catch (error) {
        thrown ??= error
      }
    }
    this.#dones.length = 0
    return thrown
  }
}

/** What a record is told that was not delivered in time and surely is not in the log. */
export function undelivered(deliveryTimeoutMs: number, lastError: BrokerError | undefined): BrokerError {
  const code = lastError?.definite === true ? lastError.code : 'LEADER_NOT_AVAILABLE'
  return new BrokerError(code, `never appended within ${deliveryTimeoutMs} ms${lastError === undefined ? '' : `; last: ${lastError.message}`}`)
}
