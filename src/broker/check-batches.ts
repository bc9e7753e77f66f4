import { BrokerError } from '../base/errors.ts'
import { type BatchHeader, hasValidCrc, readBatchHeader } from '../record/batch.ts'

/** Headers of whole batches, CRCs checked. Throws CORRUPT_MESSAGE. */
export function checkBatches(bytes: Buffer): BatchHeader[] {
  const headers: BatchHeader[] = []
  for (let at = 0; at < bytes.length; ) {
    const header = readBatchHeader(bytes, at)
    const batch = bytes.subarray(at, at + header.sizeBytes)
    if (batch.length < header.sizeBytes || !hasValidCrc(batch))
      throw new BrokerError('CORRUPT_MESSAGE', `the batch at offset ${header.baseOffset} failed its checksum`)
    headers.push(header)
    at += header.sizeBytes
  }
  return headers
}
