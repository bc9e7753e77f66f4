import type { DiskFile } from '../../src/base/disk.ts'
import type { Done, DoneVoid } from '../../src/base/done.ts'
import { ForwardingDisk } from '../../src/base/forwarding-disk.ts'
import { parseSnapshotFileName } from '../../src/log/snapshot-files.ts'
import { parentOf, type PeekDisk, writevSynced } from './durable-logs.ts'

/** A file that is no snapshot yet: `changes` of it so far, and how many of them a sync has covered. */
interface Unfinished {
  changes: number
  synced: number
}

/** A snapshot under its own name. `isNamed`: its folder was synced since, so that it stays. */
interface Named {
  readonly endOffset: number
  isNamed: boolean
}

const UNFINISHED = /\.checkpoint\.tmp$/

/**
 * What the snapshots on one machine's disk surely hold, judged by the calls that completed there: all bytes of one were synced before it took its name, and
 * its folder was synced after that. One that is removed counts no more from the call on.
 */
export class DurableSnapshots {
  readonly #unfinished = new Map<string, Unfinished>()
  readonly #snapshots = new Map<string, Named>()

  /** Exclusive: a snapshot in that folder holds what is below. 0: there is none. */
  endOffset(folder: string): number {
    let newest = 0
    for (const [path, { endOffset, isNamed }] of this.#snapshots) if (isNamed && parentOf(path) === folder) newest = Math.max(newest, endOffset)
    return newest
  }

  lost(path: string): void {
    this.#snapshots.delete(path)
  }

  wrap(disk: PeekDisk): PeekDisk {
    return new WatchedDisk(disk, this)
  }

  begun(path: string, file: DiskFile): DiskFile {
    const state = { changes: 0, synced: 0 }
    this.#unfinished.set(path, state)
    return {
      path: file.path,
      read: (position, length, done) => file.read(position, length, done),
      writev: (buffers, position, done) => {
        state.changes++
        file.writev(buffers, position, done)
      },
      writevSynced,
      sync: (done) => {
        const { changes } = state
        file.sync((error) => {
          if (error === undefined) state.synced = changes
          done(error)
        })
      },
      truncate: (sizeBytes, done) => {
        state.changes++
        file.truncate(sizeBytes, done)
      },
      size: (done) => file.size(done),
      close: (done) => file.close(done),
    }
  }

  /** Asked before the rename begins; what it answers is called once it was done. */
  renaming(from: string, to: string): () => void {
    const { changes, synced } = this.#unfinished.get(from) ?? { changes: 0, synced: -1 }
    const snapshot = parseSnapshotFileName(to.slice(to.lastIndexOf('/') + 1))
    return () => {
      if (snapshot !== undefined && changes === synced) this.#snapshots.set(to, { endOffset: snapshot.endOffset, isNamed: false })
    }
  }

  /** The same for the sync of a folder. `isThere`: a power loss may have taken one in between. */
  syncing(folder: string, isThere: (path: string) => boolean): () => void {
    const named = [...this.#snapshots].filter(([path]) => parentOf(path) === folder)
    return () => {
      for (const [path, snapshot] of named) snapshot.isNamed ||= isThere(path)
    }
  }
}

class WatchedDisk extends ForwardingDisk implements PeekDisk {
  readonly #peek: PeekDisk
  readonly #snapshots: DurableSnapshots

  constructor(disk: PeekDisk, snapshots: DurableSnapshots) {
    super(disk)
    this.#peek = disk
    this.#snapshots = snapshots
  }

  sizeOf(path: string): number | undefined {
    return this.#peek.sizeOf(path)
  }

  override open(path: string, options: { readonly create: boolean }, done: Done<DiskFile | undefined>): void {
    this.disk.open(path, options, (error, file) => done(error, file === undefined || !UNFINISHED.test(path) ? file : this.#snapshots.begun(path, file)))
  }

  override rename(from: string, to: string, done: DoneVoid): void {
    const renamed = this.#snapshots.renaming(from, to)
    this.disk.rename(from, to, (error) => {
      if (error === undefined) renamed()
      done(error)
    })
  }

  override remove(path: string, done: DoneVoid): void {
    this.#snapshots.lost(path)
    this.disk.remove(path, done)
  }

  override syncFolder(path: string, done: DoneVoid): void {
    const synced = this.#snapshots.syncing(path, (name) => this.sizeOf(name) !== undefined)
    this.disk.syncFolder(path, (error) => {
      if (error === undefined) synced()
      done(error)
    })
  }
}
