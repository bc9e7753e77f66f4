import { assert } from '../base/assert.ts'
import { BrokerError } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import type { Random } from '../base/random.ts'
import { decompress, isCodecLoaded } from '../compression/codecs.ts'
import { BATCH_HEADER_BYTES, type BatchHeader, hasValidCrc, readBatchHeader } from '../record/batch.ts'
import { COMPRESSION_MASK, CONTROL_FLAG, MAX_SECTION_BYTES, type RecordHeader, visitSection } from '../record/records.ts'
import type { FetchedPartition } from '../wire/api.ts'
import { asBrokerError, toBrokerError } from './api-error.ts'
import { backoffMs } from './backoff.ts'

export interface ConsumedRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly leaderEpoch: number
  /** Wall clock ms. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

interface BufferedBatch {
  readonly header: BatchHeader
  readonly bytes: Buffer
}

/** An answer that came empty sooner than it had to is asked again only after this pause. */
const EMPTY_PAUSE_MS = 5
/** A broken batch may have been broken on its way: it is fetched again as often before the caller is told. */
const CORRUPT_ATTEMPTS = 3

/**
 * One assigned partition: unpositioned → positioned (fetching ahead of what the caller took) → failed (until a seek).
 * Invariants: position ≤ fetchOffset; what is buffered begins at or before position and is contiguous with fetchOffset; an answer counts only
 * under the token that its fetch was sent with, which every seek, release and answer changes. So nothing is skipped or repeated.
 */
export class FetchPartition {
  readonly topic: string
  readonly partition: number
  readonly #random: Random
  #topicId: Uuid | undefined
  #position: number | undefined
  #fetchOffset = 0
  #token = 0
  #sentTo = -1
  #isOutstanding = false
  #buffered: BufferedBatch[] = []
  #bufferedBytes = 0
  #records: ConsumedRecord[] = []
  #nextRecord = 0
  #leader = -1
  #leaderEpoch = -1
  #failedEpoch = -1
  #failures = 0
  #corruptions = 0
  #notBeforeMs = 0
  #error: BrokerError | undefined
  #isErrorSticky = false
  #isOutOfRange = false
  #wantedCodec: number | undefined
  #servedAtMs = 0
  #askedAtMs = 0

  constructor(topic: string, partition: number, random: Random) {
    this.topic = topic
    this.partition = partition
    this.#random = random
  }

  get topicId(): Uuid | undefined {
    return this.#topicId
  }

  get leader(): number {
    return this.#leader
  }

  get leaderEpoch(): number {
    return this.#leaderEpoch
  }

  get fetchOffset(): number {
    return this.#fetchOffset
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /** Of the fetch that is under way. */
  get token(): number {
    return this.#token
  }

  /** Offset of the next record for the caller; undefined while earliest or latest is looked up. */
  get position(): number | undefined {
    return this.#position
  }

  /** The position is outside of the log: a policy must say where to go. Not before the caller has what was fetched ahead of it. */
  get isOutOfRange(): boolean {
    return this.#isOutOfRange && this.#buffered.length === 0
  }

  /** When it last got data, ms: who waits longest is asked for first, because an answer is bounded. */
  get servedAtMs(): number {
    return this.#servedAtMs
  }

  /** When it was last asked for, ms. */
  get askedAtMs(): number {
    return this.#askedAtMs
  }

  /** The codec that its next batch waits for: it has to be loaded, then `codecLoaded`. */
  get wantedCodec(): number | undefined {
    return this.#wantedCodec
  }

  codecLoaded(error: BrokerError | undefined): void {
    this.#wantedCodec = undefined
    if (error !== undefined) this.fail(error)
  }

  get wantsMetadata(): boolean {
    return !this.#isErrorSticky && (this.#topicId === undefined || this.#leader < 0 || this.#failedEpoch >= this.#leaderEpoch)
  }

  /** Forgets all that was fetched; `offset` undefined: not known yet. */
  seek(offset: number | undefined): void {
    assert(offset === undefined || (Number.isSafeInteger(offset) && offset >= 0), 'a position is an offset')
    this.#token++
    this.#isOutstanding = false
    this.#position = offset
    this.#fetchOffset = offset ?? 0
    this.#buffered = []
    this.#bufferedBytes = 0
    this.#records = []
    this.#nextRecord = 0
    this.#error = undefined
    this.#isErrorSticky = false
    this.#isOutOfRange = false
    this.#wantedCodec = undefined
    this.#corruptions = 0
    this.#notBeforeMs = 0
  }

  /** What metadata says now. A fetch under way at a node that no longer leads is given up. */
  update(topicId: Uuid, leader: number, leaderEpoch: number): void {
    if (this.#topicId !== undefined && topicId !== this.#topicId) {
      this.fail(new BrokerError('UNKNOWN_TOPIC_ID', `topic "${this.topic}" with id ${this.#topicId} is no more; another has its name`))
      return
    }
    this.#topicId = topicId
    if (leaderEpoch > this.#leaderEpoch || leader !== this.#leader) {
      this.#notBeforeMs = 0
      this.#failures = 0
      if (this.#isOutstanding && leader >= 0 && leader !== this.#sentTo) this.release()
    }
    this.#leader = leader
    this.#leaderEpoch = leaderEpoch
  }

  /** Ends it until the next seek; what is buffered is lost with it, the position stays. */
  fail(error: BrokerError): void {
    this.#error = error
    this.#isErrorSticky = true
  }

  /** The error that the caller has to see, if any. One that passes is told once. */
  takeError(): BrokerError | undefined {
    const error = this.#error
    if (!this.#isErrorSticky) this.#error = undefined
    return error
  }

  get hasError(): boolean {
    return this.#error !== undefined
  }

  /** When it may be fetched, ms; Infinity: not before something happens. */
  fetchableAtMs(partitionMaxBytes: number): number {
    if (this.#isOutstanding || this.#position === undefined || this.#isErrorSticky || this.#isOutOfRange) return Infinity
    if (this.#topicId === undefined || this.#leader < 0 || this.#bufferedBytes >= partitionMaxBytes) return Infinity
    return this.#notBeforeMs
  }

  noteSent(nowMs: number): void {
    assert(!this.#isOutstanding, 'one fetch a partition is under way')
    this.#askedAtMs = nowMs
    this.#isOutstanding = true
    this.#sentTo = this.#leader
    this.#token++
  }

  /** Nothing will be heard of the fetch under way, or nobody wants to hear. */
  release(): void {
    this.#isOutstanding = false
    this.#token++
  }

  /** The stream that the fetch was sent on ended. */
  lost(token: number, nowMs: number): void {
    if (token !== this.#token || !this.#isOutstanding) return
    this.release()
    this.#failed(nowMs)
  }

  /** Takes an answer; undefined: the message did not name the partition. `waitedMs`, `maxWaitMs`: to tell an empty wait from none. */
  answered(token: number, answer: FetchedPartition | undefined, at: { readonly nowMs: number; readonly waitedMs: number; readonly maxWaitMs: number }): void {
    if (token !== this.#token || !this.#isOutstanding) return
    this.release()
    if (answer !== undefined && answer.error !== null) {
      this.#refused(toBrokerError(answer.error), at.nowMs)
      return
    }
    const before = this.#fetchOffset
    try {
      for (const slice of answer?.batches ?? []) this.#buffer(slice)
      this.#failures = 0
      this.#failedEpoch = -1
      this.#corruptions = 0
      if (this.#fetchOffset > before) this.#servedAtMs = at.nowMs
      else if (at.waitedMs < at.maxWaitMs / 2) this.#notBeforeMs = at.nowMs + EMPTY_PAUSE_MS
    } catch (error) {
      this.#corrupted(asBrokerError(error as Error), at.nowMs)
    }
  }

  #refused(error: BrokerError, nowMs: number): void {
    if (error.code === 'OFFSET_OUT_OF_RANGE') this.#isOutOfRange = true
    else if (error.code === 'CORRUPT_MESSAGE') this.#corrupted(error, nowMs)
    else if (error.retriable || !error.definite) this.#failed(nowMs, error.code === 'OFFSET_NOT_AVAILABLE')
    else this.fail(error)
  }

  #corrupted(error: BrokerError, nowMs: number): void {
    this.#corruptions++
    if (this.#corruptions % CORRUPT_ATTEMPTS === 0) this.#error = error
    this.#failed(nowMs)
  }

  #failed(nowMs: number, isLeaderRight = false): void {
    this.#failures++
    this.#notBeforeMs = nowMs + backoffMs(this.#random, this.#failures)
    if (!isLeaderRight) this.#failedEpoch = this.#leaderEpoch
  }

  /** Checks and keeps the batches of one slice: copied, one by one, so that a record kept by the caller pins its batch alone. */
  #buffer(slice: Buffer): void {
    let at = 0
    while (at < slice.length) {
      const header = readBatchHeader(slice, at)
      if (header.sizeBytes > slice.length - at)
        throw new BrokerError('CORRUPT_MESSAGE', `a batch of ${header.sizeBytes} bytes is cut short at ${slice.length - at}`)
      const bytes = Buffer.from(slice.subarray(at, at + header.sizeBytes))
      if (!hasValidCrc(bytes))
        throw new BrokerError('CORRUPT_MESSAGE', `the batch at offset ${header.baseOffset} of ${this.topic}-${this.partition} failed its checksum`)
      at += header.sizeBytes
      if (header.lastOffset < this.#fetchOffset) continue
      const isFirst = this.#fetchOffset === this.#position && this.#buffered.length === 0
      if (header.baseOffset < this.#fetchOffset && !isFirst)
        throw new BrokerError('CORRUPT_MESSAGE', `the batch at offset ${header.baseOffset} overlaps the one before it`)
      this.#buffered.push({ header, bytes })
      this.#bufferedBytes += bytes.length
      this.#fetchOffset = header.lastOffset + 1
    }
  }

  /** Moves up to `max` records to `into`, all of one batch. Returns whether there was any. */
  take(max: number, into: ConsumedRecord[]): boolean {
    if (this.#isErrorSticky || this.#wantedCodec !== undefined) return false
    while (this.#nextRecord >= this.#records.length) if (!this.#openBatch()) return false
    const end = Math.min(this.#records.length, this.#nextRecord + max)
    while (this.#nextRecord < end) into.push(this.#records[this.#nextRecord++] as ConsumedRecord)
    if (this.#nextRecord < this.#records.length) this.#position = (this.#records[this.#nextRecord] as ConsumedRecord).offset
    else this.#closeBatch()
    return true
  }

  /** Decodes the first buffered batch; one without records for the caller is passed over. */
  #openBatch(): boolean {
    const batch = this.#buffered[0]
    if (batch === undefined) return false
    const codec = batch.header.attributes & COMPRESSION_MASK
    if (codec !== 0 && !isCodecLoaded(codec)) {
      this.#wantedCodec = codec
      return false
    }
    const { topic, partition } = this
    const { leaderEpoch } = batch.header
    const position = this.#position as number
    const records: ConsumedRecord[] = []
    try {
      if ((batch.header.attributes & CONTROL_FLAG) === 0 && batch.header.recordCount > 0) {
        const section = batch.bytes.subarray(BATCH_HEADER_BYTES)
        const plain = codec === 0 ? section : decompress(codec, section, MAX_SECTION_BYTES)
        visitSection(plain, batch.header, (offset, timestamp, key, value, headers) => {
          if (offset >= position) records.push({ topic, partition, offset, leaderEpoch, timestamp, key, value, headers })
        })
      }
    } catch (error) {
      const cause = asBrokerError(error as Error)
      this.fail(new BrokerError(cause.code, `the batch at offset ${batch.header.baseOffset} of ${topic}-${partition}: ${cause.detail}`))
      return false
    }
    this.#records = records
    this.#nextRecord = 0
    if (records.length === 0) this.#closeBatch()
    return true
  }

  #closeBatch(): void {
    const { header, bytes } = this.#buffered.shift() as BufferedBatch
    this.#bufferedBytes -= bytes.length
    assert(header.lastOffset >= (this.#position as number), 'a position never goes back')
    this.#position = header.lastOffset + 1
    this.#records = []
    this.#nextRecord = 0
  }
}
