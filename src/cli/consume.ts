import { BrokerError } from '../base/errors.ts'
import type { OxbowClient } from '../client/client.ts'
import type { ConsumedRecord, Consumer } from '../client/consumer.ts'
import { assignmentsOf, checkStart, type Ends, highWatermarksOf, parseStart, parseUntil, rangeEnd, type Start, type Until } from './consume-range.ts'
import type { CliContext } from './context.ts'
import { exitCode, UsageError } from './failure.ts'
import { LineWriter } from './line-writer.ts'
import { LiveLine } from './live-line.ts'
import type { ClusterOptions } from './options.ts'
import { compileOutputFormat } from './record-format.ts'
import { bytesJson, headersJson } from './record-json.ts'
import { findTopic, openClient } from './session.ts'

/** As commander hands it over. */
export interface ConsumeRequest {
  readonly topic: string
  readonly fromBeginning?: boolean
  readonly offset?: string
  readonly partition?: number
  readonly max?: number
  readonly exitAtEnd?: boolean
  readonly until?: string
  readonly print?: string
  readonly format?: string
}

const POLL_RECORDS = 2_000
const POLL_TIMEOUT_MS = 500

export const printableFields = ['timestamp', 'partition', 'offset', 'headers', 'key'] as const
export type PrintField = (typeof printableFields)[number]

export function parsePrint(text: string | undefined): ReadonlySet<PrintField> {
  const names = text === undefined ? [] : text.split(',').map((name) => name.trim())
  for (const name of names)
    if (!(printableFields as readonly string[]).includes(name)) throw new UsageError(`--print ${name} is unknown`, `choose from ${printableFields.join(',')}`)
  return new Set(names as PrintField[])
}

export function recordJson(record: ConsumedRecord): string {
  const { topic, partition, offset, leaderEpoch, timestamp } = record
  const headers = headersJson(record.headers)
  return JSON.stringify({ topic, partition, offset, leaderEpoch, timestamp, key: bytesJson(record.key), value: bytesJson(record.value), headers })
}

/** The fields in the order of Kafka's console consumer, then the value byte for byte. */
function writePlain(out: LineWriter, record: ConsumedRecord, fields: ReadonlySet<PrintField>): void {
  if (fields.has('timestamp')) out.write(`CreateTime:${record.timestamp}\t`)
  if (fields.has('partition')) out.write(`Partition:${record.partition}\t`)
  if (fields.has('offset')) out.write(`Offset:${record.offset}\t`)
  if (fields.has('headers'))
    out.write(`${record.headers.length === 0 ? 'NO_HEADERS' : record.headers.map(({ key, value }) => `${key}:${value ?? 'null'}`).join(',')}\t`)
  if (fields.has('key')) {
    out.write(record.key ?? 'null')
    out.write('\t')
  }
  out.write(record.value ?? 'null')
  out.write('\n')
}

/** How each record is written, by what was asked for. Throws UsageError. */
function printerOf(request: ConsumeRequest, output: ClusterOptions['output'], out: LineWriter): (record: ConsumedRecord, number: number) => void {
  const { format } = request
  if (format !== undefined && request.print !== undefined) throw new UsageError('--format and --print exclude each other', 'leave one of them out')
  const fields = parsePrint(request.print)
  if (output === 'json' || format === 'json') return (record) => out.write(`${recordJson(record)}\n`)
  if (format === undefined) return (record) => writePlain(out, record, fields)
  const formatted = compileOutputFormat(format)
  return (record, number) => formatted(record, number, (part) => out.write(part))
}

interface Tally {
  records: number
  bytes: number
  readonly beganMs: number
}

function rateOf({ records, bytes, beganMs }: Tally): string {
  const seconds = Math.max(performance.now() - beganMs, 1) / 1000
  return `${records} records in ${seconds.toFixed(1)} s (${Math.round(records / seconds)} records/s, ${(bytes / seconds / 1e6).toFixed(2)} MB/s)`
}

interface Reading {
  readonly consumer: Consumer
  readonly topic: string
  readonly ends: Ends | undefined
  readonly max: number
  /** Without progress for so long it gives up; Infinity when it follows. */
  readonly timeoutMs: number
  /** What was asked before the first record counts too. */
  readonly beganMs: number
  readonly write: (record: ConsumedRecord) => void
  readonly whenTaken: () => Promise<void>
  readonly isOver: () => boolean
}

function isAtEnd({ consumer, topic, ends }: Reading): boolean {
  return ends !== undefined && [...ends].every(([partition, end]) => consumer.position(topic, partition) >= end)
}

/** Reads until the ends, the maximum, or an interrupt. Answers how many records were written. */
async function read(reading: Reading): Promise<number> {
  const { consumer, ends, max } = reading
  let count = 0
  let progressMs = reading.beganMs
  while (count < max && !reading.isOver() && !isAtEnd(reading)) {
    const leftMs = progressMs + reading.timeoutMs - performance.now()
    if (leftMs <= 0) throw new BrokerError('REQUEST_TIMED_OUT', `no record came for ${reading.timeoutMs} ms, and the end is not reached`)
    const records = await consumer.poll({ maxRecords: Math.min(POLL_RECORDS, max - count), timeoutMs: Math.min(POLL_TIMEOUT_MS, leftMs) })
    for (const record of records) {
      if (record.offset >= (ends?.get(record.partition) ?? Number.POSITIVE_INFINITY)) continue
      reading.write(record)
      count++
    }
    await reading.whenTaken()
    if (records.length > 0) progressMs = performance.now()
  }
  return count
}

interface Work {
  readonly client: OxbowClient
  readonly consumer: Consumer
  readonly options: ClusterOptions
  readonly request: ConsumeRequest
  readonly start: Start
  readonly until: Until | undefined
  readonly write: Reading['write']
  readonly whenTaken: Reading['whenTaken']
  readonly isOver: Reading['isOver']
}

/** Finds out where to begin and where to end, then reads. Answers how many records were written. */
async function work({ client, consumer, options, request, start, until, write, whenTaken, isOver }: Work): Promise<number> {
  const beganMs = performance.now()
  const admin = client.admin({ totalTimeoutMs: options.timeoutMs })
  const topic = await findTopic(admin, request.topic)
  const all = topic.partitions.map((one) => one.partition)
  if (request.partition !== undefined && !all.includes(request.partition))
    throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `${request.topic} has ${all.length} partitions, from 0; there is no partition ${request.partition}`)
  const partitions = request.partition === undefined ? all : [request.partition]
  const highWatermarks = request.exitAtEnd === true ? await highWatermarksOf(admin, request.topic, partitions) : undefined
  const { ends, isThere } = await rangeEnd(admin, request.topic, until, highWatermarks, partitions)
  checkStart(request.topic, start, highWatermarks)
  await consumer.assign(await assignmentsOf(admin, request.topic, partitions, start))
  const max = request.max ?? Number.POSITIVE_INFINITY
  return await read({
    consumer,
    topic: request.topic,
    ends,
    max,
    timeoutMs: isThere ? options.timeoutMs : Number.POSITIVE_INFINITY,
    beganMs,
    write,
    whenTaken,
    isOver,
  })
}

async function run(context: CliContext, client: OxbowClient, options: ClusterOptions, request: ConsumeRequest): Promise<number> {
  const nowMs = Date.now()
  const start = parseStart(request, nowMs)
  const until = parseUntil(request.until, nowMs)
  const out = new LineWriter(context.stdout)
  const printer = printerOf(request, options.output, out)
  const state = { over: false }
  // From here on everything is raced: whatever is waited for, an interrupt ends it.
  const interrupted = new Promise<void>((say) => {
    context.onInterrupt(() => {
      state.over = true
      say()
    })
  })
  const consumer = client.consumer()
  const tally = { records: 0, bytes: 0, beganMs: performance.now() }
  // Records and the line would stand on one terminal.
  const live = new LiveLine(context.stderr, context.stdout.isTTY !== true)
  live.start(() => rateOf(tally))
  const working = work({
    client,
    consumer,
    options,
    request,
    start,
    until,
    write: (record) => {
      tally.records++
      tally.bytes += record.value?.length ?? 0
      printer(record, tally.records)
    },
    whenTaken: () => out.whenTaken(),
    isOver: () => state.over,
  })
  const count = await Promise.race([working, interrupted]).finally(() => live.stop())
  out.flush()
  await consumer.close()
  if (count === undefined) return exitCode.interrupted
  if (context.stderr.isTTY === true) context.stderr.write(`${count} records\n`)
  return exitCode.done
}

/** `oxbow consume`: one line a record on stdout. */
export async function consume(context: CliContext, options: ClusterOptions, request: ConsumeRequest): Promise<number> {
  const client = await openClient(context, options)
  try {
    return await run(context, client, options, request)
  } finally {
    await client.close()
  }
}
