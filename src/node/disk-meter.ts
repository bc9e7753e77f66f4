import type { Disk, DiskFile, DiskSpace } from '../base/disk.ts'
import type { Done, DoneVoid } from '../base/done.ts'
import { ForwardingDisk } from '../base/forwarding-disk.ts'
import { Histogram } from './histogram.ts'

/** How long the disk takes to make bytes durable, and how much of it is free, as the node itself found when it last looked. */
export class DiskMeter {
  readonly syncMs = new Histogram()
  readonly #spaces = new Map<string, DiskSpace>()

  /** By data folder; absent before the first look. */
  get spaces(): ReadonlyMap<string, DiskSpace> {
    return this.#spaces
  }

  noteSpace(folder: string, space: DiskSpace): void {
    this.#spaces.set(folder, space)
  }

  timed(done: DoneVoid): DoneVoid {
    const startMs = performance.now()
    return (error) => {
      if (error === undefined) this.syncMs.observe(performance.now() - startMs)
      done(error)
    }
  }
}

class MeteredFile implements DiskFile {
  readonly path: string
  readonly #file: DiskFile
  readonly #meter: DiskMeter

  constructor(file: DiskFile, meter: DiskMeter) {
    this.path = file.path
    this.#file = file
    this.#meter = meter
  }

  read(position: number, length: number, done: Done<Buffer>): void {
    this.#file.read(position, length, done)
  }

  writev(buffers: readonly Buffer[], position: number, done: DoneVoid): void {
    this.#file.writev(buffers, position, done)
  }

  writevSynced(buffers: readonly Buffer[], position: number, done: DoneVoid): void {
    this.#file.writevSynced(buffers, position, this.#meter.timed(done))
  }

  sync(done: DoneVoid): void {
    this.#file.sync(this.#meter.timed(done))
  }

  truncate(sizeBytes: number, done: DoneVoid): void {
    this.#file.truncate(sizeBytes, done)
  }

  size(done: Done<number>): void {
    this.#file.size(done)
  }

  close(done: DoneVoid): void {
    this.#file.close(done)
  }
}

/** A disk whose syncs are timed: two clock readings a sync, nothing a record. */
export class MeteredDisk extends ForwardingDisk {
  readonly #meter: DiskMeter
  readonly #folder: string

  /** `folder`: as an operator knows it. */
  constructor(disk: Disk, meter: DiskMeter, folder: string) {
    super(disk)
    this.#meter = meter
    this.#folder = folder
  }

  override open(path: string, options: { readonly create: boolean }, done: Done<DiskFile | undefined>): void {
    this.disk.open(path, options, (error, file) => done(error, file === undefined ? undefined : new MeteredFile(file, this.#meter)))
  }

  override space(done: Done<DiskSpace>): void {
    this.disk.space((error, space) => {
      if (error === undefined) this.#meter.noteSpace(this.#folder, space)
      done(error, space)
    })
  }
}
