import { BrokerError } from '../base/errors.ts'
import type { Admin } from '../client/admin.ts'
import type { OxbowClient } from '../client/client.ts'
import type { Assignment, ConsumedRecord, Consumer } from '../client/consumer.ts'
import type { CliContext } from './context.ts'
import { exitCode, UsageError } from './failure.ts'
import { LineWriter } from './line-writer.ts'
import type { ClusterOptions } from './options.ts'
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
  readonly print?: string
}

const POLL_RECORDS = 2_000
const POLL_TIMEOUT_MS = 500

/** Where to begin in every partition; `last` counts from the end. */
export type Start =
  | { readonly type: 'earliest' }
  | { readonly type: 'latest' }
  | { readonly type: 'offset'; readonly offset: number }
  | { readonly type: 'last'; readonly count: number }

export function parseStart(request: Pick<ConsumeRequest, 'fromBeginning' | 'offset'>): Start {
  const { fromBeginning, offset } = request
  if (fromBeginning === true && offset !== undefined) throw new UsageError('--from-beginning and --offset exclude each other', 'leave one of them out')
  if (fromBeginning === true || offset === 'earliest') return { type: 'earliest' }
  if (offset === undefined || offset === 'latest') return { type: 'latest' }
  const number = Number(offset)
  if (!/^-?\d+$/.test(offset) || !Number.isSafeInteger(number))
    throw new UsageError(`--offset ${offset} is not an offset`, 'earliest, latest, an offset N, or -N for the last N records')
  return offset.startsWith('-') ? { type: 'last', count: -number } : { type: 'offset', offset: number }
}

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

/** Resolves where each partition begins, in the command's time. `-N` needs both ends of the log. */
async function assignments(admin: Admin, topic: string, partitions: readonly number[], start: Start): Promise<Assignment[]> {
  if (start.type === 'offset') return partitions.map((partition) => ({ topic, partition, offset: start.offset }))
  if (start.type !== 'last') return (await admin.listOffsets(topic, start.type, partitions)).map((found) => ({ topic, ...found }))
  const [earliest, latest] = await Promise.all([admin.listOffsets(topic, 'earliest', partitions), admin.listOffsets(topic, 'latest', partitions)])
  return latest.map(({ partition, offset }, at) => ({ topic, partition, offset: Math.max(earliest[at]?.offset ?? 0, offset - start.count) }))
}

/** Where to stop: the high watermarks of the start. Undefined: never. */
async function endsOf(admin: Admin, request: ConsumeRequest, partitions: readonly number[]): Promise<ReadonlyMap<number, number> | undefined> {
  if (request.exitAtEnd !== true) return undefined
  const found = await admin.listOffsets(request.topic, 'latest', partitions)
  return new Map(found.map(({ partition, offset }) => [partition, offset]))
}

/** Beyond the end nothing would be read, and all would seem well. What lies before the beginning, the leader refuses. */
function checkStart(topic: string, start: Start, ends: ReadonlyMap<number, number> | undefined): void {
  if (start.type !== 'offset') return
  for (const [partition, end] of ends ?? [])
    if (start.offset > end)
      throw new BrokerError('OFFSET_OUT_OF_RANGE', `offset ${start.offset} is outside of the log of ${topic}-${partition}, which ends at ${end}`)
}

interface Reading {
  readonly consumer: Consumer
  readonly topic: string
  readonly ends: ReadonlyMap<number, number> | undefined
  readonly max: number
  /** Without progress for so long, a reader that does not follow gives up. */
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
    const leftMs = ends === undefined ? Number.POSITIVE_INFINITY : progressMs + reading.timeoutMs - performance.now()
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
  readonly write: Reading['write']
  readonly whenTaken: Reading['whenTaken']
  readonly isOver: Reading['isOver']
}

/** Finds out where to begin and where to end, then reads. Answers how many records were written. */
async function work({ client, consumer, options, request, start, write, whenTaken, isOver }: Work): Promise<number> {
  const beganMs = performance.now()
  const admin = client.admin({ totalTimeoutMs: options.timeoutMs })
  const topic = await findTopic(admin, request.topic)
  const all = topic.partitions.map((one) => one.partition)
  if (request.partition !== undefined && !all.includes(request.partition))
    throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `${request.topic} has ${all.length} partitions, from 0; there is no partition ${request.partition}`)
  const partitions = request.partition === undefined ? all : [request.partition]
  const ends = await endsOf(admin, request, partitions)
  checkStart(request.topic, start, ends)
  await consumer.assign(await assignments(admin, request.topic, partitions, start))
  const max = request.max ?? Number.POSITIVE_INFINITY
  return await read({ consumer, topic: request.topic, ends, max, timeoutMs: options.timeoutMs, beganMs, write, whenTaken, isOver })
}

async function run(context: CliContext, client: OxbowClient, options: ClusterOptions, request: ConsumeRequest): Promise<number> {
  const start = parseStart(request)
  const fields = parsePrint(request.print)
  const state = { over: false }
  // From here on everything is raced: whatever is waited for, an interrupt ends it.
  const interrupted = new Promise<void>((say) => {
    context.onInterrupt(() => {
      state.over = true
      say()
    })
  })
  const out = new LineWriter(context.stdout)
  const consumer = client.consumer()
  const working = work({
    client,
    consumer,
    options,
    request,
    start,
    write: options.output === 'json' ? (record) => out.write(`${recordJson(record)}\n`) : (record) => writePlain(out, record, fields),
    whenTaken: () => out.whenTaken(),
    isOver: () => state.over,
  })
  const count = await Promise.race([working, interrupted])
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
