import { assert } from '../../src/base/assert.ts'
import { type BatchMark, findMark, isSameBatch, type LogMirror } from './log-mirror.ts'

/** What a log has exposed as committed, by the greatest high watermark that any leader ever had: the yardstick of I1, I4 and I6. */
export class Committed {
  readonly #marks: BatchMark[] = []
  #startOffset = 0
  #endOffset = 0
  #hasGivenUp = false

  /** There was an unclean election: whoever led then may have had less, and what it had counts (rules R5.7). */
  giveUp(): void {
    this.#hasGivenUp = true
  }

  get hasGivenUp(): boolean {
    return this.#hasGivenUp
  }

  /** The greatest log start that any leader ever decided: what lies wholly below may be gone, everywhere and for good. */
  get startOffset(): number {
    return this.#startOffset
  }

  /** A leader's log start. */
  decided(startOffset: number): void {
    this.#startOffset = Math.max(this.#startOffset, startOffset)
  }

  /** Exclusive: the greatest high watermark ever. */
  get endOffset(): number {
    return this.#endOffset
  }

  /** A leader's high watermark; its log is the truth for what is new below it. False when its log does not reach that far. */
  exposed(highWatermark: number, mirror: LogMirror): boolean {
    if (highWatermark <= this.#endOffset) return true
    if (mirror.endOffset < highWatermark) return false
    for (let at = findMark(mirror.marks, this.#endOffset); at < mirror.marks.length; at++) {
      const mark = mirror.marks[at] as BatchMark
      if (mark.baseOffset >= highWatermark) break
      this.#marks.push(mark)
    }
    assert(this.#marks.length === 0 || (this.#marks.at(-1) as BatchMark).lastOffset < highWatermark, 'a high watermark lies between batches')
    this.#endOffset = highWatermark
    return true
  }

  /** The first offset in [fromOffset, end) where the mirror holds something else, or nothing though no leader let it go; undefined: all is there. */
  firstDifference(mirror: LogMirror, fromOffset: number): number | undefined {
    const from = Math.max(fromOffset, Math.min(mirror.startOffset, this.#startOffset))
    let own = findMark(this.#marks, from)
    let theirs = findMark(mirror.marks, from)
    for (; own < this.#marks.length; own++, theirs++) {
      const mark = this.#marks[own] as BatchMark
      if (!isSameBatch(mark, mirror.marks[theirs])) return mark.baseOffset
    }
    return undefined
  }

  /** Whether this very batch is among what was exposed. */
  holds(mark: BatchMark): boolean {
    return isSameBatch(this.#marks[findMark(this.#marks, mark.baseOffset)], mark)
  }
}
