import { type BatchHeader, readBatchHeader, stampBatch } from '../../src/record/batch.ts'
import { type DecodedRecord, decodeRecords } from '../../src/record/records.ts'

export interface StoredBatch {
  readonly header: BatchHeader
  readonly bytes: Buffer
}

type Sequenced = { readonly sequence: number; readonly lastSequence: number; readonly baseOffset: number; readonly endOffset: number }
export type AppendResult =
  | { readonly type: 'appended' | 'duplicate'; readonly baseOffset: number; readonly endOffset: number }
  | { readonly type: 'refused'; readonly code: 'OUT_OF_ORDER_SEQUENCE_NUMBER' | 'DUPLICATE_SEQUENCE_NUMBER' | 'INVALID_PRODUCER_EPOCH' }

/** The log of one partition with producer state exactly as rules R6.8; what is above the high watermark may be cut when the leader changes. */
export class FakePartition {
  leader: number
  leaderEpoch = 1
  highWatermark = 0
  /** The high watermark stays until the test commits. */
  isHeld = false
  batches: StoredBatch[] = []
  /** Undefined: all nodes, and no move. */
  placement: { readonly replicas: readonly number[]; readonly addingReplicas: readonly number[]; readonly removingReplicas: readonly number[] } | undefined
  /** Producers whose sequence is not known any more; a batch that is in the log is still told from a new one. */
  #forgotten = new Set<number>()

  constructor(leader: number) {
    this.leader = leader
  }

  get endOffset(): number {
    const last = this.batches.at(-1)
    return last === undefined ? 0 : last.header.lastOffset + 1
  }

  /** The last five batches of a producer, from the log alone. */
  #lastFive(producerId: number): Sequenced[] {
    const own = this.batches.filter(({ header }) => header.producerId === producerId)
    return own.slice(-5).map(({ header }) => {
      return {
        sequence: header.baseSequence,
        lastSequence: header.baseSequence + header.recordCount - 1,
        baseOffset: header.baseOffset,
        endOffset: header.lastOffset + 1,
      }
    })
  }

  append(source: Buffer): AppendResult {
    const bytes = Buffer.from(source)
    const header = readBatchHeader(bytes, 0)
    if (header.producerId >= 0) {
      const known = this.#lastFive(header.producerId)
      const twin = known.find(({ sequence, lastSequence }) => sequence === header.baseSequence && lastSequence === header.baseSequence + header.recordCount - 1)
      if (twin !== undefined) return { type: 'duplicate', baseOffset: twin.baseOffset, endOffset: twin.endOffset }
      if (this.#forgotten.has(header.producerId) && header.baseSequence > 0) return { type: 'refused', code: 'OUT_OF_ORDER_SEQUENCE_NUMBER' }
      const expected = known.at(-1) === undefined ? 0 : (known.at(-1) as Sequenced).lastSequence + 1
      if (header.baseSequence < expected) return { type: 'refused', code: 'DUPLICATE_SEQUENCE_NUMBER' }
      if (header.baseSequence > expected) return { type: 'refused', code: 'OUT_OF_ORDER_SEQUENCE_NUMBER' }
    }
    const baseOffset = this.endOffset
    stampBatch(bytes, 0, { baseOffset, leaderEpoch: this.leaderEpoch })
    this.batches.push({ header: readBatchHeader(bytes, 0), bytes })
    return { type: 'appended', baseOffset, endOffset: this.endOffset }
  }

  /** Those that wrote until now: as after producer.id.expiration.ms. */
  forgetProducers(): void {
    for (const { header } of this.batches) this.#forgotten.add(header.producerId)
  }

  cutToHighWatermark(): void {
    this.batches = this.batches.filter(({ header }) => header.lastOffset < this.highWatermark)
  }

  records(): DecodedRecord[] {
    return this.batches.flatMap(({ bytes }) => decodeRecords(bytes))
  }
}
