import { assert } from '../base/assert.ts'
import { peekMaxTimestamp } from '../record/batch.ts'
import type { Slab } from './slabs.ts'

const COMPACT_FROM = 1024

export interface TakenWrite {
  readonly buffers: Buffer[]
  readonly sizeBytes: number
  /** Exclusive end of what was taken. */
  readonly endOffset: number
}

/**
 * The newest batches of one log, by offset, contiguous up to the log's end: what waits to be written and what was written lately.
 * Parallel arrays, so that a batch costs four numbers and no object. Entries are dropped at the front (evicted) and at the back (cut).
 */
export class TailCache {
  #bases: number[] = []
  #starts: number[] = []
  #sizes: number[] = []
  /** Undefined where evicted, so that the slab is free at once. */
  #slabs: (Slab | undefined)[] = []
  /** First entry still cached. */
  #head = 0
  /** First entry not yet handed to a write. */
  #unwritten = 0
  #unwrittenBytes = 0

  get hasUnwritten(): boolean {
    return this.#unwritten < this.#bases.length
  }

  get unwrittenBytes(): number {
    return this.#unwrittenBytes
  }

  push(baseOffset: number, slab: Slab, start: number, sizeBytes: number): void {
    this.#bases.push(baseOffset)
    this.#starts.push(start)
    this.#sizes.push(sizeBytes)
    this.#slabs.push(slab)
    this.#unwrittenBytes += sizeBytes
  }

  /** Forgets batches from `endOffset` on. */
  cut(endOffset: number): void {
    let length = this.#bases.length
    while (length > this.#head && (this.#bases[length - 1] as number) >= endOffset) {
      length--
      if (length >= this.#unwritten) this.#unwrittenBytes -= this.#sizes[length] as number
    }
    this.#bases.length = length
    this.#starts.length = length
    this.#sizes.length = length
    this.#slabs.length = length
    this.#unwritten = Math.min(this.#unwritten, length)
    assert(this.#unwrittenBytes >= 0, 'no more is taken back than was waiting')
  }

  /** Forgets batches that begin below `offset`; all of them were written. */
  evict(offset: number): void {
    const length = this.#bases.length
    while (this.#head < length && (this.#bases[this.#head] as number) < offset) this.#slabs[this.#head++] = undefined
    assert(this.#head <= this.#unwritten, 'what waits to be written stays in memory')
    if (this.#head < length && (this.#head < COMPACT_FROM || this.#head * 2 < length)) return
    this.#bases = this.#bases.slice(this.#head)
    this.#starts = this.#starts.slice(this.#head)
    this.#sizes = this.#sizes.slice(this.#head)
    this.#slabs = this.#slabs.slice(this.#head)
    this.#unwritten -= this.#head
    this.#head = 0
  }

  /** Nothing more will be written: the log is dead or closed. What is cached may still be read. */
  abandon(): void {
    this.#unwritten = this.#bases.length
    this.#unwrittenBytes = 0
  }

  /** Slices from the batch that holds `offset` on, neighbours in one slice; undefined when it is not cached. `offset` is below the log's end. */
  read(offset: number, maxBytes: number): Buffer[] | undefined {
    const first = this.#find(offset)
    if (first === undefined) return undefined
    let last = first
    let sizeBytes = this.#sizes[first] as number
    while (last + 1 < this.#bases.length && sizeBytes + (this.#sizes[last + 1] as number) <= maxBytes) {
      last++
      sizeBytes += this.#sizes[last] as number
    }
    return this.#slices(first, last)
  }

  /** Takes what waits, from one segment: batches below `segmentEndOffset`, at least one, at most maxBytes. `note` sees each one. */
  take(options: {
    readonly segmentEndOffset: number
    readonly logEndOffset: number
    readonly maxBytes: number
    readonly note: (baseOffset: number, sizeBytes: number, maxTimestampMs: number) => void
  }): TakenWrite {
    const first = this.#unwritten
    let at = first
    let sizeBytes = 0
    while (at < this.#bases.length && (this.#bases[at] as number) < options.segmentEndOffset) {
      const batchBytes = this.#sizes[at] as number
      if (at > first && sizeBytes + batchBytes > options.maxBytes) break
      const slab = this.#slabs[at] as Slab
      options.note(this.#bases[at] as number, batchBytes, peekMaxTimestamp(slab.bytes, this.#starts[at] as number))
      sizeBytes += batchBytes
      at++
    }
    assert(at > first, 'a write takes at least one batch')
    this.#unwritten = at
    this.#unwrittenBytes -= sizeBytes
    return { buffers: this.#slices(first, at - 1), sizeBytes, endOffset: this.#bases[at] ?? options.logEndOffset }
  }

  /** The last entry whose base offset is at or below `offset`. */
  #find(offset: number): number | undefined {
    let low = this.#head
    let high = this.#bases.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#bases[middle] as number) <= offset) low = middle + 1
      else high = middle
    }
    return low === this.#head ? undefined : low - 1
  }

  #slices(first: number, last: number): Buffer[] {
    const slices: Buffer[] = []
    let slab = this.#slabs[first] as Slab
    let start = this.#starts[first] as number
    let end = start + (this.#sizes[first] as number)
    for (let at = first + 1; at <= last; at++) {
      const nextSlab = this.#slabs[at] as Slab
      const nextStart = this.#starts[at] as number
      if (nextSlab !== slab || nextStart !== end) {
        slices.push(slab.bytes.subarray(start, end))
        slab = nextSlab
        start = nextStart
      }
      end = nextStart + (this.#sizes[at] as number)
    }
    slices.push(slab.bytes.subarray(start, end))
    return slices
  }
}
