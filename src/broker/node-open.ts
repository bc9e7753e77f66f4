import { BrokerError } from '../base/errors.ts'
import { type Uuid, randomUuid } from '../base/ids.ts'
import { call, callVoid, type Task } from '../base/task.ts'
import { openLogDirectory } from '../log/log-directory.ts'
import { type MetaProperties, readMetaProperties, writeMetaProperties } from '../log/meta-properties.ts'
import { openQuorumState, type QuorumState } from '../log/quorum-state.ts'
import type { LogDirectory, LogDirectoryEvents, OpenedLog } from '../log/surface.ts'
import { peekBatchSize } from '../record/batch.ts'
import type { Voter } from '../raft/messages.ts'
import { decodeEntry } from '../runtime/decision-entry.ts'
import type { NodeOptions, NodeSeams } from './surface.ts'

export const METADATA_LOG = 'metadata'
const SCAN_CHUNK_BYTES = 1024 * 1024

/** A node's folder, opened and recovered: what Raft and the replicas start from. */
export interface OpenedFolder {
  readonly directory: LogDirectory
  readonly properties: MetaProperties
  readonly quorumState: QuorumState
  readonly metadata: OpenedLog
  /** The voter set in the metadata log, committed or not: it takes effect on append (Raft dissertation 4.1). */
  readonly voters: readonly Voter[]
  /** The metadata log is damaged: no vote, not counted, until it is whole beyond this offset again (rules R3.4). */
  readonly damagedBelow: number | null
}

/** Opens the data folder of a node. Throws DATA_FOLDER_MISMATCH, DATA_FOLDER_IN_USE, DISK_FAILED. */
export function* openFolder(options: NodeOptions, seams: NodeSeams, events: LogDirectoryEvents): Task<OpenedFolder> {
  const { disk, clock, logger, random } = seams
  const { segmentBytes, indexIntervalBytes, tailCacheBytes } = options.config
  const directory = yield* call<LogDirectory>((done) => openLogDirectory({ disk, clock, logger, segmentBytes, indexIntervalBytes, tailCacheBytes, events }, done))
  const properties = yield* openProperties(options, seams, randomUuid(random.fork('directory id')))
  const quorumState = yield* call<QuorumState>((done) => openQuorumState(disk, done))
  const { syncedEndOffset } = quorumState.state
  const marks = { safeEndOffset: syncedEndOffset, cleanEndOffset: -1 }
  const metadata = yield* call<OpenedLog>((done) => directory.openLog({ name: METADATA_LOG, marks, visitFrom: 0, visit: () => undefined }, done))
  const { recovery, log } = metadata
  const damagedBelow = yield* metadataMark(directory, recovery.verdict === 'damaged' ? Math.max(syncedEndOffset, log.endOffset + 1) : null)
  const fields = { verdict: recovery.verdict, endOffset: log.endOffset, cutBytes: recovery.cutBytes }
  if (damagedBelow !== null) logger.warn({ ...fields, damagedBelow }, `metadata log recovered damaged: ${recovery.detail}; this voter does not vote until it has caught up`)
  else if (recovery.verdict === 'torn') logger.warn(fields, `metadata log recovered torn: ${recovery.detail}`)
  else logger.info(fields, `metadata log recovered ${recovery.verdict}: ${recovery.detail}`)
  return { directory, properties, quorumState, metadata, voters: yield* readVoters(metadata), damagedBelow }
}

/** The mark outlives restarts: it stands in the note beside the log until the node has caught up beyond it (rules R3.4). */
function* metadataMark(directory: LogDirectory, found: number | null): Task<number | null> {
  const note = yield* call<string | undefined>((done) => directory.readNote(METADATA_LOG, 'damaged-below', done))
  const noted = note === undefined ? null : Number(note)
  const mark = found === null ? noted : Math.max(found, noted ?? 0)
  if (mark !== null && mark !== noted) yield* callVoid((done) => directory.writeNote(METADATA_LOG, 'damaged-below', String(mark), done))
  return mark
}

function* openProperties(options: NodeOptions, { disk, logger }: NodeSeams, newDirectoryId: Uuid): Task<MetaProperties> {
  const stored = yield* call<MetaProperties | undefined>((done) => readMetaProperties(disk, done))
  if (stored === undefined) {
    const made: MetaProperties = { clusterId: null, nodeId: options.nodeId, directoryId: newDirectoryId }
    yield* callVoid((done) => writeMetaProperties(disk, made, done))
    logger.info({ directoryId: made.directoryId }, 'data folder: new, it was given a directory id')
    return made
  }
  if (stored.nodeId !== options.nodeId) {
    throw new BrokerError('DATA_FOLDER_MISMATCH', `the folder belongs to node ${stored.nodeId}, not to node ${options.nodeId}: start node ${stored.nodeId} with it, or give node ${options.nodeId} a folder of its own`)
  }
  return stored
}

/** The last voter set in the log. */
function* readVoters({ log }: OpenedLog): Task<readonly Voter[]> {
  let voters: readonly Voter[] = []
  for (let offset = log.startOffset; offset < log.endOffset; ) {
    const from = offset
    const batches = yield* call<readonly Buffer[]>((done) => log.read(from, SCAN_CHUNK_BYTES, done))
    for (const bytes of batches) {
      for (let at = 0; at < bytes.length; offset++) {
        const size = peekBatchSize(bytes, at) ?? bytes.length
        for (const record of decodeEntry(bytes.subarray(at, at + size))) {
          if (record.type === 'cluster' || record.type === 'voters') voters = record.voters
        }
        at += size
      }
    }
    if (offset === from) break
  }
  return voters
}
