import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { BrokerError } from '../base/errors.ts'
import type { Logger } from '../base/log-line.ts'
import { call, callVoid, type Task } from '../base/task.ts'
import { DAMAGED_NOTE, parseDamagedNote } from '../log/damaged-note.ts'
import { SnapshotFiles, snapshotFileName, type SnapshotName } from '../log/snapshot-files.ts'
import { type Log, type LogDirectory, METADATA_LOG, type OpenedLog } from '../log/surface.ts'
import { peekBatchSize } from '../record/batch.ts'
import { decodeEntry } from '../runtime/decision-entry.ts'
import type { LoadedSnapshot } from '../runtime/metadata-snapshots.ts'
import type { VoteState } from '../runtime/metadata-storage.ts'
import { readSnapshot } from '../runtime/snapshot-content.ts'
import { VoterSets } from '../runtime/voter-sets.ts'

/*
 * Where the metadata starts from: the newest snapshot that is whole, and the log behind it.
 *
 *   the log reaches that snapshot                      → both; where it parts from it, or ends before, it is begun anew behind it, as the node that died was
 *                                                        about to do (rules R4.5): the core does that, as for a snapshot that comes
 *   a newer snapshot is damaged, the log reaches an older one → the same, with that one
 *   the log begins behind every snapshot that is whole → what lies between is lost: the log is set aside, damaged, and the node catches up from the leader,
 *                                                        without a vote until then (rules R3.4)
 */

const SCAN_CHUNK_BYTES = 1024 * 1024

export interface OpenedMetadata {
  readonly opened: OpenedLog
  readonly files: SnapshotFiles
  readonly loaded: LoadedSnapshot | null
  /** Where the log begins for Raft, and the term of the entry before; −1 where there is none. */
  readonly start: { readonly startOffset: number; readonly startTerm: number }
  /** Those of the snapshot and of the log behind it, committed or not. */
  readonly voterSets: VoterSets
}

export interface MetadataOpenOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly logger: Logger
  readonly directory: LogDirectory
  /** What the vote file says (rules R3.6): no entry of a later term was ever counted, and the log surely reached so far, with an entry of that term. */
  readonly voted: Pick<VoteState, 'term' | 'syncedEndOffset' | 'syncedEpoch'>
}

export function* openMetadata(options: MetadataOpenOptions): Task<OpenedMetadata> {
  const { disk, voted } = options
  const files = new SnapshotFiles(disk, METADATA_LOG)
  let opened = yield* openLog(options, voted.syncedEndOffset)
  yield* files.removeUnfinished()
  let loaded = yield* loadNewest(options, files)
  if (opened.log.startOffset > (loaded?.snapshot.endOffset ?? 0)) {
    opened = yield* setAside(options, opened.log)
    loaded = null
  }
  return { opened, files, loaded, start: startOf(opened, loaded), voterSets: yield* readVoterSets(opened.log, loaded) }
}

function openLog({ directory, voted }: MetadataOpenOptions, safeEndOffset: number): Task<OpenedLog> {
  const { term, syncedEndOffset, syncedEpoch } = voted
  const epochs = syncedEpoch === -1 ? [] : [{ epoch: syncedEpoch, startOffset: syncedEndOffset - 1 }]
  const marks = { safeEndOffset, cleanEndOffset: -1, greatestEpoch: term, epochs }
  return call<OpenedLog>((done) => directory.openLog({ name: METADATA_LOG, marks, visitFrom: 0, visit: () => undefined }, done))
}

/** The newest that is whole; what is not is of no use, and goes. */
function* loadNewest(options: MetadataOpenOptions, files: SnapshotFiles): Task<LoadedSnapshot | null> {
  for (const name of yield* files.list()) {
    const loaded = yield* load(options, files, name)
    if (loaded !== undefined) return loaded
    yield* files.remove(name)
  }
  return null
}

function* load({ clock, logger }: MetadataOpenOptions, files: SnapshotFiles, name: SnapshotName): Task<LoadedSnapshot | undefined> {
  const reader = yield* files.open(name)
  if (reader === undefined) return undefined
  try {
    const content = yield* readSnapshot(reader, name, clock)
    const snapshot = { ...name, sizeBytes: reader.sizeBytes }
    logger.info(snapshot, `metadata snapshot ${snapshotFileName(name)} loaded`)
    return { snapshot, ...content }
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== 'CORRUPT_MESSAGE') throw error
    logger.warn({ ...name, error: error.detail }, `metadata snapshot ${snapshotFileName(name)} is damaged, and removed`)
    return undefined
  } finally {
    yield* reader.close()
  }
}

/** What is there leads to no image. The mark goes on standing for what it held. */
function* setAside(options: MetadataOpenOptions, log: Log): Task<OpenedLog> {
  const { directory, logger, voted } = options
  logger.warn({ startOffset: log.startOffset }, `metadata log: it begins at ${log.startOffset}, and no snapshot up to there is whole`)
  const note = yield* call<string | undefined>((done) => directory.readNote(METADATA_LOG, DAMAGED_NOTE, done))
  const claimedEndOffset = note === undefined ? 0 : parseDamagedNote(note).claimedEndOffset
  const markedEndOffset = Math.max(claimedEndOffset, voted.syncedEndOffset, log.endOffset)
  yield* callVoid((done) => directory.quarantine(METADATA_LOG, done))
  return yield* openLog(options, markedEndOffset)
}

function startOf({ log, recovery }: OpenedLog, loaded: LoadedSnapshot | null): OpenedMetadata['start'] {
  const { startOffset } = log
  if (startOffset === 0 || recovery.startEpoch !== -1 || loaded === null) return { startOffset, startTerm: recovery.startEpoch }
  // Whoever wrote the entry before is forgotten: the log is as good as one that begins at the snapshot, where it reaches that.
  const { endOffset, lastTerm } = loaded.snapshot
  return endOffset <= log.endOffset ? { startOffset: endOffset, startTerm: lastTerm } : { startOffset, startTerm: -1 }
}

function* readVoterSets(log: Log, loaded: LoadedSnapshot | null): Task<VoterSets> {
  const sets = new VoterSets([])
  if (loaded !== null) sets.replaced(loaded.image)
  for (let offset = Math.max(log.startOffset, loaded?.snapshot.endOffset ?? 0); offset < log.endOffset; ) {
    const from = offset
    const batches = yield* call<readonly Buffer[]>((done) => log.read(from, SCAN_CHUNK_BYTES, done))
    for (const bytes of batches) {
      for (let at = 0; at < bytes.length; offset++) {
        const size = peekBatchSize(bytes, at) ?? bytes.length
        sets.appended(offset, decodeEntry(bytes.subarray(at, at + size)))
        at += size
      }
    }
    if (offset === from) break
  }
  return sets
}
