import { type CliContext, headingStyle } from '../context.ts'
import { exitCode } from '../failure.ts'
import { byteSize } from '../byte-size.ts'
import { writeJson } from '../session.ts'
import { type Column, renderTable } from '../table.ts'
import type { AuditedPartition, Difference, ReplicaOutcome, Version } from './partition-audit.ts'

const NAMED_PARTITIONS = 5

export type AuditResult = 'agree' | 'differ' | 'incomplete'

/** A replica that differs or is damaged is worse than one that could not be compared. */
export function resultOf(partitions: readonly AuditedPartition[]): AuditResult {
  const outcomes = new Set(partitions.flatMap(({ audited = [] }) => audited.map(({ outcome }) => outcome)))
  if (outcomes.has('differs') || outcomes.has('damaged')) return 'differ'
  return outcomes.has('notCompared') ? 'incomplete' : 'agree'
}

export function exitCodeOf(result: AuditResult): number {
  switch (result) {
    case 'agree':
      return exitCode.done
    case 'differ':
      return exitCode.refused
    case 'incomplete':
      return exitCode.inconclusive
  }
}

function sum(partitions: readonly AuditedPartition[], value: (partition: AuditedPartition) => number): number {
  return partitions.reduce((total, partition) => total + value(partition), 0)
}

function hasOutcome({ audited = [] }: AuditedPartition, ...outcomes: readonly ReplicaOutcome[]): boolean {
  return audited.some(({ outcome }) => outcomes.includes(outcome))
}

interface TopicRow {
  readonly topic: string
  readonly partitions: readonly AuditedPartition[]
}

/** A partition counts once: where it differs, else where not all of it was compared, else where it agrees. */
const columns: readonly Column<TopicRow>[] = [
  { heading: 'Topic', value: (row) => row.topic },
  { heading: 'Partitions', value: (row) => row.partitions.length, right: true },
  { heading: 'Agree', value: (row) => row.partitions.filter((one) => !hasOutcome(one, 'differs', 'damaged', 'notCompared')).length, right: true },
  { heading: 'Differ', value: (row) => row.partitions.filter((one) => hasOutcome(one, 'differs', 'damaged')).length, right: true },
  {
    heading: 'Incomplete',
    value: (row) => row.partitions.filter((one) => hasOutcome(one, 'notCompared') && !hasOutcome(one, 'differs', 'damaged')).length,
    right: true,
  },
  { heading: 'Batches', value: (row) => sum(row.partitions, ({ batches }) => batches), right: true },
  { heading: 'Size', value: (row) => byteSize(sum(row.partitions, ({ bytes }) => bytes)), right: true },
]

function checksum(value: number): string {
  return value.toString(16).padStart(8, '0')
}

function versionText({ nodeId, batch, file, position }: Version, leader: number): string {
  const who = `node ${nodeId}${nodeId === leader ? ' (leader)' : ''}`
  if (batch === null) return `  ${who}: nothing to be read there\n`
  const { baseOffset, lastOffset, leaderEpoch, sizeBytes } = batch
  const what = `offsets ${baseOffset} to ${lastOffset}, leader epoch ${leaderEpoch}, ${sizeBytes} bytes, checksum ${checksum(batch.checksum)}`
  return `  ${who}: ${what}, in ${file} at byte ${position}\n`
}

function differenceText({ topic, partition, leader }: AuditedPartition, { offset, versions, minority }: Difference): string {
  const alone = minority.length === 0 ? '' : `  most replicas have the same there, node ${minority.join(' and ')} has not\n`
  return `${topic}-${partition}: replicas differ, first at offset ${offset}:\n${versions.map((version) => versionText(version, leader)).join('')}${alone}`
}

function problemsText(partition: AuditedPartition): string {
  const { topic, partition: number, startOffset, audited = [], differences } = partition
  const name = `${topic}-${number}`
  const lines = audited.flatMap(({ nodeId, outcome, comparedTo, reason }) => {
    if (outcome === 'damaged') return [`${name}: node ${nodeId} found its replica damaged at offset ${comparedTo}: ${reason}\n`]
    if (outcome !== 'notCompared' || comparedTo === startOffset) return []
    return [`${name}: node ${nodeId} was not compared from offset ${comparedTo} on: ${reason}\n`]
  })
  return differences.map((difference) => differenceText(partition, difference)).join('') + lines.join('')
}

/** A node that is away is one line, however many replicas it has. */
function leftOutText(partitions: readonly AuditedPartition[]): string {
  const names = new Map<string, string[]>()
  for (const { topic, partition, startOffset, audited = [] } of partitions) {
    for (const { nodeId, outcome, comparedTo, reason } of audited) {
      if (outcome !== 'notCompared' || comparedTo !== startOffset) continue
      const why = `node ${nodeId} was not compared: ${reason}`
      names.set(why, [...(names.get(why) ?? []), `${topic}-${partition}`])
    }
  }
  return [...names].map(([why, all]) => `${namedPartitions(all)}: ${why}\n`).join('')
}

function namedPartitions(names: readonly string[]): string {
  const shown = names.slice(0, NAMED_PARTITIONS).join(', ')
  return names.length > NAMED_PARTITIONS ? `${shown} and ${names.length - NAMED_PARTITIONS} more` : shown
}

const NEXT: Readonly<Record<AuditResult, string>> = {
  agree: 'All replicas agree.',
  differ:
    'Replicas differ, or are damaged. Next: for one that is alone with what it has, oxbow replica refetch TOPIC:PARTITION --node ID; for one that is damaged, oxbow replica list --unhealthy.',
  incomplete: 'What was compared agrees; not everything was compared.',
}

/** For people: a line a topic, then what is wrong, a replica at a time. */
export function writeReport(context: CliContext, partitions: readonly AuditedPartition[]): void {
  const topics = [...new Set(partitions.map(({ topic }) => topic))]
  const rows = topics.map((topic) => ({ topic, partitions: partitions.filter((one) => one.topic === topic) }))
  context.stdout.write(renderTable(columns, rows, headingStyle(context)))
  context.stdout.write(partitions.map(problemsText).join('') + leftOutText(partitions))
  context.stderr.write(`${partitions.length === 0 ? 'There is nothing to compare.' : NEXT[resultOf(partitions)]}\n`)
}

/** For programs: all partitions, whatever came of them. */
export function writeJsonReport(context: CliContext, partitions: readonly AuditedPartition[]): void {
  writeJson(context, {
    result: resultOf(partitions),
    batches: sum(partitions, ({ batches }) => batches),
    bytes: sum(partitions, ({ bytes }) => bytes),
    partitions: partitions.map(({ topic, partition, leader, startOffset, endOffset, batches, bytes, audited, differences }) => {
      return { topic, partition, leader, startOffset, endOffset, batches, bytes, replicas: audited ?? [], differences }
    }),
  })
}
