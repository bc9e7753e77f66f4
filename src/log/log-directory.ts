import { assert } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import { crc32c } from '../base/crc32c.ts'
import { type Disk, type DiskFile, isDiskError } from '../base/disk.ts'
import type { Done, DoneVoid } from '../base/done.ts'
import { codeOf } from '../base/errors.ts'
import type { Logger } from '../base/log-line.ts'
import { call, callVoid, runTask, type Task } from '../base/task.ts'
import { GroupCommit } from './group-commit.ts'
import type { FlushResult, LogEnvironment } from './log-environment.ts'
import { PatientDisk } from './patient-disk.ts'
import { recoverLog } from './recovery.ts'
import { folderOf, makeFolder, removeSynced, replaceFile, TEMPORARY_SUFFIX } from './replace-file.ts'
import { parseSegmentFileName } from './segment.ts'
import { SegmentedLog } from './segmented-log.ts'
import { Slabs } from './slabs.ts'
import { type FolderStart, type LogCounters, type LogDirectory, type LogDirectoryEvents, METADATA_LOG, type OpenedLog, type OpenLogOptions } from './surface.ts'
import { noteCleanStop, noteStart } from './folder-starts.ts'

const PARTITIONS = 'partitions'
const QUARANTINE = 'quarantine'
const LOCK = 'lock'
/** A name in a folder has at most 255 bytes, and that of a log may have nearly all of them. */
const ASIDE_NAME_LENGTH = 200
/** Most bytes of one log in one round of writes, unless told otherwise. */
export const ROUND_BYTES = 1024 * 1024

export interface LogDirectoryOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly logger: Logger
  readonly segmentBytes: number
  readonly indexIntervalBytes: number
  readonly tailCacheBytes: number
  readonly events: LogDirectoryEvents
  /** Most bytes of one log in one round of writes; the recovery takes what lies farther apart for separate rounds (1 MiB). Never to be lowered on a used folder. */
  readonly roundBytes?: number
  /** A call failed that belongs to no log: notes, quarantine, the clean stop; not for want of room. Its caller hears of it too. */
  readonly onFolderFailed?: (error: Error) => void
}

/** Locks the folder, counts the start (rules R3.4) and lists its logs; none is opened yet. */
export function openLogDirectory(options: LogDirectoryOptions, done: Done<LogDirectory>): void {
  runTask(open(options), done)
}

function* open(options: LogDirectoryOptions): Task<LogDirectory> {
  const { disk } = options
  yield* callVoid((done) => disk.mkdir('', done))
  yield* callVoid((done) => disk.lock(LOCK, done))
  const names: string[] = (yield* call<readonly string[]>((done) => disk.list('', done))).filter((name) => name === METADATA_LOG)
  for (const partition of yield* call<readonly string[]>((done) => disk.list(PARTITIONS, done))) names.push(`${PARTITIONS}/${partition}`)
  const start = yield* noteStart(disk, options.clock, names.length > 0)
  return new DiskLogDirectory(options, start, names)
}

class DiskLogDirectory implements LogDirectory {
  readonly start: FolderStart
  readonly #options: LogDirectoryOptions
  readonly #disk: Disk
  /** That of the logs. */
  readonly #patientDisk: PatientDisk
  readonly #environment: LogEnvironment
  readonly #names: Set<string>
  /** Undefined: being recovered. */
  readonly #logs = new Map<string, SegmentedLog | undefined>()
  /** The last of the folder calls of each log that are under way: they go one behind the other. */
  readonly #folderCalls = new Map<string, (() => void)[]>()
  #closed = false

  constructor(options: LogDirectoryOptions, start: FolderStart, names: readonly string[]) {
    const { disk, clock, logger, events, segmentBytes, indexIntervalBytes, roundBytes = ROUND_BYTES } = options
    const counters = { appendedBytes: 0, copiedBytes: 0, writeCalls: 0, syncCalls: 0, rounds: 0 }
    const rounds = new GroupCommit<FlushResult | undefined>(clock, counters)
    const slabs = new Slabs({ capacityBytes: options.tailCacheBytes })
    this.#patientDisk = new PatientDisk({ disk, clock, logger, mayWait: (path) => this.#mayWait(folderOf(path)) })
    this.#environment = { disk: this.#patientDisk, clock, slabs, rounds, counters, events, segmentBytes, indexIntervalBytes, roundBytes }
    this.#options = options
    this.#disk = disk
    this.start = start
    this.#names = new Set(names)
  }

  /** Whether a log may wait for room on the disk: the others go on without it then. */
  #mayWait(name: string): boolean {
    const log = this.#logs.get(name)
    if (log === undefined || log.isCopy) return false
    this.#environment.rounds.leave(log)
    return true
  }

  get names(): readonly string[] {
    return [...this.#names].sort()
  }

  get counters(): LogCounters {
    return this.#environment.counters
  }

  openLog(options: OpenLogOptions, done: Done<OpenedLog>): void {
    assert(!this.#closed && !this.#logs.has(options.name), 'a log is opened once')
    this.#logs.set(options.name, undefined)
    this.#names.add(options.name)
    runTask(this.#recover(options), (error, opened) => {
      if (error !== undefined) this.#logs.delete(options.name)
      done(error, opened)
    })
  }

  *#recover(options: OpenLogOptions): Task<OpenedLog> {
    const { name, isCopy = false } = options
    const { roundBytes, indexIntervalBytes } = this.#environment
    const { segments, start, startNote, endOffset, recovery } = yield* recoverLog({ ...options, disk: this.#disk, indexIntervalBytes, reachBytes: roundBytes })
    if (recovery.verdict === 'torn' || recovery.verdict === 'damaged') {
      this.#options.logger.warn({ log: name, verdict: recovery.verdict, endOffset, cutBytes: recovery.cutBytes }, recovery.detail)
    }
    const lastEpoch = recovery.epochs.at(-1)?.epoch ?? -1
    const log = new SegmentedLog(this.#environment, { name, segments, start, startNote, endOffset, lastEpoch, isCopy })
    this.#logs.set(name, log)
    return { log, recovery }
  }

  writeNote(name: string, note: string, content: string | null, done: DoneVoid): void {
    this.#runFolderCall(name, this.#writeNote(name, `${name}/${note}`, content), done)
  }

  *#writeNote(name: string, path: string, content: string | null): Task<void> {
    if (content === null) return yield* removeSynced(this.#disk, path)
    if (!this.#names.has(name)) yield* makeFolder(this.#disk, name)
    this.#names.add(name)
    yield* replaceFile(this.#disk, path, Buffer.from(content))
  }

  tryNote(name: string, note: string, content: string, done: Done<boolean>): void {
    let isWritten = false
    const task = function* (this: DiskLogDirectory): Task<void> {
      isWritten = yield* this.#tryNote(name, `${name}/${note}`, content)
    }
    this.#runFolderCall(name, task.call(this), (error) => done(error, isWritten))
  }

  *#tryNote(name: string, path: string, content: string): Task<boolean> {
    try {
      yield* this.#writeNote(name, path, content)
      return true
    } catch (error) {
      if (!isDiskError(error)) throw error
    }
    // What there was room for is given back.
    yield* callVoid((done) => this.#disk.remove(path + TEMPORARY_SUFFIX, done))
    return false
  }

  readNote(name: string, note: string, done: Done<string | undefined>): void {
    this.#disk.readFile(`${name}/${note}`, (error, bytes) => done(error, bytes?.toString()))
  }

  holdsBytes(name: string, done: Done<boolean>): void {
    runTask(this.#holdsBytes(name), done)
  }

  *#holdsBytes(name: string): Task<boolean> {
    for (const fileName of yield* call<readonly string[]>((done) => this.#disk.list(name, done))) {
      if (parseSegmentFileName(fileName) === undefined) continue
      const file = yield* call<DiskFile | undefined>((done) => this.#disk.open(`${name}/${fileName}`, { create: false }, done))
      if (file === undefined) continue
      const sizeBytes = yield* call<number>((done) => file.size(done))
      yield* callVoid((done) => file.close(done))
      if (sizeBytes > 0) return true
    }
    return false
  }

  quarantine(name: string, done: DoneVoid): void {
    this.#runFolderCall(name, this.#quarantine(name), done)
  }

  *#quarantine(name: string): Task<void> {
    assert(!this.#logs.has(name) || this.#logs.get(name) !== undefined, 'a log is not set aside while it is recovered')
    const log = this.#logs.get(name)
    if (log !== undefined) yield* this.#stop(log)
    yield* makeFolder(this.#disk, QUARANTINE)
    const taken = new Set(yield* call<readonly string[]>((done) => this.#disk.list(QUARANTINE, done)))
    let wallMs = Math.floor(this.#options.clock.wallMs())
    const place = nameAside(name)
    const asideName = (): string => `${place}.${wallMs}`
    while (taken.has(asideName())) wallMs++
    yield* callVoid((done) => this.#disk.rename(name, `${QUARANTINE}/${asideName()}`, done))
    // First where it is, then where it no longer is: a crash in between must not lose it.
    yield* callVoid((done) => this.#disk.syncFolder(QUARANTINE, done))
    yield* callVoid((done) => this.#disk.syncFolder(folderOf(name), done))
    this.#logs.delete(name)
    this.#names.delete(name)
    this.#options.logger.warn({ log: name, movedTo: `${QUARANTINE}/${asideName()}` }, 'the folder of a log was set aside')
  }

  *#stop(log: SegmentedLog): Task<void> {
    yield* callVoid((done) => {
      log.stop(() => done(undefined))
      this.#patientDisk.giveUp(log.name)
    })
  }

  remove(name: string, done: DoneVoid): void {
    this.#runFolderCall(name, this.#remove(name), done)
  }

  *#remove(name: string): Task<void> {
    assert(!this.#logs.has(name) || this.#logs.get(name) !== undefined, 'a log is not removed while it is recovered')
    const log = this.#logs.get(name)
    if (log !== undefined) yield* this.#stop(log)
    yield* callVoid((done) => this.#disk.remove(name, done))
    yield* callVoid((done) => this.#disk.syncFolder(folderOf(name), done))
    this.#logs.delete(name)
    this.#names.delete(name)
  }

  purgeQuarantine(options: { readonly nowMs: number; readonly olderThanMs: number }, done: DoneVoid): void {
    this.#runFolderCall(QUARANTINE, this.#purge(options), done)
  }

  *#purge(options: { readonly nowMs: number; readonly olderThanMs: number }): Task<void> {
    const names = yield* call<readonly string[]>((done) => this.#disk.list(QUARANTINE, done))
    let removed = 0
    for (const name of names) {
      const sinceMs = Number(name.slice(name.lastIndexOf('.') + 1))
      if (!Number.isSafeInteger(sinceMs) || options.nowMs - sinceMs <= options.olderThanMs) continue
      yield* callVoid((done) => this.#disk.remove(`${QUARANTINE}/${name}`, done))
      removed++
    }
    if (removed > 0) yield* callVoid((done) => this.#disk.syncFolder(QUARANTINE, done))
  }

  close(done: Done<ReadonlyMap<string, number>>): void {
    assert(!this.#closed, 'a folder is closed once')
    this.#closed = true
    runTask(this.#close(), (error, ends) => {
      if (error !== undefined) this.#options.onFolderFailed?.(error)
      done(error, ends)
    })
  }

  *#close(): Task<ReadonlyMap<string, number>> {
    this.#patientDisk.stop()
    yield* callVoid((done) => this.#environment.rounds.whenIdle(() => done(undefined)))
    const ends = new Map<string, number>()
    let failed = 0
    for (const [name, log] of this.#logs) {
      if (log === undefined || log.failed) failed++
      // One that was stopped could not be set aside, or not be removed: nobody asks how far it went.
      else if (!log.isStopped) {
        assert(log.syncedEndOffset === log.endOffset, 'nothing waits when the rounds are idle')
        ends.set(name, log.syncedEndOffset)
      }
      if (log !== undefined) yield* this.#stop(log)
    }
    // A log whose sync failed may miss what it claimed: the next start is not a clean one (rules R3.4).
    if (failed === 0) yield* noteCleanStop(this.#disk, this.start.number)
    yield* callVoid((done) => this.#disk.remove(LOCK, done))
    return ends
  }

  /** Runs calls for one name in the order they came. */
  #runFolderCall(name: string, task: Task<void>, done: DoneVoid): void {
    const start = (): void =>
      runTask(task, (error) => {
        const next = this.#folderCalls.get(name)?.shift()
        if (next === undefined) this.#folderCalls.delete(name)
        else next()
        // A full disk takes what grows no more, and has all that it took.
        if (error !== undefined && codeOf(error) !== 'DISK_FULL') this.#options.onFolderFailed?.(error)
        done(error)
      })
    const waiting = this.#folderCalls.get(name)
    if (waiting !== undefined) waiting.push(start)
    else {
      this.#folderCalls.set(name, [])
      start()
    }
  }
}

/** The name of a log as one of a folder in quarantine/. A long one is cut, and its checksum keeps apart what begins alike and is set aside at the same time. */
function nameAside(name: string): string {
  const flat = name.replaceAll('/', '~')
  return flat.length <= ASIDE_NAME_LENGTH ? flat : `${flat.slice(0, ASIDE_NAME_LENGTH)}~${crc32c(Buffer.from(flat)).toString(16)}`
}
