import { assert } from '../base/assert.ts'
import type { BatchHeader } from '../record/batch.ts'
import type { EpochStart } from '../base/epochs.ts'
import { EpochTable } from '../base/epochs.ts'
import type { PartitionEffect } from './effects.ts'
import { HighWatermark } from './high-watermark.ts'
import type { Producers } from './producers.ts'

/** Where a log stands when its partition is opened; offsets as in Log (src/log/surface.ts). */
export interface LogPositions {
  readonly startOffset: number
  readonly endOffset: number
  readonly syncedEndOffset: number
  readonly cutCount: number
  readonly epochs: readonly EpochStart[]
}

/**
 * What this replica holds, as the core knows it: positions, epochs, producers and high watermark move together here and nowhere else.
 * start ≤ high watermark ≤ synced end ≤ end; the epoch table and the producers describe exactly what lies below the end.
 */
export class OwnLog {
  readonly epochs: EpochTable
  readonly producers: Producers
  readonly #startOffset: number
  readonly #highWatermark: HighWatermark
  #endOffset: number
  #syncedEndOffset: number
  #cutCount: number

  constructor(options: { readonly positions: LogPositions; readonly highWatermark: number; readonly producers: Producers }) {
    const { positions } = options
    this.#startOffset = positions.startOffset
    this.#endOffset = positions.endOffset
    this.#syncedEndOffset = positions.syncedEndOffset
    this.#cutCount = positions.cutCount
    const highWatermark = Math.max(positions.startOffset, options.highWatermark)
    this.#highWatermark = new HighWatermark(highWatermark)
    this.epochs = new EpochTable(positions.epochs)
    this.epochs.truncate(positions.endOffset)
    this.producers = options.producers
    this.producers.setHighWatermark(highWatermark)
    this.producers.truncate(positions.endOffset)
    this.#check()
  }

  get startOffset(): number {
    return this.#startOffset
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
  /** Epoch of the record before the end; −1 when there is none. An epoch that was noted and never written does not count. */
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
  append(header: BatchHeader, bytes: Buffer, leaderEpoch: number, effects: PartitionEffect[]): number {
    assert(this.epochs.lastEpoch === leaderEpoch, 'a leader appends in the epoch that it noted')
    const baseOffset = this.#endOffset
    const stamped = { ...header, baseOffset, lastOffset: baseOffset + (header.lastOffset - header.baseOffset), leaderEpoch }
    this.#endOffset = stamped.lastOffset + 1
    this.producers.replay(stamped)
    effects.push({ type: 'append', bytes, baseOffset, leaderEpoch })
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

  /** False: the completion changes nothing; a cut came between, or it is old news (rules R3.2). */
  acceptSynced(options: { readonly cutCount: number; readonly endOffset: number }): boolean {
    if (options.cutCount !== this.#cutCount || options.endOffset <= this.#syncedEndOffset) return false
    assert(options.endOffset <= this.#endOffset, 'nothing is synced beyond the end of the log')
    this.#syncedEndOffset = options.endOffset
    return true
  }

  /** Raises the high watermark to `to` or, when the log is not synced so far, to the synced end; true when it moved. */
  raiseHighWatermark(to: number, effects: PartitionEffect[]): boolean {
    const offset = Math.min(to, this.#syncedEndOffset)
    if (offset <= this.highWatermark) return false
    this.#highWatermark.advance({ to: offset, syncedEndOffset: this.#syncedEndOffset })
    this.producers.setHighWatermark(offset)
    effects.push({ type: 'highWatermark', offset })
    return true
  }

  #check(): void {
    assert(this.#startOffset <= this.highWatermark, 'the high watermark is not below the start of the log')
    assert(this.highWatermark <= this.#syncedEndOffset, 'the high watermark stays within what is synced')
    assert(this.#syncedEndOffset <= this.#endOffset, 'the synced end is not beyond the end')
  }
}
