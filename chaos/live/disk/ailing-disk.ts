import { diskError, type DiskFile, type DiskSpace } from '../../../src/base/disk.ts'
import type { Done, DoneVoid } from '../../../src/base/done.ts'
import { ForwardingDisk } from '../../../src/base/forwarding-disk.ts'

/** How a disk ails now. */
export interface Ailment {
  /** Every sync takes so much longer. */
  readonly syncDelayMs: number
  /** What writes and syncs fail with; null: they do not. */
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
      read: (position, length, done) => file.read(position, length, done),
      writev: (buffers, position, done) => this.#written('writev', file.path, done, (then) => file.writev(buffers, position, then)),
      writevSynced: (buffers, position, done) => this.#synced('writev', file.path, done, (then) => file.writevSynced(buffers, position, then)),
      sync: (done) => this.#synced('fdatasync', file.path, done, (then) => file.sync(then)),
      truncate: (sizeBytes, done) => file.truncate(sizeBytes, done),
      size: (done) => file.size(done),
      close: (done) => file.close(done),
    }
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
