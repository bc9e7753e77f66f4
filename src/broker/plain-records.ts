import { decompress } from '../compression/codecs.ts'
import { BrokerError } from '../base/errors.ts'
import { BATCH_HEADER_BYTES, type BatchHeader, peekBatchSize, readBatchHeader } from '../record/batch.ts'
import { BatchBuilder, COMPRESSION_MASK, CONTROL_FLAG, NO_PRODUCER, type RecordHeader, visitSection } from '../record/records.ts'
import type { FetchedRecord, Idempotence, PlainRecord } from '../wire/plain-api.ts'

/** What one compressed batch may become here: it is read by the node's one thread, for a client that cannot. */
export const MAX_INFLATED_BYTES = 16 * 1024 * 1024
/** The end of the year 9999. */
const MAX_TIMESTAMP = 253_402_300_799_999
/** What a record, and a header, takes at most in an answer beyond its key and value: tags, lengths and numbers. */
const RECORD_BOUND_BYTES = 48
const HEADER_BOUND_BYTES = 20

/** One batch of these records. `nowMs`: the timestamp of those that have none. Throws INVALID_RECORD. */
export function encodePlainRecords(records: readonly PlainRecord[], idempotence: Idempotence | null, nowMs: number): Buffer {
  const builder = new BatchBuilder()
  for (const [at, { key, value, headers, timestamp }] of records.entries()) {
    if (timestamp !== null && (timestamp < 0 || timestamp > MAX_TIMESTAMP))
      throw new BrokerError('INVALID_RECORD', `record ${at} has the timestamp ${timestamp}; it is in milliseconds since 1970, up to the year 9999`)
    builder.append({ key, value, headers, timestamp: timestamp ?? nowMs })
  }
  return builder.seal(idempotence ?? NO_PRODUCER)
}

/** The codecs (Kafka's numbers, from 1) of what is compressed in whole batches, in their order. */
export function* codecsOf(slices: readonly Buffer[]): IterableIterator<number> {
  for (const batch of batchesOf(slices)) {
    const codec = readBatchHeader(batch, 0).attributes & COMPRESSION_MASK
    if (codec !== 0) yield codec
  }
}

export interface PlainReading {
  readonly records: readonly FetchedRecord[]
  /** Behind what was read or passed over. */
  readonly nextOffset: number
}

/**
 * The records in whole batches, from `from` on; control records are passed over. Ends before maxBytes (of the answer) or maxRecords are
 * exceeded, but one record always fits. What cannot be read is told only when nothing before it can be: INVALID_RECORD, with where to go on.
 * The codecs are loaded.
 */
export function readPlainRecords(
  slices: readonly Buffer[],
  limits: { readonly from: number; readonly maxBytes: number; readonly maxRecords: number },
): PlainReading {
  const { from, maxBytes, maxRecords } = limits
  const records: FetchedRecord[] = []
  let room = maxBytes
  let nextOffset = from
  let isFull = false
  for (const batch of batchesOf(slices)) {
    const header = readBatchHeader(batch, 0)
    if (header.lastOffset < nextOffset) continue
    if ((header.attributes & CONTROL_FLAG) === 0) {
      const before = { count: records.length, nextOffset }
      try {
        visitPlain(batch, header, (record) => {
          if (isFull || record.offset < nextOffset) return
          room -= sizeBound(record)
          isFull = records.length > 0 && (room < 0 || records.length >= maxRecords)
          if (isFull) return
          records.push(record)
          nextOffset = record.offset + 1
        })
      } catch (error) {
        if (before.count === 0) throw unreadable(header, error)
        records.length = before.count
        return { records, nextOffset: before.nextOffset }
      }
    }
    if (isFull) break
    nextOffset = header.lastOffset + 1
  }
  return { records, nextOffset }
}

function* batchesOf(slices: readonly Buffer[]): IterableIterator<Buffer> {
  for (const bytes of slices) {
    let at = 0
    while (at < bytes.length) {
      const sizeBytes = peekBatchSize(bytes, at) ?? bytes.length - at
      yield bytes.subarray(at, at + sizeBytes)
      at += sizeBytes
    }
  }
}

function visitPlain(batch: Buffer, header: BatchHeader, visit: (record: FetchedRecord) => void): void {
  const { leaderEpoch } = header
  const codec = header.attributes & COMPRESSION_MASK
  const section = batch.subarray(BATCH_HEADER_BYTES)
  const plain = codec === 0 ? section : decompress(codec, section, MAX_INFLATED_BYTES)
  visitSection(plain, header, (offset, timestamp, key, value, headers) => visit({ offset, timestamp, key, value, headers, leaderEpoch }))
}

/** A node does not look into batches before it appends them: a client may have sent anything. */
function unreadable({ baseOffset, lastOffset }: BatchHeader, error: unknown): Error {
  if (!(error instanceof BrokerError)) return error as Error
  const limit = `${MAX_INFLATED_BYTES / 1024 / 1024} MiB`
  const next = `go on at offset ${lastOffset + 1}, or read it with Fetch`
  return new BrokerError('INVALID_RECORD', `the batch at offset ${baseOffset} cannot be read here within ${limit}: ${error.detail} (${next})`)
}

function sizeBound({ key, value, headers }: FetchedRecord): number {
  let size = RECORD_BOUND_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers) size += headerBound(header)
  return size
}

function headerBound({ key, value }: RecordHeader): number {
  return HEADER_BOUND_BYTES + Buffer.byteLength(key) + (value?.length ?? 0)
}
