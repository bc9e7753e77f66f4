import type { Disk, DiskFile, DiskSpace } from '../../../src/base/disk.ts'
import type { Done, DoneVoid } from '../../../src/base/done.ts'
import { PendingChanges, readAfter, sizeAfter } from './pending-changes.ts'

/** A change is done in a turn of its own, as by a system call. */
function soon(done: DoneVoid): void {
  setImmediate(done, undefined)
}

/**
 * A disk whose bytes are in this process alone until they are synced: when it is killed they are gone, as they are when a machine loses power.
 * Names are not: what is created, renamed or removed stays so.
 */
export class VolatileDisk implements Disk {
  readonly #inner: Disk
  readonly #pending = new Map<string, PendingChanges>()

  constructor(inner: Disk) {
    this.#inner = inner
  }

  /** That a power loss would take now. */
  get unsyncedBytes(): number {
    return [...this.#pending.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  }

  open(path: string, options: { readonly create: boolean }, done: Done<DiskFile | undefined>): void {
    this.#inner.open(path, options, (error, file) => done(error, file && new VolatileFile(file, this.#of(path))))
  }

  readFile(path: string, done: Done<Buffer | undefined>): void {
    const changes = this.#pending.get(path)?.all ?? []
    this.#inner.readFile(path, (error, bytes) => {
      done(error, bytes && readAfter(bytes, 0, sizeAfter(bytes.length, changes), changes))
    })
  }

  rename(from: string, to: string, done: DoneVoid): void {
    this.#inner.rename(from, to, (error) => {
      if (error === undefined) this.#moved(from, to)
      done(error)
    })
  }

  remove(path: string, done: DoneVoid): void {
    for (const name of [...this.#pending.keys()]) if (name === path || name.startsWith(`${path}/`)) this.#pending.delete(name)
    this.#inner.remove(path, done)
  }

  list(path: string, done: Done<readonly string[]>): void {
    this.#inner.list(path, done)
  }

  mkdir(path: string, done: DoneVoid): void {
    this.#inner.mkdir(path, done)
  }

  syncFolder(path: string, done: DoneVoid): void {
    this.#inner.syncFolder(path, done)
  }

  lock(path: string, done: DoneVoid): void {
    this.#inner.lock(path, done)
  }

  space(done: Done<DiskSpace>): void {
    this.#inner.space(done)
  }

  #of(path: string): PendingChanges {
    const known = this.#pending.get(path) ?? new PendingChanges()
    this.#pending.set(path, known)
    return known
  }

  /** A file, or a folder with all that is in it. */
  #moved(from: string, to: string): void {
    for (const [name, changes] of [...this.#pending]) {
      if (name !== from && !name.startsWith(`${from}/`)) continue
      this.#pending.delete(name)
      this.#pending.set(to + name.slice(from.length), changes)
    }
  }
}

class VolatileFile implements DiskFile {
  readonly path: string
  readonly #inner: DiskFile
  readonly #pending: PendingChanges

  constructor(inner: DiskFile, pending: PendingChanges) {
    this.path = inner.path
    this.#inner = inner
    this.#pending = pending
  }

  read(position: number, length: number, done: Done<Buffer>): void {
    const changes = this.#pending.all
    this.#inner.read(position, length, (error, found) => done(error, error === undefined ? readAfter(found, position, length, changes) : found))
  }

  writev(buffers: readonly Buffer[], position: number, done: DoneVoid): void {
    this.#pending.write(buffers, position)
    soon(done)
  }

  writevSynced(buffers: readonly Buffer[], position: number, done: DoneVoid): void {
    const length = buffers.reduce((sum, { length: bytes }) => sum + bytes, 0)
    if (!this.#pending.meets(position, length)) {
      this.#inner.writevSynced(buffers, position, done)
      return
    }
    this.sync((error) => (error === undefined ? this.#inner.writevSynced(buffers, position, done) : done(error)))
  }

  sync(done: DoneVoid): void {
    const changes = this.#pending.all
    this.#make(0, changes, (error) => {
      if (error !== undefined) {
        done(error)
        return
      }
      this.#inner.sync((syncError) => {
        if (syncError === undefined) this.#pending.forget(changes)
        done(syncError)
      })
    })
  }

  truncate(sizeBytes: number, done: DoneVoid): void {
    this.#pending.truncate(sizeBytes)
    soon(done)
  }

  size(done: Done<number>): void {
    const changes = this.#pending.all
    this.#inner.size((error, sizeBytes) => done(error, sizeAfter(sizeBytes, changes)))
  }

  /** What is pending stays so: whoever opens the file again finds it, and may sync it. */
  close(done: DoneVoid): void {
    this.#inner.close(done)
  }

  #make(at: number, changes: PendingChanges['all'], done: DoneVoid): void {
    const change = changes[at]
    const next: DoneVoid = (error) => (error === undefined ? this.#make(at + 1, changes, done) : done(error))
    if (change === undefined) done(undefined)
    else if (change.type === 'truncate') this.#inner.truncate(change.sizeBytes, next)
    else this.#inner.writev([change.bytes], change.position, next)
  }
}
