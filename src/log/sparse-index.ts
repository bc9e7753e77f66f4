import { readInt64, writeInt64 } from '../base/bytes.ts'
import { crc32c } from '../base/crc32c.ts'
import type { EpochStart } from '../base/epochs.ts'

/** Where batches lie in one segment: an entry each `intervalBytes`. It only saves time: a reader walks the headers from the floor on and checks them. */
export class SparseIndex {
  readonly #intervalBytes: number
  #offsets: number[] = []
  #positions: number[] = []

  constructor(intervalBytes: number) {
    this.#intervalBytes = intervalBytes
  }

  get length(): number {
    return this.#offsets.length
  }

  /** Batches come in order; most are not noted. */
  note(baseOffset: number, position: number): void {
    if (position - (this.#positions.at(-1) ?? 0) < this.#intervalBytes) return
    this.#offsets.push(baseOffset)
    this.#positions.push(position)
  }

  /** Position of a batch at or before the one that holds `offset`; 0 when none is noted. */
  floor(offset: number): number {
    let low = 0
    let high = this.#offsets.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#offsets[middle] as number) <= offset) low = middle + 1
      else high = middle
    }
    return this.#positions[low - 1] ?? 0
  }

  /** Forgets batches at or after `endOffset`. */
  cut(endOffset: number): void {
    let length = this.#offsets.length
    while (length > 0 && (this.#offsets[length - 1] as number) >= endOffset) length--
    this.#offsets.length = length
    this.#positions.length = length
  }

  entries(): readonly [offsets: readonly number[], positions: readonly number[]] {
    return [this.#offsets, this.#positions]
  }
}

/** What the index file of a closed segment says of it. */
export interface SegmentSummary {
  readonly baseOffset: number
  /** Exclusive. */
  readonly endOffset: number
  readonly sizeBytes: number
  /** As in Segment. */
  readonly firstTimestampMs: number
  readonly maxTimestampMs: number
  /** Epochs of the segment's batches, the first one always noted. */
  readonly epochs: readonly EpochStart[]
}

const VERSION = 2
const HEAD_BYTES = 56
const EPOCH_BYTES = 12
const ENTRY_BYTES = 8

/**
 * The `.index` file of a closed segment, big-endian:
 *   crc u32 (of all behind it) | version u32 | baseOffset i64 | endOffset i64 | sizeBytes i64 | firstTimestamp i64 | maxTimestamp i64 | epochs u32 | entries u32 |
 *   epochs × (epoch i32, startOffset i64) | entries × (offset − baseOffset u32, position u32)
 */
export function encodeIndex(summary: SegmentSummary, index: SparseIndex): Buffer {
  const [offsets, positions] = index.entries()
  const bytes = Buffer.alloc(HEAD_BYTES + summary.epochs.length * EPOCH_BYTES + offsets.length * ENTRY_BYTES)
  bytes.writeUInt32BE(VERSION, 4)
  writeInt64(bytes, summary.baseOffset, 8)
  writeInt64(bytes, summary.endOffset, 16)
  writeInt64(bytes, summary.sizeBytes, 24)
  writeInt64(bytes, summary.firstTimestampMs, 32)
  writeInt64(bytes, summary.maxTimestampMs, 40)
  bytes.writeUInt32BE(summary.epochs.length, 48)
  bytes.writeUInt32BE(offsets.length, 52)
  let at = HEAD_BYTES
  for (const { epoch, startOffset } of summary.epochs) {
    bytes.writeInt32BE(epoch, at)
    writeInt64(bytes, startOffset, at + 4)
    at += EPOCH_BYTES
  }
  for (let entry = 0; entry < offsets.length; entry++) {
    bytes.writeUInt32BE((offsets[entry] as number) - summary.baseOffset, at)
    bytes.writeUInt32BE(positions[entry] as number, at + 4)
    at += ENTRY_BYTES
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(4)), 0)
  return bytes
}

/** Undefined when the file is not a whole index of this version: it is rebuilt then. */
export function decodeIndex(bytes: Buffer, intervalBytes: number): { readonly summary: SegmentSummary; readonly index: SparseIndex } | undefined {
  if (bytes.length < HEAD_BYTES || bytes.readUInt32BE(0) !== crc32c(bytes.subarray(4)) || bytes.readUInt32BE(4) !== VERSION) return undefined
  const epochCount = bytes.readUInt32BE(48)
  const entryCount = bytes.readUInt32BE(52)
  if (bytes.length !== HEAD_BYTES + epochCount * EPOCH_BYTES + entryCount * ENTRY_BYTES) return undefined
  const baseOffset = readInt64(bytes, 8)
  const epochs: EpochStart[] = []
  let at = HEAD_BYTES
  for (let entry = 0; entry < epochCount; entry++, at += EPOCH_BYTES) epochs.push({ epoch: bytes.readInt32BE(at), startOffset: readInt64(bytes, at + 4) })
  const index = new SparseIndex(intervalBytes)
  for (let entry = 0; entry < entryCount; entry++, at += ENTRY_BYTES) index.note(bytes.readUInt32BE(at) + baseOffset, bytes.readUInt32BE(at + 4))
  const [firstTimestampMs, maxTimestampMs] = [readInt64(bytes, 32), readInt64(bytes, 40)]
  return { summary: { baseOffset, endOffset: readInt64(bytes, 16), sizeBytes: readInt64(bytes, 24), firstTimestampMs, maxTimestampMs, epochs }, index }
}
