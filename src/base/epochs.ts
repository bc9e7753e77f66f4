import { assert } from './assert.ts'

export interface EpochStart {
  readonly epoch: number
  readonly startOffset: number
}

/** `endOffset` is exclusive: where the next epoch begins, or the log ends. */
export interface EpochEnd {
  readonly epoch: number
  readonly endOffset: number
}

/**
 * Which leader epoch (or Raft term) wrote which offsets of one log: (epoch → first offset), both strictly growing in epoch,
 * offsets never falling. One table serves partitions and the metadata log. An epoch may hold no offset: a new leader notes
 * (epoch → log end) before it serves (rules R6.2). Source: Kafka LeaderEpochFileCache, KIP-101, KIP-279.
 */
export class EpochTable {
  #entries: EpochStart[]

  constructor(entries: readonly EpochStart[] = []) {
    this.#entries = []
    for (const { epoch, startOffset } of entries) this.note(epoch, startOffset)
  }

  /** Notes that `epoch` begins at `startOffset`. An epoch that is known or older changes nothing. */
  note(epoch: number, startOffset: number): void {
    const last = this.#entries.at(-1)
    if (last !== undefined && epoch <= last.epoch) return
    assert(last === undefined || startOffset >= last.startOffset, 'epochs begin in the order of offsets')
    this.#entries.push({ epoch, startOffset })
  }

  /** The last epoch noted; −1 when there is none. */
  get lastEpoch(): number {
    return this.#entries.at(-1)?.epoch ?? -1
  }

  get entries(): readonly EpochStart[] {
    return this.#entries
  }

  /** The epoch that wrote `offset`; −1 when it is below all. */
  epochAt(offset: number): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#entries[middle] as EpochStart).startOffset <= offset) low = middle + 1
      else high = middle
    }
    return this.#entries[low - 1]?.epoch ?? -1
  }

  /** The largest noted epoch ≤ `epoch` and where it ends; {epoch: −1, endOffset: first start} when all are larger. */
  endOf(epoch: number, logEndOffset: number): EpochEnd {
    for (let at = this.#entries.length - 1; at >= 0; at--) {
      const entry = this.#entries[at] as EpochStart
      if (entry.epoch <= epoch) return { epoch: entry.epoch, endOffset: this.#entries[at + 1]?.startOffset ?? logEndOffset }
    }
    return { epoch: -1, endOffset: this.#entries[0]?.startOffset ?? logEndOffset }
  }

  /** Forgets what ended before `startOffset` − 1: that record is gone, but who wrote it stays known, for whoever stops right behind it. */
  cutStart(startOffset: number): void {
    const kept = this.#entries.findLastIndex((entry) => entry.startOffset < startOffset)
    if (kept > 0) this.#entries = this.#entries.slice(kept)
  }

  /** All of the log is gone, it goes on at `startOffset`; `epoch` wrote the record before it, −1: unknown. */
  reset(epoch: number, startOffset: number): void {
    this.#entries = []
    if (epoch >= 0) this.note(epoch, startOffset - 1)
  }

  /** Forgets what begins at or after `endOffset`: the log was cut there. */
  truncate(endOffset: number): void {
    this.#entries = this.#entries.filter((entry) => entry.startOffset < endOffset)
  }
}
