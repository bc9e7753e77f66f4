import { call, callVoid, type Task } from '../base/task.ts'
import { DAMAGED_NOTE, parseDamagedNote } from '../log/damaged-note.ts'
import { openLogDirectory } from '../log/log-directory.ts'
import { checkMetaProperties, type MetaProperties, openMetaProperties } from '../log/meta-properties.ts'
import { openQuorumState, type QuorumState } from '../log/quorum-state.ts'
import { freeReserveWhenFull } from '../log/reserve.ts'
import { type LogDirectory, METADATA_LOG, type OpenedLog } from '../log/surface.ts'
import { peekBatchSize } from '../record/batch.ts'
import { decodeEntry } from '../runtime/decision-entry.ts'
import { VoterSets } from '../runtime/voter-sets.ts'
import { disksOf, type FolderEvents, type OpenedFolders, openFolders, tailCacheShare } from './folders-open.ts'
import type { NodeOptions, NodeSeams } from './surface.ts'

const SCAN_CHUNK_BYTES = 1024 * 1024

/** A node's folders, opened, and the metadata log in the first, recovered: what Raft and the replicas start from. */
export interface OpenedFolder extends OpenedFolders {
  /** Of the first folder, as are the next two. */
  readonly directory: LogDirectory
  readonly properties: MetaProperties
  readonly quorumState: QuorumState
  readonly metadata: OpenedLog
  /** Those in the metadata log, committed or not. */
  readonly voterSets: VoterSets
  /** The metadata log is damaged: no vote, not counted, until it is whole beyond this offset again (rules R3.4). */
  readonly damagedBelow: number | null
}

/** Opens the data folders of a node. Throws DATA_FOLDER_MISMATCH, DATA_FOLDER_IN_USE, and DISK_FAILED when the first one fails. */
export function* openFolder(options: NodeOptions, seams: NodeSeams, events: FolderEvents): Task<OpenedFolder> {
  const { disk, clock, logger, random } = seams
  const { segmentBytes, indexIntervalBytes } = options.config
  const tailCacheBytes = tailCacheShare(options, seams)
  // Before anything is written: to open the directory counts a start, and would make every replica of someone else's folder suspect.
  yield* callVoid((done) => checkMetaProperties({ disk, nodeId: options.nodeId }, done))
  // A start is counted in a synced file: on a full disk there would be no room for it (rules R3.5).
  yield* freeReserveWhenFull(disk)
  const directory = yield* call<LogDirectory>((done) =>
    openLogDirectory({ disk, clock, logger, segmentBytes, indexIntervalBytes, tailCacheBytes, events }, done),
  )
  const { nodeId } = options
  const properties = yield* call<MetaProperties>((done) => openMetaProperties({ disk, nodeId, random: random.fork('directory id') }, done))
  const quorumState = yield* call<QuorumState>((done) => openQuorumState(disk, done))
  const { syncedEndOffset } = quorumState.state
  const marks = { safeEndOffset: syncedEndOffset, cleanEndOffset: -1 }
  const metadata = yield* call<OpenedLog>((done) => directory.openLog({ name: METADATA_LOG, marks, visitFrom: 0, visit: () => undefined }, done))
  const { recovery, log } = metadata
  const damagedBelow = yield* metadataMark(directory, log.endOffset)
  const fields = { verdict: recovery.verdict, endOffset: log.endOffset, cutBytes: recovery.cutBytes }
  if (damagedBelow !== null)
    logger.warn({ ...fields, damagedBelow }, `metadata log recovered damaged: ${recovery.detail}; this voter does not vote until it has caught up`)
  else if (recovery.verdict === 'torn') logger.warn(fields, `metadata log recovered torn: ${recovery.detail}`)
  else logger.info(fields, `metadata log recovered ${recovery.verdict}: ${recovery.detail}`)
  const opened = yield* openFolders(options, seams, events, { path: disksOf(seams)[0].path, directory, properties })
  return { ...opened, directory, properties, quorumState, metadata, voterSets: yield* readVoterSets(metadata), damagedBelow }
}

/** The mark stands in the note beside the log until the node has caught up beyond it, so it outlives restarts (rules R3.4). */
function* metadataMark(directory: LogDirectory, endOffset: number): Task<number | null> {
  const note = yield* call<string | undefined>((done) => directory.readNote(METADATA_LOG, DAMAGED_NOTE, done))
  // Beyond what is here in any case: a note that cannot be read claims nothing.
  return note === undefined ? null : Math.max(parseDamagedNote(note).claimedEndOffset, endOffset + 1)
}

function* readVoterSets({ log }: OpenedLog): Task<VoterSets> {
  const sets = new VoterSets([])
  for (let offset = log.startOffset; offset < log.endOffset; ) {
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
