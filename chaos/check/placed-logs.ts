import type { Disk, DiskFile } from '../../src/base/disk.ts'

const PLACEMENTS = 'placements'
/** What becomes of it (src/log/replace-file.ts). */
const WRITTEN = 'placements.tmp'

interface Content {
  readonly folders: Readonly<Record<string, string>>
  readonly placed: Readonly<Record<string, { readonly directoryId: string }>>
}

/**
 * On which of its folders a node says that each log stands, as the file in its first folder has it (src/broker/placements.ts): what a process read, and what
 * it put in its place since. It stands between the node and its first disk, and changes nothing.
 */
export class PlacedLogs {
  #content: Content | undefined
  #written = ''

  /** Undefined: it does not say. */
  pathOf(logName: string): string | undefined {
    const directoryId = this.#content?.placed[logName]?.directoryId
    return Object.entries(this.#content?.folders ?? {}).find(([, id]) => id === directoryId)?.[0]
  }

  wrap(disk: Disk): Disk {
    return {
      open: (path, options, done) => disk.open(path, options, (error, file) => done(error, file === undefined || path !== WRITTEN ? file : this.#watch(file))),
      readFile: (path, done) =>
        disk.readFile(path, (error, bytes) => {
          if (path === PLACEMENTS && error === undefined) this.#content = parse(bytes?.toString() ?? '')
          done(error, bytes)
        }),
      rename: (from, to, done) => {
        const written = this.#written
        disk.rename(from, to, (error) => {
          if (to === PLACEMENTS && error === undefined) this.#content = parse(written)
          done(error)
        })
      },
      remove: (path, done) => disk.remove(path, done),
      list: (path, done) => disk.list(path, done),
      mkdir: (path, done) => disk.mkdir(path, done),
      syncFolder: (path, done) => disk.syncFolder(path, done),
      lock: (path, done) => disk.lock(path, done),
      space: (done) => disk.space(done),
    }
  }

  #watch(file: DiskFile): DiskFile {
    return {
      path: file.path,
      read: (position, length, done) => file.read(position, length, done),
      writev: (buffers, position, done) => {
        this.#written = Buffer.concat(buffers).toString()
        file.writev(buffers, position, done)
      },
      writevSynced: (buffers, position, done) => file.writevSynced(buffers, position, done),
      sync: (done) => file.sync(done),
      truncate: (sizeBytes, done) => file.truncate(sizeBytes, done),
      size: (done) => file.size(done),
      close: (done) => file.close(done),
    }
  }
}

/** Undefined: it cannot be read, and a node does not go by it. */
function parse(text: string): Content | undefined {
  try {
    return JSON.parse(text.slice(0, text.indexOf('\n'))) as Content
  } catch {
    return undefined
  }
}
