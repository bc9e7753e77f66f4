import { assert } from '../base/assert.ts'
import { type EpochEnd, type EpochStart, EpochTable } from '../base/epochs.ts'
import type { Snapshot, SnapshotId } from './messages.ts'

/**
 * What the core knows of its log: bounds, terms, and how far it is persisted and committed; never an entry's bytes.
 * Invariants: startOffset ≤ commitIndex ≤ endOffset · persistedEndOffset ≤ endOffset, and below startOffset only while a snapshot is being installed ·
 * what begins above 0 is preceded by the newest snapshot · commitIndex never goes back and is never cut · terms never fall with offsets ·
 * in one term a follower cuts at most once, before its first append of that term: so no `persisted` of the present term can count bytes
 * that were cut (the ABA race of etcd's newStorageAppendRespMsg).
 */
export class RaftLog {
  readonly #epochs: EpochTable
  #startOffset: number
  #endOffset: number
  #persistedEndOffset: number
  #commitIndex: number
  /** Term of the last append or appendOpening effect: `persisted` of that term will speak for the whole log. */
  #statedTerm = -1
  #snapshot: Snapshot | null = null

  constructor(options: {
    readonly epochs: readonly EpochStart[]
    readonly startOffset: number
    /** Term of the entry before startOffset, −1 where there is none. */
    readonly startTerm: number
    readonly endOffset: number
    readonly persistedEndOffset: number
  }) {
    assert(options.startOffset <= options.persistedEndOffset, 'the log starts within what is persisted')
    assert(options.persistedEndOffset <= options.endOffset, 'only what is in the log is persisted')
    this.#epochs = new EpochTable()
    if (options.startOffset > 0) this.#epochs.reset(options.startTerm, options.startOffset)
    for (const { epoch, startOffset } of options.epochs) this.#epochs.note(epoch, startOffset)
    this.#startOffset = options.startOffset
    this.#endOffset = options.endOffset
    this.#persistedEndOffset = options.persistedEndOffset
    this.#commitIndex = options.startOffset
    assert(options.endOffset === options.startOffset || this.#epochs.epochAt(options.startOffset) >= 0, 'the term of every entry is known')
  }

  get startOffset(): number {
    return this.#startOffset
  }

  get endOffset(): number {
    return this.#endOffset
  }

  get persistedEndOffset(): number {
    return this.#persistedEndOffset
  }

  get commitIndex(): number {
    return this.#commitIndex
  }

  /** The newest one that is durable here; null: none, and the log begins at 0. */
  get snapshot(): Snapshot | null {
    return this.#snapshot
  }

  /** Term of the last entry, −1 when the log is empty. */
  get lastTerm(): number {
    return this.termBefore(this.#endOffset)
  }

  /** Term of the entry at offset − 1, −1 at 0. */
  termBefore(offset: number): number {
    assert(offset >= this.#startOffset && offset <= this.#endOffset, 'a term is asked of an entry that is there')
    return offset === 0 ? -1 : this.#epochs.epochAt(offset - 1)
  }

  /** The largest term of this log ≤ `term`, and where its entries end. */
  endOfTerm(term: number): EpochEnd {
    return this.#epochs.endOf(term, this.#endOffset)
  }

  /** Whether this log, by its entries, is what that snapshot is made of. */
  leadsTo(id: SnapshotId): boolean {
    return id.endOffset >= this.#startOffset && id.endOffset <= this.#endOffset && this.termBefore(id.endOffset) === id.lastTerm
  }

  /** Whether a log that ends so holds all that this one holds (Raft paper 5.4.1). */
  isUpToDate(other: { readonly lastTerm: number; readonly endOffset: number }): boolean {
    return other.lastTerm > this.lastTerm || (other.lastTerm === this.lastTerm && other.endOffset >= this.#endOffset)
  }

  append(options: { readonly entryTerm: number; readonly statedTerm: number }): void {
    assert(options.entryTerm >= this.lastTerm, 'terms never fall within a log')
    assert(options.entryTerm <= options.statedTerm, 'no entry is of a term to come')
    this.#epochs.note(options.entryTerm, this.#endOffset)
    this.#endOffset++
    this.#statedTerm = options.statedTerm
  }

  truncate(endOffset: number, term: number): void {
    assert(endOffset >= this.#commitIndex, 'nothing committed is ever cut')
    assert(endOffset < this.#endOffset, 'a cut shortens the log')
    assert(this.#statedTerm < term, 'nothing appended in the present term is cut')
    this.#epochs.truncate(endOffset)
    this.#endOffset = endOffset
    this.#persistedEndOffset = Math.min(this.#persistedEndOffset, endOffset)
  }

  /** Whether a statement of `term` about the whole log must be asked for; it is noted as asked. */
  takeStatement(term: number): boolean {
    if (this.#persistedEndOffset === this.#endOffset || this.#statedTerm === term) return false
    this.#statedTerm = term
    return true
  }

  persisted(endOffset: number): void {
    assert(endOffset <= this.#endOffset, 'only what is in the log is persisted')
    this.#persistedEndOffset = Math.max(this.#persistedEndOffset, endOffset)
  }

  /** True when the commit index moved. */
  commit(commitIndex: number): boolean {
    assert(commitIndex <= this.#endOffset, 'only what is in the log is committed')
    if (commitIndex <= this.#commitIndex) return false
    this.#commitIndex = commitIndex
    return true
  }

  /** A snapshot is durable. False: it is not the newest. */
  noteSnapshot(snapshot: Snapshot): boolean {
    if (this.#snapshot !== null && snapshot.endOffset <= this.#snapshot.endOffset) return false
    this.#snapshot = snapshot
    return true
  }

  /** Forgets what lies below; snapshots hold it. */
  cutStart(startOffset: number): void {
    assert(startOffset > this.#startOffset && startOffset <= this.#persistedEndOffset, 'the start moves up, within what is persisted')
    assert(startOffset <= this.#commitIndex && startOffset <= (this.#snapshot?.endOffset ?? 0), 'only what a snapshot holds is let go')
    this.#epochs.cutStart(startOffset)
    this.#startOffset = startOffset
  }

  /**
   * The log goes on behind a snapshot that is durable, and not yet under the marks that go with a persisted log. `equalBelow`: what was persisted below it is
   * known to be what the snapshot holds.
   */
  install(snapshot: SnapshotId, options: { readonly statedTerm: number; readonly equalBelow: number }): void {
    assert(snapshot.endOffset > this.#commitIndex && !this.leadsTo(snapshot), 'a snapshot is installed where the log does not lead')
    this.#epochs.reset(snapshot.lastTerm, snapshot.endOffset)
    this.#startOffset = snapshot.endOffset
    this.#endOffset = snapshot.endOffset
    this.#commitIndex = snapshot.endOffset
    this.#persistedEndOffset = Math.min(this.#persistedEndOffset, options.equalBelow)
    this.#statedTerm = options.statedTerm
  }
}
