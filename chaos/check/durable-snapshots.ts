import type { Disk, DiskFile } from '../../src/base/disk.ts'
import { parseSnapshotFileName } from '../../src/log/snapshot-files.ts'
import type { PeekDisk } from './durable-logs.ts'

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
    return {
      ...passing(disk),
      open: (path, options, done) =>
        disk.open(path, options, (error, file) => done(error, file === undefined || !UNFINISHED.test(path) ? file : this.#watch(path, file))),
      rename: (from, to, done) => {
        const { changes, synced } = this.#unfinished.get(from) ?? { changes: 0, synced: -1 }
        disk.rename(from, to, (error) => {
          const snapshot = parseSnapshotFileName(to.slice(to.lastIndexOf('/') + 1))
          if (error === undefined && snapshot !== undefined && changes === synced) this.#snapshots.set(to, { endOffset: snapshot.endOffset, isNamed: false })
          done(error)
        })
      },
      remove: (path, done) => {
        this.#snapshots.delete(path)
        disk.remove(path, done)
      },
      syncFolder: (path, done) => {
        const named = [...this.#snapshots].filter(([name]) => parentOf(name) === path)
        disk.syncFolder(path, (error) => {
          // A power loss may have taken it in between.
          if (error === undefined) for (const [name, snapshot] of named) snapshot.isNamed ||= disk.sizeOf(name) !== undefined
          done(error)
        })
      },
    }
  }

  #watch(path: string, file: DiskFile): DiskFile {
    const state = { changes: 0, synced: 0 }
    this.#unfinished.set(path, state)
    return {
      path: file.path,
      read: (position, length, done) => file.read(position, length, done),
      writev: (buffers, position, done) => {
        state.changes++
        file.writev(buffers, position, done)
      },
      writevSynced: (buffers, position, done) => {
        state.changes++
        file.writevSynced(buffers, position, done)
      },
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
}

function passing(disk: PeekDisk): Pick<PeekDisk, Exclude<keyof Disk, 'open' | 'rename' | 'remove' | 'syncFolder'> | 'sizeOf'> {
  return {
    readFile: (path, done) => disk.readFile(path, done),
    list: (path, done) => disk.list(path, done),
    mkdir: (path, done) => disk.mkdir(path, done),
    lock: (path, done) => disk.lock(path, done),
    space: (done) => disk.space(done),
    sizeOf: (path) => disk.sizeOf(path),
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
