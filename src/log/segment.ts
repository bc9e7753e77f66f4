import type { DiskFile } from '../base/disk.ts'
import type { EpochStart } from '../base/epochs.ts'
import type { SparseIndex } from './sparse-index.ts'
import type { TimeIndex } from './time-index.ts'

const NAME_PATTERN = /^(\d{20})\.log$/

/** `00000000000000000042.log`, as Kafka names them. */
export function segmentFileName(baseOffset: number): string {
  return `${baseOffset.toString().padStart(20, '0')}.log`
}

/** The base offset in a segment's file name; undefined for any other name. */
export function parseSegmentFileName(name: string): number | undefined {
  const digits = NAME_PATTERN.exec(name)?.[1]
  const baseOffset = digits === undefined ? Number.NaN : Number(digits)
  return Number.isSafeInteger(baseOffset) ? baseOffset : undefined
}

/** One file of a log. What changes in it is changed by the log that owns it. */
export class Segment {
  readonly baseOffset: number
  readonly path: string
  readonly indexPath: string
  readonly timeIndexPath: string
  /** On disk and waiting. */
  sizeBytes = 0
  /** Handed to writes: the next one goes here. */
  writtenBytes = 0
  /** Undefined until somebody reads: a closed segment's indexes are loaded late. */
  index: SparseIndex | undefined
  timeIndex: TimeIndex | undefined
  epochs: EpochStart[] = []
  /** maxTimestamp of the first batch that has one; −1: none has. */
  firstTimestampMs = -1
  /** At least the largest maxTimestamp of its batches (a cut does not lower it); −1: none has one. */
  maxTimestampMs = -1
  /** The file was created, though maybe its name is not durable yet. */
  exists = false
  /** Index files may lie beside it. */
  indexed = false
  file: DiskFile | undefined
  #pins = 0
  #retired = false
  #resting = false

  constructor(folder: string, baseOffset: number) {
    this.baseOffset = baseOffset
    this.path = `${folder}/${segmentFileName(baseOffset)}`
    this.indexPath = this.path.replace(/log$/, 'index')
    this.timeIndexPath = this.path.replace(/log$/, 'timeindex')
  }

  /** Forgets what batches from `endOffset` on said. */
  cut(endOffset: number): void {
    this.epochs = this.epochs.filter((entry) => entry.startOffset < endOffset)
    if (endOffset > this.baseOffset) return
    this.firstTimestampMs = -1
    this.maxTimestampMs = -1
  }

  noteEpoch(epoch: number, startOffset: number): void {
    if (epoch !== this.epochs.at(-1)?.epoch) this.epochs.push({ epoch, startOffset })
  }

  noteTimestamp(maxTimestampMs: number): void {
    if (this.firstTimestampMs < 0) this.firstTimestampMs = maxTimestampMs
    if (maxTimestampMs > this.maxTimestampMs) this.maxTimestampMs = maxTimestampMs
  }

  /** A read is on its way: the file stays open until `unpin`. A number of a closed file could be another file's already. */
  pin(): void {
    this.#pins++
  }

  unpin(): void {
    this.#pins--
    this.#closeWhenUnused()
  }

  /** The segment is no longer part of the log: closes the file as soon as nobody reads from it. */
  retire(): void {
    this.#retired = true
    this.#closeWhenUnused()
  }

  /**
   * Another segment follows, and the indexes lie beside this one: closes the file as soon as nobody reads from it, and forgets the indexes. Who reads
   * later opens and loads them again.
   */
  rest(): void {
    this.#resting = true
    this.index = undefined
    this.timeIndex = undefined
    this.#closeWhenUnused()
  }

  /** A cut made it the last one again: a reader that ends must not close the file under a write. */
  wake(): void {
    this.#resting = false
  }

  get retired(): boolean {
    return this.#retired
  }

  #closeWhenUnused(): void {
    if (!(this.#retired || this.#resting) || this.#pins > 0 || this.file === undefined) return
    const file = this.file
    this.file = undefined
    this.#resting = false
    // Nothing rests on it: what counts was synced, and a reader of this segment finds none.
    file.close(() => undefined)
  }
}
