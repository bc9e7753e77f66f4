import type { Admin } from '../client/admin.ts'
import { type CliContext, headingStyle } from './context.ts'
import { exitCode, UsageError } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'
import { type Column, renderTable } from './table.ts'
import { parseTimestamp } from './timestamp.ts'
import { topicsNamed } from './topic-names.ts'

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

async function ask(admin: Admin, topics: readonly string[], at: OffsetAt): Promise<Row[]> {
  await topicsNamed(admin, topics)
  const found = await Promise.all(topics.map((topic) => admin.listOffsets(topic, at)))
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
  const rows = await withAdmin(context, options, (admin) => ask(admin, [...new Set(asked)], at))
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
