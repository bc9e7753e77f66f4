import { assert } from '../../../src/base/assert.ts'
import { type EpochStart, EpochTable } from '../../../src/base/epochs.ts'
import { type BatchHeader, stampBatch } from '../../../src/record/batch.ts'
import { headerOf, payloadOf } from './batches.ts'

export interface StoredBatch {
  readonly header: BatchHeader
  readonly bytes: Buffer
  readonly value: string
}

/** A log whose sync is explicit: what was not synced is gone with `crash`; a cut that was not synced comes undone. */
export class MemoryLog {
  batches: StoredBatch[] = []
  durable: readonly StoredBatch[] = []
  cutCount = 0

  get endOffset(): number {
    return endOf(this.batches)
  }

  get durableEndOffset(): number {
    return endOf(this.durable)
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
    let same = 0
    while (same < this.durable.length && this.durable[same] === this.batches[same]) same += 1
    this.durable = this.batches.slice(0, same + count)
    return { type: 'synced', cutCount: this.cutCount, endOffset: this.durableEndOffset }
  }

  crash(): void {
    this.batches = [...this.durable]
    this.cutCount = 0
  }

  epochs(): readonly EpochStart[] {
    const table = new EpochTable()
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

function endOf(batches: readonly StoredBatch[]): number {
  return (batches.at(-1)?.header.lastOffset ?? -1) + 1
}
