import { BrokerError } from '../base/errors.ts'
import { BATCH_HEADER_BYTES, type BatchHeader, hasValidCrc, readBatchHeader } from '../record/batch.ts'
import { COMPRESSION_MASK, CONTROL_FLAG, compressionTypes, LOG_APPEND_TIME_FLAG } from '../record/records.ts'
import { MAX_BATCH_BYTES } from './segment-scan.ts'

/** One batch as it lies in a segment file. */
export interface DumpedBatch {
  readonly header: BatchHeader
  /** Of its first byte in the file. */
  readonly position: number
  readonly crcOk: boolean
  readonly codec: string
  readonly isControl: boolean
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
  /** The whole batch; a slice of the window that it was found in. */
  readonly bytes: Buffer
}

/** Something that a log that is whole does not have, with its place. */
export interface DumpProblem {
  readonly position: number
  readonly message: string
}

/**
 * Reads one segment front to back, a window at a time, for eyes: unlike SegmentScan it goes on behind a batch that is wrong, as long as its length
 * can be one. It changes nothing and decides nothing.
 */
export class DumpScan {
  readonly problems: DumpProblem[] = []
  readonly #sizeBytes: number
  #position = 0
  #endOffset: number
  #lastEpoch: number
  #unreadBytes = 0

  /** `lastEpoch`: of the batch before this segment, −1 when there is none. */
  constructor(options: { readonly baseOffset: number; readonly lastEpoch: number; readonly sizeBytes: number }) {
    this.#sizeBytes = options.sizeBytes
    this.#endOffset = options.baseOffset
    this.#lastEpoch = options.lastEpoch
  }

  get position(): number {
    return this.#position
  }

  /** Exclusive, of the batches so far. */
  get endOffset(): number {
    return this.#endOffset
  }

  get lastEpoch(): number {
    return this.#lastEpoch
  }

  /** Bytes at the end of the file that no batch could be read from. */
  get unreadBytes(): number {
    return this.#unreadBytes
  }

  /** Reads the whole batches of `window`, which begins at `position`. Returns how many bytes the next window must hold at least; 0: it is over. */
  feed(window: Buffer, visit: (batch: DumpedBatch) => void): number {
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
      this.#take(header, window.subarray(at, at + header.sizeBytes), visit)
    }
    return 0
  }

  #take(header: BatchHeader, bytes: Buffer, visit: (batch: DumpedBatch) => void): void {
    const position = this.#position
    const crcOk = hasValidCrc(bytes)
    if (!crcOk) this.#report('the checksum of a batch is wrong')
    if (header.baseOffset !== this.#endOffset) this.#report(`a batch begins at offset ${header.baseOffset} where ${this.#endOffset} should be`)
    if (header.leaderEpoch < this.#lastEpoch) this.#report(`a batch of epoch ${header.leaderEpoch} follows epoch ${this.#lastEpoch}`)
    this.#endOffset = header.lastOffset + 1
    this.#lastEpoch = Math.max(this.#lastEpoch, header.leaderEpoch)
    this.#position += header.sizeBytes
    const { attributes } = header
    const codec = compressionTypes[attributes & COMPRESSION_MASK] ?? `unknown (${attributes & COMPRESSION_MASK})`
    const timestampType = (attributes & LOG_APPEND_TIME_FLAG) === 0 ? 'CreateTime' : 'LogAppendTime'
    visit({ header, position, crcOk, codec, isControl: (attributes & CONTROL_FLAG) !== 0, timestampType, bytes })
  }

  #report(message: string): void {
    this.problems.push({ position: this.#position, message })
  }

  #stop(reason: string): 0 {
    this.#unreadBytes = this.#sizeBytes - this.#position
    this.#report(`${reason}: ${this.#unreadBytes} bytes are not read`)
    return 0
  }
}

function headerOrReason(window: Buffer, at: number): BatchHeader | string {
  try {
    return readBatchHeader(window, at)
  } catch (error) {
    if (error instanceof BrokerError) return error.detail
    throw error
  }
}
