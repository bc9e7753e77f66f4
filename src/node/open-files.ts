import { readFileSync } from 'node:fs'
import type { Disk, DiskFile } from '../base/disk.ts'
import type { Done, DoneVoid } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import { ForwardingDisk } from '../base/forwarding-disk.ts'

/** Where the system does not say how many files a process may have open. */
const USUAL_LIMIT = 10_240
/** A file that is appended to has two descriptors; half of all are left to connections and the rest. */
const LIMIT_PER_FILE = 4

/** How many files of logs a process of this limit has open at a time. */
export function openFilesFor(descriptorLimit: number): number {
  return Math.max(1, Math.floor(descriptorLimit / LIMIT_PER_FILE))
}

/** Of this process: the soft limit, which Node has raised to the hard one. */
export function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return soft === undefined ? USUAL_LIMIT : Number(soft)
  } catch {
    return USUAL_LIMIT
  }
}

/**
 * The files that a node has open. Each log keeps the one open that it appends to, and a node may hold more partitions than a process may open files. At the
 * limit whoever opens one waits: for files that nobody uses at the moment and that have nothing unsynced, which are closed, the one first that was used
 * longest ago, and opened again when they are used; or for a call under way to end. Where neither is there, the limit is passed.
 */
export class OpenFiles {
  readonly #limit: number
  readonly #onFull: () => void
  /** Open and not in use; the one that was used longest ago comes first. */
  readonly #idle = new Set<LimitedFile>()
  readonly #waiting: (() => void)[] = []
  /** Those that are being opened or closed too. */
  #open = 0
  #closing = 0
  /** Calls under way, each of which ends by itself. */
  #calls = 0
  #wasFull = false

  /** `onFull`: called once, the first time that the limit is reached. */
  constructor(limit: number, onFull: () => void = () => undefined) {
    this.#limit = limit
    this.#onFull = onFull
  }

  get open(): number {
    return this.#open
  }

  /** Opens a file once there is room for it. `done` comes with the file, or without one. */
  whenRoom(open: (done: Done<DiskFile | undefined>) => void, done: Done<DiskFile | undefined>): void {
    this.#waiting.push(() => {
      this.#open++
      this.began()
      open((error, file) => {
        if (file === undefined) this.#open--
        done(error, file)
        this.ended()
      })
    })
    this.#admit()
  }

  began(): void {
    this.#calls++
  }

  ended(): void {
    this.#calls--
    this.#admit()
  }

  busy(file: LimitedFile): void {
    this.#idle.delete(file)
  }

  idle(file: LimitedFile): void {
    this.#idle.add(file)
    this.#admit()
  }

  /** The file is given up: its descriptors are free once `done`. */
  close(file: DiskFile, done: DoneVoid): void {
    this.#closing++
    file.close((error) => {
      this.#closing--
      this.#open--
      done(error)
      this.#admit()
    })
  }

  #admit(): void {
    while (this.#waiting.length > 0) {
      if (this.#open >= this.#limit) {
        this.#makeRoom()
        if (this.#calls > 0 || this.#closing > 0) return
      }
      this.#waiting.shift()?.()
    }
  }

  /** As much as is waited for. */
  #makeRoom(): void {
    if (!this.#wasFull) this.#onFull()
    this.#wasFull = true
    for (const file of this.#idle) {
      if (this.#closing >= this.#waiting.length) return
      this.#idle.delete(file)
      file.rest()
    }
  }
}

type Then = (error: Error | undefined, file: DiskFile) => void

/** One file as its user sees it, whether it is open just now or not. */
class LimitedFile implements DiskFile {
  readonly path: string
  readonly #disk: Disk
  readonly #files: OpenFiles
  #file: DiskFile | undefined
  /** Who waits for it to be opened again. */
  #waiting: Then[] = []
  #uses = 0
  /** Writes and cuts, and how many of them a sync has reached: the rest must be synced by the same descriptor, for an error of them may be told to no other. */
  #changes = 0
  #syncedChanges = 0

  constructor(disk: Disk, files: OpenFiles, file: DiskFile) {
    this.path = file.path
    this.#disk = disk
    this.#files = files
    this.#file = file
    files.idle(this)
  }

  /** Closes it until it is used again. Nobody uses it. */
  rest(): void {
    const file = this.#file
    this.#file = undefined
    // All of it is synced: nothing rests on this.
    if (file !== undefined) this.#files.close(file, () => undefined)
  }

  read(position: number, length: number, done: Done<Buffer>): void {
    this.#use(done, (file, then) => file.read(position, length, then))
  }

  writev(buffers: readonly Buffer[], position: number, done: DoneVoid): void {
    this.#changes++
    this.#use<void>(done, (file, then) => file.writev(buffers, position, (error) => then(error, undefined)))
  }

  writevSynced(buffers: readonly Buffer[], position: number, done: DoneVoid): void {
    this.#use<void>(done, (file, then) => file.writevSynced(buffers, position, (error) => then(error, undefined)))
  }

  sync(done: DoneVoid): void {
    const changes = this.#changes
    const synced: DoneVoid = (error) => {
      if (error === undefined) this.#syncedChanges = Math.max(this.#syncedChanges, changes)
      done(error)
    }
    this.#use<void>(synced, (file, then) => file.sync((error) => then(error, undefined)))
  }

  truncate(sizeBytes: number, done: DoneVoid): void {
    this.#changes++
    this.#use<void>(done, (file, then) => file.truncate(sizeBytes, (error) => then(error, undefined)))
  }

  size(done: Done<number>): void {
    this.#use(done, (file, then) => file.size(then))
  }

  close(done: DoneVoid): void {
    const file = this.#file
    if (file === undefined) {
      setImmediate(() => done(undefined))
      return
    }
    this.#file = undefined
    this.#files.busy(this)
    this.#files.close(file, done)
  }

  #use<T>(done: Done<T>, start: (file: DiskFile, then: Done<T>) => void): void {
    this.#uses++
    this.#files.busy(this)
    const over: Done<T> = (error, value) => {
      this.#uses--
      // Before the file is given back: whoever hears of it may have more to do with it.
      done(error, value)
      if (this.#uses === 0 && this.#syncedChanges === this.#changes && this.#file !== undefined) this.#files.idle(this)
    }
    this.#whenOpen((error, file) => {
      if (error !== undefined) {
        over(error, undefined as T)
        return
      }
      this.#files.began()
      start(file, (failure, value) => {
        over(failure, value)
        this.#files.ended()
      })
    })
  }

  #whenOpen(then: Then): void {
    if (this.#file !== undefined) {
      then(undefined, this.#file)
      return
    }
    this.#waiting.push(then)
    if (this.#waiting.length > 1) return
    this.#files.whenRoom(
      (done) => this.#disk.open(this.path, { create: false }, done),
      (error, file) => {
        this.#file = file
        const gone = new BrokerError('DISK_FAILED', `open ${this.path}: ENOENT it was there before`)
        for (const one of this.#waiting.splice(0)) one(error ?? (file === undefined ? gone : undefined), file as DiskFile)
      },
    )
  }
}

/** A disk of which no more files are open at a time than it may be. */
export class LimitedDisk extends ForwardingDisk {
  readonly #files: OpenFiles

  constructor(disk: Disk, files: OpenFiles) {
    super(disk)
    this.#files = files
  }

  override open(path: string, options: { readonly create: boolean }, done: Done<DiskFile | undefined>): void {
    this.#files.whenRoom(
      (opened) => this.disk.open(path, options, opened),
      (error, file) => done(error, file === undefined ? undefined : new LimitedFile(this.disk, this.#files, file)),
    )
  }
}
