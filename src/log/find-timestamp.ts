import { BrokerError } from '../base/errors.ts'
import type { Task } from '../base/task.ts'
import { readBatchHeader } from '../record/batch.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'
import type { TimeIndex } from './time-index.ts'

const SCAN_BYTES = 64 * 1024

/** The log that is searched; it may change between two steps. */
export interface SearchedLog {
  readonly startOffset: number
  readonly segments: SegmentList
  /** As Log.read. */
  read(offset: number, maxBytes: number): Task<readonly Buffer[]>
  timeIndex(segment: Segment): Task<TimeIndex>
}

/** See Log.findTimestamp. Segments whose largest timestamp is too low are not looked into. */
export function* findTimestamp(log: SearchedLog, options: { readonly timestampMs: number; readonly upTo: number }): Task<Buffer | undefined> {
  const { timestampMs, upTo } = options
  let entered: Segment | undefined
  for (let offset = log.startOffset; offset < upTo; ) {
    offset = Math.max(offset, log.startOffset)
    const at = log.segments.indexAt(offset)
    const segment = log.segments.at(offset)
    if (segment.maxTimestampMs < timestampMs) {
      offset = log.segments.endOf(at) ?? upTo
      continue
    }
    if (segment !== entered) {
      entered = segment
      offset = Math.max(offset, yield* floorIn(log, segment, timestampMs))
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

/** An index that cannot be had makes the search longer, no more. */
function* floorIn(log: SearchedLog, segment: Segment, timestampMs: number): Task<number> {
  try {
    return (yield* log.timeIndex(segment)).floor(timestampMs) ?? segment.baseOffset
  } catch (error) {
    if (error instanceof BrokerError) return segment.baseOffset
    throw error
  }
}
