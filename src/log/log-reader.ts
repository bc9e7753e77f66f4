import { BrokerError } from '../base/errors.ts'
import type { Task } from '../base/task.ts'
import { findTimestamp } from './find-timestamp.ts'
import type { LogEnvironment } from './log-environment.ts'
import type { Segment } from './segment.ts'
import { loadIndex, loadTimeIndex, readBatches, readStoredBatches } from './segment-io.ts'
import type { SegmentList } from './segment-list.ts'
import type { Log, StoredBatches } from './surface.ts'
import type { TimeIndex } from './time-index.ts'

/** The log that is read; it may change between two steps. */
export interface ReadLog extends Pick<Log, 'name' | 'startOffset' | 'syncedEndOffset' | 'cutCount' | 'readCached'> {
  readonly isStopped: boolean
}

/** Reads one log. What a cut or a new start changes under it is read again. */
export class LogReader {
  readonly #environment: LogEnvironment
  readonly #log: ReadLog
  readonly #segments: SegmentList

  constructor(environment: LogEnvironment, log: ReadLog, segments: SegmentList) {
    this.#environment = environment
    this.#log = log
    this.#segments = segments
  }

  /** Log.read */
  *read(offset: number, maxBytes: number): Task<readonly Buffer[]> {
    for (;;) {
      this.#check(offset)
      const cached = this.#log.readCached(offset, maxBytes)
      if (cached !== undefined) return cached
      const batches = yield* this.#settled(offset, (segment) => this.#readSegment(segment, offset, maxBytes))
      if (batches !== undefined) return [batches]
    }
  }

  /** Log.readStored */
  *readStored(range: { readonly offset: number; readonly endOffset: number; readonly maxBytes: number }): Task<StoredBatches> {
    for (;;) {
      this.#check(range.offset)
      const stored = yield* this.#settled(range.offset, (segment) => this.#readStored(segment, range))
      // Of a segment that a start took away meanwhile, that it is missing is no fault.
      const isGone = range.offset < this.#log.startOffset || this.#log.isStopped
      if (stored !== undefined && (stored.fault === null || !isGone)) return stored
    }
  }

  /** Log.findTimestamp */
  *findTimestamp(options: { readonly timestampMs: number; readonly upTo: number }): Task<Buffer | undefined> {
    const log = this.#log
    const searched = {
      get startOffset() {
        return log.startOffset
      },
      segments: this.#segments,
      read: (offset: number, maxBytes: number) => this.read(offset, maxBytes),
      timeIndex: (segment: Segment) => this.#timeIndex(segment),
    }
    return yield* findTimestamp(searched, options)
  }

  #check(offset: number): void {
    const { name, startOffset, isStopped } = this.#log
    if (isStopped) throw new BrokerError('KAFKA_STORAGE_ERROR', `${name} is closed`)
    if (offset < startOffset) throw new BrokerError('OFFSET_OUT_OF_RANGE', `${name} begins at ${startOffset}, ${offset} was asked for`)
  }

  /** Undefined: a cut changed the file under the read, or a start took it away. What it saw then says nothing, and it begins anew. */
  *#settled<T>(offset: number, read: (segment: Segment) => Task<T>): Task<T | undefined> {
    const { cutCount } = this.#log
    try {
      const seen = yield* read(this.#segments.at(offset))
      return cutCount === this.#log.cutCount ? seen : undefined
    } catch (error) {
      if (cutCount === this.#log.cutCount && offset >= this.#log.startOffset && !this.#log.isStopped) throw error
      return undefined
    }
  }

  *#readSegment(segment: Segment, offset: number, maxBytes: number): Task<Buffer> {
    // What is not synced is in memory, so the disk is never asked for it.
    const endOffset = this.#log.syncedEndOffset
    segment.pin()
    try {
      const index = yield* loadIndex(this.#environment.disk, segment, this.#environment.indexIntervalBytes)
      return yield* readBatches(this.#environment.disk, segment, { offset, endOffset, maxBytes, index })
    } finally {
      segment.unpin()
    }
  }

  *#readStored(segment: Segment, range: { readonly offset: number; readonly endOffset: number; readonly maxBytes: number }): Task<StoredBatches> {
    const endOffset = Math.min(range.endOffset, this.#log.syncedEndOffset)
    segment.pin()
    try {
      const index = yield* loadIndex(this.#environment.disk, segment, this.#environment.indexIntervalBytes)
      return yield* readStoredBatches(this.#environment.disk, segment, { ...range, endOffset, index })
    } finally {
      segment.unpin()
    }
  }

  *#timeIndex(segment: Segment): Task<TimeIndex> {
    segment.pin()
    try {
      return yield* loadTimeIndex(this.#environment.disk, segment, this.#environment.indexIntervalBytes)
    } finally {
      segment.unpin()
    }
  }
}
