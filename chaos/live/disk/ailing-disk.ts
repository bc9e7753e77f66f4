import { diskError, type DiskFile, type DiskSpace } from '../../../src/base/disk.ts'
import type { Done, DoneVoid } from '../../../src/base/done.ts'
import { ForwardingDisk } from '../../../src/base/forwarding-disk.ts'

/** How a disk ails now. */
export interface Ailment {
  /** Every sync takes so much longer. */
  readonly syncDelayMs: number
  /** What writes and syncs fail with, and with EIO whatever else there is to fail; null: nothing does. */
  readonly failWith: 'EIO' | 'ENOSPC' | null
}

/** In the message of each failure: what comes of it is not the node's fault. */
export const MADE_UP = 'made up by chaos'

export const healthy: Ailment = { syncDelayMs: 0, failWith: null }

/** What it did to calls so far. */
export interface AilmentCounts {
  slowed: number
  failed: number
}

/** A disk that can be told to be slow, or to fail. */
export class AilingDisk extends ForwardingDisk {
  readonly counts: AilmentCounts = { slowed: 0, failed: 0 }
  ailment: Ailment = healthy

  override open(path: string, options: { readonly create: boolean }, done: Done<DiskFile | undefined>): void {
    this.disk.open(path, options, (error, file) => done(error, file && this.#ailing(file)))
  }

  override syncFolder(path: string, done: DoneVoid): void {
    this.#synced('sync folder', path, done, (then) => this.disk.syncFolder(path, then))
  }

  override space(done: Done<DiskSpace>): void {
    this.disk.space((error, space) => done(error, this.ailment.failWith === 'ENOSPC' ? { ...space, freeBytes: 0 } : space))
  }

  #ailing(file: DiskFile): DiskFile {
    return {
      path: file.path,
      read: (position, length, done) => this.#reached('read', file.path, done, (then: Done<Buffer>) => file.read(position, length, then)),
      writev: (buffers, position, done) => this.#written('writev', file.path, done, (then) => file.writev(buffers, position, then)),
      writevSynced: (buffers, position, done) => this.#synced('writev', file.path, done, (then) => file.writevSynced(buffers, position, then)),
      sync: (done) => this.#synced('fdatasync', file.path, done, (then) => file.sync(then)),
      truncate: (sizeBytes, done) => this.#reached('ftruncate', file.path, done, (then: DoneVoid) => file.truncate(sizeBytes, then)),
      size: (done) => this.#reached('fstat', file.path, done, (then: Done<number>) => file.size(then)),
      close: (done) => file.close(done),
    }
  }

  override readFile(path: string, done: Done<Buffer | undefined>): void {
    this.#reached('read', path, done, (then: Done<Buffer | undefined>) => this.disk.readFile(path, then))
  }

  override rename(from: string, to: string, done: DoneVoid): void {
    this.#reached('rename', from, done, (then: DoneVoid) => this.disk.rename(from, to, then))
  }

  override remove(path: string, done: DoneVoid): void {
    this.#reached('unlink', path, done, (then: DoneVoid) => this.disk.remove(path, then))
  }

  override list(path: string, done: Done<readonly string[]>): void {
    this.#reached('readdir', path, done, (then: Done<readonly string[]>) => this.disk.list(path, then))
  }

  /** What takes no room fails where nothing can be reached. */
  #reached<Call extends (error: Error | undefined, ...rest: never[]) => void>(callName: string, path: string, done: Call, act: (done: Call) => void): void {
    if (this.ailment.failWith !== 'EIO') {
      act(done)
      return
    }
    this.counts.failed++
    setImmediate(done as (error: Error) => void, diskError(callName, path, { errno: 'EIO', text: MADE_UP }))
  }

  #written(callName: string, path: string, done: DoneVoid, act: (done: DoneVoid) => void): void {
    const { failWith } = this.ailment
    if (failWith === null) {
      act(done)
      return
    }
    this.counts.failed++
    setImmediate(done, diskError(callName, path, { errno: failWith, text: MADE_UP }))
  }

  /** What is to be durable waits first: until then it is nowhere but in memory. */
  #synced(callName: string, path: string, done: DoneVoid, act: (done: DoneVoid) => void): void {
    const { syncDelayMs } = this.ailment
    if (syncDelayMs === 0) {
      this.#written(callName, path, done, act)
      return
    }
    this.counts.slowed++
    setTimeout(() => this.#written(callName, path, done, act), syncDelayMs)
  }
}
