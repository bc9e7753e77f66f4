import type { Clock, Timer } from '../base/clock.ts'
import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import { call, callVoid, runTask, type Task } from '../base/task.ts'
import { decompress, isCodecLoaded, loadCodec } from '../compression/codecs.ts'
import { BATCH_HEADER_BYTES, peekBatchSize, readBatchHeader } from '../record/batch.ts'
import { COMPRESSION_MASK, LOG_APPEND_TIME_FLAG, visitSection } from '../record/records.ts'
import type { LeaderRecords } from './leader-records.ts'
import type { Replica } from './replica.ts'

/** Read at a time where the first batch that could hold the time does not. */
const SCAN_BYTES = 64 * 1024
/** What one compressed batch may become here: it is read by the node's one thread. */
const MAX_INFLATED_BYTES = 16 * 1024 * 1024

export interface FoundRecord {
  readonly offset: number
  readonly timestamp: number
}

const HIGH_WATERMARK_UNKNOWN = 'the leader is new; its high watermark is not known yet'
const NOT_FOUND: FoundRecord = { offset: -1, timestamp: -1 }

/** Offsets by time, and deletions, on the partitions that this node leads. */
export class PartitionRecords implements LeaderRecords {
  readonly #clock: Clock
  readonly #readFailed: (replica: Replica, error: Error) => void

  constructor(options: { readonly clock: Clock; readonly readFailed: (replica: Replica, error: Error) => void }) {
    this.#clock = options.clock
    this.#readFailed = options.readFailed
  }

  findTimestamp(replica: Replica, timestampMs: number, done: Done<FoundRecord>): void {
    this.#clock.defer(() => runTask(this.#findTimestamp(replica, timestampMs), done))
  }

  *#findTimestamp(replica: Replica, timestampMs: number): Task<FoundRecord> {
    const { core, log } = replica
    const { leaderEpoch } = core
    const upTo = latestOffset(replica)
    let found = NOT_FOUND
    let batch = yield* this.#read<Buffer | undefined>(replica, (done) => log.findTimestamp(timestampMs, upTo, done))
    while (batch !== undefined) {
      const record = yield* findInBatch(batch, { timestampMs, startOffset: core.logStartOffset })
      if (record !== undefined) {
        found = record
        break
      }
      // Its newest records lie below the log start, or its header says more than its records.
      batch = yield* this.#nextBatch(replica, { timestampMs, from: readBatchHeader(batch, 0).lastOffset + 1, upTo })
    }
    // Meanwhile another may lead, and what was found may be what it has cut.
    if (core.role !== 'leader' || core.leaderEpoch !== leaderEpoch) {
      throw new BrokerError('NOT_LEADER_OR_FOLLOWER', 'the leader of the partition changed while it was searched')
    }
    return found
  }

  *#nextBatch(replica: Replica, range: { readonly timestampMs: number; readonly from: number; readonly upTo: number }): Task<Buffer | undefined> {
    const { timestampMs, upTo } = range
    for (let offset = range.from; offset < upTo; ) {
      offset = Math.max(offset, replica.log.startOffset)
      const from = offset
      const slices = yield* this.#read<readonly Buffer[]>(replica, (done) => replica.log.read(from, SCAN_BYTES, done))
      for (const slice of slices) {
        for (let at = 0; at < slice.length; ) {
          const sizeBytes = peekBatchSize(slice, at) ?? slice.length
          const { lastOffset, maxTimestamp } = readBatchHeader(slice, at)
          if (lastOffset >= upTo) return undefined
          if (maxTimestamp >= timestampMs && lastOffset >= offset) return slice.subarray(at, at + sizeBytes)
          offset = Math.max(offset, lastOffset + 1)
          at += sizeBytes
        }
      }
      if (offset === from) return undefined
    }
    return undefined
  }

  *#read<T>(replica: Replica, start: (done: Done<T>) => void): Task<T> {
    try {
      return yield* call<T>(start)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      this.#readFailed(replica, error)
      throw new BrokerError('KAFKA_STORAGE_ERROR', `the log could not be read here: ${error.message}`)
    }
  }

  /** What is deleted is gone on this node at once; the answer comes when the disks of all in-sync replicas have it. */
  deleteRecords(replica: Replica, request: { readonly beforeOffset: number; readonly timeoutMs: number }, done: Done<number>): void {
    const { core } = replica
    const { leaderEpoch, highWatermark } = core
    const offset = request.beforeOffset === -1 ? highWatermark : request.beforeOffset
    if (core.latestOffset() === undefined && (offset > highWatermark || request.beforeOffset === -1)) {
      this.#clock.defer(() => done(new BrokerError('OFFSET_NOT_AVAILABLE', HIGH_WATERMARK_UNKNOWN), -1))
      return
    }
    if (offset < 0 || offset > highWatermark) {
      const range = `records below ${core.logStartOffset} to ${highWatermark} can be deleted, not below ${offset}`
      this.#clock.defer(() => done(new BrokerError('OFFSET_OUT_OF_RANGE', range), -1))
      return
    }
    let timer: Timer | undefined
    let isEnded = false
    const finish = (error: BrokerError | undefined, lowWatermark: number): void => {
      if (isEnded) return
      isEnded = true
      timer?.cancel()
      replica.removeReader(check)
      this.#clock.defer(() => done(error, lowWatermark))
    }
    const check = (): void => {
      if (core.role !== 'leader' || core.leaderEpoch !== leaderEpoch)
        finish(new BrokerError('NOT_LEADER_OR_FOLLOWER', 'another node leads the partition now; what was deleted may come back', { definite: false }), -1)
      else if (core.lowWatermark >= offset) finish(undefined, core.lowWatermark)
    }
    timer = this.#clock.after(request.timeoutMs, () => {
      const detail = `deleted here, and not on every in-sync replica within ${request.timeoutMs} ms: their logs begin at ${core.lowWatermark}`
      finish(new BrokerError('REQUEST_TIMED_OUT', detail, { definite: false }), -1)
    })
    replica.addReader(check)
    replica.step({ type: 'advanceStart', offset })
    check()
  }
}

function latestOffset({ core, dead }: Replica): number {
  if (dead) throw new BrokerError('KAFKA_STORAGE_ERROR', 'the log of this replica is offline; see the log of the node')
  if (core.role !== 'leader') throw new BrokerError('NOT_LEADER_OR_FOLLOWER', 'another node leads the partition')
  const latest = core.latestOffset()
  if (latest === undefined) throw new BrokerError('OFFSET_NOT_AVAILABLE', HIGH_WATERMARK_UNKNOWN)
  return latest
}

/** The first record at or above startOffset whose timestamp is at least timestampMs. Throws CORRUPT_MESSAGE when the records cannot be read. */
function* findInBatch(batch: Buffer, wanted: { readonly timestampMs: number; readonly startOffset: number }): Task<FoundRecord | undefined> {
  const header = readBatchHeader(batch, 0)
  const { timestampMs, startOffset } = wanted
  if ((header.attributes & LOG_APPEND_TIME_FLAG) !== 0) {
    // All its records are of one time, which the header says.
    const offset = Math.max(header.baseOffset, startOffset)
    return header.maxTimestamp >= timestampMs && offset <= header.lastOffset ? { offset, timestamp: header.maxTimestamp } : undefined
  }
  const codec = header.attributes & COMPRESSION_MASK
  if (codec !== 0 && !isCodecLoaded(codec)) yield* callVoid((done) => loadCodec(codec, done))
  const section = batch.subarray(BATCH_HEADER_BYTES)
  let found: FoundRecord | undefined
  visitSection(codec === 0 ? section : decompress(codec, section, MAX_INFLATED_BYTES), header, (offset, timestamp) => {
    if (found === undefined && offset >= startOffset && timestamp >= timestampMs) found = { offset, timestamp }
  })
  return found
}
