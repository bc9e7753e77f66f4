import type { Done, DoneVoid } from '../base/done.ts'
import type { BrokerError } from '../base/errors.ts'
import type { BatchHeader } from '../record/batch.ts'
import type { EpochStart } from '../base/epochs.ts'

/** Name, and folder, of the metadata log. Made after the vote file, so it is never there without it. */
export const METADATA_LOG = 'metadata'

/**
 * What the drivers see of a data folder's logs. One implementation serves partitions and the metadata log.
 * `append` and `truncate` take effect in memory at once; disks follow in rounds of write and sync (rules R3.2).
 */
export interface Log {
  readonly name: string
  /** First offset that is served, maybe inside a batch. Moves up (advanceStart, resetTo), or back to 0 (resetTo). */
  readonly startOffset: number
  /** Exclusive, synced or not. */
  readonly endOffset: number
  /** Exclusive: below it everything is on disk, as far as this process knows. Below startOffset while a resetTo is not durable. */
  readonly syncedEndOffset: number
  /** Grows with each truncate and resetTo; completions carry it. */
  readonly cutCount: number
  /** Bytes on disk and in memory, all segments. */
  readonly sizeBytes: number
  /** Leader epoch of the batch that ends at `offset`, at or above startOffset; −1: not known. */
  epochBefore(offset: number): number
  /** Copies one batch into the slab and stamps the copy there. Its base offset must be endOffset. `logAppendTimeMs` as in Kafka: attributes bit 3, maxTimestamp. */
  appendAsLeader(bytes: Buffer, stamp: AppendStamp): void
  /** Copies whole batches, unchanged; the first begins at endOffset, all contiguous. */
  appendFetched(bytes: Buffer, headers: readonly BatchHeader[]): void
  /** Cuts to endOffset (exclusive, a batch boundary at or above startOffset); synced before the next append reaches the disk. */
  truncate(endOffset: number): void
  /**
   * Moves the start up to `offset` (startOffset < offset ≤ syncedEndOffset): for readers at once. Then the note 'log-start' beside the log is synced, `done` is
   * called, and segments wholly below go, oldest first, folder synced. A recovery that finds segments missing above the noted start calls the log damaged.
   * KAFKA_STORAGE_ERROR when the log is dead or closed before the note is durable.
   */
  advanceStart(offset: number, done: DoneVoid): void
  /**
   * Drops all of the log and goes on at `offset` (> endOffset): the leader kept nothing that follows our end. Or at 0, as a log that never held anything:
   * an unclean election took from us more than we hold. cutCount grows by one; `synced` says (offset, that cut count) once the new start is durable.
   * `epoch`: of what came before `offset`; −1, and unless given: not known.
   */
  resetTo(offset: number, epoch?: number): void
  /** It goes on in the place of a log that holds the same: completions carry the cut count of that one from now on. Nothing of it waits for the disk. */
  takeOver(cutCount: number): void
  /**
   * From the next append on: a batch that would make its segment larger than sizeBytes begins a new one, and so does one whose maxTimestamp lies more than ageMs
   * above that of its segment's first batch (Kafka LogSegment.shouldRoll). Until it is said, the folder's own size holds, and any age.
   */
  limitSegments(limits: { readonly sizeBytes: number; readonly ageMs: number }): void
  /**
   * How far retention may move the start: whole segments from the oldest on, all below `upTo` and synced; each while its largest timestamp is below
   * expiredBeforeMs, or while without it at least retentionBytes remain. The active segment may go too (then the log is empty at its end). null: no limit of that
   * kind. startOffset when nothing is due. A segment of records without timestamps goes by time with the one that follows.
   */
  retentionOffset(limits: RetentionLimits): number
  /**
   * The first batch that ends at or above startOffset and below `upTo` whose maxTimestamp ≥ timestampMs; whole bytes, CRC checked when from disk. undefined: none.
   * Its records below startOffset, or older than timestampMs, are for the caller to skip.
   */
  findTimestamp(timestampMs: number, upTo: number, done: Done<Buffer | undefined>): void
  /** Batches from the one holding `offset` on, from memory alone; at least one batch if any, then at most maxBytes. Undefined: not in memory. Empty: at or past the end. The slices are never written again. */
  readCached(offset: number, maxBytes: number): readonly Buffer[] | undefined
  /** The same from memory or disk, CRCs checked when from disk: CORRUPT_MESSAGE when one is wrong (the replica is then damaged). */
  read(offset: number, maxBytes: number, done: Done<readonly Buffer[]>): void
  /**
   * What the disk has, never memory: batches of one segment from the one holding `offset` on, those that begin below `endOffset` and are synced; at least one,
   * then at most maxBytes. A bad one ends them and is said, not thrown. OFFSET_OUT_OF_RANGE when `offset` lies below the start.
   */
  readStored(range: { readonly offset: number; readonly endOffset: number; readonly maxBytes: number }, done: Done<StoredBatches>): void
}

/** Whole batches as they lie in a file, and what is wrong behind them, if anything. */
export interface StoredBatches {
  /** Of the segment, from the data folder. */
  readonly path: string
  /** Of the first batch, or of what is wrong where none is good: bytes from the start of the file. */
  readonly position: number
  readonly bytes: Buffer
  /** CORRUPT_MESSAGE, of the batch that should follow. */
  readonly fault: BrokerError | null
}

/** What the leader alone knows of a batch. `logAppendTimeMs`: null or absent keeps the producer's timestamps. */
export interface AppendStamp {
  readonly baseOffset: number
  readonly leaderEpoch: number
  readonly logAppendTimeMs?: number | null
}

export interface RetentionLimits {
  readonly upTo: number
  readonly expiredBeforeMs: number | null
  readonly retentionBytes: number | null
}

export interface LogDirectoryEvents {
  /** All below endOffset is durable, as of this cut count (rules R3.2). Also said once after a cut or a reset was synced. */
  synced(log: Log, endOffset: number, cutCount: number): void
  /** A write or sync failed: the log is dead in this process (rules R3.5). Said once a log. */
  failed(log: Log, error: Error): void
}

/** Marks that make recovery more careful (rules R3.3); kept in Checkpoints by the driver. */
export interface LogMarks {
  /** Never more than min(high watermark, own synced end) when it was written. A log that ends below it is damaged. */
  readonly safeEndOffset: number
  /** After a clean stop: the synced end. Nothing below it can be torn, only damaged. −1: not a clean stop. */
  readonly cleanEndOffset: number
  /** No batch of a greater epoch counts. Absent: not known. */
  readonly greatestEpoch?: number
  /** Where the newest epochs began, of the batches below both ends. Absent: not known. */
  readonly epochs?: readonly EpochStart[]
}

export interface Recovery {
  readonly verdict: 'new' | 'whole' | 'torn' | 'damaged'
  /** One sentence for the operator: what was found, where, what was cut. */
  readonly detail: string
  readonly cutBytes: number
  readonly epochs: readonly EpochStart[]
  /** Of what came before the log's start; −1: nothing did, or it is not known. */
  readonly startEpoch: number
}

export interface OpenedLog {
  readonly log: Log
  readonly recovery: Recovery
}

/** One process on a folder (rules R3.4). */
export interface FolderStart {
  /** How many there were, this one included: what an earlier process noted as it stopped says nothing once another one came between. */
  readonly number: number
  /** False: the last process did not stop in good order. This was noted, synced, before anything was recovered. */
  readonly stoppedCleanly: boolean
}

export interface OpenLogOptions {
  readonly name: string
  readonly marks: LogMarks
  /** `visit` sees every batch header from there on (producer state is rebuilt from it). */
  readonly visitFrom: number
  readonly visit: (header: BatchHeader) => void
  /** Until it takes over (Log.takeOver) it is of no use to anybody: on a full disk it dies instead of waiting for room. Default: it is none. */
  readonly isCopy?: boolean
}

export interface LogDirectory {
  readonly start: FolderStart
  /** Names of the logs found, e.g. 'partitions/orders-0'; those in quarantine are not among them. */
  readonly names: readonly string[]
  readonly counters: LogCounters
  /** Recovers a log, or makes it (folder synced). */
  openLog(options: OpenLogOptions, done: Done<OpenedLog>): void
  /** Small synced files beside a log: 'partition.metadata', 'damaged'. null removes. */
  writeNote(name: string, note: string, content: string | null, done: DoneVoid): void
  /** As writeNote, for a note that may stay as it was: false, where it cannot be written. */
  tryNote(name: string, note: string, content: string, done: Done<boolean>): void
  readNote(name: string, note: string, done: Done<string | undefined>): void
  /** Whether a segment file of a log that is not open holds any bytes, whole batches or not. */
  holdsBytes(name: string, done: Done<boolean>): void
  /** Stops the log and moves its folder to quarantine/, synced; the name is free again. */
  quarantine(name: string, done: DoneVoid): void
  /** Stops the log and removes its folder, synced; the name is free again. It takes no room on the disk. */
  remove(name: string, done: DoneVoid): void
  /** Removes what lies in quarantine for longer than `olderThanMs` (rules 8: 60 s, deleted topics only). */
  purgeQuarantine(options: { readonly nowMs: number; readonly olderThanMs: number }, done: DoneVoid): void
  /** Syncs everything, notes the clean stop, closes. */
  close(done: Done<ReadonlyMap<string, number>>): void
}

/** What the data path cost since the start; bench and metrics read it. */
export interface LogCounters {
  readonly appendedBytes: number
  readonly copiedBytes: number
  readonly writeCalls: number
  readonly syncCalls: number
  readonly rounds: number
}
