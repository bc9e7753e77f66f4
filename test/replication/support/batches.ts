import { BATCH_HEADER_BYTES, type BatchHeader, readBatchHeader, sealBatch, writeBatchHeader } from '../../../src/record/batch.ts'

export interface BatchOptions {
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly records?: number
  readonly attributes?: number
}

/** A real batch whose payload is `value`, as a client sends it. */
export function makeBatch(value: string, options: BatchOptions = {}): Buffer {
  const payload = Buffer.from(value)
  const records = options.records ?? 1
  const bytes = Buffer.alloc(BATCH_HEADER_BYTES + payload.length)
  writeBatchHeader(bytes, 0, {
    baseOffset: 0,
    lastOffset: records - 1,
    sizeBytes: bytes.length,
    leaderEpoch: -1,
    attributes: options.attributes ?? 0,
    baseTimestamp: 0,
    maxTimestamp: 0,
    producerId: options.producerId ?? -1,
    producerEpoch: options.producerEpoch ?? (options.producerId === undefined ? -1 : 0),
    baseSequence: options.baseSequence ?? (options.producerId === undefined ? -1 : 0),
    recordCount: records,
  })
  payload.copy(bytes, BATCH_HEADER_BYTES)
  sealBatch(bytes)
  return bytes
}

export function headerOf(bytes: Buffer): BatchHeader {
  return readBatchHeader(bytes, 0)
}

export function payloadOf(bytes: Buffer): string {
  return bytes.subarray(BATCH_HEADER_BYTES).toString()
}
