import { call, callVoid, type Task } from '../base/task.ts'
import { DAMAGED_NOTE, parseDamagedNote } from '../log/damaged-note.ts'
import { openLogDirectory } from '../log/log-directory.ts'
import { checkMetaProperties, type MetaProperties, openMetaProperties } from '../log/meta-properties.ts'
import { openQuorumState, type QuorumState } from '../log/quorum-state.ts'
import { freeReserveWhenFull } from '../log/reserve.ts'
import { type LogDirectory, METADATA_LOG } from '../log/surface.ts'
import { disksOf, type FolderEvents, type OpenedFolders, openFolders, tailCacheShare } from './folders-open.ts'
import { limitsOf } from './limits.ts'
import { openMetadata, type OpenedMetadata } from './metadata-open.ts'
import type { NodeOptions, NodeSeams } from './surface.ts'

/** A node's folders, opened, and the metadata in the first, recovered: what Raft and the replicas start from. */
export interface OpenedFolder extends OpenedFolders {
  /** Of the first folder, as are the next ones. */
  readonly directory: LogDirectory
  readonly properties: MetaProperties
  readonly quorumState: QuorumState
  readonly metadata: OpenedMetadata
  /** The metadata log is damaged: no vote, not counted, until it is whole beyond this offset again (rules R3.4). */
  readonly damagedBelow: number | null
}

/** Opens the data folders of a node. Throws DATA_FOLDER_MISMATCH, DATA_FOLDER_IN_USE, and DISK_FAILED when the first one fails. */
export function* openFolder(options: NodeOptions, seams: NodeSeams, events: FolderEvents): Task<OpenedFolder> {
  const { disk, clock, logger, random } = seams
  const { segmentBytes, indexIntervalBytes, metadataSnapshotBytes } = options.config
  const { roundBytes } = limitsOf(options)
  const tailCacheBytes = tailCacheShare(options, seams)
  // Before anything is written: to open the directory counts a start, and would make every replica of someone else's folder suspect.
  yield* callVoid((done) => checkMetaProperties({ disk, nodeId: options.nodeId }, done))
  // A start is counted in a synced file: on a full disk there would be no room for it (rules R3.5).
  yield* freeReserveWhenFull(disk)
  const directory = yield* call<LogDirectory>((done) =>
    openLogDirectory({ disk, clock, logger, segmentBytes, indexIntervalBytes, tailCacheBytes, roundBytes, events }, done),
  )
  const { nodeId } = options
  const properties = yield* call<MetaProperties>((done) => openMetaProperties({ disk, nodeId, random: random.fork('directory id') }, done))
  const quorumState = yield* call<QuorumState>((done) => openQuorumState(disk, done))
  const metadata = yield* openMetadata({ disk, clock, logger, directory, voted: quorumState.state })
  const { recovery, log } = metadata.opened
  // Only whole files go: without this nothing would, as long as what lies between two snapshots fits one.
  log.limitSegments({ sizeBytes: Math.min(segmentBytes, metadataSnapshotBytes), ageMs: Number.POSITIVE_INFINITY })
  const damagedBelow = yield* metadataMark(directory, log.endOffset)
  const fields = { verdict: recovery.verdict, endOffset: log.endOffset, cutBytes: recovery.cutBytes }
  if (damagedBelow !== null)
    logger.warn({ ...fields, damagedBelow }, `metadata log recovered damaged: ${recovery.detail}; this voter does not vote until it has caught up`)
  else if (recovery.verdict === 'torn') logger.warn(fields, `metadata log recovered torn: ${recovery.detail}`)
  else logger.info(fields, `metadata log recovered ${recovery.verdict}: ${recovery.detail}`)
  const opened = yield* openFolders(options, seams, events, { path: disksOf(seams)[0].path, directory, properties })
  return { ...opened, directory, properties, quorumState, metadata, damagedBelow }
}

/** The mark stands in the note beside the log until the node has caught up beyond it, so it outlives restarts (rules R3.4). */
function* metadataMark(directory: LogDirectory, endOffset: number): Task<number | null> {
  const note = yield* call<string | undefined>((done) => directory.readNote(METADATA_LOG, DAMAGED_NOTE, done))
  // Beyond what is here in any case: a note that cannot be read claims nothing.
  return note === undefined ? null : Math.max(parseDamagedNote(note).claimedEndOffset, endOffset + 1)
}
