import { assert } from '../base/assert.ts'
import type { Segment } from './segment.ts'

/** The segments of one log, oldest first; never empty. */
export class SegmentList {
  #segments: Segment[]

  constructor(segments: readonly Segment[]) {
    assert(segments.length > 0, 'a log has a segment, be it empty')
    this.#segments = [...segments]
  }

  get all(): readonly Segment[] {
    return this.#segments
  }

  get first(): Segment {
    return this.#segments[0] as Segment
  }

  get last(): Segment {
    return this.#segments.at(-1) as Segment
  }

  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.sizeBytes, 0)
  }

  push(segment: Segment): void {
    assert(segment.baseOffset > this.last.baseOffset, 'segments follow one another')
    this.#segments.push(segment)
  }

  /** Takes out those wholly below `offset`, oldest first. */
  dropBelow(offset: number): Segment[] {
    const count = this.#segments.findLastIndex((segment) => segment.baseOffset <= offset)
    assert(count >= 0, 'the first segment begins at or below the start')
    return this.#segments.splice(0, count)
  }

  /** Takes out those that begin above `offset`, newest first, all but the first. */
  dropAbove(offset: number): Segment[] {
    const keep = this.#segments.findLastIndex((segment) => segment.baseOffset <= offset) + 1
    return this.#segments.splice(Math.max(1, keep)).reverse()
  }

  /** Takes out all and begins anew. */
  replaceAll(segment: Segment): Segment[] {
    const dropped = this.#segments
    this.#segments = [segment]
    return dropped
  }

  /** Index of the segment that holds `offset`, the first one's when all begin above it. */
  indexAt(offset: number): number {
    let low = 0
    let high = this.#segments.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.#segments[middle] as Segment).baseOffset <= offset) low = middle
      else high = middle - 1
    }
    return low
  }

  /** The segment that holds `offset`. */
  at(offset: number): Segment {
    return this.#segments[this.indexAt(offset)] as Segment
  }

  /** Base offset of the segment behind that one; undefined for the last. */
  endOf(index: number): number | undefined {
    return this.#segments[index + 1]?.baseOffset
  }

  /** Leader epoch of the last batch that begins below `offset`. */
  epochBefore(offset: number): number | undefined {
    for (let at = this.#segments.length - 1; at >= 0; at--) {
      const entry = (this.#segments[at] as Segment).epochs.findLast(({ startOffset }) => startOffset < offset)
      if (entry !== undefined) return entry.epoch
    }
    return undefined
  }
}
