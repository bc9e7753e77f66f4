import { assert } from '../base/assert.ts'
import type { Done, DoneVoid } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import { callVoid, runTask, type Task } from '../base/task.ts'
import { type BatchHeader, readBatchHeader, sealBatch, stampBatch, writeBatchHeader } from '../record/batch.ts'
import { LOG_APPEND_TIME_FLAG } from '../record/records.ts'
import type { FlushTarget } from './group-commit.ts'
import type { FlushResult, LogEnvironment } from './log-environment.ts'
import { LogReader } from './log-reader.ts'
import type { LogStart, LogStartNote } from './log-start.ts'
import { retentionOffset } from './retention.ts'
import { Segment } from './segment.ts'
import { SegmentList } from './segment-list.ts'
import { both, findPosition, loadIndex, loadTimeIndex, openSegment, removeIndexes, removeSegments, writeIndexes } from './segment-io.ts'
import { MAX_BATCH_BYTES } from './segment-scan.ts'
import type { Slab, SlabTenant } from './slabs.ts'
import { SparseIndex } from './sparse-index.ts'
import type { AppendStamp, Log, RetentionLimits, StoredBatches } from './surface.ts'
import { TailCache } from './tail-cache.ts'
import { TimeIndex } from './time-index.ts'

const MAX_RELATIVE_OFFSET = 0x7fff_ffff

/**
 * One log. Memory first: append and truncate change what is seen here at once; `flush`, called by the rounds one at a time, takes the disk there.
 *   open → (failed write or sync) → dead: appends are ignored, what is in memory can still be read
 *   open | dead → stop → stopped: nothing is written, read or said any more
 * Invariants: startOffset ≤ syncedEndOffset ≤ endOffset (while a reset waits, the synced end is still that of what it drops) ·
 * syncedEndOffset ≤ writtenEndOffset while no cut waits · what is not synced is in memory ·
 * a write takes bytes of one segment alone, and a segment is synced whole before its successor's file is made · a waiting cut is done and synced
 * before the next write · bytes that a cut took are counted by no completion: those of an older cut count are dropped (rules R3.2) ·
 * the first segment holds the start, or is empty there · a segment's file goes only once a start above it is durable, or one at 0 for a log begun
 * anew there · no write after a reset comes before the note of it.
 */
export class SegmentedLog implements Log, SlabTenant, FlushTarget<FlushResult | undefined> {
  readonly name: string
  #isCopy: boolean
  readonly #environment: LogEnvironment
  readonly #segments: SegmentList
  readonly #reader: LogReader
  readonly #startNote: LogStartNote
  readonly #tail = new TailCache()
  #startOffset: number
  #endOffset: number
  #syncedEndOffset: number
  /** Exclusive end of what was handed to writes. */
  #writtenEndOffset: number
  #cutCount = 0
  #lastEpoch: number
  /** As in LogStart. */
  #startEpoch: number
  /** The disk must be cut to this offset before anything is written. */
  #waitingCut: number | undefined
  /** Segments that a waiting cut removes, newest first. */
  #doomed: Segment[] = []
  /** Segments below the start, oldest first, whose files stay until the start is durable. */
  #leaving: Segment[] = []
  /** The start must be noted: 'reset' and 'restart' (a reset to 0) before anything else is done to the disk. */
  #waitingStart: 'advance' | 'reset' | 'restart' | undefined
  /** Who waits for the next note of the start, and for the one under way. */
  #startCallbacks: DoneVoid[] = []
  #notingCallbacks: DoneVoid[] = []
  #segmentBytes: number
  #segmentAgeMs = Number.POSITIVE_INFINITY
  #state: 'open' | 'dead' | 'stopped' = 'open'
  #failed = false
  #flushing = false
  /** Removals of files under way; they go on beside the rounds. */
  #removals = 0
  #removedCallbacks: (() => void)[] = []
  #quietCallbacks: (() => void)[] = []

  /** `segments`: as recovered, whole and synced; none for a new log. */
  constructor(
    environment: LogEnvironment,
    options: {
      readonly name: string
      readonly segments: readonly Segment[]
      readonly start: LogStart
      readonly startNote: LogStartNote
      readonly endOffset: number
      readonly lastEpoch: number
      readonly isCopy: boolean
    },
  ) {
    this.name = options.name
    this.#isCopy = options.isCopy
    this.#environment = environment
    this.#segments = new SegmentList(options.segments.length > 0 ? options.segments : [this.#newSegment(options.start.baseOffset)])
    this.#reader = new LogReader(environment, this, this.#segments)
    this.#startNote = options.startNote
    this.#startOffset = options.start.startOffset
    this.#startEpoch = options.start.epoch
    this.#endOffset = options.endOffset
    this.#syncedEndOffset = options.endOffset
    this.#writtenEndOffset = options.endOffset
    this.#lastEpoch = options.lastEpoch
    this.#segmentBytes = environment.segmentBytes
    assert(this.#startOffset <= options.endOffset, 'the start is at or before the end')
    assert(this.#segments.last.baseOffset <= options.endOffset, 'the last segment begins at or before the end')
    assert(this.#segments.first.baseOffset === options.start.baseOffset, 'the first segment is the one that was noted')
  }

  get startOffset(): number {
    return this.#startOffset
  }

  get endOffset(): number {
    return this.#endOffset
  }

  get syncedEndOffset(): number {
    return this.#syncedEndOffset
  }

  get cutCount(): number {
    return this.#cutCount
  }

  /** After a cut too large until the cut is synced. */
  get sizeBytes(): number {
    return this.#segments.sizeBytes
  }

  /** As in OpenLogOptions. */
  get isCopy(): boolean {
    return this.#isCopy
  }

  /** A write or sync failed, also of a log that has been stopped since. */
  get failed(): boolean {
    return this.#failed
  }

  get hasWork(): boolean {
    return this.#state === 'open' && (this.#waitingCut !== undefined || this.#waitingStart !== undefined || this.#tail.hasUnwritten)
  }

  appendAsLeader(bytes: Buffer, stamp: AppendStamp): void {
    if (this.#state !== 'open') return
    const { baseOffset, leaderEpoch, logAppendTimeMs = null } = stamp
    assert(baseOffset === this.#endOffset, 'a batch begins where the log ends')
    const header = readBatchHeader(bytes, 0)
    assert(header.sizeBytes === bytes.length, 'a leader appends one whole batch')
    const lastOffset = baseOffset + (header.lastOffset - header.baseOffset)
    const stamped = { ...header, baseOffset, lastOffset, leaderEpoch, maxTimestamp: logAppendTimeMs ?? header.maxTimestamp }
    const slab = this.#copy(bytes, 0, stamped)
    const at = slab.used - bytes.length
    if (logAppendTimeMs === null) stampBatch(slab.bytes, at, stamp)
    else {
      writeBatchHeader(slab.bytes, at, { ...stamped, attributes: header.attributes | LOG_APPEND_TIME_FLAG })
      sealBatch(slab.bytes.subarray(at, slab.used))
    }
    this.#environment.rounds.add(this)
  }

  appendFetched(bytes: Buffer, headers: readonly BatchHeader[]): void {
    if (this.#state !== 'open') return
    let start = 0
    for (const header of headers) {
      assert(header.baseOffset === this.#endOffset, 'fetched batches begin where the log ends, and where each other ends')
      this.#copy(bytes, start, header)
      start += header.sizeBytes
    }
    assert(start === bytes.length, 'the headers tell of all fetched bytes')
    if (start > 0) this.#environment.rounds.add(this)
  }

  #copy(bytes: Buffer, start: number, batch: BatchHeader): Slab {
    const { baseOffset, lastOffset, sizeBytes } = batch
    assert(batch.leaderEpoch >= this.#lastEpoch, 'epochs never fall within a log')
    assert(sizeBytes <= MAX_BATCH_BYTES, 'a batch is within what the recovery takes for one')
    const slab = this.#environment.slabs.reserve(sizeBytes, this, lastOffset)
    const at = slab.used - sizeBytes
    bytes.copy(slab.bytes, at, start, start + sizeBytes)
    this.#tail.push(baseOffset, slab, at, sizeBytes)
    const segment = this.#segmentForAppend(batch)
    segment.sizeBytes += sizeBytes
    segment.noteEpoch(batch.leaderEpoch, baseOffset)
    segment.noteTimestamp(batch.maxTimestamp)
    this.#lastEpoch = batch.leaderEpoch
    this.#endOffset = lastOffset + 1
    this.#environment.counters.appendedBytes += sizeBytes
    this.#environment.counters.copiedBytes += sizeBytes
    return slab
  }

  takeOver(cutCount: number): void {
    assert(!this.hasWork && !this.#flushing && this.#syncedEndOffset === this.#endOffset, 'a log takes over once all of it is on the disk')
    this.#cutCount = cutCount
    this.#isCopy = false
  }

  limitSegments(limits: { readonly sizeBytes: number; readonly ageMs: number }): void {
    assert(limits.sizeBytes > 0 && limits.ageMs > 0, 'a segment has room')
    this.#segmentBytes = limits.sizeBytes
    this.#segmentAgeMs = limits.ageMs
  }

  #segmentForAppend(batch: BatchHeader): Segment {
    const { last } = this.#segments
    const { baseOffset, sizeBytes } = batch
    const isFull = last.sizeBytes + sizeBytes > this.#segmentBytes || baseOffset - last.baseOffset > MAX_RELATIVE_OFFSET
    const isOld = last.firstTimestampMs >= 0 && batch.maxTimestamp - last.firstTimestampMs > this.#segmentAgeMs
    if (!(isFull || isOld) || last.baseOffset === baseOffset) return last
    const segment = this.#newSegment(baseOffset)
    this.#segments.push(segment)
    return segment
  }

  #newSegment(baseOffset: number): Segment {
    const segment = new Segment(this.name, baseOffset)
    segment.index = new SparseIndex(this.#environment.indexIntervalBytes)
    segment.timeIndex = new TimeIndex(this.#environment.indexIntervalBytes)
    return segment
  }

  truncate(endOffset: number): void {
    if (this.#state !== 'open') return
    assert(endOffset >= this.#startOffset && endOffset <= this.#endOffset, 'a cut lies within the log')
    this.#cutCount++
    this.#endOffset = endOffset
    this.#syncedEndOffset = Math.min(this.#syncedEndOffset, endOffset)
    this.#waitingCut = Math.min(this.#waitingCut ?? endOffset, endOffset)
    this.#tail.cut(endOffset)
    this.#doomed.push(...this.#segments.dropAbove(endOffset))
    this.#segments.last.cut(endOffset)
    this.#settleSize(this.#segments.last)
    this.#lastEpoch = this.epochBefore(endOffset)
    this.#environment.rounds.add(this)
  }

  advanceStart(offset: number, done: DoneVoid): void {
    if (this.#state !== 'open') {
      this.#environment.clock.defer(() => done(this.#notOpen()))
      return
    }
    assert(offset > this.#startOffset && offset <= this.#syncedEndOffset, 'the start moves up, within what is synced')
    this.#startEpoch = this.epochBefore(offset)
    this.#startOffset = offset
    if (offset === this.#endOffset && this.#segments.last.baseOffset < offset) this.#segments.push(this.#newSegment(offset))
    this.#leaving.push(...this.#segments.dropBelow(offset))
    this.#waitingStart ??= 'advance'
    this.#startCallbacks.push(done)
    this.#environment.rounds.add(this)
  }

  resetTo(offset: number, epoch = -1): void {
    if (this.#state !== 'open') return
    assert(offset > this.#endOffset || offset === 0, 'a log is begun anew behind its end, or at 0')
    this.#cutCount++
    this.#leaving.push(...this.#segments.replaceAll(this.#newSegment(offset)))
    if (offset === 0) {
      this.#doomed.push(...this.#leaving.splice(0).reverse())
      this.#syncedEndOffset = 0
    }
    this.#tail.cut(0)
    this.#startOffset = offset
    this.#endOffset = offset
    this.#writtenEndOffset = offset
    this.#startEpoch = epoch
    this.#lastEpoch = epoch
    this.#waitingCut = undefined
    this.#waitingStart = offset === 0 || this.#waitingStart === 'restart' ? 'restart' : 'reset'
    this.#environment.rounds.add(this)
  }

  epochBefore(offset: number): number {
    return this.#segments.epochBefore(offset) ?? this.#startEpoch
  }

  retentionOffset(limits: RetentionLimits): number {
    const log = { startOffset: this.#startOffset, endOffset: this.#endOffset }
    return retentionOffset(this.#segments.all, log, { ...limits, upTo: Math.min(limits.upTo, this.#syncedEndOffset) })
  }

  /** What waits for this segment is all that waits, less what waits for the others. */
  #settleSize(segment: Segment): void {
    let waitingBytes = this.#tail.unwrittenBytes
    for (const other of this.#segments.all) if (other !== segment) waitingBytes -= other.sizeBytes - other.writtenBytes
    segment.sizeBytes = segment.writtenBytes + waitingBytes
  }

  readCached(offset: number, maxBytes: number): readonly Buffer[] | undefined {
    if (offset >= this.#endOffset) return []
    if (offset < this.#startOffset) return undefined
    return this.#tail.read(offset, maxBytes)
  }

  read(offset: number, maxBytes: number, done: Done<readonly Buffer[]>): void {
    const cached = this.isStopped ? undefined : this.readCached(offset, maxBytes)
    if (cached !== undefined) this.#environment.clock.defer(() => done(undefined, cached))
    else this.#environment.clock.defer(() => runTask(this.#reader.read(offset, maxBytes), done))
  }

  readStored(range: { readonly offset: number; readonly endOffset: number; readonly maxBytes: number }, done: Done<StoredBatches>): void {
    this.#environment.clock.defer(() => runTask(this.#reader.readStored(range), done))
  }

  findTimestamp(timestampMs: number, upTo: number, done: Done<Buffer | undefined>): void {
    this.#environment.clock.defer(() => runTask(this.#reader.findTimestamp({ timestampMs, upTo }), done))
  }

  get isStopped(): boolean {
    return this.#state === 'stopped'
  }

  release(lastOffset: number): boolean {
    const endOffset = Math.min(lastOffset + 1, this.#endOffset)
    if (this.#state === 'open' && endOffset > this.#syncedEndOffset) return false
    this.#tail.evict(endOffset)
    return true
  }

  *flush(): Task<FlushResult | undefined> {
    this.#flushing = true
    if (this.#waitingStart === 'reset' || this.#waitingStart === 'restart') return yield* this.#reset()
    if (this.#waitingCut !== undefined) return yield* this.#cut(this.#waitingCut)
    return this.#waitingStart === undefined ? yield* this.#write() : yield* this.#noteStart()
  }

  flushed(error: Error | undefined, result: FlushResult | undefined): void {
    this.#flushing = false
    if (error !== undefined) this.#fail(error)
    else if (this.#state === 'open' && result?.cutCount === this.#cutCount) {
      assert(result.endOffset >= this.#syncedEndOffset && result.endOffset <= this.#endOffset, 'a completion counts what is there')
      this.#syncedEndOffset = result.endOffset
      this.#environment.events.synced(this, result.endOffset, result.cutCount)
    }
    this.#answerStart(this.#notingCallbacks.splice(0), this.#state === 'open' ? undefined : this.#notOpen())
    this.#callWhenQuiet()
  }

  #answerStart(callbacks: readonly DoneVoid[], error: Error | undefined): void {
    for (const callback of callbacks) callback(error)
  }

  #callWhenQuiet(): void {
    if (this.#flushing || this.#removals > 0) return
    for (const callback of this.#quietCallbacks.splice(0)) callback()
  }

  #notOpen(): BrokerError {
    return new BrokerError('KAFKA_STORAGE_ERROR', `${this.name} is ${this.isStopped ? 'closed' : 'dead: a write or sync failed'}`)
  }

  #fail(error: Error): void {
    this.#failed = true
    if (this.#state !== 'open') return
    this.#state = 'dead'
    this.#tail.abandon()
    this.#answerStart(this.#startCallbacks.splice(0), this.#notOpen())
    this.#environment.events.failed(this, error)
  }

  *#write(): Task<FlushResult> {
    const { disk, counters } = this.#environment
    const cutCount = this.#cutCount
    const at = this.#segments.indexAt(this.#writtenEndOffset)
    const segment = this.#segments.all[at] as Segment
    const previous = this.#segments.all[at - 1]
    const position = segment.writtenBytes
    const taken = this.#tail.take({
      segmentEndOffset: this.#segments.endOf(at) ?? Number.POSITIVE_INFINITY,
      logEndOffset: this.#endOffset,
      maxBytes: this.#environment.roundBytes,
      note: (baseOffset, sizeBytes, maxTimestampMs) => {
        segment.index?.note(baseOffset, segment.writtenBytes)
        segment.timeIndex?.note(baseOffset, maxTimestampMs, segment.writtenBytes)
        segment.writtenBytes += sizeBytes
      },
    })
    this.#writtenEndOffset = taken.endOffset
    assert(segment.writtenBytes <= segment.sizeBytes, 'no more is written than was appended')
    const isNew = !segment.exists
    segment.exists = true
    const file = yield* openSegment(disk, segment, { create: isNew })
    if (isNew && previous !== undefined && !previous.indexed) {
      yield* writeIndexes(disk, previous, segment.baseOffset)
      previous.rest()
    }
    counters.writeCalls++
    counters.syncCalls++
    if (isNew)
      yield* both(
        (done) => file.writevSynced(taken.buffers, position, done),
        (done) => disk.syncFolder(this.name, done),
      )
    else yield* callVoid((done) => file.writevSynced(taken.buffers, position, done))
    return { endOffset: taken.endOffset, cutCount }
  }

  /** Newest first and each removal synced, so that a crash in between leaves a log that is whole up to some later point. */
  *#cut(endOffset: number): Task<FlushResult> {
    const { disk, counters } = this.#environment
    const cutCount = this.#cutCount
    const doomed = this.#doomed
    this.#doomed = []
    this.#waitingCut = undefined
    // An older cut may reach into what a start has left since.
    const segment = [...this.#leaving, ...this.#segments.all].findLast((candidate) => candidate.exists && candidate.baseOffset <= endOffset)
    const writtenEndOffset = Math.min(endOffset, this.#writtenEndOffset)
    const cutsDisk = writtenEndOffset < this.#writtenEndOffset
    this.#writtenEndOffset = writtenEndOffset
    for (const old of doomed) yield* removeSegments(disk, this.name, [old])
    if (cutsDisk && segment !== undefined) {
      segment.wake()
      const index = yield* loadIndex(disk, segment, this.#environment.indexIntervalBytes)
      const timeIndex = yield* loadTimeIndex(disk, segment, this.#environment.indexIntervalBytes)
      const position = yield* findPosition(disk, segment, { offset: endOffset, index })
      index.cut(endOffset)
      timeIndex.cut(endOffset)
      segment.writtenBytes = position
      this.#settleSize(segment)
      yield* removeIndexes(disk, segment)
      segment.indexed = false
      const file = yield* openSegment(disk, segment, { create: false })
      yield* callVoid((done) => file.truncate(position, done))
      counters.syncCalls++
      yield* callVoid((done) => file.sync(done))
    }
    return { endOffset: writtenEndOffset, cutCount }
  }

  *#noteStart(doomed: readonly Segment[] = []): Task<undefined> {
    const start = { startOffset: this.#startOffset, baseOffset: this.#segments.first.baseOffset, epoch: this.#startEpoch }
    const leaving = this.#leaving.splice(0)
    this.#notingCallbacks = this.#startCallbacks.splice(0)
    this.#waitingStart = undefined
    for (const segment of doomed) yield* removeSegments(this.#environment.disk, this.name, [segment])
    yield* this.#startNote.write(start)
    this.#remove(leaving)
  }

  /**
   * What a waiting cut would remove goes first: it may begin at or above the new start, and the note tells what is left over by where it begins. The rest
   * of that cut is not needed: its segment begins below. After a restart the note goes first: a crash then leaves a log that is whole up to some point, or
   * one that lacks its beginning, which is damage; the other way round an empty one that begins where the old one did would pass for whole.
   */
  *#reset(): Task<FlushResult> {
    const isRestart = this.#waitingStart === 'restart'
    // Files of the same names are made again.
    if (isRestart && this.#removals > 0) yield* callVoid((done) => this.#removedCallbacks.push(() => done(undefined)))
    const result = { endOffset: this.#startOffset, cutCount: this.#cutCount }
    const doomed = this.#doomed.splice(0)
    yield* this.#noteStart(isRestart ? [] : doomed)
    if (isRestart) for (const segment of doomed) yield* removeSegments(this.#environment.disk, this.name, [segment])
    return result
  }

  /** Beside the rounds: other logs need not wait for it. A crash leaves files that the note tells to be left over. */
  #remove(segments: readonly Segment[]): void {
    if (this.isStopped) for (const segment of segments) segment.retire()
    if (segments.length === 0 || this.isStopped) return
    this.#removals++
    runTask(removeSegments(this.#environment.disk, this.name, segments), (error) => {
      this.#removals--
      if (error !== undefined) this.#fail(error)
      if (this.#removals === 0) for (const callback of this.#removedCallbacks.splice(0)) callback()
      this.#callWhenQuiet()
    })
  }

  /** Ends the log in this process; calls back once no flush is in flight. Files close when their readers are done. */
  stop(callback: () => void): void {
    this.#state = 'stopped'
    this.#tail.abandon()
    this.#answerStart(this.#startCallbacks.splice(0), this.#notOpen())
    const finish = (): void => {
      for (const segment of [...this.#leaving, ...this.#segments.all, ...this.#doomed]) segment.retire()
      callback()
    }
    if (this.#flushing || this.#removals > 0) this.#quietCallbacks.push(finish)
    else this.#environment.clock.defer(finish)
  }
}
