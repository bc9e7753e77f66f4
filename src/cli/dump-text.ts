import type { DumpedBatch } from '../log/dump-scan.ts'
import { type DumpedBound, type DumpedDecision, dumpedBounds, dumpedDecisions, dumpedRecords } from '../node/dump-contents.ts'
import { bytesJson, headersJson } from './record-json.ts'

/** What of a batch is shown beside itself; `to` is exclusive. */
export interface Shown {
  readonly from: number
  readonly to: number
  /** Of a partition's log, or of the metadata: its log, or a snapshot. */
  readonly as: 'records' | 'decisions'
}

type DumpedRecord = Exclude<ReturnType<typeof dumpedRecords>, string>[number]
type Content = { readonly decision: DumpedDecision } | { readonly bound: DumpedBound } | { readonly record: DumpedRecord }

/** In the order of their offsets; a sentence when they cannot be read. */
function contentsIn(batch: DumpedBatch, { from, to, as }: Shown): readonly Content[] | string {
  const isIn = ({ offset }: { readonly offset: number }): boolean => offset >= from && offset < to
  if (as === 'decisions' && batch.isControl) {
    const bounds = dumpedBounds(batch)
    return typeof bounds === 'string' ? bounds : bounds.filter(isIn).map((bound) => ({ bound }))
  }
  if (as === 'decisions') {
    const decisions = dumpedDecisions(batch)
    return typeof decisions === 'string' ? decisions : decisions.filter(isIn).map((decision) => ({ decision }))
  }
  const records = dumpedRecords(batch)
  return typeof records === 'string' ? records : records.filter(isIn).map((record) => ({ record }))
}

function recordJson({ offset, timestamp, key, value, headers }: DumpedRecord): Readonly<Record<string, unknown>> {
  return { offset, timestamp, key: bytesJson(key), value: bytesJson(value), headers: headersJson(headers) }
}

/** One batch for programs, in Kafka's words. `shown`: its records too, as `consume -o json` has them, or its decisions; null with a reason where that cannot be. */
export function batchJson(batch: DumpedBatch, shown: Shown | undefined): Readonly<Record<string, unknown>> {
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
  const found = contentsIn(batch, shown)
  if (typeof found === 'string') return { ...fields, records: null, recordsReason: found }
  const records = found.map((content) => {
    if ('record' in content) return recordJson(content.record)
    if ('bound' in content) {
      const { offset, timestamp, bound } = content.bound
      return { offset, timestamp, control: bound }
    }
    const { offset, timestamp, records: decision } = content.decision
    return { offset, timestamp, decision }
  })
  return { ...fields, records }
}

/** A line a batch, and one a record or of a decision, each ending with a newline. */
export function batchLines(batch: DumpedBatch, shown: Shown | undefined): string {
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

function recordLines(batch: DumpedBatch, shown: Shown): string {
  const found = contentsIn(batch, shown)
  if (typeof found === 'string') return `  records: ${found}\n`
  return found
    .map((content) => {
      if ('record' in content) return recordLine(content.record)
      return 'bound' in content ? boundLine(content.bound) : decisionLines(content.decision)
    })
    .join('')
}

function recordLine({ offset, timestamp, key, value, headers }: DumpedRecord): string {
  const ofHeaders = headers.length === 0 ? '' : ` headers: ${JSON.stringify(headersJson(headers))}`
  return `  offset: ${offset} timestamp: ${timestamp} key: ${JSON.stringify(bytesJson(key))} value: ${JSON.stringify(bytesJson(value))}${ofHeaders}\n`
}

function boundLine({ offset, timestamp, bound: { type, ...fields } }: DumpedBound): string {
  const texts = Object.entries(fields).map(([name, value]) => `${name}: ${value}`)
  return `  offset: ${offset} timestamp: ${timestamp} ${type} ${texts.join(' ')}\n`
}

/** A line for the decision, and one for each of its records. */
function decisionLines({ offset, timestamp, records }: DumpedDecision): string {
  const lines = records.map((record) => {
    const { type, ...fields } = record.type === 'partition' ? { type: record.type, ...record.state } : record
    const texts = Object.entries(fields).map(([name, value]) => `${name}: ${typeof value === 'object' ? JSON.stringify(value) : value}`)
    return `    ${type} ${texts.join(' ')}\n`
  })
  return `  offset: ${offset} timestamp: ${timestamp} decision:\n${lines.join('')}`
}
