import type { Disk, DiskFile } from '../base/disk.ts'
import { call, callVoid, type Task } from '../base/task.ts'
import type { BatchHeader } from '../record/batch.ts'
import { BATCH_HEADER_BYTES, hasValidCrc, readBatchHeader } from '../record/batch.ts'
import { type EpochStart, EpochTable } from '../base/epochs.ts'
import { DAMAGED_NOTE, formatDamagedNote, parseDamagedNote } from './damaged-note.ts'
import { LOG_START_NOTE, type LogStart, LogStartNote } from './log-start.ts'
import { folderOf, makeFolder, replaceFile } from './replace-file.ts'
import { parseSegmentFileName, Segment } from './segment.ts'
import { loadIndex, loadTimeIndex, openSegment, removeIndexes, writeIndexes } from './segment-io.ts'
import { findBatchHead, MAX_BATCH_BYTES, type ScanFault, SegmentScan } from './segment-scan.ts'
import { decodeIndex } from './sparse-index.ts'
import type { LogMarks, Recovery } from './surface.ts'

/*
 * Recovery of one log (rules R3.3). What is read: every segment front to back, all CRCs, but closed segments that lie wholly below both the safe
 * mark and `visitFrom`, whose index is whole and agrees with the file's size and with its first and last batch: of these the CRCs are checked when
 * they are read to be served. With a `damaged` note beside the log nothing is skipped.
 *
 *   no fault, end ≥ marks                                         → whole (new: no segment at all, and no mark)
 *   a fault in the last segment, at or above the marks,
 *     and nothing good further on than one round of writes reaches → torn: cut
 *   anything else                                                 → damaged: noted, synced, then cut before the first bad batch
 *
 * Good batches that follow a fault within the reach of one round prove nothing: the unsynced bytes of one round may persist in any order (R1.2), and
 * to call that damage would, after a power loss of all nodes, leave no replica that may lead. A round begins only after the one before it is synced and
 * takes at most `reachBytes` of one segment, so what follows beyond that reach, or in another segment, was written after the bad bytes were synced.
 * No checksum covers the leader epoch of a batch. Where epochs fall though all else is right, one of them was changed on the disk: a replica that counted
 * with the greater one would be taken for the one that has most (R5.7). So it is where the marks say that a batch below them was of another one.
 * What is cut as torn though it was synced is covered by suspicion (R3.4): a replica is trusted after an unclean stop only by comparison.
 *
 * Where the log begins is said by its note `log-start`, at 0 when that says nothing. Segments that begin below the noted one are left over, and removed. The start is
 * a mark too: it was synced when it was noted, so a log that ends below it is damaged, and so is one whose first segment is not the noted one. A note that
 * cannot be read makes the log damaged: what is there from the first segment on is kept, but whether anything is missing before it nobody can say, and as
 * a leader it would have all replicas delete that. So it is begun anew once there is a leader to fetch from.
 */

const WINDOW_BYTES = 1024 * 1024

export interface RecoveryOptions {
  readonly disk: Disk
  readonly name: string
  readonly marks: LogMarks
  readonly visitFrom: number
  readonly visit: (header: BatchHeader) => void
  readonly indexIntervalBytes: number
  /** Most bytes of one log that can be unsynced in a file at once. */
  readonly reachBytes: number
}

export interface RecoveredLog {
  readonly segments: readonly Segment[]
  readonly start: LogStart
  readonly startNote: LogStartNote
  readonly endOffset: number
  readonly recovery: Recovery
}

interface Fault extends ScanFault {
  /** gap: the whole segment does not follow the one before it. bytes: it is good up to `position`. */
  readonly type: 'gap' | 'bytes'
  /** Index of the segment. */
  readonly segment: number
}

/** What the scan of all segments gathers. */
interface Judged {
  readonly segments: Segment[]
  /** Where it begins, as noted. */
  start: LogStart
  readonly startNote: LogStartNote
  /** The note cannot be read, and `start` is where the first segment begins. */
  readonly isStartLost: boolean
  /** Files that are no part of it. */
  readonly leftovers: readonly string[]
  /** Bytes of each file as found. */
  readonly fileBytes: number[]
  readonly epochs: EpochTable
  endOffset: number
  fault: Fault | undefined
}

/** Recovers what is on disk and leaves it whole and synced, name included. */
export function* recoverLog(options: RecoveryOptions): Task<RecoveredLog> {
  const { disk, name } = options
  yield* makeFolder(disk, name)
  const noted = yield* call<Buffer | undefined>((done) => disk.readFile(`${name}/${DAMAGED_NOTE}`, done))
  const judged = yield* judge(options, noted !== undefined)
  const { fault, segments } = judged
  const markedEndOffset = Math.max(options.marks.safeEndOffset, options.marks.cleanEndOffset, judged.start.startOffset)
  const damage = yield* findDamage(options, judged, markedEndOffset)
  if (damage !== undefined) {
    const before = noted === undefined ? undefined : parseDamagedNote(noted.toString())
    const claimedEndOffset = Math.max(before?.claimedEndOffset ?? 0, markedEndOffset, damage.claimedEndOffset)
    const isStartLost = judged.isStartLost || before?.isStartLost === true
    const note = formatDamagedNote({ claimedEndOffset, firstBadOffset: judged.endOffset, isStartLost, reason: damage.reason })
    yield* replaceFile(disk, `${name}/${DAMAGED_NOTE}`, Buffer.from(note))
  }
  const cutBytes = yield* cutBack(disk, judged)
  yield* settleStart(options, judged)
  yield* syncAll(options, segments)
  const isNew = segments.length === 0 && judged.start.startOffset === 0
  const verdict = damage !== undefined ? 'damaged' : fault !== undefined ? 'torn' : isNew ? 'new' : 'whole'
  const { start, endOffset } = judged
  const detail = describe({ verdict, startOffset: start.startOffset, endOffset, cutBytes, reason: damage?.reason ?? fault?.reason })
  const recovery = { verdict, detail, cutBytes, epochs: epochsFrom(judged), startEpoch: start.epoch } as const
  return { segments, start, startNote: judged.startNote, endOffset, recovery }
}

/** What begins below the start is forgotten, but for the epoch that holds it: of an emptied log that is the epoch it ended with. */
function epochsFrom(judged: Judged): readonly EpochStart[] {
  const { startOffset, epoch } = judged.start
  const entries = judged.segments.length === 0 ? [] : judged.epochs.entries
  if (entries.length === 0) return epoch === -1 ? [] : [{ epoch, startOffset }]
  return entries.slice(
    Math.max(
      0,
      entries.findLastIndex((entry) => entry.startOffset <= startOffset),
    ),
  )
}

function describe(found: {
  readonly verdict: Recovery['verdict']
  readonly startOffset: number
  readonly endOffset: number
  readonly cutBytes: number
  readonly reason: string | undefined
}): string {
  const { startOffset, endOffset, cutBytes, reason } = found
  switch (found.verdict) {
    case 'new':
      return 'a new log'
    case 'whole':
      return startOffset === 0 ? `whole up to offset ${endOffset}` : `whole from offset ${startOffset} up to ${endOffset}`
    case 'torn':
      return `torn at its end: ${reason}; cut at offset ${endOffset}, ${cutBytes} bytes dropped`
    default:
      return `damaged: ${reason}; cut at offset ${endOffset}, ${cutBytes} bytes dropped, to be fetched again`
  }
}

function* judge(options: RecoveryOptions, readAll: boolean): Task<Judged> {
  const names = yield* call<readonly string[]>((done) => options.disk.list(options.name, done))
  const { note: startNote, found: noted } = yield* LogStartNote.open(options.disk, options.name)
  const found = names.map(parseSegmentFileName).filter((base) => base !== undefined)
  const lostStart = { startOffset: found[0] ?? 0, baseOffset: found[0] ?? 0, epoch: -1 }
  const start = noted === 'unreadable' ? lostStart : noted
  const bases = found.filter((base) => base >= start.baseOffset)
  const judged: Judged = {
    segments: [],
    start,
    startNote,
    isStartLost: noted === 'unreadable',
    leftovers: names.filter((name) => isLeftover(name, bases)),
    fileBytes: [],
    epochs: new EpochTable(),
    endOffset: start.baseOffset,
    fault: undefined,
  }
  for (const [at, baseOffset] of bases.entries()) {
    const segment = new Segment(options.name, baseOffset)
    segment.exists = true
    const [hasIndex, hasTimeIndex] = [segment.indexPath, segment.timeIndexPath].map((path) => names.includes(path.slice(options.name.length + 1)))
    segment.indexed = hasIndex === true || hasTimeIndex === true
    judged.segments.push(segment)
    const file = yield* openSegment(options.disk, segment, { create: false })
    const sizeBytes = yield* call<number>((done) => file.size(done))
    judged.fileBytes.push(sizeBytes)
    if (judged.fault !== undefined) continue
    if (baseOffset !== judged.endOffset) {
      const reason = `a segment begins at offset ${baseOffset} where ${judged.endOffset} should be`
      judged.fault = { type: 'gap', segment: at, position: 0, offset: judged.endOffset, reason, isWhole: false }
      continue
    }
    const closedEndOffset = bases[at + 1]
    const trusted =
      !readAll && hasTimeIndex === true && closedEndOffset !== undefined && closedEndOffset <= Math.min(options.marks.safeEndOffset, options.visitFrom)
    if (trusted && (yield* trustIndex(options, judged, segment, closedEndOffset))) continue
    yield* scanSegment(options, judged, segment)
    if (closedEndOffset === undefined || judged.fault !== undefined) continue
    yield* writeIndexes(options.disk, segment, judged.endOffset)
    // Loaded when somebody reads: the indexes of all closed segments would be much memory.
    segment.index = undefined
    segment.timeIndex = undefined
  }
  return judged
}

/** Takes the index's word for a closed segment, when it fits the file and its first and last batch. */
function* trustIndex(options: RecoveryOptions, judged: Judged, segment: Segment, endOffset: number): Task<boolean> {
  const bytes = yield* call<Buffer | undefined>((done) => options.disk.readFile(segment.indexPath, done))
  const decoded = bytes === undefined ? undefined : decodeIndex(bytes, options.indexIntervalBytes)
  if (decoded === undefined) return false
  const { summary, index } = decoded
  const fits =
    summary.baseOffset === segment.baseOffset && summary.endOffset === endOffset && summary.sizeBytes === judged.fileBytes[judged.segments.length - 1]
  const lastEpoch = summary.epochs.at(-1)?.epoch
  if (!fits || lastEpoch === undefined || (summary.epochs[0] as EpochStart).epoch < judged.epochs.lastEpoch) return false
  const first = yield* checkEnds(options, segment, { from: 0, to: summary.sizeBytes, firstOffset: segment.baseOffset })
  const last = yield* checkEnds(options, segment, { from: index.floor(endOffset), to: summary.sizeBytes, firstOffset: undefined })
  if (first === undefined || last?.endOffset !== endOffset || last.epoch !== lastEpoch) return false
  // Whoever opens the log reads the batch in which it begins, and could not without it.
  const { startOffset } = judged.start
  const holdsStart = startOffset > 0 && startOffset >= segment.baseOffset && startOffset < endOffset
  if (holdsStart && !(yield* isWholeAt(options, segment, { from: index.floor(startOffset), to: summary.sizeBytes, offset: startOffset }))) return false
  segment.writtenBytes = summary.sizeBytes
  segment.sizeBytes = summary.sizeBytes
  segment.epochs = [...summary.epochs]
  segment.firstTimestampMs = summary.firstTimestampMs
  segment.maxTimestampMs = summary.maxTimestampMs
  for (const { epoch, startOffset } of summary.epochs) judged.epochs.note(epoch, startOffset)
  judged.endOffset = endOffset
  return true
}

/** Whether the batch that holds `offset`, at or behind one that the index knows, is whole. */
function* isWholeAt(options: RecoveryOptions, segment: Segment, range: { readonly from: number; readonly to: number; readonly offset: number }): Task<boolean> {
  const file = yield* openSegment(options.disk, segment, { create: false })
  for (let position = range.from; position < range.to; ) {
    const from = position
    const head = yield* call<Buffer>((done) => file.read(from, BATCH_HEADER_BYTES, done))
    if (findBatchHead(head, 0, -1) !== 0) return false
    const { lastOffset, sizeBytes } = readBatchHeader(head, 0)
    if (lastOffset >= range.offset) return hasValidCrc(yield* call<Buffer>((done) => file.read(from, sizeBytes, done)))
    position += sizeBytes
  }
  return false
}

/** Walks batches from one that the index knows to the end of the file (`firstOffset` undefined), or looks at the first one alone. */
function* checkEnds(
  options: RecoveryOptions,
  segment: Segment,
  range: { readonly from: number; readonly to: number; readonly firstOffset: number | undefined },
): Task<{ readonly endOffset: number; readonly epoch: number } | undefined> {
  const file = yield* openSegment(options.disk, segment, { create: false })
  let position = range.from
  let found: { endOffset: number; epoch: number } | undefined
  while (position < range.to) {
    const from = position
    const head = yield* call<Buffer>((done) => file.read(from, BATCH_HEADER_BYTES, done))
    if (findBatchHead(head, 0, -1) !== 0) return undefined
    const header = readBatchHeader(head, 0)
    position += header.sizeBytes
    found = { endOffset: header.lastOffset + 1, epoch: header.leaderEpoch }
    if (range.firstOffset !== undefined) return header.baseOffset === range.firstOffset ? found : undefined
  }
  return position === range.to ? found : undefined
}

function* scanSegment(options: RecoveryOptions, judged: Judged, segment: Segment): Task<void> {
  const sizeBytes = judged.fileBytes[judged.segments.length - 1] as number
  const { indexIntervalBytes, visitFrom } = options
  const { greatestEpoch, epochs = [], safeEndOffset, cleanEndOffset } = options.marks
  const noted = { epochs: new EpochTable(epochs), endOffset: Math.max(safeEndOffset, cleanEndOffset) }
  const { lastEpoch } = judged.epochs
  const scan = new SegmentScan({ baseOffset: segment.baseOffset, lastEpoch, greatestEpoch, noted, sizeBytes, indexIntervalBytes })
  const visit = (header: BatchHeader): void => {
    if (header.lastOffset >= visitFrom) options.visit(header)
  }
  const file = yield* openSegment(options.disk, segment, { create: false })
  for (let neededBytes = BATCH_HEADER_BYTES; neededBytes > 0 && scan.position < sizeBytes; ) {
    const length = Math.min(Math.max(WINDOW_BYTES, neededBytes), sizeBytes - scan.position)
    const window = yield* call<Buffer>((done) => file.read(scan.position, length, done))
    neededBytes = scan.feed(window, visit)
  }
  segment.index = scan.index
  segment.timeIndex = scan.timeIndex
  segment.epochs = scan.epochs
  segment.firstTimestampMs = scan.firstTimestampMs
  segment.maxTimestampMs = scan.maxTimestampMs
  segment.writtenBytes = scan.position
  segment.sizeBytes = scan.position
  for (const { epoch, startOffset } of scan.epochs) judged.epochs.note(epoch, startOffset)
  judged.endOffset = scan.endOffset
  if (scan.fault !== undefined) judged.fault = { ...scan.fault, type: 'bytes', segment: judged.segments.length - 1 }
}

interface Damage {
  readonly reason: string
  readonly claimedEndOffset: number
}

/** Why the log is damaged and how far it is known to have reached; undefined: it is whole, or only torn. */
function* findDamage(options: RecoveryOptions, judged: Judged, markedEndOffset: number): Task<Damage | undefined> {
  const damage = yield* findBadBytes(options, judged, markedEndOffset)
  if (damage !== undefined || !judged.isStartLost) return damage
  return {
    reason: `the note ${LOG_START_NOTE} cannot be read: what lies before offset ${judged.start.startOffset} may be missing`,
    claimedEndOffset: judged.endOffset,
  }
}

function* findBadBytes(options: RecoveryOptions, judged: Judged, markedEndOffset: number): Task<Damage | undefined> {
  const { fault, endOffset, segments } = judged
  const last = segments.at(-1)
  if (endOffset < markedEndOffset) {
    const reason = fault === undefined ? `it ends at offset ${endOffset}` : `${fault.reason}, at offset ${endOffset}`
    return { reason: `${reason}, below the mark at ${markedEndOffset}`, claimedEndOffset: Math.max(markedEndOffset, last?.baseOffset ?? 0) }
  }
  if (fault === undefined || last === undefined) return undefined
  if (fault.type === 'gap' || fault.segment < segments.length - 1) {
    return { reason: `${fault.reason}, at offset ${endOffset}, and the segment at ${last.baseOffset} follows`, claimedEndOffset: last.baseOffset }
  }
  if (fault.isWhole) return { reason: `${fault.reason}, at offset ${endOffset}: one of the two was changed`, claimedEndOffset: endOffset + 1 }
  const good = yield* findGoodBatch(options, judged, fault)
  if (good === undefined) return undefined
  return { reason: `${fault.reason}, at offset ${endOffset}, and a good batch follows at ${good.baseOffset}`, claimedEndOffset: good.lastOffset + 1 }
}

/** A batch of this log, whole and later than the fault, that lies too far behind it to have been written in the same round. */
function* findGoodBatch(options: RecoveryOptions, judged: Judged, fault: Fault): Task<BatchHeader | undefined> {
  const segment = judged.segments[fault.segment] as Segment
  const sizeBytes = judged.fileBytes[fault.segment] as number
  const file = yield* openSegment(options.disk, segment, { create: false })
  let position = fault.position + Math.max(options.reachBytes, 1)
  while (position + BATCH_HEADER_BYTES <= sizeBytes) {
    const from = position
    const window = yield* call<Buffer>((done) => file.read(from, Math.min(WINDOW_BYTES, sizeBytes - from), done))
    const at = findBatchHead(window, 0, fault.offset)
    if (at === -1) {
      position += Math.max(1, window.length - BATCH_HEADER_BYTES + 1)
      continue
    }
    const header = readBatchHeader(window, at)
    const bytes = yield* call<Buffer>((done) => file.read(from + at, Math.min(header.sizeBytes, MAX_BATCH_BYTES), done))
    if (bytes.length === header.sizeBytes && header.leaderEpoch >= judged.epochs.lastEpoch && hasValidCrc(bytes)) return header
    position += at + 1
  }
  return undefined
}

/** Newest first, each removal synced, as every cut: a crash in between leaves a log that is cut somewhere later. Returns the bytes dropped. */
function* cutBack(disk: Disk, judged: Judged): Task<number> {
  const { fault } = judged
  // What ends below the start holds nothing that is served, and does not reach what is fetched next.
  const isLost = judged.endOffset < judged.start.startOffset
  if (fault === undefined && !isLost) return 0
  let cutBytes = 0
  const keep = isLost || fault === undefined ? 0 : fault.type === 'gap' ? fault.segment : fault.segment + 1
  while (judged.segments.length > keep) {
    const segment = judged.segments.pop() as Segment
    cutBytes += judged.fileBytes.pop() as number
    segment.retire()
    yield* callVoid((done) => disk.remove(segment.path, done))
    yield* removeIndexes(disk, segment)
    yield* callVoid((done) => disk.syncFolder(folderOf(segment.path), done))
  }
  const last = judged.segments.at(-1)
  if (last === undefined || fault === undefined || fault.type === 'gap') return cutBytes
  const file = yield* openSegment(disk, last, { create: false })
  yield* callVoid((done) => file.truncate(fault.position, done))
  return cutBytes + (judged.fileBytes.at(-1) as number) - fault.position
}

/** Makes true on disk where the log begins: after a cut below the start, or where the note was lost. Then what is left over goes. */
function* settleStart(options: RecoveryOptions, judged: Judged): Task<void> {
  const { disk, name } = options
  const { start, startNote, isStartLost, leftovers } = judged
  if (judged.endOffset < start.startOffset) {
    judged.start = { ...start, baseOffset: start.startOffset }
    judged.endOffset = start.startOffset
  }
  if (isStartLost || judged.start !== start) yield* startNote.write(judged.start)
  for (const leftover of leftovers) yield* callVoid((done) => disk.remove(`${name}/${leftover}`, done))
}

const SEGMENT_FILE = /^(\d{20})\.(log|index|timeindex)$/

function isLeftover(fileName: string, bases: readonly number[]): boolean {
  const digits = SEGMENT_FILE.exec(fileName)?.[1]
  return digits !== undefined && !bases.includes(Number(digits))
}

/** The page cache may hold what the disk does not: nothing is claimed before it is synced. Only the last segment, which grows on, stays open. */
function* syncAll(options: RecoveryOptions, segments: readonly Segment[]): Task<void> {
  const { disk } = options
  const last = segments.at(-1)
  for (const segment of segments) {
    const file = segment.file as DiskFile
    yield* callVoid((done) => file.sync(done))
    if (segment === last) continue
    segment.file = undefined
    yield* callVoid((done) => file.close(done))
  }
  if (last !== undefined) {
    yield* loadIndex(disk, last, options.indexIntervalBytes)
    yield* loadTimeIndex(disk, last, options.indexIntervalBytes)
    yield* removeIndexes(disk, last)
    last.indexed = false
  }
  yield* callVoid((done) => disk.syncFolder(options.name, done))
}
