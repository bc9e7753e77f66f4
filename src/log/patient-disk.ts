import type { Clock, Timer } from '../base/clock.ts'
import type { Disk, DiskFile } from '../base/disk.ts'
import type { Done, DoneVoid } from '../base/done.ts'
import { codeOf } from '../base/errors.ts'
import { ForwardingDisk } from '../base/forwarding-disk.ts'
import type { Logger } from '../base/log-line.ts'
import { folderOf } from './replace-file.ts'
import { RESERVE_BYTES } from './reserve.ts'
import { METADATA_LOG } from './surface.ts'

const AGAIN_MS = 500

export interface PatientDiskOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly logger: Logger
  /** A call for this path found no room. False: it fails. */
  readonly mayWait: (path: string) => boolean
}

interface Waiting {
  readonly path: string
  readonly fail: () => void
  timer: Timer
}

/**
 * A disk on which a write that finds no room waits until there is some, and is made again: nothing of it was said to be there, and all of it is still in
 * memory. A sync that fails is never repeated (rules R3.5): what it was to make durable may be lost, and nobody has it.
 * The metadata log tries whatever is free, for it has the reserve. Anything else waits until there is more than that: it would use it up.
 */
export class PatientDisk extends ForwardingDisk {
  readonly #options: PatientDiskOptions
  readonly #waiting = new Set<Waiting>()
  #stopped = false

  constructor(options: PatientDiskOptions) {
    super(options.disk)
    this.#options = options
  }

  override open(path: string, options: { readonly create: boolean }, done: Done<DiskFile | undefined>): void {
    const patient: Done<DiskFile | undefined> = (error, file) => done(error, file === undefined ? undefined : this.#patient(file))
    this.#try<DiskFile | undefined>(path, (tried) => this.disk.open(path, options, tried), patient)
  }

  /** What waits in that folder fails, as it would have on the disk itself. */
  giveUp(folder: string): void {
    for (const waiting of [...this.#waiting]) {
      if (!waiting.path.startsWith(`${folder}/`)) continue
      waiting.timer.cancel()
      this.#waiting.delete(waiting)
      waiting.fail()
    }
  }

  /** Nothing waits from now on. */
  stop(): void {
    this.#stopped = true
    for (const { path } of [...this.#waiting]) this.giveUp(folderOf(path))
  }

  #patient(file: DiskFile): DiskFile {
    const { path } = file
    const write = (attempt: (tried: DoneVoid) => void, done: DoneVoid): void => this.#try<void>(path, (tried) => attempt((error) => tried(error)), done)
    return {
      path,
      read: (position, length, done) => file.read(position, length, done),
      writev: (buffers, position, done) => write((tried) => file.writev(buffers, position, tried), done),
      writevSynced: (buffers, position, done) => write((tried) => file.writevSynced(buffers, position, tried), done),
      sync: (done) => file.sync(done),
      truncate: (sizeBytes, done) => file.truncate(sizeBytes, done),
      size: (done) => file.size(done),
      close: (done) => file.close(done),
    }
  }

  #try<T>(path: string, attempt: (tried: Done<T>) => void, done: Done<T>, isAgain = false): void {
    attempt((error, value) => {
      if (error === undefined || codeOf(error) !== 'DISK_FULL' || this.#stopped || !this.#options.mayWait(path)) {
        done(error, value)
        return
      }
      if (!isAgain) this.#options.logger.warn({ path, error: error.message }, 'no room on the disk: what was to be written waits until there is')
      this.#wait(
        path,
        () => this.#try(path, attempt, done, true),
        () => done(error, value),
      )
    })
  }

  #wait(path: string, again: () => void, fail: () => void): void {
    const { clock } = this.#options
    const look = (): void => {
      if (path.startsWith(`${METADATA_LOG}/`)) retry()
      else this.disk.space((error, space) => (error === undefined && space.freeBytes > 2 * RESERVE_BYTES ? retry() : sleep()))
    }
    const retry = (): void => {
      if (this.#waiting.delete(waiting)) again()
    }
    const sleep = (): void => {
      if (this.#waiting.has(waiting)) waiting.timer = clock.after(AGAIN_MS, look)
    }
    const waiting: Waiting = { path, fail, timer: clock.after(AGAIN_MS, look) }
    this.#waiting.add(waiting)
  }
}
