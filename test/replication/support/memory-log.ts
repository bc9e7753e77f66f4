import { assert } from '../../../src/base/assert.ts'
import { type EpochStart, EpochTable } from '../../../src/base/epochs.ts'
import { type BatchHeader, stampBatch } from '../../../src/record/batch.ts'
import type { ProducerSnapshot } from '../../../src/replication/producers.ts'
import { headerOf, payloadOf } from './batches.ts'

export interface StoredBatch {
  readonly header: BatchHeader
  readonly bytes: Buffer
  readonly value: string
}

/** What outlives the records below the log start, written before it moves. */
export interface BelowStart {
  readonly epochs: readonly EpochStart[]
  readonly producers: ProducerSnapshot
}

interface Durable {
  readonly startOffset: number
  /** Where the log goes on when it holds no batch. */
  readonly baseOffset: number
  readonly batches: readonly StoredBatch[]
  readonly belowStart: BelowStart | undefined
}

/** A log whose sync is explicit: what was not synced is gone with `crash`; a cut, a move of the start or a reset that was not synced comes undone. */
export class MemoryLog {
  batches: StoredBatch[] = []
  startOffset = 0
  cutCount = 0
  #baseOffset = 0
  /** Of a reset that was not synced. */
  #belowReset: BelowStart | undefined
  #durable: Durable = { startOffset: 0, baseOffset: 0, batches: [], belowStart: undefined }

  get durable(): readonly StoredBatch[] {
    return this.#durable.batches
  }

  get durableStartOffset(): number {
    return this.#durable.startOffset
  }

  get belowStart(): BelowStart | undefined {
    return this.#durable.belowStart
  }

  get endOffset(): number {
    return endOf(this.batches, this.#baseOffset)
  }

  get durableEndOffset(): number {
    return endOf(this.#durable.batches, this.#durable.baseOffset)
  }

  /** Where the batch that holds the start begins. */
  get startBatchOffset(): number {
    return this.batches.find((batch) => batch.header.lastOffset >= this.startOffset)?.header.baseOffset ?? this.startOffset
  }

  appendAsLeader(bytes: Buffer, stamp: { readonly baseOffset: number; readonly leaderEpoch: number }): void {
    const copy = Buffer.from(bytes)
    stampBatch(copy, 0, stamp)
    this.#push(copy)
  }

  appendFetched(bytes: Buffer, headers: readonly BatchHeader[]): void {
    let at = 0
    for (const header of headers) {
      this.#push(Buffer.from(bytes.subarray(at, at + header.sizeBytes)))
      at += header.sizeBytes
    }
    assert(at === bytes.length, 'headers and bytes go together')
  }

  truncate(endOffset: number): StoredBatch[] {
    const cut = this.batches.filter((batch) => batch.header.baseOffset >= endOffset)
    this.batches = this.batches.slice(0, this.batches.length - cut.length)
    assert(this.endOffset === endOffset, 'a cut is at a batch boundary')
    this.cutCount += 1
    return cut
  }

  /** Syncs all, or `count` batches beyond what is synced; the completion to feed. */
  sync(count = Number.POSITIVE_INFINITY): { readonly type: 'synced'; readonly cutCount: number; readonly endOffset: number } {
    const { durable } = this
    let same = 0
    while (same < durable.length && durable[same] === this.batches[same]) same += 1
    const isReset = this.#belowReset !== undefined
    const belowStart = this.#belowReset ?? this.#durable.belowStart
    this.#belowReset = undefined
    const startOffset = isReset ? this.startOffset : this.#durable.startOffset
    this.#durable = { startOffset, baseOffset: this.#baseOffset, batches: this.batches.slice(0, same + count), belowStart }
    return { type: 'synced', cutCount: this.cutCount, endOffset: this.durableEndOffset }
  }

  /** The disk has this start; batches wholly below it are gone. */
  syncStart(startOffset: number, belowStart: BelowStart): { readonly type: 'startSynced'; readonly offset: number; readonly batchOffset: number } {
    assert(startOffset <= this.startOffset && this.#belowReset === undefined, 'a start is synced after it moved')
    const isKept = (batch: StoredBatch): boolean => batch.header.lastOffset >= startOffset
    const endOffset = this.durableEndOffset
    this.#baseOffset = Math.max(this.#baseOffset, Math.min(startOffset, this.endOffset))
    this.batches = this.batches.filter(isKept)
    const batches = this.#durable.batches.filter(isKept)
    this.#durable = { startOffset, baseOffset: Math.min(startOffset, endOffset), batches, belowStart }
    return { type: 'startSynced', offset: startOffset, batchOffset: this.batches[0]?.header.baseOffset ?? startOffset }
  }

  reset(startOffset: number, belowStart: BelowStart): void {
    assert(startOffset > this.endOffset || startOffset === 0, 'a reset goes up, or back to 0')
    this.batches = []
    this.startOffset = startOffset
    this.#baseOffset = startOffset
    this.#belowReset = belowStart
    this.cutCount += 1
  }

  crash(): void {
    this.batches = [...this.#durable.batches]
    this.startOffset = this.#durable.startOffset
    this.#baseOffset = this.#durable.baseOffset
    this.#belowReset = undefined
    this.cutCount = 0
  }

  epochs(): readonly EpochStart[] {
    const table = new EpochTable()
    const baseOffset = this.batches[0]?.header.baseOffset ?? this.#baseOffset
    for (const { epoch, startOffset } of this.belowStart?.epochs ?? []) if (startOffset < baseOffset) table.note(epoch, startOffset)
    for (const { header } of this.batches) table.note(header.leaderEpoch, header.baseOffset)
    return table.entries
  }

  read(offset: number, maxBytes: number): StoredBatch[] {
    const found: StoredBatch[] = []
    let size = 0
    for (const batch of this.batches) {
      if (batch.header.lastOffset < offset) continue
      size += batch.bytes.length
      if (found.length > 0 && size > maxBytes) break
      found.push(batch)
    }
    return found
  }

  #push(bytes: Buffer): void {
    const header = headerOf(bytes)
    assert(header.baseOffset === this.endOffset, 'batches are contiguous')
    this.batches.push({ header, bytes, value: payloadOf(bytes) })
  }
}

function endOf(batches: readonly StoredBatch[], baseOffset: number): number {
  return (batches.at(-1)?.header.lastOffset ?? baseOffset - 1) + 1
}
