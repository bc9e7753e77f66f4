import { BrokerError } from '../base/errors.ts'
import { BATCH_HEADER_BYTES, type BatchHeader, hasValidCrc, readBatchHeader } from '../record/batch.ts'
import type { EpochStart, EpochTable } from '../base/epochs.ts'
import { SparseIndex } from './sparse-index.ts'
import { TimeIndex } from './time-index.ts'

/** A larger batch cannot have come over any wire (rules 8: 8 MiB a message): a length beyond it is not one. */
export const MAX_BATCH_BYTES = 16 * 1024 * 1024

/** Where the good part of a segment ends, and why. */
export interface ScanFault {
  readonly position: number
  /** The offset that should have been there. */
  readonly offset: number
  readonly reason: string
  /** The batch there is whole and in its place: no write that was torn or lost leaves that. */
  readonly isWhole: boolean
}

/** Which epochs the batches below `endOffset` had, as far back as is known. */
export interface NotedEpochs {
  readonly epochs: EpochTable
  readonly endOffset: number
}

/**
 * Judges the bytes of one segment, front to back, a window at a time: every batch whole, its CRC right, base offsets contiguous,
 * epochs never falling (rules R3.1, R3.3). The first fault ends it; what that means is for the recovery to say.
 */
export class SegmentScan {
  readonly #sizeBytes: number
  readonly #greatestEpoch: number
  readonly #noted: NotedEpochs | undefined
  readonly #index: SparseIndex
  readonly #timeIndex: TimeIndex
  readonly #epochs: EpochStart[] = []
  #position = 0
  #endOffset: number
  #lastEpoch: number
  #firstTimestampMs = -1
  #maxTimestampMs = -1
  #fault: ScanFault | undefined

  /** `lastEpoch`: of the batch before this segment, −1 at the start of a log. `greatestEpoch`: none above it counts; default: any does. `noted`: by who knew. */
  constructor(options: {
    readonly baseOffset: number
    readonly lastEpoch: number
    readonly greatestEpoch?: number | undefined
    readonly noted?: NotedEpochs | undefined
    readonly sizeBytes: number
    readonly indexIntervalBytes: number
  }) {
    this.#sizeBytes = options.sizeBytes
    this.#greatestEpoch = options.greatestEpoch ?? Number.POSITIVE_INFINITY
    this.#noted = options.noted
    this.#endOffset = options.baseOffset
    this.#lastEpoch = options.lastEpoch
    this.#index = new SparseIndex(options.indexIntervalBytes)
    this.#timeIndex = new TimeIndex(options.indexIntervalBytes)
  }

  /** All before it is good. */
  get position(): number {
    return this.#position
  }

  /** Exclusive end of the good batches. */
  get endOffset(): number {
    return this.#endOffset
  }

  get lastEpoch(): number {
    return this.#lastEpoch
  }

  /** As in Segment, of the good batches. */
  get firstTimestampMs(): number {
    return this.#firstTimestampMs
  }

  get maxTimestampMs(): number {
    return this.#maxTimestampMs
  }

  get fault(): ScanFault | undefined {
    return this.#fault
  }

  get index(): SparseIndex {
    return this.#index
  }

  get timeIndex(): TimeIndex {
    return this.#timeIndex
  }

  /** Epochs of the good batches, the first one always noted. */
  get epochs(): EpochStart[] {
    return this.#epochs
  }

  /**
   * Judges the whole batches of `window`, which begins at `position`. `visit` sees the good ones.
   * Returns how many bytes the next window must hold at least; 0 when the segment is judged.
   */
  feed(window: Buffer, visit: (header: BatchHeader) => void): number {
    const windowAt = this.#position
    while (this.#position < this.#sizeBytes) {
      const at = this.#position - windowAt
      const leftBytes = this.#sizeBytes - this.#position
      if (leftBytes < BATCH_HEADER_BYTES) return this.#stop('the file ends inside a batch header')
      if (window.length - at < BATCH_HEADER_BYTES) return BATCH_HEADER_BYTES
      const header = headerOrReason(window, at)
      if (typeof header === 'string') return this.#stop(header)
      if (header.sizeBytes > MAX_BATCH_BYTES) return this.#stop(`a batch cannot have ${header.sizeBytes} bytes`)
      if (header.sizeBytes > leftBytes) return this.#stop(`the file ends inside a batch of ${header.sizeBytes} bytes`)
      if (window.length - at < header.sizeBytes) return header.sizeBytes
      if (!hasValidCrc(window.subarray(at, at + header.sizeBytes))) return this.#stop('the checksum of a batch is wrong')
      if (header.baseOffset !== this.#endOffset) return this.#stop(`a batch begins at offset ${header.baseOffset}`)
      if (header.leaderEpoch < this.#lastEpoch) return this.#stop(`a batch of epoch ${header.leaderEpoch} follows epoch ${this.#lastEpoch}`, true)
      if (header.leaderEpoch > this.#greatestEpoch) return this.#stop(`a batch is of epoch ${header.leaderEpoch}, the newest can be ${this.#greatestEpoch}`)
      const notedEpoch = this.#notedEpoch(header.baseOffset)
      if (header.leaderEpoch !== notedEpoch && notedEpoch !== -1)
        return this.#stop(`a batch is of epoch ${header.leaderEpoch}, it was noted to be of ${notedEpoch}`, true)
      this.#accept(header)
      visit(header)
    }
    return 0
  }

  /** −1: not known. */
  #notedEpoch(offset: number): number {
    return this.#noted === undefined || offset >= this.#noted.endOffset ? -1 : this.#noted.epochs.epochAt(offset)
  }

  #accept(header: BatchHeader): void {
    this.#index.note(header.baseOffset, this.#position)
    this.#timeIndex.note(header.baseOffset, header.maxTimestamp, this.#position)
    if (this.#epochs.at(-1)?.epoch !== header.leaderEpoch) this.#epochs.push({ epoch: header.leaderEpoch, startOffset: header.baseOffset })
    if (this.#firstTimestampMs < 0) this.#firstTimestampMs = header.maxTimestamp
    this.#maxTimestampMs = Math.max(this.#maxTimestampMs, header.maxTimestamp)
    this.#lastEpoch = header.leaderEpoch
    this.#endOffset = header.lastOffset + 1
    this.#position += header.sizeBytes
  }

  #stop(reason: string, isWhole = false): 0 {
    this.#fault = { position: this.#position, offset: this.#endOffset, reason, isWhole }
    return 0
  }
}

/** The header at `at`, or why there is none. */
function headerOrReason(window: Buffer, at: number): BatchHeader | string {
  try {
    return readBatchHeader(window, at)
  } catch (error) {
    if (error instanceof BrokerError) return error.detail
    throw error
  }
}

const MAGIC_AT = 16
const MAGIC = 2

/** The next place at or after `from` where the head of a batch of this log could begin: offset beyond `afterOffset`, sane counts; −1: none in the window. Its CRC is not checked. */
export function findBatchHead(window: Buffer, from: number, afterOffset: number): number {
  for (let at = from; at + BATCH_HEADER_BYTES <= window.length; at++) {
    if (window[at + MAGIC_AT] !== MAGIC) continue
    const header = headerOrReason(window, at)
    if (typeof header === 'string' || header.baseOffset <= afterOffset || header.sizeBytes > MAX_BATCH_BYTES) continue
    if (header.recordCount <= header.lastOffset - header.baseOffset + 1) return at
  }
  return -1
}
