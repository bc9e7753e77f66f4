import type { EpochStart } from '../base/epochs.ts'
import type { BatchHeader } from '../record/batch.ts'
import { decodeIndex, type SegmentSummary } from './sparse-index.ts'
import { decodeTimeIndex } from './time-index.ts'

/** Entries of one index, in order: the key of a batch, and what is said of it. */
interface Claims {
  readonly offsets: readonly number[]
  readonly values: readonly number[]
  at: number
  wrong: string | undefined
}

/**
 * Compares the index files of a segment with its batches, which come in order. An index that is missing is no fault: it is made anew. A wrong one is
 * harmless to the log too, but says that something is: it is checked by checksum before it is used.
 */
export class IndexAudit {
  readonly #problems: string[] = []
  readonly #summary: SegmentSummary | undefined
  readonly #positions: Claims
  readonly #times: Claims
  readonly #epochs: EpochStart[] = []
  #maxBefore = -1
  #maxTimestampMs = -1

  /** undefined: there is no such file. */
  constructor(
    segment: { readonly baseOffset: number; readonly sizeBytes: number },
    files: { readonly index: Buffer | undefined; readonly timeIndex: Buffer | undefined },
  ) {
    const decoded = files.index === undefined ? undefined : decodeIndex(files.index, 0)
    if (files.index !== undefined && decoded === undefined) this.#problems.push('.index is not a whole index of this version')
    this.#summary = decoded?.summary
    const [offsets, positions] = decoded?.index.entries() ?? [[], []]
    this.#positions = { offsets, values: positions, at: 0, wrong: undefined }
    const timeIndex = files.timeIndex === undefined ? undefined : decodeTimeIndex(files.timeIndex, { ...segment, intervalBytes: 0, maxMs: -1 })
    if (files.timeIndex !== undefined && timeIndex === undefined) this.#problems.push('.timeindex is not a whole index of this segment and version')
    const [timestampsMs, timeOffsets] = timeIndex?.entries() ?? [[], []]
    this.#times = { offsets: timeOffsets, values: timestampsMs, at: 0, wrong: undefined }
  }

  batch(header: BatchHeader, position: number): void {
    const { baseOffset, maxTimestamp } = header
    check(this.#positions, baseOffset, (value) => (value === position ? undefined : `says byte ${value}, it lies at ${position}`))
    check(this.#times, baseOffset, (value) => {
      if (value !== maxTimestamp) return `says timestamp ${value}, it has ${maxTimestamp}`
      return this.#maxBefore >= value ? `says timestamp ${value}, which was reached before it` : undefined
    })
    this.#maxBefore = Math.max(this.#maxBefore, maxTimestamp)
    this.#maxTimestampMs = Math.max(this.#maxTimestampMs, maxTimestamp)
    if (this.#epochs.at(-1)?.epoch !== header.leaderEpoch) this.#epochs.push({ epoch: header.leaderEpoch, startOffset: baseOffset })
  }

  /** What is wrong, once all batches came. */
  finish(segment: { readonly baseOffset: number; readonly endOffset: number; readonly sizeBytes: number }): readonly string[] {
    for (const [type, claims] of [
      ['.index', this.#positions],
      ['.timeindex', this.#times],
    ] as const) {
      if (claims.wrong === undefined && claims.at < claims.offsets.length) claims.wrong = `no batch begins at offset ${claims.offsets[claims.at]}`
      if (claims.wrong !== undefined) this.#problems.push(`${type}: ${claims.wrong}`)
    }
    const summary = this.#summary
    if (summary === undefined) return this.#problems
    const { baseOffset, endOffset, sizeBytes, maxTimestampMs, epochs } = summary
    if (baseOffset !== segment.baseOffset || endOffset !== segment.endOffset || sizeBytes !== segment.sizeBytes) {
      this.#problems.push(`.index is of offsets ${baseOffset} to ${endOffset} in ${sizeBytes} bytes`)
    }
    if (maxTimestampMs < this.#maxTimestampMs) this.#problems.push(`.index says that no timestamp is above ${maxTimestampMs}, one is ${this.#maxTimestampMs}`)
    if (JSON.stringify(epochs) !== JSON.stringify(this.#epochs)) this.#problems.push('.index tells of other epochs')
    return this.#problems
  }
}

/** The first fault of an index is told; entries behind it would mostly be the same one. */
function check(claims: Claims, baseOffset: number, judge: (value: number) => string | undefined): void {
  const next = claims.offsets[claims.at]
  if (claims.wrong !== undefined || next === undefined || next > baseOffset) return
  if (next < baseOffset) {
    claims.wrong = `no batch begins at offset ${next}`
    return
  }
  const reason = judge(claims.values[claims.at] as number)
  if (reason !== undefined) claims.wrong = `of the batch at offset ${next} it ${reason}`
  claims.at++
}
