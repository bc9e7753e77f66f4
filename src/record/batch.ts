import { readInt64, writeInt64 } from '../base/bytes.ts'
import { crc32c } from '../base/crc32c.ts'
import { BrokerError } from '../base/errors.ts'

/**
 * Kafka's record batch format v2, read by position (source: org.apache.kafka.common.record.DefaultRecordBatch):
 *   baseOffset i64 | batchLength i32 | partitionLeaderEpoch i32 | magic i8 | crc u32 | attributes i16 | lastOffsetDelta i32 |
 *   baseTimestamp i64 | maxTimestamp i64 | producerId i64 | producerEpoch i16 | baseSequence i32 | recordCount i32 | records
 * The CRC-32C covers everything from `attributes` on, so base offset and epoch are stamped without touching it.
 */
export const BATCH_HEADER_BYTES = 61
/** baseOffset and batchLength, which batchLength does not count. */
export const BATCH_PREFIX_BYTES = 12
const LENGTH_AT = 8
const EPOCH_AT = 12
const MAGIC_AT = 16
const CRC_AT = 17
const ATTRIBUTES_AT = 21
const LAST_OFFSET_DELTA_AT = 23
const BASE_TIMESTAMP_AT = 27
const MAX_TIMESTAMP_AT = 35
const PRODUCER_ID_AT = 43
const PRODUCER_EPOCH_AT = 51
const BASE_SEQUENCE_AT = 53
const RECORD_COUNT_AT = 57
const MAGIC = 2

/** `sizeBytes` counts the whole batch; `lastOffset` is inclusive; no producer: producerId −1. */
export interface BatchHeader {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly sizeBytes: number
  readonly leaderEpoch: number
  readonly attributes: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** Bytes of the batch that starts at `at`, from its length field; undefined when fewer than 12 bytes are there. Unchecked. */
export function peekBatchSize(bytes: Buffer, at: number): number | undefined {
  if (bytes.length - at < BATCH_PREFIX_BYTES) return undefined
  return bytes.readInt32BE(at + LENGTH_AT) + BATCH_PREFIX_BYTES
}

/** Records that the batch at `at` says it has; a header's length must be there. Unchecked: it may be negative. */
export function peekRecordCount(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at + RECORD_COUNT_AT)
}

/** maxTimestamp of the batch at `at`, whose header must be there. */
export function peekMaxTimestamp(bytes: Buffer, at: number): number {
  return readInt64(bytes, at + MAX_TIMESTAMP_AT)
}

/** Reads the header of the batch at `at`. Throws CORRUPT_MESSAGE when it cannot be one. The CRC is not checked. */
export function readBatchHeader(bytes: Buffer, at: number): BatchHeader {
  if (bytes.length - at < BATCH_HEADER_BYTES)
    throw new BrokerError('CORRUPT_MESSAGE', `a batch header needs ${BATCH_HEADER_BYTES} bytes, ${bytes.length - at} are there`)
  const sizeBytes = bytes.readInt32BE(at + LENGTH_AT) + BATCH_PREFIX_BYTES
  if (sizeBytes < BATCH_HEADER_BYTES) throw new BrokerError('CORRUPT_MESSAGE', `a batch of ${sizeBytes} bytes`)
  const magic = bytes.readInt8(at + MAGIC_AT)
  if (magic !== MAGIC) throw new BrokerError('CORRUPT_MESSAGE', `record format v${magic}, v2 is expected`)
  const baseOffset = readInt64(bytes, at)
  const lastOffsetDelta = bytes.readInt32BE(at + LAST_OFFSET_DELTA_AT)
  const recordCount = bytes.readInt32BE(at + RECORD_COUNT_AT)
  if (baseOffset < 0 || lastOffsetDelta < 0 || recordCount < 0) throw new BrokerError('CORRUPT_MESSAGE', 'a negative offset or count in a batch header')
  // Beyond 2^53 sums are no longer exact; the end behind it must be.
  if (baseOffset + lastOffsetDelta >= Number.MAX_SAFE_INTEGER) throw new BrokerError('CORRUPT_MESSAGE', `a batch at offset ${baseOffset} ends beyond 2^53`)
  return {
    baseOffset,
    lastOffset: baseOffset + lastOffsetDelta,
    sizeBytes,
    leaderEpoch: bytes.readInt32BE(at + EPOCH_AT),
    attributes: bytes.readInt16BE(at + ATTRIBUTES_AT),
    baseTimestamp: readInt64(bytes, at + BASE_TIMESTAMP_AT),
    maxTimestamp: readInt64(bytes, at + MAX_TIMESTAMP_AT),
    producerId: readInt64(bytes, at + PRODUCER_ID_AT),
    producerEpoch: bytes.readInt16BE(at + PRODUCER_EPOCH_AT),
    baseSequence: bytes.readInt32BE(at + BASE_SEQUENCE_AT),
    recordCount,
  }
}

/** Whether the CRC-32C of the whole batch in `bytes` (exactly one batch) is right. */
export function hasValidCrc(bytes: Buffer): boolean {
  return bytes.length >= BATCH_HEADER_BYTES && crc32c(bytes.subarray(ATTRIBUTES_AT)) === bytes.readUInt32BE(CRC_AT)
}

/** Sets the CRC of the batch in `bytes` (exactly one batch) from its content. */
export function sealBatch(bytes: Buffer): void {
  bytes.writeUInt32BE(crc32c(bytes.subarray(ATTRIBUTES_AT)), CRC_AT)
}

/** Sets what only the leader knows. Both lie before what the CRC covers. */
export function stampBatch(bytes: Buffer, at: number, options: { readonly baseOffset: number; readonly leaderEpoch: number }): void {
  writeInt64(bytes, options.baseOffset, at)
  bytes.writeInt32BE(options.leaderEpoch, at + EPOCH_AT)
}

/** Writes all of a header but the CRC, which `sealBatch` adds once the records are there. */
export function writeBatchHeader(bytes: Buffer, at: number, header: BatchHeader): void {
  stampBatch(bytes, at, header)
  bytes.writeInt32BE(header.sizeBytes - BATCH_PREFIX_BYTES, at + LENGTH_AT)
  bytes.writeInt8(MAGIC, at + MAGIC_AT)
  bytes.writeInt16BE(header.attributes, at + ATTRIBUTES_AT)
  bytes.writeInt32BE(header.lastOffset - header.baseOffset, at + LAST_OFFSET_DELTA_AT)
  writeInt64(bytes, header.baseTimestamp, at + BASE_TIMESTAMP_AT)
  writeInt64(bytes, header.maxTimestamp, at + MAX_TIMESTAMP_AT)
  writeInt64(bytes, header.producerId, at + PRODUCER_ID_AT)
  bytes.writeInt16BE(header.producerEpoch, at + PRODUCER_EPOCH_AT)
  bytes.writeInt32BE(header.baseSequence, at + BASE_SEQUENCE_AT)
  bytes.writeInt32BE(header.recordCount, at + RECORD_COUNT_AT)
}
