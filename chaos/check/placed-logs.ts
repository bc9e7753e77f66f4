import type { Disk, DiskFile } from '../../src/base/disk.ts'

const PLACEMENTS = 'placements'
/** What becomes of it (src/log/replace-file.ts). */
const WRITTEN = 'placements.tmp'

interface Content {
  /** Directory ids by path. */
  readonly folders: Readonly<Record<string, string>>
  readonly placed: Readonly<Record<string, { readonly directoryId: string }>>
}

/**
 * On which of its folders a node says that each log stands, as the file in its first folder has it (src/broker/placements.ts): what a process read, and what
 * it put in its place since. It stands between the node and its first disk, and changes nothing.
 */
export class PlacedLogs {
  /** Paths of folders by the names of the logs on them. */
  #paths: ReadonlyMap<string, string> = new Map()
  #written = ''

  /** Undefined: it does not say. */
  pathOf(logName: string): string | undefined {
    return this.#paths.get(logName)
  }

  wrap(disk: Disk): Disk {
    return {
      open: (path, options, done) => disk.open(path, options, (error, file) => done(error, file === undefined || path !== WRITTEN ? file : this.#watch(file))),
      readFile: (path, done) =>
        disk.readFile(path, (error, bytes) => {
          if (path === PLACEMENTS && error === undefined) this.#paths = pathsIn(bytes?.toString() ?? '')
          done(error, bytes)
        }),
      rename: (from, to, done) => {
        const written = this.#written
        disk.rename(from, to, (error) => {
          if (to === PLACEMENTS && error === undefined) this.#paths = pathsIn(written)
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

/** None: it cannot be read, and a node does not go by it. */
function pathsIn(text: string): ReadonlyMap<string, string> {
  const content = parse(text)
  const paths = new Map(Object.entries(content?.folders ?? {}).map(([path, id]) => [id, path]))
  const placed = Object.entries(content?.placed ?? {}).map(([logName, { directoryId }]) => [logName, paths.get(directoryId)] as const)
  return new Map(placed.filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function parse(text: string): Content | undefined {
  try {
    return JSON.parse(text.slice(0, text.indexOf('\n'))) as Content
  } catch {
    return undefined
  }
}
