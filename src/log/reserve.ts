import type { Disk, DiskFile, DiskSpace } from '../base/disk.ts'
import { call, callVoid, type Task } from '../base/task.ts'
import { removeSynced } from './replace-file.ts'

/*
 * A file of zeros in the data folder. Where nothing is free any more, its removal gives the metadata log, the votes and the note of a start
 * the room that they need (rules R3.5): a node could not even be started on a full disk, to delete a topic say. No safety rests on it.
 */
const PATH = 'reserve'
export const RESERVE_BYTES = 8 * 1024 * 1024
/** Synced one by one, so that the logs of a busy disk do not wait for all of it. */
const PIECE_BYTES = 1024 * 1024

/** Makes the reserve, or what is missing of it. `goesOn` is asked before each piece. */
export function* makeReserve(disk: Disk, goesOn: () => boolean): Task<void> {
  const file = (yield* call<DiskFile | undefined>((done) => disk.open(PATH, { create: true }, done))) as DiskFile
  try {
    const piece = Buffer.alloc(PIECE_BYTES)
    for (let sizeBytes = yield* call<number>((done) => file.size(done)); sizeBytes < RESERVE_BYTES && goesOn(); sizeBytes += PIECE_BYTES) {
      const position = sizeBytes
      yield* callVoid((done) => file.writevSynced([piece], position, done))
    }
  } finally {
    yield* callVoid((done) => file.close(done))
  }
}

/** Synced: some file systems give the room back only then. */
export function* freeReserve(disk: Disk): Task<void> {
  yield* removeSynced(disk, PATH)
}

/** Before a node writes anything to its folder. A folder that is not there yet has no reserve. */
export function* freeReserveWhenFull(disk: Disk): Task<void> {
  const space = yield* call<DiskSpace | undefined>((done) => disk.space((error, found) => done(undefined, error === undefined ? found : undefined)))
  if (space !== undefined && space.freeBytes < RESERVE_BYTES) yield* freeReserve(disk)
}
