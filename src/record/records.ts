import { assert } from '../base/assert.ts'
import { BrokerError } from '../base/errors.ts'
import { BATCH_HEADER_BYTES, type BatchHeader, readBatchHeader, sealBatch, writeBatchHeader } from './batch.ts'
import { VarintReader, varintSize, writeVarint } from './varint.ts'

/**
 * The records inside a batch v2 (source: org.apache.kafka.common.record.DefaultRecord):
 *   length varint | attributes i8 | timestampDelta varlong | offsetDelta varint | keyLength varint, key | valueLength varint, value |
 *   headers varint, each: keyLength varint, key, valueLength varint, value
 * A length of −1 is null. Bits of the batch's attributes: 0-2 compression, 3 log append time, 4 transactional, 5 control.
 */
export const COMPRESSION_MASK = 0x07
export const LOG_APPEND_TIME_FLAG = 0x08
export const CONTROL_FLAG = 0x20
/** What a record takes at most beyond its key, value and headers. */
export const RECORD_OVERHEAD_BYTES = 36
/** What a header takes at most beyond its key and value. */
export const HEADER_OVERHEAD_BYTES = 10
export const MIN_RECORD_BYTES = 7
const INITIAL_CAPACITY_BYTES = 512
const NO_HEADERS: readonly RecordHeader[] = []
/** By Kafka's number, the low bits of a batch's attributes. */
export const compressionTypes = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type CompressionType = (typeof compressionTypes)[number]
/** What a reader takes as the decompressed records of one batch: whoever writes more is not read, whoever claims more is not believed. */
export const MAX_SECTION_BYTES = 64 * 1024 * 1024

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

export interface RecordInput {
  /** Wall clock ms. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: readonly RecordHeader[]
}

export interface DecodedRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/** What a batch says of its writer. No producer: producerId −1, producerEpoch −1, baseSequence −1. */
export interface SealOptions {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  /** Flags beside compression; default 0. */
  readonly attributes?: number
}

export const NO_PRODUCER: SealOptions = { producerId: -1, producerEpoch: -1, baseSequence: -1 }

function bytesSize(bytes: Buffer | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length
}

function headersSize(headers: readonly RecordHeader[]): number {
  let size = varintSize(headers.length)
  for (const { key, value } of headers) {
    const keyBytes = Buffer.byteLength(key)
    size += varintSize(keyBytes) + keyBytes + bytesSize(value)
  }
  return size
}

/** An upper bound of what the record takes in any batch. */
export function recordSizeBound(record: RecordInput): number {
  let size = RECORD_OVERHEAD_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const { key, value } of record.headers ?? NO_HEADERS) size += HEADER_OVERHEAD_BYTES + Buffer.byteLength(key) + (value?.length ?? 0)
  return size
}

function writeBytes(bytes: Buffer, value: Buffer | null, at: number): number {
  if (value === null) return writeVarint(bytes, -1, at)
  const start = writeVarint(bytes, value.length, at)
  bytes.set(value, start)
  return start + value.length
}

function writeHeaders(bytes: Buffer, headers: readonly RecordHeader[], at: number): number {
  let end = writeVarint(bytes, headers.length, at)
  for (const { key, value } of headers) {
    end = writeVarint(bytes, Buffer.byteLength(key), end)
    end += bytes.write(key, end)
    end = writeBytes(bytes, value, end)
  }
  return end
}

/**
 * Writes records one behind the other into one growing buffer and seals them, in place, as a batch with base offset 0.
 * The same batch may be sealed again with another producer: records are not touched. No append after the first seal, or after `compress`.
 */
export class BatchBuilder {
  #bytes: Buffer
  #end = BATCH_HEADER_BYTES
  #count = 0
  #baseTimestamp = 0
  #maxTimestamp = 0
  #codec = 0
  #sealed = false

  constructor(capacityBytes: number = INITIAL_CAPACITY_BYTES) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(capacityBytes, BATCH_HEADER_BYTES))
  }

  /** Of the whole batch, header included. */
  get sizeBytes(): number {
    return this.#end
  }

  get recordCount(): number {
    return this.#count
  }

  append(record: RecordInput): void {
    assert(!this.#sealed, 'a sealed batch takes no record')
    const headers = record.headers ?? NO_HEADERS
    if (this.#count === 0) {
      this.#baseTimestamp = record.timestamp
      this.#maxTimestamp = record.timestamp
    } else if (record.timestamp > this.#maxTimestamp) this.#maxTimestamp = record.timestamp
    const delta = record.timestamp - this.#baseTimestamp
    const size = 1 + varintSize(delta) + varintSize(this.#count) + bytesSize(record.key) + bytesSize(record.value) + headersSize(headers)
    this.#reserve(size + varintSize(size))
    const bytes = this.#bytes
    let at = writeVarint(bytes, size, this.#end)
    bytes[at++] = 0
    at = writeVarint(bytes, delta, at)
    at = writeVarint(bytes, this.#count, at)
    at = writeBytes(bytes, record.key, at)
    at = writeBytes(bytes, record.value, at)
    this.#end = writeHeaders(bytes, headers, at)
    this.#count++
  }

  /** Puts what `compress` makes of the records in their place, if that is smaller. `codec`: its number in the attributes. Once. */
  compress(codec: number, compress: (records: Buffer) => Buffer): void {
    assert(!this.#sealed && this.#codec === 0 && codec > 0 && codec < compressionTypes.length, 'records are compressed once, before they are sealed')
    this.#sealed = true
    const compressed = compress(this.#bytes.subarray(BATCH_HEADER_BYTES, this.#end))
    const end = BATCH_HEADER_BYTES + compressed.length
    if (end >= this.#end) return
    this.#bytes = Buffer.allocUnsafeSlow(end)
    this.#bytes.set(compressed, BATCH_HEADER_BYTES)
    this.#end = end
    this.#codec = codec
  }

  /** The batch, a view of the builder's buffer. */
  seal(options: SealOptions): Buffer {
    assert(this.#count > 0, 'a batch holds a record')
    this.#sealed = true
    const batch = this.#bytes.subarray(0, this.#end)
    writeBatchHeader(batch, 0, {
      baseOffset: 0,
      lastOffset: this.#count - 1,
      sizeBytes: this.#end,
      leaderEpoch: -1,
      attributes: (options.attributes ?? 0) | this.#codec,
      baseTimestamp: this.#baseTimestamp,
      maxTimestamp: this.#maxTimestamp,
      producerId: options.producerId,
      producerEpoch: options.producerEpoch,
      baseSequence: options.baseSequence,
      recordCount: this.#count,
    })
    sealBatch(batch)
    return batch
  }

  #reserve(bytes: number): void {
    const needed = this.#end + bytes
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#end))
    this.#bytes = grown
  }
}

/** One batch of these records, sealed. */
export function encodeBatch(records: readonly RecordInput[], options: SealOptions = NO_PRODUCER): Buffer {
  const builder = new BatchBuilder()
  for (const record of records) builder.append(record)
  return builder.seal(options)
}

export type RecordVisitor = (offset: number, timestamp: number, key: Buffer | null, value: Buffer | null, headers: readonly RecordHeader[]) => void

function readHeaders(reader: VarintReader): readonly RecordHeader[] {
  const count = reader.int32()
  if (count === 0) return NO_HEADERS
  if (count < 0) throw new BrokerError('CORRUPT_MESSAGE', `a record with ${count} headers`)
  const headers: RecordHeader[] = []
  for (let index = 0; index < count; index++) {
    const key = reader.nullable(reader.int32())
    if (key === null) throw new BrokerError('CORRUPT_MESSAGE', 'a header without a key')
    headers.push({ key: key.toString(), value: reader.nullable(reader.int32()) })
  }
  return headers
}

/**
 * Reads the records of `batch` (exactly one, its CRC checked before) in order; keys and values are views of it.
 * Throws CORRUPT_MESSAGE when they do not fill the batch as its header says, UNSUPPORTED_COMPRESSION_TYPE when they are compressed:
 * then `visitSection` reads them, once they are not.
 * Offsets may have gaps (compaction), but grow and stay within the header's.
 */
export function visitRecords(batch: Buffer, header: BatchHeader, visit: RecordVisitor): void {
  const compression = header.attributes & COMPRESSION_MASK
  if (compression !== 0) {
    throw new BrokerError(
      'UNSUPPORTED_COMPRESSION_TYPE',
      `the batch at offset ${header.baseOffset} is compressed (${compressionTypes[compression] ?? 'unknown'}, type ${compression}) where only plain batches are`,
    )
  }
  if (header.sizeBytes !== batch.length) throw new BrokerError('CORRUPT_MESSAGE', `a batch of ${header.sizeBytes} bytes in ${batch.length}`)
  readSection(batch, BATCH_HEADER_BYTES, header, visit)
}

/** As `visitRecords`, of the records alone: what stands behind a batch's header, decompressed. */
export function visitSection(section: Buffer, header: BatchHeader, visit: RecordVisitor): void {
  readSection(section, 0, header, visit)
}

function readSection(bytes: Buffer, start: number, header: BatchHeader, visit: RecordVisitor): void {
  if (header.recordCount * MIN_RECORD_BYTES > bytes.length - start)
    throw new BrokerError('CORRUPT_MESSAGE', `${header.recordCount} records do not fit in the batch`)
  const reader = new VarintReader(bytes, start)
  const isAppendTime = (header.attributes & LOG_APPEND_TIME_FLAG) !== 0
  let next = header.baseOffset
  for (let index = 0; index < header.recordCount; index++) {
    const size = reader.int32()
    const end = reader.position + size
    reader.byte()
    const timestamp = header.baseTimestamp + reader.int64()
    const offset = header.baseOffset + reader.int32()
    if (offset < next || offset > header.lastOffset) throw new BrokerError('CORRUPT_MESSAGE', `offset ${offset} of a record is out of its batch's order`)
    next = offset + 1
    const key = reader.nullable(reader.int32())
    const value = reader.nullable(reader.int32())
    const headers = readHeaders(reader)
    if (reader.position !== end) throw new BrokerError('CORRUPT_MESSAGE', `the record at offset ${offset} is not ${size} bytes long`)
    visit(offset, isAppendTime ? header.maxTimestamp : timestamp, key, value, headers)
  }
  if (reader.position !== bytes.length) throw new BrokerError('CORRUPT_MESSAGE', 'bytes are left behind the last record of a batch')
}

/** The records of `batch`, as `visitRecords` reads them. */
export function decodeRecords(batch: Buffer, header: BatchHeader = readBatchHeader(batch, 0)): DecodedRecord[] {
  const records: DecodedRecord[] = []
  visitRecords(batch, header, (offset, timestamp, key, value, headers) => records.push({ offset, timestamp, key, value, headers }))
  return records
}
