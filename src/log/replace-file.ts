import type { Disk, DiskFile } from '../base/disk.ts'
import { call, callVoid, type Task } from '../base/task.ts'

/** What a crash may leave of `replaceFile`; who lists a folder ignores it. */
export const TEMPORARY_SUFFIX = '.tmp'

export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** Puts `content` at `path`, durable and all or nothing: written beside it, synced, renamed, folder synced. One at a time a path. */
export function* replaceFile(disk: Disk, path: string, content: Buffer): Task<void> {
  const temporary = path + TEMPORARY_SUFFIX
  const file = (yield* call<DiskFile | undefined>((done) => disk.open(temporary, { create: true }, done))) as DiskFile
  yield* callVoid((done) => file.truncate(content.length, done))
  if (content.length > 0) yield* callVoid((done) => file.writev([content], 0, done))
  yield* callVoid((done) => file.sync(done))
  yield* callVoid((done) => file.close(done))
  yield* callVoid((done) => disk.rename(temporary, path, done))
  yield* callVoid((done) => disk.syncFolder(folderOf(path), done))
}

/** Removes `path`, durable; missing is not an error. */
export function* removeSynced(disk: Disk, path: string): Task<void> {
  yield* callVoid((done) => disk.remove(path, done))
  yield* callVoid((done) => disk.syncFolder(folderOf(path), done))
}

/** Makes a folder and its parents durable. */
export function* makeFolder(disk: Disk, path: string): Task<void> {
  yield* callVoid((done) => disk.mkdir(path, done))
  for (let folder = path; folder !== ''; folder = folderOf(folder)) {
    const parent = folderOf(folder)
    yield* callVoid((done) => disk.syncFolder(parent, done))
  }
}
