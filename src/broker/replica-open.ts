import type { Checkpoints } from '../base/checkpoints.ts'
import { BrokerError } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import type { Logger } from '../base/log-line.ts'
import { call, callVoid, type Task } from '../base/task.ts'
import { DAMAGED_NOTE, parseDamagedNote } from '../log/damaged-note.ts'
import type { Log, LogMarks, OpenedLog } from '../log/surface.ts'
import { type BatchHeader, readBatchHeader } from '../record/batch.ts'
import { Partition } from '../replication/partition.ts'
import { Producers, type ProducerSnapshot } from '../replication/producers.ts'
import { TICK_MS } from '../runtime/ticks.ts'
import { BELOW_START_NOTE, decodeBelowStart, joinEpochs } from './below-start.ts'
import type { DataFolder, DataFolders } from './data-folders.ts'
import { formatPartitionNote, parseLogName, parsePartitionNote, PARTITION_NOTE } from './log-name.ts'
import { Replica, type ReplicaOutlets } from './replica.ts'
import { checkpointKey, decodeCheckpoint, type ReplicaCheckpoint } from './replica-marks.ts'
import type { NodeConfig, NodeLimits } from './surface.ts'

/** High watermark alone reaches followers within this (rules R6.7). */
const REPORT_TICKS = 4
/** Why a replica is suspect (rules R3.4). */
const NOT_STOPPED = 'its node did not stop in good order: what it synced last may be lost without a trace'
const NEW_LOG = 'its log is new here: it may stand where another one was lost'

export interface OpenReplicaOptions {
  readonly name: string
  /** Which topic it is made for; undefined: it is there, and its own note says so. */
  readonly create: { readonly topic: string; readonly topicId: Uuid } | undefined
  readonly folders: DataFolders
  readonly checkpoints: Checkpoints
  readonly config: NodeConfig
  readonly limits: NodeLimits
  readonly nodeId: number
  readonly logger: Logger
  readonly fetchIds: { next(): number }
  readonly outlets: ReplicaOutlets
  /** No log is begun any more. */
  readonly isStopping: () => boolean
  /** Milliseconds since 1970. */
  readonly nowMs: number
}

/** Opens or makes one replica. Undefined: a folder without identity (a crash while it was made) that holds nothing, it was set aside; or the node stops. */
export function* openReplica(options: OpenReplicaOptions): Task<Replica | undefined> {
  const { name, create, folders, checkpoints } = options
  const folder = create === undefined ? folders.of(name) : yield* folders.place(name, create.topicId)
  const { directory } = folder
  const noted = parsePartitionNote(yield* call<string | undefined>((done) => directory.readNote(name, PARTITION_NOTE, done)))
  const topicId = create?.topicId ?? noted?.topicId
  const place = parseLogName(name)
  if (topicId === undefined || place === undefined) {
    // The note is durable before the first batch is written: where there is one, the note was lost, and with it whose batches these are.
    if (yield* call<boolean>((done) => directory.holdsBytes(name, done))) throw new BrokerError('KAFKA_STORAGE_ERROR', unidentified(name))
    yield* callVoid((done) => directory.quarantine(name, done))
    folders.forget(name)
    options.logger.warn({ log: name }, 'a folder without partition.metadata was set aside: it was never used')
    return undefined
  }
  const stored = yield* readCheckpoint(name, checkpoints, options.logger)
  if (options.isStopping()) return undefined
  // Of the log of this topic in this folder: what was noted of another one says nothing here.
  const checkpoint = stored?.topicId === topicId && stored.directoryId === folder.directoryId ? stored : undefined
  // A log that is made now has never moved its start.
  const belowNote = create === undefined ? yield* call<string | undefined>((done) => directory.readNote(name, BELOW_START_NOTE, done)) : undefined
  const below = decodeBelowStart(belowNote)
  const candidates = new ProducerCandidates(checkpoint?.producers, below?.producers, Math.ceil(options.config.producerIdExpirationMs / TICK_MS))
  const marks = marksOf(checkpoint, folder)
  const { visitFrom } = candidates
  const { log, recovery } = yield* call<OpenedLog>((done) => directory.openLog({ name, marks, visitFrom, visit: (header) => candidates.visit(header) }, done))
  if (create !== undefined) yield* callVoid((done) => directory.writeNote(name, PARTITION_NOTE, formatPartitionNote(topicId), done))
  const damagedNote = yield* call<string | undefined>((done) => directory.readNote(name, DAMAGED_NOTE, done))
  const logger = options.logger.child({ topic: place.topic, partition: place.partition })
  const damaged = recovery.verdict === 'damaged' || damagedNote !== undefined
  if (recovery.verdict !== 'new') {
    const fields = { verdict: recovery.verdict, endOffset: log.endOffset, cutBytes: recovery.cutBytes, damaged }
    if (damaged || recovery.verdict === 'torn') logger.warn(fields, `recovered ${recovery.verdict}: ${recovery.detail}`)
    else logger.info(fields, `recovered ${recovery.verdict}: ${recovery.detail}`)
  }
  // A log made just now is suspect too, until a decision names this broker epoch: it may stand where another one was lost.
  const suspect = checkpoint === undefined || checkpoint.suspect || !isCleanEnd(checkpoint, folder)
  const core = new Partition({
    nodeId: options.nodeId,
    log: {
      startOffset: log.startOffset,
      startBatchOffset: yield* findStartBatch(log),
      endOffset: log.endOffset,
      syncedEndOffset: log.syncedEndOffset,
      cutCount: log.cutCount,
      epochs: joinEpochs(hasBelow(log) ? (below?.epochs ?? []) : [], recovery.epochs, log.endOffset),
    },
    highWatermark: Math.max(log.startOffset, Math.min(checkpoint?.highWatermark ?? 0, log.syncedEndOffset)),
    producers: candidates.choose(log),
    fetchIds: options.fetchIds,
    lagTicks: Math.ceil(options.config.replicaLagTimeMaxMs / TICK_MS),
    reportTicks: REPORT_TICKS,
    fetchMaxBytes: options.limits.followerFetchBytes,
    maxUnsyncedBytes: options.limits.followerUnsyncedBytes,
    maxUnansweredBatches: 5,
    repairing: damaged,
    isStartLost: damagedNote !== undefined && parseDamagedNote(damagedNote).isStartLost === true,
  })
  const damage = recovery.verdict === 'damaged' ? recovery.detail : damagedNote === undefined ? undefined : parseDamagedNote(damagedNote).reason
  const reason = damage ?? (suspect ? (create === undefined ? NOT_STOPPED : NEW_LOG) : undefined)
  const trouble = reason === undefined ? null : { reason, sinceMs: options.nowMs }
  const { topic, partition } = place
  const isIdentified = create !== undefined || noted?.isSealed === true
  return new Replica({ topic, topicId, isIdentified, partition, log, core, logger, suspect, damaged, trouble, outlets: options.outlets })
}

/** A log start may lie within a batch. */
function* findStartBatch(log: Log): Task<number> {
  if (log.startOffset === 0 || log.startOffset === log.endOffset) return log.startOffset
  const batches = yield* call<readonly Buffer[]>((done) => log.read(log.startOffset, 1, done))
  return readBatchHeader(batches[0] as Buffer, 0).baseOffset
}

/** Whether anything lies below the start: the note of it may be of an earlier log, that was dropped to begin anew at 0. */
function hasBelow({ startOffset }: Log): boolean {
  return startOffset > 0
}

/** As of endOffset, and what was replayed on it. */
interface ProducerCandidate {
  readonly endOffset: number
  readonly producers: Producers
}

/**
 * The producers as the checkpoint has them, and as the note of the log start has them: the newer ones reach further, but those that came with a reset
 * are of no use when the reset did not come about. That is known when the log is open, so both are replayed.
 */
class ProducerCandidates {
  readonly #checkpoint: ProducerCandidate
  readonly #below: ProducerCandidate | undefined

  constructor(checkpoint: ProducerSnapshot | undefined, below: ProducerSnapshot | undefined, expireTicks: number) {
    const restore = (snapshot: ProducerSnapshot | undefined): ProducerCandidate => {
      return { endOffset: snapshot?.endOffset ?? 0, producers: Producers.restore(snapshot, { expireTicks }) }
    }
    this.#checkpoint = restore(checkpoint)
    this.#below = below !== undefined && below.endOffset > this.#checkpoint.endOffset ? restore(below) : undefined
  }

  get visitFrom(): number {
    return this.#checkpoint.endOffset
  }

  visit(header: BatchHeader): void {
    for (const one of [this.#checkpoint, this.#below]) if (one !== undefined && header.baseOffset >= one.producers.stateOffset) one.producers.replay(header)
  }

  choose(log: Log): Producers {
    const chosen = this.#below !== undefined && hasBelow(log) && this.#below.endOffset <= log.endOffset ? this.#below : this.#checkpoint
    return chosen.producers
  }
}

function unidentified(name: string): string {
  return (
    `${name} holds batches, but its partition.metadata is missing or cannot be read, and is kept as it is: stop the node, then write ` +
    `{"version":1,"topicId":"<id of its topic>"} into that file, or move the folder away to have it fetched from the other replicas`
  )
}

/** What the store cannot give counts as lost: that makes the recovery longer and the replica suspect, no more (rules R3.7). */
function* readCheckpoint(name: string, checkpoints: Checkpoints, logger: Logger): Task<ReplicaCheckpoint | undefined> {
  try {
    return decodeCheckpoint(yield* call<Buffer | undefined>((done) => checkpoints.get(checkpointKey(name), done)))
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    logger.warn({ log: name, error: error.message }, `the checkpoint of ${name} could not be read: its whole log is`)
    return undefined
  }
}

function marksOf(checkpoint: ReplicaCheckpoint | undefined, folder: DataFolder): LogMarks {
  if (checkpoint === undefined) return { safeEndOffset: 0, cleanEndOffset: -1 }
  const { safeEndOffset, cleanEndOffset, epochs } = checkpoint
  return { safeEndOffset, cleanEndOffset: isCleanEnd(checkpoint, folder) ? cleanEndOffset : -1, epochs }
}

/** Whether the process before this one noted it as it stopped in good order. The store may have gone back since: then nobody knows where the log ended (rules R3.7). */
function isCleanEnd({ startNumber, cleanEndOffset }: ReplicaCheckpoint, { directory }: DataFolder): boolean {
  const { number, stoppedCleanly } = directory.start
  return stoppedCleanly && startNumber === number - 1 && cleanEndOffset >= 0
}
