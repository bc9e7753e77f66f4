import { assert } from '../base/assert.ts'
import { type EpochEnd, type EpochStart, EpochTable } from '../base/epochs.ts'

/**
 * What the core knows of its log: bounds, terms, and how far it is persisted and committed; never an entry's bytes.
 * Invariants: startOffset ≤ persistedEndOffset ≤ endOffset · commitIndex never goes back and is never cut · terms never fall with offsets ·
 * in one term a follower cuts at most once, before its first append of that term: so no `persisted` of the present term can count bytes
 * that were cut (the ABA race of etcd's newStorageAppendRespMsg).
 */
export class RaftLog {
  readonly #epochs: EpochTable
  readonly #startOffset: number
  #endOffset: number
  #persistedEndOffset: number
  #commitIndex: number
  /** Term of the last append or appendOpening effect: `persisted` of that term will speak for the whole log. */
  #statedTerm = -1

  constructor(options: {
    readonly epochs: readonly EpochStart[]
    readonly startOffset: number
    readonly endOffset: number
    readonly persistedEndOffset: number
  }) {
    assert(options.startOffset <= options.persistedEndOffset, 'the log starts within what is persisted')
    assert(options.persistedEndOffset <= options.endOffset, 'only what is in the log is persisted')
    this.#epochs = new EpochTable(options.epochs)
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

  /** Term of the last entry, −1 when the log is empty. */
  get lastTerm(): number {
    return this.termBefore(this.#endOffset)
  }

  /** Term of the entry at offset − 1, −1 at the start of the log. */
  termBefore(offset: number): number {
    assert(offset >= this.#startOffset && offset <= this.#endOffset, 'a term is asked of an entry that is there')
    return offset === 0 ? -1 : this.#epochs.epochAt(offset - 1)
  }

  /** The largest term of this log ≤ `term`, and where its entries end. */
  endOfTerm(term: number): EpochEnd {
    return this.#epochs.endOf(term, this.#endOffset)
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
}
