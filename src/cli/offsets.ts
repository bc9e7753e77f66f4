import { BrokerError } from '../base/errors.ts'
import type { Admin } from '../client/admin.ts'
import { counted } from './counted.ts'
import { type CliContext, headingStyle } from './context.ts'
import { exitCode, UsageError } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { type PartitionName, parsePartitionName } from './partition-name.ts'
import { withAdmin, writeJson } from './session.ts'
import { type Column, renderTable } from './table.ts'
import { parseTimestamp } from './timestamp.ts'
import { type TopicDescription, topicsNamed } from './topic-names.ts'

type OffsetAt = 'earliest' | 'latest' | number

/** A number: wall-clock ms. */
export function parseAt(text: string, nowMs: number): OffsetAt {
  if (text === 'earliest' || text === 'latest') return text
  if (text.startsWith('@')) return parseTimestamp(text, nowMs, '--at')
  throw new UsageError(`--at ${text} is unknown`, 'earliest, latest, or a moment such as @2026-01-31T12:00:00Z or @-1h')
}

interface Row {
  readonly topic: string
  readonly partition: number
  /** −1: no record is that late. */
  readonly offset: number
  /** Of the record found; absent unless asked by time. */
  readonly timestamp?: number
}

/** Those asked for of a topic; undefined: all. */
function partitionsOf(topic: TopicDescription, asked: readonly PartitionName[]): readonly number[] | undefined {
  const wanted = asked.filter((one) => one.topic === topic.name).map((one) => one.partition)
  if (wanted.includes(undefined)) return undefined
  const numbers = [...new Set(wanted as number[])]
  const count = topic.partitions.length
  const unknown = numbers.find((number) => number >= count)
  if (unknown !== undefined)
    throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `${topic.name} has ${counted(count, 'partition')}, from 0; there is no partition ${unknown}`)
  return numbers
}

async function ask(admin: Admin, asked: readonly PartitionName[], at: OffsetAt): Promise<Row[]> {
  const described = await topicsNamed(admin, [...new Set(asked.map(({ topic }) => topic))])
  const topics = described.map(({ name }) => name)
  const wanted = described.map((topic) => partitionsOf(topic, asked))
  const found = await Promise.all(topics.map((topic, index) => admin.listOffsets(topic, at, wanted[index])))
  return found.flatMap((partitions, index) =>
    partitions.map(({ partition, offset, timestamp }) => ({
      topic: topics[index] as string,
      partition,
      offset,
      ...(typeof at === 'number' ? { timestamp } : {}),
    })),
  )
}

export async function showOffsets(context: CliContext, options: ClusterOptions, asked: readonly string[], where: string): Promise<number> {
  const at = parseAt(where, Date.now())
  const names = asked.map((name) => parsePartitionName(name, 'oxbow offsets orders:0'))
  const rows = await withAdmin(context, options, (admin) => ask(admin, names, at))
  if (options.output === 'json') {
    writeJson(context, rows)
    return exitCode.done
  }
  const columns: Column<Row>[] = [
    { heading: 'Topic', value: (row) => row.topic },
    { heading: 'Partition', value: (row) => row.partition, right: true },
    { heading: 'Offset', value: (row) => (row.offset < 0 ? 'none' : row.offset), right: true },
  ]
  if (typeof at === 'number') columns.push({ heading: 'Timestamp', value: ({ timestamp = -1 }) => (timestamp < 0 ? '-' : timestamp), right: true })
  context.stdout.write(renderTable(columns, rows, headingStyle(context)))
  return exitCode.done
}
