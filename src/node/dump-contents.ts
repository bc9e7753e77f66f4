import { BrokerError } from '../base/errors.ts'
import { decompress, isCodecLoaded, loadCodec } from '../compression/codecs.ts'
import type { DumpedBatch } from '../log/dump-scan.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import { BATCH_HEADER_BYTES } from '../record/batch.ts'
import { COMPRESSION_MASK, type DecodedRecord, MAX_SECTION_BYTES, visitSection } from '../record/records.ts'
import { decodeDecision } from '../wire/records-codec.ts'
import { decodeSnapshotFooter, decodeSnapshotHeader, footerKey, headerKey, type SnapshotFooter, type SnapshotHeader } from '../wire/snapshot-codec.ts'

/** One entry of the metadata log (rules R5.1). */
export interface DumpedDecision {
  readonly offset: number
  readonly timestamp: number
  readonly records: readonly MetadataRecord[]
}

function codecOf({ header }: DumpedBatch): number {
  return header.attributes & COMPRESSION_MASK
}

/** Makes what is compressed in these batches readable, as far as its codec is here: the batch itself says why not. */
export async function loadCodecsOf(batches: readonly DumpedBatch[]): Promise<void> {
  const missing = new Set(batches.map(codecOf).filter((codec) => codec !== 0 && !isCodecLoaded(codec)))
  for (const codec of missing) await new Promise<void>((fulfil) => loadCodec(codec, () => fulfil()))
}

/** The records of a batch whose codec was asked for; a sentence when they cannot be read. */
export function dumpedRecords(batch: DumpedBatch): readonly DecodedRecord[] | string {
  return orReason(() => readRecords(batch))
}

/** The same of a batch of the metadata log; a sentence when it holds no decision that this version understands. */
export function dumpedDecisions(batch: DumpedBatch): readonly DumpedDecision[] | string {
  return orReason(() =>
    readRecords(batch).map(({ offset, timestamp, value }) => {
      if (value === null) throw new BrokerError('CORRUPT_MESSAGE', 'an entry without a decision')
      return { offset, timestamp, records: decodeDecision(value) }
    }),
  )
}

/** The control record before or behind the records of a metadata snapshot. */
export interface DumpedBound {
  readonly offset: number
  readonly timestamp: number
  readonly bound: ({ readonly type: 'snapshotHeader' } & SnapshotHeader) | ({ readonly type: 'snapshotFooter' } & SnapshotFooter)
}

/** The same of a control batch of a snapshot. */
export function dumpedBounds(batch: DumpedBatch): readonly DumpedBound[] | string {
  return orReason(() =>
    readRecords(batch).map(({ offset, timestamp, key, value }) => {
      if (value !== null && key?.equals(headerKey) === true) return { offset, timestamp, bound: { type: 'snapshotHeader', ...decodeSnapshotHeader(value) } }
      if (value !== null && key?.equals(footerKey) === true) return { offset, timestamp, bound: { type: 'snapshotFooter', ...decodeSnapshotFooter(value) } }
      throw new BrokerError('CORRUPT_MESSAGE', 'a control record that this version does not know')
    }),
  )
}

function readRecords(batch: DumpedBatch): DecodedRecord[] {
  const codec = codecOf(batch)
  const section = batch.bytes.subarray(BATCH_HEADER_BYTES)
  if (codec !== 0 && !isCodecLoaded(codec)) throw new BrokerError('UNSUPPORTED_COMPRESSION_TYPE', `compressed with ${batch.codec}, which does not load here`)
  const records: DecodedRecord[] = []
  visitSection(codec === 0 ? section : decompress(codec, section, MAX_SECTION_BYTES), batch.header, (offset, timestamp, key, value, headers) =>
    records.push({ offset, timestamp, key, value, headers }),
  )
  return records
}

function orReason<T>(read: () => T): T | string {
  try {
    return read()
  } catch (error) {
    if (error instanceof BrokerError) return error.detail
    throw error
  }
}
