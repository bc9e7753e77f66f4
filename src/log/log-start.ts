import { crc32c } from '../base/crc32c.ts'
import { type Disk, type DiskFile, isDiskError } from '../base/disk.ts'
import { call, callVoid, type Task } from '../base/task.ts'
import { isSlotEmpty, newestRecord, SLOT_FILE_BYTES, slotOf, slotPosition } from './slots.ts'

/** Name of the note beside a log that says where it begins. */
export const LOG_START_NOTE = 'log-start'

/** Where a log begins. Of one that never moved all are 0, and no epoch. */
export interface LogStart {
  /** First offset that is served. */
  readonly startOffset: number
  /**
   * Base offset of the first segment, at or below startOffset. Files that begin below it are left over: of what was deleted, or of a log that was dropped to
   * begin anew. Without it an old tail and a new start could be taken for one log.
   */
  readonly baseOffset: number
  /** Leader epoch of the offset before startOffset, so that a log that was emptied still knows what it ended with; −1: not known. */
  readonly epoch: number
}

export const unmovedStart: LogStart = { startOffset: 0, baseOffset: 0, epoch: -1 }

/*
 * The note: a file of slots (slots.ts), zeros until the start moves for the first time. Retention has to move it before it may let anything go, so it is
 * made with the log: on a disk with nothing free a note that takes room could not be written, and nothing would ever be freed. A record is text:
 * count, start, segment, epoch, and the crc of these lines.
 * Record 0, of a log that never moved, is written and synced before record 1: a torn first write is thus told from a note that was lost.
 */
interface StartRecord {
  readonly counter: number
  readonly start: LogStart
}

function encode({ counter, start }: StartRecord): Buffer {
  const text = `count=${counter}\nstart=${start.startOffset}\nsegment=${start.baseOffset}\nepoch=${start.epoch}\n`
  return Buffer.from(`${text}crc=${crc32c(Buffer.from(text))}\n`)
}

function decode(copy: Buffer): StartRecord | undefined {
  const found = /^count=(\d+)\nstart=(\d+)\nsegment=(\d+)\nepoch=(-?\d+)\ncrc=\d+\n/.exec(copy.toString('latin1', 0, 128))
  if (found === null) return undefined
  const [counter, startOffset, baseOffset, epoch] = found.slice(1).map(Number) as [number, number, number, number]
  const record = { counter, start: { startOffset, baseOffset, epoch } }
  const bytes = encode(record)
  return baseOffset <= startOffset && bytes.equals(copy.subarray(0, bytes.length)) ? record : undefined
}

/** 'unreadable': it was written, and what it said is lost. */
export function decodeLogStart(bytes: Buffer): StartRecord | 'unreadable' {
  const newest = newestRecord(bytes, decode)
  if (newest !== undefined) return newest
  return isSlotEmpty(bytes, 1) ? { counter: 0, start: unmovedStart } : 'unreadable'
}

export class LogStartNote {
  readonly #disk: Disk
  readonly #folder: string
  #counter: number

  private constructor(disk: Disk, folder: string, counter: number) {
    this.#disk = disk
    this.#folder = folder
    this.#counter = counter
  }

  /** Of the log of that name. */
  static *open(disk: Disk, name: string): Task<{ readonly note: LogStartNote; readonly found: LogStart | 'unreadable' }> {
    const path = `${name}/${LOG_START_NOTE}`
    const bytes = (yield* call<Buffer | undefined>((done) => disk.readFile(path, done))) ?? Buffer.alloc(0)
    if (bytes.length < SLOT_FILE_BYTES) yield* reserve(disk, path, bytes.length)
    const decoded = decodeLogStart(bytes)
    if (decoded === 'unreadable') return { note: new LogStartNote(disk, name, 0), found: 'unreadable' }
    // What a crash left in the page cache alone must not be built upon.
    if (decoded.counter > 0) yield* syncFile(disk, path)
    return { note: new LogStartNote(disk, name, decoded.counter), found: decoded.start }
  }

  /** Durable, all or nothing. One at a time. */
  *write(start: LogStart): Task<void> {
    const path = `${this.#folder}/${LOG_START_NOTE}`
    const known = yield* call<DiskFile | undefined>((done) => this.#disk.open(path, { create: false }, done))
    const file = known ?? ((yield* call<DiskFile | undefined>((done) => this.#disk.open(path, { create: true }, done))) as DiskFile)
    if (this.#counter === 0) yield* writeRecord(file, { counter: 0, start: unmovedStart })
    this.#counter++
    yield* writeRecord(file, { counter: this.#counter, start })
    yield* callVoid((done) => file.close(done))
    if (known === undefined) yield* callVoid((done) => this.#disk.syncFolder(this.#folder, done))
  }
}

function* syncFile(disk: Disk, path: string): Task<void> {
  const file = (yield* call<DiskFile | undefined>((done) => disk.open(path, { create: true }, done))) as DiskFile
  yield* callVoid((done) => file.sync(done))
  yield* callVoid((done) => file.close(done))
}

function* writeRecord(file: DiskFile, record: StartRecord): Task<void> {
  yield* callVoid((done) => file.writevSynced([slotOf(encode(record))], slotPosition(record.counter), done))
}

/** Fills the file up with zeros, which say nothing: neither are they synced, nor does it matter when there is no room. */
function* reserve(disk: Disk, path: string, sizeBytes: number): Task<void> {
  try {
    const file = (yield* call<DiskFile | undefined>((done) => disk.open(path, { create: true }, done))) as DiskFile
    try {
      yield* callVoid((done) => file.writev([Buffer.alloc(SLOT_FILE_BYTES - sizeBytes)], sizeBytes, done))
    } finally {
      yield* callVoid((done) => file.close(done))
    }
  } catch (error) {
    if (!isDiskError(error)) throw error
  }
}
