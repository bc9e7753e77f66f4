import { BATCH_HEADER_BYTES, type BatchHeader, readBatchHeader, sealBatch, stampBatch, writeBatchHeader } from '../../../src/record/batch.ts'
import { Numbered } from '../object-graph.ts'

/** A record where a leader put it. Equal record, offset and epoch: one batch. */
export interface Batch {
  readonly record: number
  readonly offset: number
  readonly epoch: number
  readonly header: BatchHeader
  readonly bytes: Buffer
}

const PRODUCER_ID = 7

/** All batches that come up, by number: logs, disks and messages are lists of numbers. Each batch has one record. */
export class Batches {
  readonly #batches = new Numbered<Batch>()
  readonly #produced: Buffer[] = []
  readonly #joined = new Map<string, Buffer>()
  readonly #isIdempotent: boolean

  constructor(isIdempotent: boolean) {
    this.#isIdempotent = isIdempotent
  }

  get(number: number): Batch {
    return this.#batches.get(number)
  }

  /** A real batch, as a client sends it. */
  produced(record: number): Buffer {
    return (this.#produced[record] ??= this.#make(record))
  }

  producedHeader(record: number): BatchHeader {
    return readBatchHeader(this.produced(record), 0)
  }

  /** Of bytes that `produced` gave. */
  recordOf(bytes: Buffer): number {
    return this.#produced.indexOf(bytes)
  }

  place(record: number, offset: number, epoch: number): number {
    return this.#batches.number(`${record} ${offset} ${epoch}`, () => {
      const bytes = Buffer.from(this.produced(record))
      stampBatch(bytes, 0, { baseOffset: offset, leaderEpoch: epoch })
      return { record, offset, epoch, header: Object.freeze(readBatchHeader(bytes, 0)), bytes }
    })
  }

  bytesOf(numbers: readonly number[]): Buffer {
    const key = numbers.join()
    let bytes = this.#joined.get(key)
    if (bytes === undefined) this.#joined.set(key, (bytes = Buffer.concat(numbers.map((number) => this.get(number).bytes))))
    return bytes
  }

  /** `b@1`: the second record, written in epoch 1. */
  describe(numbers: readonly number[]): string {
    return `[${numbers.map((number) => `${nameOf(this.get(number).record)}@${this.get(number).epoch}`).join(' ')}]`
  }

  #make(record: number): Buffer {
    const payload = Buffer.from(nameOf(record))
    const bytes = Buffer.alloc(BATCH_HEADER_BYTES + payload.length)
    writeBatchHeader(bytes, 0, {
      baseOffset: 0,
      lastOffset: 0,
      sizeBytes: bytes.length,
      leaderEpoch: -1,
      attributes: 0,
      baseTimestamp: 0,
      maxTimestamp: 0,
      producerId: this.#isIdempotent ? PRODUCER_ID : -1,
      producerEpoch: this.#isIdempotent ? 0 : -1,
      baseSequence: this.#isIdempotent ? record : -1,
      recordCount: 1,
    })
    payload.copy(bytes, BATCH_HEADER_BYTES)
    sealBatch(bytes)
    return bytes
  }
}

const FIRST_LETTER = 97

/** a, b, c … */
export function nameOf(record: number): string {
  return String.fromCharCode(FIRST_LETTER + record)
}
