import { assert } from '../base/assert.ts'
import type { BatchHeader } from '../record/batch.ts'
import type { EpochStart } from '../base/epochs.ts'
import { EpochTable } from '../base/epochs.ts'
import type { LogReset, PartitionEffect } from './effects.ts'
import { HighWatermark } from './high-watermark.ts'
import type { Producers } from './producers.ts'

/** Where a log stands when its partition is opened; offsets as in Log (src/log/surface.ts). */
export interface LogPositions {
  readonly startOffset: number
  /** Where the batch that holds the start begins, below the start when that lies within a batch. */
  readonly startBatchOffset: number
  readonly endOffset: number
  readonly syncedEndOffset: number
  readonly cutCount: number
  /** The first may begin before the log does: it wrote the last record that is gone. */
  readonly epochs: readonly EpochStart[]
}

/**
 * What this replica holds, as the core knows it: positions, epochs, producers and high watermark move together here and nowhere else.
 * start ≤ high watermark ≤ synced end ≤ end; the epoch table and the producers describe exactly what lies below the end. The start alone moves
 * within that, and only up: records go, who wrote the last of them stays known, and what producers wrote stays too (rules R6.8).
 * A reset breaks the first order until it is durable: the log goes on above all that it held, and claims nothing there before (rules R6.1).
 * `restart` alone takes the start down again, with all else.
 */
export class OwnLog {
  readonly epochs: EpochTable
  readonly producers: Producers
  #startOffset: number
  #syncedStartOffset: number
  /** Undefined between a move of the start and its completion. */
  #startBatchOffset: number | undefined
  readonly #highWatermark: HighWatermark
  #endOffset: number
  #syncedEndOffset: number
  #cutCount: number

  constructor(options: { readonly positions: LogPositions; readonly highWatermark: number; readonly producers: Producers }) {
    const { positions } = options
    this.#startOffset = positions.startOffset
    this.#syncedStartOffset = positions.startOffset
    this.#startBatchOffset = positions.startBatchOffset
    this.#endOffset = positions.endOffset
    this.#syncedEndOffset = positions.syncedEndOffset
    this.#cutCount = positions.cutCount
    const highWatermark = Math.max(positions.startOffset, options.highWatermark)
    this.#highWatermark = new HighWatermark(highWatermark)
    this.epochs = new EpochTable(positions.epochs)
    this.epochs.truncate(positions.endOffset)
    this.epochs.cutStart(positions.startBatchOffset)
    this.producers = options.producers
    this.producers.setHighWatermark(highWatermark)
    this.producers.truncate(positions.endOffset)
    this.#check()
  }

  get startOffset(): number {
    return this.#startOffset
  }
  /** The start that a restart will find, at least. */
  get syncedStartOffset(): number {
    return this.#syncedStartOffset
  }
  /** Where a replica begins that has nothing: the first batch kept, whole. Undefined: not known at this moment. */
  get startBatchOffset(): number | undefined {
    return this.#startBatchOffset
  }
  get endOffset(): number {
    return this.#endOffset
  }
  get syncedEndOffset(): number {
    return this.#syncedEndOffset
  }
  get cutCount(): number {
    return this.#cutCount
  }
  get highWatermark(): number {
    return this.#highWatermark.offset
  }
  /** Epoch of the record before the end, kept or gone; −1 when there was none. An epoch that was noted and never written does not count. */
  get lastEpoch(): number {
    return this.epochs.epochAt(this.#endOffset - 1)
  }

  /** A new leader notes where its epoch begins before it serves (rules R6.2). */
  beginEpoch(leaderEpoch: number): void {
    this.forgetEmptyEpochs()
    assert(leaderEpoch > this.epochs.lastEpoch, 'a granted leader epoch is above all that is in the log')
    this.epochs.note(leaderEpoch, this.#endOffset)
  }

  /**
   * Epochs that this replica led without a record go when it follows again: the leader may hold older epochs at these offsets,
   * and the table would claim them for the wrong one.
   */
  forgetEmptyEpochs(): void {
    this.epochs.truncate(this.#endOffset)
  }

  /** Appends a client's batch; returns its base offset. */
  append(
    input: { readonly header: BatchHeader; readonly bytes: Buffer; readonly logAppendTimeMs: number | null },
    leaderEpoch: number,
    effects: PartitionEffect[],
  ): number {
    const { header, bytes, logAppendTimeMs } = input
    assert(this.epochs.lastEpoch === leaderEpoch, 'a leader appends in the epoch that it noted')
    const baseOffset = this.#endOffset
    const stamped = { ...header, baseOffset, lastOffset: baseOffset + (header.lastOffset - header.baseOffset), leaderEpoch }
    this.#endOffset = stamped.lastOffset + 1
    this.producers.replay(stamped)
    effects.push({ type: 'append', bytes, baseOffset, leaderEpoch, logAppendTimeMs })
    this.#check()
    return baseOffset
  }

  /** Appends a leader's batches unchanged. The caller has checked that they continue this log. */
  appendFetched(headers: readonly BatchHeader[], bytes: Buffer, effects: PartitionEffect[]): void {
    for (const header of headers) {
      assert(header.baseOffset === this.#endOffset, 'fetched batches continue the log')
      assert(header.leaderEpoch >= this.epochs.lastEpoch, 'epochs in a log never fall')
      this.epochs.note(header.leaderEpoch, header.baseOffset)
      this.#endOffset = header.lastOffset + 1
      this.producers.replay(header)
    }
    effects.push({ type: 'appendFetched', bytes, headers })
    this.#check()
  }

  /** Cuts to endOffset. `allowBelowHighWatermark`: after an unclean election or to repair damage (rules R6.3). */
  truncate(endOffset: number, allowBelowHighWatermark: boolean, effects: PartitionEffect[]): void {
    assert(endOffset >= this.#startOffset && endOffset < this.#endOffset, 'a cut is within the log')
    const before = this.highWatermark
    this.#highWatermark.cut({ to: endOffset, allowed: allowBelowHighWatermark })
    this.#endOffset = endOffset
    this.#syncedEndOffset = Math.min(this.#syncedEndOffset, endOffset)
    this.#cutCount += 1
    this.epochs.truncate(endOffset)
    this.producers.setHighWatermark(this.highWatermark)
    this.producers.truncate(endOffset)
    effects.push({ type: 'truncate', endOffset, cutCount: this.#cutCount })
    if (this.highWatermark !== before) effects.push({ type: 'highWatermark', offset: this.highWatermark })
    this.#check()
  }

  /** Everything below `offset` goes, once the disk says so in an input `startSynced`. */
  advanceStart(offset: number, effects: PartitionEffect[]): void {
    assert(offset > this.#startOffset && offset <= this.highWatermark, 'the start moves up, and never beyond the high watermark')
    this.#startOffset = offset
    this.#startBatchOffset = undefined
    effects.push({ type: 'advanceStart', offset })
    this.#check()
  }

  /** False: it changes nothing. */
  acceptStartSynced(options: { readonly offset: number; readonly batchOffset: number }): boolean {
    const { offset, batchOffset } = options
    assert(batchOffset <= offset, 'a start lies in its batch')
    if (offset > this.#startOffset || offset < this.#syncedStartOffset) return false
    this.#syncedStartOffset = offset
    if (offset === this.#startOffset && this.#startBatchOffset === undefined) {
      this.#startBatchOffset = batchOffset
      this.epochs.cutStart(batchOffset)
    }
    this.#check()
    return true
  }

  /** Drops all of the log, which ends below `offset`, and goes on there: with the leader's word for who wrote what is gone. */
  reset(start: LogReset, effects: PartitionEffect[]): void {
    const { offset, epoch } = start
    assert(offset > this.#endOffset, 'only a log that ends below the offset goes on there')
    this.#startOffset = offset
    this.#startBatchOffset = offset
    this.#endOffset = offset
    this.#cutCount += 1
    this.epochs.reset(epoch, offset)
    this.producers.reset({ endOffset: offset, producers: start.producers })
    effects.push({ type: 'resetLog', offset, cutCount: this.#cutCount })
    this.#check()
  }

  /** Drops all of the log and begins as one that never held anything: where a cut would go below its start (rules R6.3). */
  restart(effects: PartitionEffect[]): void {
    const before = this.highWatermark
    this.#highWatermark.cut({ to: 0, allowed: true })
    this.#startOffset = 0
    this.#syncedStartOffset = 0
    this.#startBatchOffset = 0
    this.#endOffset = 0
    this.#syncedEndOffset = 0
    this.#cutCount += 1
    this.epochs.truncate(0)
    this.producers.setHighWatermark(0)
    this.producers.truncate(0)
    effects.push({ type: 'resetLog', offset: 0, cutCount: this.#cutCount })
    if (before > 0) effects.push({ type: 'highWatermark', offset: 0 })
    this.#check()
  }

  /** False: the completion changes nothing; a cut came between, or it is old news (rules R3.2). */
  acceptSynced(options: { readonly cutCount: number; readonly endOffset: number }, effects: PartitionEffect[]): boolean {
    if (options.cutCount !== this.#cutCount || options.endOffset <= this.#syncedEndOffset) return false
    assert(options.endOffset <= this.#endOffset, 'nothing is synced beyond the end of the log')
    this.#syncedEndOffset = options.endOffset
    if (this.highWatermark < this.#startOffset) {
      // A reset is durable. What the leader keeps no more was committed: its start is not above its high watermark.
      assert(options.endOffset >= this.#startOffset, 'a reset is synced whole')
      this.#syncedStartOffset = this.#startOffset
      this.raiseHighWatermark(this.#startOffset, effects)
    }
    this.#check()
    return true
  }

  /** Raises the high watermark to `to` or, when the log is not synced so far, to the synced end; true when it moved. */
  raiseHighWatermark(to: number, effects: PartitionEffect[]): boolean {
    // Before a reset is durable a crash brings back the old log, of which nobody has said that it is committed.
    if (this.#syncedEndOffset < this.#startOffset) return false
    const offset = Math.min(to, this.#syncedEndOffset)
    if (offset <= this.highWatermark) return false
    this.#highWatermark.advance({ to: offset, syncedEndOffset: this.#syncedEndOffset })
    this.producers.setHighWatermark(offset)
    effects.push({ type: 'highWatermark', offset })
    return true
  }

  #check(): void {
    const isReset = this.#syncedEndOffset < this.#startOffset
    assert(isReset || this.#startOffset <= this.highWatermark, 'the high watermark is not below the start of the log')
    assert(this.#syncedStartOffset <= this.#startOffset && this.#startOffset <= this.#endOffset, 'the start lies within the log')
    assert(this.highWatermark <= this.#syncedEndOffset, 'the high watermark stays within what is synced')
    assert(this.#syncedEndOffset <= this.#endOffset, 'the synced end is not beyond the end')
  }
}
