import { readInt64, writeInt64 } from '../base/bytes.ts'
import { crc32c } from '../base/crc32c.ts'

/**
 * Where the timestamps of one segment grow: an entry each `intervalBytes` at most, (T, O): the batch at O reaches T, all before it are below T.
 * It only saves time: a reader looks at the batches from the floor on. Source: Kafka TimeIndex.
 */
export class TimeIndex {
  readonly #intervalBytes: number
  #timestampsMs: number[] = []
  #offsets: number[] = []
  /** At least the largest timestamp so far. */
  #maxMs: number
  /** Of the batch that reached it, when no entry says so yet. */
  #maxOffset: number | undefined
  #notedPosition = 0

  /** `maxMs`: of batches that are there already, as in Segment. */
  constructor(intervalBytes: number, maxMs = -1) {
    this.#intervalBytes = intervalBytes
    this.#maxMs = maxMs
  }

  get length(): number {
    return this.#offsets.length
  }

  /** Batches come in order. `maxTimestampMs`: of the batch that begins at `baseOffset`, at byte `position`. */
  note(baseOffset: number, maxTimestampMs: number, position: number): void {
    if (maxTimestampMs > this.#maxMs) {
      this.#maxMs = maxTimestampMs
      this.#maxOffset = baseOffset
    }
    if (position - this.#notedPosition < this.#intervalBytes) return
    this.#notedPosition = position
    this.#noteMax()
  }

  #noteMax(): void {
    if (this.#maxOffset === undefined) return
    this.#timestampsMs.push(this.#maxMs)
    this.#offsets.push(this.#maxOffset)
    this.#maxOffset = undefined
  }

  /** Base offset of a batch before which all are older than `timestampMs`; undefined: not known of any. */
  floor(timestampMs: number): number | undefined {
    let low = 0
    let high = this.#offsets.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#timestampsMs[middle] as number) <= timestampMs) low = middle + 1
      else high = middle
    }
    return this.#offsets[low - 1]
  }

  /** Forgets batches at or after `endOffset`. What they reached stays a bound: an entry below it would be wrong if another batch before reached as far. */
  cut(endOffset: number): void {
    const length = this.#offsets.findLastIndex((offset) => offset < endOffset) + 1
    this.#offsets.length = length
    this.#timestampsMs.length = length
    if (this.#maxOffset !== undefined && this.#maxOffset >= endOffset) this.#maxOffset = undefined
    this.#notedPosition = 0
  }

  entries(): readonly [timestampsMs: readonly number[], offsets: readonly number[]] {
    this.#noteMax()
    return [this.#timestampsMs, this.#offsets]
  }

  /** Takes the arrays over. `maxMs` as for a new one. */
  static restore(intervalBytes: number, maxMs: number, timestampsMs: number[], offsets: number[]): TimeIndex {
    const index = new TimeIndex(intervalBytes, Math.max(maxMs, timestampsMs.at(-1) ?? -1))
    index.#timestampsMs = timestampsMs
    index.#offsets = offsets
    return index
  }
}

const VERSION = 1
const HEAD_BYTES = 28
const ENTRY_BYTES = 12

/** Which bytes an index is of. */
export interface IndexedSegment {
  readonly baseOffset: number
  readonly sizeBytes: number
}

/**
 * The `.timeindex` file of a closed segment, big-endian, its entries as Kafka's:
 *   crc u32 (of all behind it) | version u32 | baseOffset i64 | sizeBytes i64 | entries u32 | entries × (timestamp i64, offset − baseOffset i32)
 */
export function encodeTimeIndex(segment: IndexedSegment, index: TimeIndex): Buffer {
  const [timestampsMs, offsets] = index.entries()
  const bytes = Buffer.alloc(HEAD_BYTES + offsets.length * ENTRY_BYTES)
  bytes.writeUInt32BE(VERSION, 4)
  writeInt64(bytes, segment.baseOffset, 8)
  writeInt64(bytes, segment.sizeBytes, 16)
  bytes.writeUInt32BE(offsets.length, 24)
  for (const [at, offset] of offsets.entries()) {
    writeInt64(bytes, timestampsMs[at] as number, HEAD_BYTES + at * ENTRY_BYTES)
    bytes.writeInt32BE(offset - segment.baseOffset, HEAD_BYTES + at * ENTRY_BYTES + 8)
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(4)), 0)
  return bytes
}

/** Undefined when the file is not a whole index of this version and segment: it is made anew then. `maxMs`: as in Segment. */
export function decodeTimeIndex(bytes: Buffer, segment: IndexedSegment & { readonly intervalBytes: number; readonly maxMs: number }): TimeIndex | undefined {
  if (bytes.length < HEAD_BYTES || bytes.readUInt32BE(0) !== crc32c(bytes.subarray(4)) || bytes.readUInt32BE(4) !== VERSION) return undefined
  const count = bytes.readUInt32BE(24)
  if (bytes.length !== HEAD_BYTES + count * ENTRY_BYTES) return undefined
  if (readInt64(bytes, 8) !== segment.baseOffset || readInt64(bytes, 16) !== segment.sizeBytes) return undefined
  const timestampsMs: number[] = []
  const offsets: number[] = []
  for (let at = HEAD_BYTES; at < bytes.length; at += ENTRY_BYTES) {
    timestampsMs.push(readInt64(bytes, at))
    offsets.push(bytes.readInt32BE(at + 8) + segment.baseOffset)
  }
  return TimeIndex.restore(segment.intervalBytes, segment.maxMs, timestampsMs, offsets)
}
