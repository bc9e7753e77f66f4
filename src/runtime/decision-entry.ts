import { BrokerError } from '../base/errors.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import { hasValidCrc, readBatchHeader } from '../record/batch.ts'
import { decodeRecords, encodeBatch } from '../record/records.ts'
import { decodeDecision, encodeDecision } from '../wire/records-codec.ts'

/** One decision as one entry: a sealed batch with one record whose value is the whole decision (rules R3.1). Unstamped. */
export function encodeEntry(records: readonly MetadataRecord[], wallMs: number): Buffer {
  return encodeBatch([{ timestamp: wallMs, key: null, value: encodeDecision(records) }])
}

/** Throws CORRUPT_MESSAGE when the batch holds no decision, UNSUPPORTED_VERSION when it is one that this version cannot read. */
export function decodeEntry(batch: Buffer): readonly MetadataRecord[] {
  const value = decodeRecords(batch)[0]?.value
  if (value === undefined || value === null) throw new BrokerError('CORRUPT_MESSAGE', 'a metadata entry without a decision')
  try {
    return decodeDecision(value)
  } catch (error) {
    throw error instanceof BrokerError ? writtenByNewer('an entry of the metadata log', error.detail) : error
  }
}

/** Its checksum is right, so it is as it was written: nothing is damaged, and nobody may throw it away. */
export function writtenByNewer(what: string, detail: string): BrokerError {
  return new BrokerError('UNSUPPORTED_VERSION', `a newer version wrote ${what} (${detail}): run that version here, or a later one`)
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
