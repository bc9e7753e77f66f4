import { BATCH_HEADER_BYTES, readBatchHeader, sealBatch, writeBatchHeader } from '../../../src/record/batch.ts'
import type { Log } from '../../../src/log/surface.ts'

/** One sealed batch of one record with these bytes behind its header. */
export function makeBatch(baseOffset: number, leaderEpoch: number, content: string): Buffer {
  const records = Buffer.from(content)
  const bytes = Buffer.alloc(BATCH_HEADER_BYTES + records.length)
  const header = { baseOffset, lastOffset: baseOffset, sizeBytes: bytes.length, leaderEpoch, attributes: 0, baseTimestamp: 0, maxTimestamp: 0 }
  writeBatchHeader(bytes, 0, { ...header, producerId: -1, producerEpoch: -1, baseSequence: -1, recordCount: 1 })
  records.copy(bytes, BATCH_HEADER_BYTES)
  sealBatch(bytes)
  return bytes
}

/** A log as a checker sees it, written by hand. */
export class FakeLog implements Log {
  readonly name = 'partitions/t-0'
  startOffset = 0
  syncedEndOffset = 0
  cutCount = 0
  readonly batches: Buffer[] = []
  #baseOffset = 0

  get endOffset(): number {
    return this.#baseOffset + this.batches.length
  }

  /** Records below are gone. */
  dropBelow(offset: number): void {
    this.startOffset = offset
    this.batches.splice(0, offset - this.#baseOffset)
    this.#baseOffset = offset
  }

  takeOver(cutCount: number): void {
    this.cutCount = cutCount
  }

  get sizeBytes(): number {
    return this.batches.reduce((sum, batch) => sum + batch.length, 0)
  }

  /** Appends one batch, and syncs it unless told otherwise. */
  add(leaderEpoch: number, content: string, options: { readonly synced?: boolean } = {}): void {
    this.batches.push(makeBatch(this.endOffset, leaderEpoch, content))
    if (options.synced !== false) this.syncedEndOffset = this.endOffset
  }

  epochBefore(): number {
    throw new Error('written by hand')
  }

  appendAsLeader(): void {
    throw new Error('written by hand')
  }

  appendFetched(): void {
    throw new Error('written by hand')
  }

  truncate(endOffset: number): void {
    this.batches.length = endOffset - this.#baseOffset
    this.syncedEndOffset = Math.min(this.syncedEndOffset, endOffset)
    this.cutCount += 1
  }

  advanceStart(): void {
    throw new Error('it begins at 0')
  }

  resetTo(): void {
    throw new Error('it begins at 0')
  }

  limitSegments(): void {
    throw new Error('it has no segments')
  }

  retentionOffset(): number {
    return 0
  }

  findTimestamp(): void {
    throw new Error('the checkers ask for no time')
  }

  readCached(offset: number): readonly Buffer[] {
    return this.batches.filter((batch) => readBatchHeader(batch, 0).lastOffset >= offset)
  }

  read(): void {
    throw new Error('the checkers read what is cached')
  }

  readStored(): void {
    throw new Error('it has no disk')
  }
}
