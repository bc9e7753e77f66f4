import type { Task } from '../base/task.ts'
import { readBatchHeader } from '../record/batch.ts'
import type { SegmentList } from './segment-list.ts'

const SCAN_BYTES = 64 * 1024

/** The log that is searched; it may change between two steps. */
export interface SearchedLog {
  readonly startOffset: number
  readonly segments: SegmentList
  /** As Log.read. */
  read(offset: number, maxBytes: number): Task<readonly Buffer[]>
}

/** See Log.findTimestamp. Segments whose largest timestamp is too low are not looked into. */
export function* findTimestamp(log: SearchedLog, options: { readonly timestampMs: number; readonly upTo: number }): Task<Buffer | undefined> {
  const { timestampMs, upTo } = options
  for (let offset = log.startOffset; offset < upTo; ) {
    offset = Math.max(offset, log.startOffset)
    const at = log.segments.indexAt(offset)
    if (log.segments.at(offset).maxTimestampMs < timestampMs) {
      offset = log.segments.endOf(at) ?? upTo
      continue
    }
    let slices: readonly Buffer[]
    try {
      slices = yield* log.read(offset, SCAN_BYTES)
    } catch (error) {
      if (offset < log.startOffset) continue
      throw error
    }
    if (slices.length === 0) return undefined
    for (const slice of slices) {
      for (let position = 0; position < slice.length; ) {
        const { lastOffset, maxTimestamp, sizeBytes } = readBatchHeader(slice, position)
        if (lastOffset >= upTo) return undefined
        if (maxTimestamp >= timestampMs && lastOffset >= log.startOffset) return slice.subarray(position, position + sizeBytes)
        position += sizeBytes
        offset = lastOffset + 1
      }
    }
  }
  return undefined
}
