import { type DumpedBatch, dumpRecords } from '../log/dump-scan.ts'
import { bytesJson, headersJson } from './record-json.ts'

/** Which records of a batch are shown; `to` is exclusive. */
export interface OffsetRange {
  readonly from: number
  readonly to: number
}

function recordsIn(batch: DumpedBatch, { from, to }: OffsetRange): ReturnType<typeof dumpRecords> {
  const found = dumpRecords(batch)
  return typeof found === 'string' ? found : found.filter(({ offset }) => offset >= from && offset < to)
}

/** One batch for programs, in Kafka's words. `shown`: its records too, as `consume -o json` has them; null with a reason where that cannot be. */
export function batchJson(batch: DumpedBatch, shown: OffsetRange | undefined): Readonly<Record<string, unknown>> {
  const { header } = batch
  const fields = {
    baseOffset: header.baseOffset,
    lastOffset: header.lastOffset,
    count: header.recordCount,
    leaderEpoch: header.leaderEpoch,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    codec: batch.codec,
    isControl: batch.isControl,
    timestampType: batch.timestampType,
    baseTimestamp: header.baseTimestamp,
    maxTimestamp: header.maxTimestamp,
    sizeBytes: header.sizeBytes,
    position: batch.position,
    crcOk: batch.crcOk,
  }
  if (shown === undefined) return fields
  const found = recordsIn(batch, shown)
  if (typeof found === 'string') return { ...fields, records: null, recordsReason: found }
  const records = found.map(({ offset, timestamp, key, value, headers }) => ({
    offset,
    timestamp,
    key: bytesJson(key),
    value: bytesJson(value),
    headers: headersJson(headers),
  }))
  return { ...fields, records }
}

/** A line a batch, and one a record, each ending with a newline. */
export function batchLines(batch: DumpedBatch, shown: OffsetRange | undefined): string {
  const { header } = batch
  const fields: readonly (readonly [string, string | number])[] = [
    ['baseOffset', header.baseOffset],
    ['lastOffset', header.lastOffset],
    ['count', header.recordCount],
    ['leaderEpoch', header.leaderEpoch],
    ['producerId', header.producerId],
    ['producerEpoch', header.producerEpoch],
    ['baseSequence', header.baseSequence],
    ['codec', batch.codec],
    ['control', batch.isControl ? 'yes' : 'no'],
    [batch.timestampType, `${header.baseTimestamp}..${header.maxTimestamp}`],
    ['size', header.sizeBytes],
    ['position', batch.position],
    ['crc', batch.crcOk ? 'ok' : 'wrong'],
  ]
  const line = `${fields.map(([name, value]) => `${name}: ${value}`).join(' ')}\n`
  return shown === undefined ? line : line + recordLines(batch, shown)
}

function recordLines(batch: DumpedBatch, shown: OffsetRange): string {
  const found = recordsIn(batch, shown)
  if (typeof found === 'string') return `  records: ${found}\n`
  return found
    .map(({ offset, timestamp, key, value, headers }) => {
      const ofHeaders = headers.length === 0 ? '' : ` headers: ${JSON.stringify(headersJson(headers))}`
      return `  offset: ${offset} timestamp: ${timestamp} key: ${JSON.stringify(bytesJson(key))} value: ${JSON.stringify(bytesJson(value))}${ofHeaders}\n`
    })
    .join('')
}
