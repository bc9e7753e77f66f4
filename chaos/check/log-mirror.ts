import { assert } from '../../src/base/assert.ts'
import { crc32c } from '../../src/base/crc32c.ts'
import type { Log } from '../../src/log/surface.ts'
import { hasValidCrc, peekBatchSize, readBatchHeader } from '../../src/record/batch.ts'

/** One batch of one log: where it lies, who led when it was written, and a checksum over all its bytes. `lastOffset` is inclusive. Millions are kept. */
export interface BatchMark {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly epoch: number
  readonly checksum: number
  /** Its own disk changed it: nothing but its place counts. */
  readonly isRotten: boolean
}

/** What a look at a log found that was not there, or is no longer. */
export interface LogChange {
  readonly removed: readonly BatchMark[]
  readonly added: readonly BatchMark[]
}

/** Reads batches that a log holds without disturbing it: from its memory, else from the files below. Undefined: it cannot now. */
export type LogPeek = (log: Log, offset: number) => readonly Buffer[] | undefined

const nothing: LogChange = { removed: [], added: [] }

/** Splits slices of whole batches into marks. `mayRot`: the disk that they are from may have changed them. */
export function markBatches(slices: readonly Buffer[], mayRot = false): BatchMark[] {
  const marks: BatchMark[] = []
  for (const slice of slices) {
    for (let at = 0; at < slice.length; ) {
      const sizeBytes = peekBatchSize(slice, at)
      assert(sizeBytes !== undefined && sizeBytes > 0, 'a log is read in whole batches')
      const { baseOffset, lastOffset, leaderEpoch } = readBatchHeader(slice, at)
      const batch = slice.subarray(at, at + sizeBytes)
      // Signed: an integer that needs no memory of its own.
      const checksum = crc32c(batch) | 0
      marks.push({ baseOffset, lastOffset, epoch: leaderEpoch, checksum, isRotten: mayRot && !hasValidCrc(batch) })
      at += sizeBytes
    }
  }
  return marks
}

export function isSameBatch(left: BatchMark | undefined, right: BatchMark | undefined): boolean {
  return (
    left !== undefined &&
    right !== undefined &&
    left.baseOffset === right.baseOffset &&
    left.lastOffset === right.lastOffset &&
    left.epoch === right.epoch &&
    (left.checksum === right.checksum || left.isRotten || right.isRotten)
  )
}

/** Index of the mark that holds `offset`, or of the first behind it. */
export function findMark(marks: readonly BatchMark[], offset: number): number {
  let low = 0
  let high = marks.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((marks[middle] as BatchMark).lastOffset < offset) low = middle + 1
    else high = middle
  }
  return low
}

/** Follows one log of one process: its batches as marks, brought up to date with each look. */
export class LogMirror {
  readonly marks: BatchMark[] = []
  #startOffset = 0
  #endOffset = 0
  #cutCount: number | undefined
  #mayRot = false

  /** Where the log began when it was looked at last. */
  get startOffset(): number {
    return this.#startOffset
  }

  /** Exclusive: what the mirror knows. */
  get endOffset(): number {
    return this.#endOffset
  }

  /** Compares with the log; what it cannot read now is left for the next look. `mayRot`: its disk may have changed what it holds. */
  look(log: Log, peek: LogPeek, mayRot = false): LogChange {
    this.#mayRot = mayRot
    if (log.cutCount === this.#cutCount && log.endOffset === this.#endOffset && log.startOffset === this.#startOffset) return nothing
    this.#begin(log)
    const removed = this.#cutCount === undefined || log.cutCount === this.#cutCount ? [] : this.#cut(log, peek)
    this.#cutCount = log.cutCount
    if (removed.length === 0 && this.marks.length === 0) this.#endOffset = log.startOffset
    return { removed, added: this.#grow(log, peek) }
  }

  /** What lies wholly below a start that moved is no part of the log, and was not cut from it. */
  #begin(log: Log): void {
    this.#startOffset = log.startOffset
    const gone = findMark(this.marks, log.startOffset)
    this.marks.splice(0, gone)
    if (this.marks.length === 0) this.#endOffset = Math.max(this.#endOffset, log.startOffset)
  }

  /** A cut, maybe with appends behind it in the same step: everything from the first difference on is gone. */
  #cut(log: Log, peek: LogPeek): BatchMark[] {
    const removed: BatchMark[] = []
    for (;;) {
      const last = this.marks.at(-1)
      if (last === undefined) break
      if (last.lastOffset < log.endOffset) {
        const slices = peek(log, last.baseOffset)
        if (slices === undefined || isSameBatch(markBatches(slices, this.#mayRot)[0], last)) break
      }
      removed.unshift(last)
      this.marks.pop()
    }
    this.#endOffset = (this.marks.at(-1)?.lastOffset ?? log.startOffset - 1) + 1
    return removed
  }

  #grow(log: Log, peek: LogPeek): BatchMark[] {
    const added: BatchMark[] = []
    while (this.#endOffset < log.endOffset) {
      const slices = peek(log, this.#endOffset)
      if (slices === undefined || slices.length === 0) break
      for (const mark of markBatches(slices, this.#mayRot)) {
        // The first one may begin below a start that lies within it.
        if (mark.lastOffset < this.#endOffset) continue
        if (mark.baseOffset >= log.endOffset) return added
        added.push(mark)
        this.marks.push(mark)
        this.#endOffset = mark.lastOffset + 1
      }
    }
    return added
  }
}
