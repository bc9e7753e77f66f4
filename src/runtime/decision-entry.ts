import { BrokerError } from '../base/errors.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import { hasValidCrc, readBatchHeader } from '../record/batch.ts'
import { decodeRecords, encodeBatch } from '../record/records.ts'
import { decodeDecision, encodeDecision } from '../wire/records-codec.ts'

/** One decision as one entry: a sealed batch with one record whose value is the whole decision (rules R3.1). Unstamped. */
export function encodeEntry(records: readonly MetadataRecord[], wallMs: number): Buffer {
  return encodeBatch([{ timestamp: wallMs, key: null, value: encodeDecision(records) }])
}

/** Throws CORRUPT_MESSAGE when the batch holds no decision. */
export function decodeEntry(batch: Buffer): readonly MetadataRecord[] {
  const value = decodeRecords(batch)[0]?.value
  if (value === undefined || value === null) throw new BrokerError('CORRUPT_MESSAGE', 'a metadata entry without a decision')
  return decodeDecision(value)
}

/** Whether these bytes are one whole entry, as it was sealed. Where it stands and its term are no part of that: whoever appends it stamps them. */
export function isIntactEntry(bytes: Buffer): boolean {
  try {
    const { sizeBytes, baseOffset, lastOffset } = readBatchHeader(bytes, 0)
    return sizeBytes === bytes.length && lastOffset === baseOffset && hasValidCrc(bytes)
  } catch (error) {
    if (error instanceof BrokerError) return false
    throw error
  }
}
