import type { Disk, DiskFile } from '../base/disk.ts'
import type { DoneVoid } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import { call, callVoid, type Task } from '../base/task.ts'
import { BATCH_HEADER_BYTES, type BatchHeader, hasValidCrc, readBatchHeader } from '../record/batch.ts'
import type { Segment } from './segment.ts'
import { decodeIndex, encodeIndex, SparseIndex } from './sparse-index.ts'
import type { StoredBatches } from './surface.ts'
import { decodeTimeIndex, encodeTimeIndex, TimeIndex } from './time-index.ts'

const WALK_BYTES = 64 * 1024
const SCAN_BYTES = 1024 * 1024

/** Waits for two seam calls that run side by side; the first error is thrown once both are over. */
export function* both(first: (done: DoneVoid) => void, second: (done: DoneVoid) => void): Task<void> {
  yield (resume) => {
    let left = 2
    let failure: Error | undefined
    const finish: DoneVoid = (error) => {
      failure ??= error
      left--
      if (left === 0) resume(failure, undefined)
    }
    first(finish)
    second(finish)
  }
}

/** The segment's file, opened when it is not yet. */
export function* openSegment(disk: Disk, segment: Segment, options: { readonly create: boolean }): Task<DiskFile> {
  if (segment.file !== undefined) return segment.file
  const file = yield* call<DiskFile | undefined>((done) => disk.open(segment.path, options, done))
  if (file === undefined) throw new BrokerError('CORRUPT_MESSAGE', `${segment.path} is missing`)
  if (segment.file !== undefined || segment.retired) {
    // Somebody else was faster, or the segment went away meanwhile.
    yield* callVoid((done) => file.close(done))
    if (segment.file === undefined) throw new BrokerError('KAFKA_STORAGE_ERROR', `${segment.path} is no longer part of the log`)
    return segment.file
  }
  segment.file = file
  return file
}

/** Writes the indexes of a closed segment. Not synced: what a crash leaves of them is checked when it is read. */
export function* writeIndexes(disk: Disk, segment: Segment, endOffset: number): Task<void> {
  const { baseOffset, writtenBytes, firstTimestampMs, maxTimestampMs, epochs } = segment
  if (segment.index === undefined || segment.timeIndex === undefined) return
  segment.indexed = true
  const bytes = encodeIndex({ baseOffset, endOffset, sizeBytes: writtenBytes, firstTimestampMs, maxTimestampMs, epochs }, segment.index)
  yield* writeFile(disk, segment.indexPath, bytes)
  yield* writeFile(disk, segment.timeIndexPath, encodeTimeIndex({ baseOffset, sizeBytes: writtenBytes }, segment.timeIndex))
}

function* writeFile(disk: Disk, path: string, bytes: Buffer): Task<void> {
  const file = (yield* call<DiskFile | undefined>((done) => disk.open(path, { create: true }, done))) as DiskFile
  yield* callVoid((done) => file.writev([bytes], 0, done))
  yield* callVoid((done) => file.truncate(bytes.length, done))
  yield* callVoid((done) => file.close(done))
}

/** The segment's index; one that is missing or of another content is replaced by an empty one: readers then walk from the start. */
export function* loadIndex(disk: Disk, segment: Segment, intervalBytes: number): Task<SparseIndex> {
  if (segment.index !== undefined) return segment.index
  const bytes = yield* call<Buffer | undefined>((done) => disk.readFile(segment.indexPath, done))
  const decoded = bytes === undefined ? undefined : decodeIndex(bytes, intervalBytes)
  const fits = decoded !== undefined && decoded.summary.baseOffset === segment.baseOffset && decoded.summary.sizeBytes === segment.writtenBytes
  segment.index ??= fits ? decoded.index : new SparseIndex(intervalBytes)
  return segment.index
}

/** Once they are no longer true. */
export function* removeIndexes(disk: Disk, segment: Segment): Task<void> {
  if (!segment.indexed) return
  yield* callVoid((done) => disk.remove(segment.indexPath, done))
  yield* callVoid((done) => disk.remove(segment.timeIndexPath, done))
}

/** The segment's time index; one that is missing or of another content is made anew from the headers, in memory alone. */
export function* loadTimeIndex(disk: Disk, segment: Segment, intervalBytes: number): Task<TimeIndex> {
  if (segment.timeIndex !== undefined) return segment.timeIndex
  const { baseOffset, writtenBytes: sizeBytes, maxTimestampMs: maxMs } = segment
  const bytes = yield* call<Buffer | undefined>((done) => disk.readFile(segment.timeIndexPath, done))
  const decoded = bytes === undefined ? undefined : decodeTimeIndex(bytes, { baseOffset, sizeBytes, intervalBytes, maxMs })
  const loaded = decoded ?? (yield* scanTimes(disk, segment, intervalBytes))
  if (sizeBytes !== segment.writtenBytes) throw new BrokerError('KAFKA_STORAGE_ERROR', `${segment.path} changed while its times were read`)
  segment.timeIndex ??= loaded
  return segment.timeIndex
}

function* scanTimes(disk: Disk, segment: Segment, intervalBytes: number): Task<TimeIndex> {
  const index = new TimeIndex(intervalBytes)
  const file = yield* openSegment(disk, segment, { create: false })
  for (let position = 0; position < segment.writtenBytes; ) {
    const from = position
    const window = yield* call<Buffer>((done) => file.read(from, SCAN_BYTES, done))
    if (window.length < BATCH_HEADER_BYTES) throw corrupt(segment, from, 'the file ends too early')
    while (position - from + BATCH_HEADER_BYTES <= window.length && position < segment.writtenBytes) {
      const { baseOffset, maxTimestamp, sizeBytes } = headerAt(segment, window, position - from, position)
      index.note(baseOffset, maxTimestamp, position)
      position += sizeBytes
    }
  }
  return index
}

/** Removes the files of segments that are no longer part of the log, in the order given, and syncs the folder. */
export function* removeSegments(disk: Disk, folder: string, segments: readonly Segment[]): Task<void> {
  const existing = segments.filter((segment) => segment.exists)
  if (existing.length === 0) return
  for (const segment of existing) {
    segment.retire()
    yield* callVoid((done) => disk.remove(segment.path, done))
    yield* removeIndexes(disk, segment)
  }
  yield* callVoid((done) => disk.syncFolder(folder, done))
}

function corrupt(segment: Segment, position: number, reason: string): BrokerError {
  return new BrokerError('CORRUPT_MESSAGE', `${segment.path} at byte ${position}: ${reason}`)
}

function headerAt(segment: Segment, window: Buffer, at: number, position: number): BatchHeader {
  try {
    return readBatchHeader(window, at)
  } catch (error) {
    throw corrupt(segment, position, error instanceof BrokerError ? error.detail : String(error))
  }
}

/**
 * Where the batch that begins at `offset` lies, walking headers from the index's floor; `writtenBytes` when the segment ends there.
 * Throws CORRUPT_MESSAGE when no batch begins at `offset`.
 */
export function* findPosition(disk: Disk, segment: Segment, options: { readonly offset: number; readonly index: SparseIndex }): Task<number> {
  if (options.offset === segment.baseOffset) return 0
  const file = yield* openSegment(disk, segment, { create: false })
  let position = options.index.floor(options.offset - 1)
  let windowAt = position
  let window: Buffer = Buffer.alloc(0)
  while (position < segment.writtenBytes) {
    if (position + BATCH_HEADER_BYTES > windowAt + window.length) {
      const from = position
      window = yield* call<Buffer>((done) => file.read(from, WALK_BYTES, done))
      windowAt = from
    }
    const header = headerAt(segment, window, position - windowAt, position)
    position += header.sizeBytes
    if (header.lastOffset + 1 === options.offset) return position
    if (header.lastOffset >= options.offset) break
  }
  throw corrupt(segment, position, `no batch begins at offset ${options.offset}`)
}

export interface BatchRange {
  /** The first batch is the one that holds it. */
  readonly offset: number
  /** Exclusive: batches from here on are not looked at. */
  readonly endOffset: number
  readonly maxBytes: number
  readonly index: SparseIndex
}

/** Whole batches of one segment, their CRCs checked (rules R3.3): at least one, then at most maxBytes. Throws CORRUPT_MESSAGE. */
export function* readBatches(disk: Disk, segment: Segment, range: BatchRange): Task<Buffer> {
  const { bytes, fault } = collect(segment, yield* findBatch(disk, segment, range), range)
  if (fault !== null) throw fault
  return bytes
}

/** The same, as they lie there: those in front of a bad one are answered, with what is wrong behind them. */
export function* readStoredBatches(disk: Disk, segment: Segment, range: BatchRange): Task<StoredBatches> {
  const { path } = segment
  try {
    const found = yield* findBatch(disk, segment, range)
    return { path, position: found.position + found.at, ...collect(segment, found, range) }
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== 'CORRUPT_MESSAGE') throw error
    return { path, position: range.index.floor(range.offset), bytes: Buffer.alloc(0), fault: error }
  }
}

/** Bytes of a segment from `position` on; a batch begins at `at`, and is in them whole. */
interface FoundBatch {
  readonly window: Buffer
  readonly position: number
  readonly at: number
}

/** Reads from the file until the batch that holds the offset is there. Throws CORRUPT_MESSAGE. */
function* findBatch(disk: Disk, segment: Segment, range: BatchRange): Task<FoundBatch> {
  const file = yield* openSegment(disk, segment, { create: false })
  let position = range.index.floor(range.offset)
  let wantedBytes = WALK_BYTES + range.maxBytes
  for (;;) {
    const from = position
    const length = Math.min(wantedBytes, segment.writtenBytes - from)
    if (length < BATCH_HEADER_BYTES) throw corrupt(segment, from, `no batch holds offset ${range.offset}`)
    const window = yield* call<Buffer>((done) => file.read(from, length, done))
    const { at, sizeBytes } = skipTo(segment, window, { offset: range.offset, position: from })
    if (sizeBytes > 0 && at + sizeBytes <= window.length) return { window, position: from, at }
    // Short alone proves nothing: a write under way may not have reached the file yet. It ends behind what was asked for.
    if (window.length < length) throw corrupt(segment, from + window.length, 'the file ends too early')
    position = from + at
    if (sizeBytes > segment.writtenBytes - position) throw corrupt(segment, position, `a batch of ${sizeBytes} bytes does not fit the file`)
    wantedBytes = Math.max(WALK_BYTES + range.maxBytes, sizeBytes)
  }
}

/** Walks headers to the batch that holds `offset`; sizeBytes 0: the window ends before its header. */
function skipTo(
  segment: Segment,
  window: Buffer,
  target: { readonly offset: number; readonly position: number },
): { readonly at: number; readonly sizeBytes: number } {
  let at = 0
  while (at + BATCH_HEADER_BYTES <= window.length) {
    const header = headerAt(segment, window, at, target.position + at)
    if (header.baseOffset > target.offset) throw corrupt(segment, target.position + at, `offset ${header.baseOffset} where ${target.offset} was looked for`)
    if (header.lastOffset >= target.offset) return { at, sizeBytes: header.sizeBytes }
    at += header.sizeBytes
  }
  // A batch that reaches beyond the window is skipped whole by its size.
  return { at, sizeBytes: 0 }
}

/** The batches from the found one on, up to one that is bad. */
function collect(segment: Segment, found: FoundBatch, range: BatchRange): { readonly bytes: Buffer; readonly fault: BrokerError | null } {
  const { window, position } = found
  let at = found.at
  let expectedOffset = -1
  try {
    while (at + BATCH_HEADER_BYTES <= window.length && (expectedOffset === -1 || expectedOffset < range.endOffset)) {
      const header = headerAt(segment, window, at, position + at)
      const end = at + header.sizeBytes
      if (at > found.at && (end > window.length || end - found.at > range.maxBytes)) break
      if (expectedOffset !== -1 && header.baseOffset !== expectedOffset)
        throw corrupt(segment, position + at, `offset ${header.baseOffset} where ${expectedOffset} was looked for`)
      if (!hasValidCrc(window.subarray(at, end))) throw corrupt(segment, position + at, 'the checksum of a batch is wrong')
      expectedOffset = header.lastOffset + 1
      at = end
    }
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    return { bytes: window.subarray(found.at, at), fault: error }
  }
  return { bytes: window.subarray(found.at, at), fault: null }
}
