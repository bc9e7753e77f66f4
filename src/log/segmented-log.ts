import { assert } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import { callVoid, runTask, type Task } from '../base/task.ts'
import { type BatchHeader, readBatchHeader, stampBatch } from '../record/batch.ts'
import type { FlushTarget, GroupCommit } from './group-commit.ts'
import { folderOf } from './replace-file.ts'
import { Segment } from './segment.ts'
import { both, findPosition, loadIndex, openSegment, readBatches, writeIndex } from './segment-io.ts'
import { MAX_BATCH_BYTES } from './segment-scan.ts'
import type { Slabs, SlabTenant } from './slabs.ts'
import { SparseIndex } from './sparse-index.ts'
import type { Log, LogDirectoryEvents } from './surface.ts'
import { TailCache } from './tail-cache.ts'

/** What all logs of a folder share. */
export interface LogEnvironment {
  readonly disk: Disk
  readonly clock: Pick<Clock, 'defer'>
  readonly slabs: Slabs
  readonly rounds: GroupCommit<FlushResult>
  readonly counters: { appendedBytes: number; copiedBytes: number; writeCalls: number; syncCalls: number; rounds: number }
  readonly events: LogDirectoryEvents
  /** Of a log that was given no other limit. */
  readonly segmentBytes: number
  readonly indexIntervalBytes: number
  /** Most bytes of one log in one round (or one batch): how far unsynced bytes can reach, for the recovery. */
  readonly roundBytes: number
}

/** Where a flush left the disk: all below endOffset is durable, judged by the cut count it began with. */
export interface FlushResult {
  readonly endOffset: number
  readonly cutCount: number
}

const MAX_RELATIVE_OFFSET = 0x7fff_ffff

/**
 * One log. Memory first: append and truncate change what is seen here at once; `flush`, called by the rounds one at a time, takes the disk there.
 *   open → (failed write or sync) → dead: appends are ignored, what is in memory can still be read
 *   open | dead → stop → stopped: nothing is written, read or said any more
 * Invariants: startOffset ≤ syncedEndOffset ≤ endOffset · syncedEndOffset ≤ writtenEndOffset while no cut waits · what is not synced is in memory ·
 * a write takes bytes of one segment alone, and a segment is synced whole before its successor's file is made · a waiting cut is done and synced
 * before the next write · bytes that a cut took are counted by no completion: those of an older cut count are dropped (rules R3.2).
 */
export class SegmentedLog implements Log, SlabTenant, FlushTarget<FlushResult> {
  readonly name: string
  readonly #environment: LogEnvironment
  readonly #segments: Segment[]
  readonly #tail = new TailCache()
  readonly startOffset: number
  #endOffset: number
  #syncedEndOffset: number
  /** Exclusive end of what was handed to writes. */
  #writtenEndOffset: number
  #cutCount = 0
  #lastEpoch: number
  /** The disk must be cut to this offset before anything is written. */
  #waitingCut: number | undefined
  /** Segments that a waiting cut removes, newest first. */
  #doomed: Segment[] = []
  #segmentBytes: number
  #state: 'open' | 'dead' | 'stopped' = 'open'
  #flushing = false
  #quietCallbacks: (() => void)[] = []

  /** `segments`: as recovered, whole and synced; none for a new log. */
  constructor(
    environment: LogEnvironment,
    options: { readonly name: string; readonly segments: readonly Segment[]; readonly endOffset: number; readonly lastEpoch: number },
  ) {
    this.name = options.name
    this.#environment = environment
    this.#segments = options.segments.length > 0 ? [...options.segments] : [this.#newSegment(0)]
    this.startOffset = (this.#segments[0] as Segment).baseOffset
    this.#endOffset = options.endOffset
    this.#syncedEndOffset = options.endOffset
    this.#writtenEndOffset = options.endOffset
    this.#lastEpoch = options.lastEpoch
    this.#segmentBytes = environment.segmentBytes
    assert(this.#lastSegment.baseOffset <= options.endOffset, 'the last segment begins at or before the end')
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
    let sizeBytes = 0
    for (const segment of this.#segments) sizeBytes += segment.sizeBytes
    return sizeBytes
  }

  get dead(): boolean {
    return this.#state === 'dead'
  }

  get hasWork(): boolean {
    return this.#state === 'open' && (this.#waitingCut !== undefined || this.#tail.hasUnwritten)
  }

  appendAsLeader(bytes: Buffer, stamp: { readonly baseOffset: number; readonly leaderEpoch: number }): void {
    if (this.#state !== 'open') return
    assert(stamp.baseOffset === this.#endOffset, 'a batch begins where the log ends')
    const header = readBatchHeader(bytes, 0)
    assert(header.sizeBytes === bytes.length, 'a leader appends one whole batch')
    const lastOffset = stamp.baseOffset + (header.lastOffset - header.baseOffset)
    const slab = this.#copy(bytes, { start: 0, baseOffset: stamp.baseOffset, lastOffset, leaderEpoch: stamp.leaderEpoch, sizeBytes: bytes.length })
    stampBatch(slab.bytes, slab.used - bytes.length, stamp)
    this.#environment.rounds.add(this)
  }

  appendFetched(bytes: Buffer, headers: readonly BatchHeader[]): void {
    if (this.#state !== 'open') return
    let start = 0
    for (const { baseOffset, lastOffset, leaderEpoch, sizeBytes } of headers) {
      assert(baseOffset === this.#endOffset, 'fetched batches begin where the log ends, and where each other ends')
      this.#copy(bytes, { start, baseOffset, lastOffset, leaderEpoch, sizeBytes })
      start += sizeBytes
    }
    assert(start === bytes.length, 'the headers tell of all fetched bytes')
    if (start > 0) this.#environment.rounds.add(this)
  }

  #copy(
    bytes: Buffer,
    batch: { readonly start: number; readonly baseOffset: number; readonly lastOffset: number; readonly leaderEpoch: number; readonly sizeBytes: number },
  ) {
    const { baseOffset, lastOffset, sizeBytes } = batch
    assert(batch.leaderEpoch >= this.#lastEpoch, 'epochs never fall within a log')
    assert(sizeBytes <= MAX_BATCH_BYTES, 'a batch is within what the recovery takes for one')
    const slab = this.#environment.slabs.reserve(sizeBytes, this, lastOffset)
    const at = slab.used - sizeBytes
    bytes.copy(slab.bytes, at, batch.start, batch.start + sizeBytes)
    this.#tail.push(baseOffset, slab, at, sizeBytes)
    const segment = this.#segmentForAppend(baseOffset, sizeBytes)
    segment.sizeBytes += sizeBytes
    segment.noteEpoch(batch.leaderEpoch, baseOffset)
    this.#lastEpoch = batch.leaderEpoch
    this.#endOffset = lastOffset + 1
    this.#environment.counters.appendedBytes += sizeBytes
    this.#environment.counters.copiedBytes += sizeBytes
    return slab
  }

  limitSegments(sizeBytes: number): void {
    assert(sizeBytes > 0, 'a segment has room')
    this.#segmentBytes = sizeBytes
  }

  #segmentForAppend(baseOffset: number, sizeBytes: number): Segment {
    const last = this.#lastSegment
    const isFull = last.sizeBytes + sizeBytes > this.#segmentBytes || baseOffset - last.baseOffset > MAX_RELATIVE_OFFSET
    if (!isFull || last.baseOffset === baseOffset) return last
    const segment = this.#newSegment(baseOffset)
    this.#segments.push(segment)
    return segment
  }

  #newSegment(baseOffset: number): Segment {
    const segment = new Segment(this.name, baseOffset)
    segment.index = new SparseIndex(this.#environment.indexIntervalBytes)
    return segment
  }

  truncate(endOffset: number): void {
    if (this.#state !== 'open') return
    assert(endOffset >= this.startOffset && endOffset <= this.#endOffset, 'a cut lies within the log')
    this.#cutCount++
    this.#endOffset = endOffset
    this.#syncedEndOffset = Math.min(this.#syncedEndOffset, endOffset)
    this.#waitingCut = Math.min(this.#waitingCut ?? endOffset, endOffset)
    this.#tail.cut(endOffset)
    while (this.#segments.length > 1 && this.#lastSegment.baseOffset > endOffset) this.#doomed.push(this.#segments.pop() as Segment)
    const last = this.#lastSegment
    last.epochs = last.epochs.filter((entry) => entry.startOffset < endOffset)
    this.#settleSize(last)
    this.#lastEpoch = this.#segments.findLast((segment) => segment.epochs.length > 0)?.epochs.at(-1)?.epoch ?? -1
    this.#environment.rounds.add(this)
  }

  /** What waits for this segment is all that waits, less what waits for the others. */
  #settleSize(segment: Segment): void {
    let waitingBytes = this.#tail.unwrittenBytes
    for (const other of this.#segments) if (other !== segment) waitingBytes -= other.sizeBytes - other.writtenBytes
    segment.sizeBytes = segment.writtenBytes + waitingBytes
  }

  readCached(offset: number, maxBytes: number): readonly Buffer[] | undefined {
    if (offset >= this.#endOffset) return []
    return this.#tail.read(offset, maxBytes)
  }

  read(offset: number, maxBytes: number, done: Done<readonly Buffer[]>): void {
    const cached = this.#state === 'stopped' ? undefined : this.readCached(offset, maxBytes)
    if (cached !== undefined) this.#environment.clock.defer(() => done(undefined, cached))
    else this.#environment.clock.defer(() => runTask(this.#read(offset, maxBytes), done))
  }

  get #isStopped(): boolean {
    return this.#state === 'stopped'
  }

  *#read(offset: number, maxBytes: number): Task<readonly Buffer[]> {
    if (offset < this.startOffset) throw new BrokerError('OFFSET_OUT_OF_RANGE', `${this.name} begins at ${this.startOffset}, ${offset} was asked for`)
    for (;;) {
      if (this.#isStopped) throw new BrokerError('KAFKA_STORAGE_ERROR', `${this.name} is closed`)
      const cached = this.readCached(offset, maxBytes)
      if (cached !== undefined) return cached
      const cutCount = this.#cutCount
      try {
        const batches = yield* this.#readSegment(this.#segmentAt(offset), offset, maxBytes)
        if (cutCount === this.#cutCount) return [batches]
      } catch (error) {
        // A cut changes the file under a read: what it saw then says nothing, and it begins anew.
        if (cutCount === this.#cutCount && !this.#isStopped) throw error
      }
    }
  }

  *#readSegment(segment: Segment, offset: number, maxBytes: number): Task<Buffer> {
    // What is not synced is in memory, so the disk is never asked for it.
    const endOffset = this.#syncedEndOffset
    segment.pin()
    try {
      const index = yield* loadIndex(this.#environment.disk, segment, this.#environment.indexIntervalBytes)
      return yield* readBatches(this.#environment.disk, segment, { offset, endOffset, maxBytes, index })
    } finally {
      segment.unpin()
    }
  }

  release(lastOffset: number): boolean {
    const endOffset = Math.min(lastOffset + 1, this.#endOffset)
    if (this.#state === 'open' && endOffset > this.#syncedEndOffset) return false
    this.#tail.evict(endOffset)
    return true
  }

  *flush(): Task<FlushResult> {
    this.#flushing = true
    return this.#waitingCut === undefined ? yield* this.#write() : yield* this.#cut(this.#waitingCut)
  }

  flushed(error: Error | undefined, result: FlushResult): void {
    this.#flushing = false
    if (error !== undefined) this.#fail(error)
    else if (this.#state === 'open' && result.cutCount === this.#cutCount) {
      assert(result.endOffset >= this.#syncedEndOffset && result.endOffset <= this.#endOffset, 'a completion counts what is there')
      this.#syncedEndOffset = result.endOffset
      this.#environment.events.synced(this, result.endOffset, result.cutCount)
    }
    const callbacks = this.#quietCallbacks
    this.#quietCallbacks = []
    for (const callback of callbacks) callback()
  }

  #fail(error: Error): void {
    if (this.#state !== 'open') return
    this.#state = 'dead'
    this.#tail.abandon()
    this.#environment.events.failed(this, error)
  }

  *#write(): Task<FlushResult> {
    const { disk, counters } = this.#environment
    const cutCount = this.#cutCount
    const at = this.#segments.findLastIndex((candidate) => candidate.baseOffset <= this.#writtenEndOffset)
    const segment = this.#segments[at] as Segment
    const previous = this.#segments[at - 1]
    const position = segment.writtenBytes
    const taken = this.#tail.take({
      segmentEndOffset: this.#segments[at + 1]?.baseOffset ?? Number.POSITIVE_INFINITY,
      logEndOffset: this.#endOffset,
      maxBytes: this.#environment.roundBytes,
      note: (baseOffset, sizeBytes) => {
        segment.index?.note(baseOffset, segment.writtenBytes)
        segment.writtenBytes += sizeBytes
      },
    })
    this.#writtenEndOffset = taken.endOffset
    assert(segment.writtenBytes <= segment.sizeBytes, 'no more is written than was appended')
    const isNew = !segment.exists
    segment.exists = true
    const file = yield* openSegment(disk, segment, { create: isNew })
    if (isNew && previous !== undefined && !previous.indexed) {
      yield* writeIndex(disk, previous, segment.baseOffset)
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
    const segment = this.#segments.findLast((candidate) => candidate.exists && candidate.baseOffset <= endOffset)
    const writtenEndOffset = Math.min(endOffset, this.#writtenEndOffset)
    const cutsDisk = writtenEndOffset < this.#writtenEndOffset
    this.#writtenEndOffset = writtenEndOffset
    for (const old of doomed) if (old.exists) yield* this.#removeSegment(old)
    if (cutsDisk && segment !== undefined) {
      segment.wake()
      const index = yield* loadIndex(disk, segment, this.#environment.indexIntervalBytes)
      const position = yield* findPosition(disk, segment, { offset: endOffset, index })
      index.cut(endOffset)
      segment.writtenBytes = position
      this.#settleSize(segment)
      if (segment.indexed) yield* callVoid((done) => disk.remove(segment.indexPath, done))
      segment.indexed = false
      const file = yield* openSegment(disk, segment, { create: false })
      yield* callVoid((done) => file.truncate(position, done))
      counters.syncCalls++
      yield* callVoid((done) => file.sync(done))
    }
    return { endOffset: writtenEndOffset, cutCount }
  }

  *#removeSegment(segment: Segment): Task<void> {
    const { disk } = this.#environment
    segment.retire()
    yield* callVoid((done) => disk.remove(segment.path, done))
    if (segment.indexed) yield* callVoid((done) => disk.remove(segment.indexPath, done))
    yield* callVoid((done) => disk.syncFolder(folderOf(segment.path), done))
  }

  /** Ends the log in this process; calls back once no flush is in flight. Files close when their readers are done. */
  stop(callback: () => void): void {
    this.#state = 'stopped'
    this.#tail.abandon()
    const finish = (): void => {
      for (const segment of [...this.#segments, ...this.#doomed]) segment.retire()
      callback()
    }
    if (this.#flushing) this.#quietCallbacks.push(finish)
    else this.#environment.clock.defer(finish)
  }

  get #lastSegment(): Segment {
    return this.#segments.at(-1) as Segment
  }

  /** The segment that holds `offset`. */
  #segmentAt(offset: number): Segment {
    let low = 0
    let high = this.#segments.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.#segments[middle] as Segment).baseOffset <= offset) low = middle
      else high = middle - 1
    }
    return this.#segments[low] as Segment
  }
}
