import type { Clock } from '../base/clock.ts'
import { BrokerError, codeOf } from '../base/errors.ts'
import { call, callVoid, type Task } from '../base/task.ts'
import type { Log, OpenedLog } from '../log/surface.ts'
import { readBatchHeader } from '../record/batch.ts'
import { BELOW_START_NOTE, encodeBelowStart } from './below-start.ts'
import { checkBatches } from './check-batches.ts'
import type { DataFolder, DataFolders } from './data-folders.ts'
import { formatPartitionNote, PARTITION_NOTE } from './log-name.ts'
import type { Replica } from './replica.ts'

const CHUNK_BYTES = 1024 * 1024
/** How long a replica is held at most for the last bytes: far below what makes a follower lag (rules 8). */
const HOLD_MS = 1_000
/** Until the next attempt, after one that took too long. */
const AGAIN_MS = 1_000
const LOOK_AGAIN_MS = 20

export interface FolderMoveOptions {
  readonly replica: Replica
  readonly target: DataFolder
  readonly folders: DataFolders
  readonly clock: Clock
  /** Of its topic, now. */
  readonly segmentLimits: () => Parameters<Log['limitSegments']>[0]
  /** Its log start is not just being moved. */
  readonly isStartIdle: () => boolean
  readonly readFailed: (error: Error) => void
  /** Nobody knows which of the two logs will be found at the next start: nothing may be appended to either until then. */
  readonly standFailed: (error: Error) => void
}

/** What came of one look at the end: it stands on the copy; or the end came too late, and the copying goes on; or the copy is none any more. */
type Attempt = 'moved' | 'late' | 'stale'

/**
 * Moves one replica to another data folder of its node (KIP-113), while it serves from where it is:
 *   copying → (the copy has the end in sight) → holding → (it has all, synced) → standing on it: noted, synced → moved
 *   copying | holding → (cut, or begun anew) → copying from the beginning · holding → (too slow) → copying · any but the last → ended
 * The copy is a log of the other folder, appended to and synced like any. At the end the replica is held, so that both logs are the same when the note of
 * where it stands is written: whichever a crash leaves to be found there, nothing that was acknowledged or reported as synced is missing in it.
 */
export class FolderMove {
  readonly replica: Replica
  readonly target: DataFolder
  /** null: what the disks can. */
  bytesPerSecond: number | null
  readonly #options: FolderMoveOptions
  readonly #name: string
  #copy: Log | undefined
  /** The log start whose note lies beside the copy. */
  #notedStart = 0
  /** The log start has moved on beyond what was copied. */
  #isOvertaken = false
  #stage: 'copying' | 'standing' | 'moved' = 'copying'
  #ending: BrokerError | undefined
  #wake: (() => void) | undefined

  constructor(options: FolderMoveOptions, bytesPerSecond: number | null) {
    this.#options = options
    this.replica = options.replica
    this.target = options.target
    this.bytesPerSecond = bytesPerSecond
    this.#name = options.replica.log.name
  }

  get copy(): Log | undefined {
    return this.#copy
  }

  /** The note of where the replica stands is being written, or was. */
  get isDecided(): boolean {
    return this.#stage !== 'copying'
  }

  /** The copy has got further, or is dead. */
  woken(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  /** Ends it without success, unless it is decided. */
  end(why: BrokerError): void {
    this.#ending ??= why
    this.woken()
  }

  /** Throws what ended it. Then the copy is of no use, unless it was decided: then either log may be the one at the next start. */
  *run(): Task<void> {
    yield* this.#options.folders.noteCopy(this.#name, this.replica.topicId, this.target, this.bytesPerSecond)
    while ((yield* this.#copyAll()) !== 'moved') yield* callVoid((done) => this.target.directory.remove(this.#name, done))
  }

  *#copyAll(): Task<Attempt> {
    this.#check()
    const { log } = this.replica
    const { cutCount } = log
    this.#isOvertaken = false
    const copy = yield* this.#open()
    const isStale = (): boolean => this.#isOvertaken || log.cutCount !== cutCount
    for (;;) {
      yield* this.#catchUp(log, copy, isStale)
      if (isStale()) return 'stale'
      const attempt = yield* this.#finish(log, copy, isStale)
      if (attempt !== 'late') return attempt
      yield* this.#sleep(AGAIN_MS)
    }
  }

  /** A new log, which begins with the first batch of the old one. */
  *#open(): Task<Log> {
    const { directory } = this.target
    const { replica } = this
    const marks = { safeEndOffset: 0, cleanEndOffset: -1 }
    const { log: copy } = yield* call<OpenedLog>((done) =>
      directory.openLog({ name: this.#name, marks, visitFrom: Number.POSITIVE_INFINITY, visit: () => undefined, isCopy: true }, done),
    )
    this.#copy = copy
    this.#notedStart = 0
    copy.limitSegments(this.#options.segmentLimits())
    const baseOffset = yield* this.#firstBatch()
    if (baseOffset > 0) {
      copy.resetTo(baseOffset, replica.core.epochs.findLast(({ startOffset }) => startOffset < baseOffset)?.epoch ?? -1)
      yield* this.#until(() => copy.syncedEndOffset === baseOffset)
    }
    return copy
  }

  *#firstBatch(): Task<number> {
    const { log } = this.replica
    const { startOffset } = log
    if (startOffset === 0 || startOffset === log.endOffset) return startOffset
    const [first] = yield* this.#read(log, startOffset, 1)
    // Where it has moved on just now, the copy is found to be overtaken.
    return first === undefined ? startOffset : readBatchHeader(first, 0).baseOffset
  }

  /** Until the end of the log is in sight, at the pace that was given. */
  *#catchUp(log: Log, copy: Log, isStale: () => boolean): Task<void> {
    const { clock } = this.#options
    for (;;) {
      this.#check()
      const { endOffset } = log
      const beganMs = clock.monotonicMs()
      const bytes = yield* this.#copyNext(log, copy, Math.min(CHUNK_BYTES, this.bytesPerSecond ?? CHUNK_BYTES))
      if (isStale()) return
      const isInSight = copy.endOffset >= endOffset
      yield* this.#until(() => isStale() || copy.syncedEndOffset === copy.endOffset)
      if (!isStale() && isInSight) yield* this.#note(log, copy)
      if (isStale() || isInSight) return
      if (this.bytesPerSecond !== null) yield* this.#sleep((bytes / this.bytesPerSecond) * 1_000 - (clock.monotonicMs() - beganMs))
    }
  }

  *#copyNext(log: Log, copy: Log, maxBytes: number): Task<number> {
    if (copy.endOffset >= log.endOffset) return 0
    if (this.target.space.isLow) throw new BrokerError('DISK_LOW', `there is too little room left on ${this.target.path}`)
    const { cutCount } = log
    // A log start may lie within the first batch: that one is read by an offset that it still serves.
    const slices = yield* this.#read(log, Math.max(copy.endOffset, log.startOffset), maxBytes)
    // A cut came between: what was read may be gone.
    if (log.cutCount !== cutCount) return 0
    const first = slices[0]
    this.#isOvertaken = first === undefined || readBatchHeader(first, 0).baseOffset !== copy.endOffset
    if (this.#isOvertaken) return 0
    let bytes = 0
    for (const slice of slices) {
      copy.appendFetched(slice, checkBatches(slice))
      bytes += slice.length
    }
    return bytes
  }

  /** What lies beside the log: whose it is, and what is known of the records below its start. */
  *#note(log: Log, copy: Log): Task<void> {
    const { core, topicId } = this.replica
    const { startOffset } = log
    // While the copy was synced, records came and went.
    this.#isOvertaken = startOffset > copy.syncedEndOffset
    if (this.#isOvertaken) return
    yield* this.#writeNote(PARTITION_NOTE, formatPartitionNote(topicId))
    if (startOffset > this.#notedStart) {
      yield* this.#writeNote(BELOW_START_NOTE, encodeBelowStart({ epochs: core.epochs, producers: core.producerSnapshot() }))
      this.#notedStart = startOffset
    }
    if (startOffset > copy.startOffset) yield* callVoid((done) => copy.advanceStart(startOffset, done))
  }

  *#writeNote(note: string, content: string): Task<void> {
    const isWritten = yield* call<boolean>((done) => this.target.directory.tryNote(this.#name, note, content, done))
    if (!isWritten) throw new BrokerError('KAFKA_STORAGE_ERROR', `a note beside the copy on ${this.target.path} could not be written (is the disk full?)`)
  }

  /** Holds the replica for the last bytes. */
  *#finish(log: Log, copy: Log, isStale: () => boolean): Task<Attempt> {
    const { replica } = this
    while (!this.#options.isStartIdle()) yield* this.#sleep(LOOK_AGAIN_MS)
    if (isStale()) return 'stale'
    if (!this.#isNoted(log, copy)) return 'late'
    let isOver = false
    const timer = this.#options.clock.after(HOLD_MS, () => {
      isOver = true
      this.woken()
    })
    replica.hold()
    try {
      while (copy.endOffset < log.endOffset && !isOver && !isStale()) {
        this.#check()
        yield* this.#copyNext(log, copy, CHUNK_BYTES)
      }
      yield* this.#until(() => isOver || copy.syncedEndOffset === log.endOffset)
      this.#check()
      if (isStale()) return 'stale'
      if (copy.syncedEndOffset < log.endOffset || !this.#isNoted(log, copy)) return 'late'
      yield* this.#stand(log, copy)
      return 'moved'
    } finally {
      timer.cancel()
      if (this.#stage !== 'moved') replica.release()
    }
  }

  #isNoted(log: Log, copy: Log): boolean {
    return copy.startOffset === log.startOffset && this.#notedStart === log.startOffset
  }

  *#stand(log: Log, copy: Log): Task<void> {
    this.#stage = 'standing'
    copy.takeOver(log.cutCount)
    try {
      yield* this.#options.folders.standOnCopy(this.#name)
    } catch (error) {
      this.#options.standFailed(error as Error)
      throw error
    }
    copy.limitSegments(this.#options.segmentLimits())
    this.#stage = 'moved'
    this.replica.release(copy)
  }

  /** None when the log start has moved on meanwhile. */
  *#read(log: Log, offset: number, maxBytes: number): Task<readonly Buffer[]> {
    try {
      return yield* call<readonly Buffer[]>((done) => log.read(offset, maxBytes, done))
    } catch (error) {
      if (codeOf(error) === 'OFFSET_OUT_OF_RANGE') return []
      if (error instanceof BrokerError) this.#options.readFailed(error)
      throw error
    }
  }

  #check(): void {
    if (this.#ending !== undefined) throw this.#ending
    const { dead, damaged, core } = this.replica
    if (dead || damaged || core.role === 'offline') throw new BrokerError('KAFKA_STORAGE_ERROR', 'the replica went offline where it is')
  }

  *#until(isSo: () => boolean): Task<void> {
    while (!isSo()) {
      this.#check()
      yield (resume) => {
        this.#wake = () => resume(undefined, undefined)
      }
    }
  }

  *#sleep(ms: number): Task<void> {
    let isOver = ms <= 0
    if (isOver) return
    const timer = this.#options.clock.after(ms, () => {
      isOver = true
      this.woken()
    })
    try {
      yield* this.#until(() => isOver)
    } finally {
      timer.cancel()
    }
  }
}
