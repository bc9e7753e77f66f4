import type { Admin } from '../client/admin.ts'
import { type ConfigEntry, configColumns, configJson } from './config-entry.ts'
import { type CliContext, headingStyle } from './context.ts'
import { exitCode } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'
import { type Column, listCell, renderFields, renderTable } from './table.ts'
import { filtered, type HealthFilters, replicationFactorOf } from './topic-filters.ts'
import { type TopicDescription, topicsAsked } from './topic-names.ts'

/** As commander hands it over. */
export interface DescribeTopicsFlags extends HealthFilters {
  readonly regex?: boolean
  readonly configs?: boolean
  readonly topicsWithOverrides?: boolean
}

type Partition = TopicDescription['partitions'][number]

const partitionColumns: readonly Column<Partition>[] = [
  { heading: 'Partition', value: (partition) => partition.partition, right: true },
  { heading: 'Leader', value: (partition) => (partition.leader === -1 ? 'none' : partition.leader), right: true },
  { heading: 'LeaderEpoch', value: (partition) => partition.leaderEpoch, right: true },
  { heading: 'Replicas', value: (partition) => listCell(partition.replicas) },
  { heading: 'Isr', value: (partition) => listCell(partition.isr) },
  { heading: 'Elr', value: (partition) => listCell(partition.elr) },
]

const moveColumns: readonly Column<Partition>[] = [
  { heading: 'Adding', value: (partition) => listCell(partition.addingReplicas) },
  { heading: 'Removing', value: (partition) => listCell(partition.removingReplicas) },
]

export function isMoving({ addingReplicas, removingReplicas }: Partition): boolean {
  return addingReplicas.length > 0 || removingReplicas.length > 0
}

/** A topic as cli.md has it. */
export function topicJson({ name, topicId, configs, partitions }: TopicDescription): Readonly<Record<string, unknown>> {
  return { name, topicId, configs: Object.fromEntries(configs), partitions }
}

/** The head, then a line a partition. */
export function topicText(context: CliContext, topic: TopicDescription): string {
  const configs = [...topic.configs].map(([key, value]) => `${key}=${value}`)
  const head = renderFields([
    ['Topic', topic.name],
    ['TopicId', topic.topicId],
    ['PartitionCount', topic.partitions.length],
    ['ReplicationFactor', replicationFactorOf(topic)],
    ['Configs', listCell(configs)],
  ])
  const columns = topic.partitions.some(isMoving) ? [...partitionColumns, ...moveColumns] : partitionColumns
  return head + renderTable(columns, topic.partitions, headingStyle(context))
}

interface Described {
  readonly topics: readonly TopicDescription[]
  /** By name; undefined: not asked for. */
  readonly entries: ReadonlyMap<string, readonly ConfigEntry[]> | undefined
}

async function describe(admin: Admin, names: readonly string[], flags: DescribeTopicsFlags): Promise<Described> {
  const asked = await topicsAsked(admin, names, flags.regex === true)
  const topics = await filtered(
    admin,
    asked.filter((topic) => flags.topicsWithOverrides !== true || topic.configs.size > 0),
    flags,
  )
  if (flags.configs !== true) return { topics, entries: undefined }
  const resources = topics.length === 0 ? [] : await admin.describeConfigs({ topics: topics.map((topic) => topic.name) })
  return { topics, entries: new Map(resources.map(({ name, entries }) => [name, entries])) }
}

/** The names in the order asked for; one that is missing fails the whole answer. With filters only the partitions that they name. */
export async function describeTopics(context: CliContext, options: ClusterOptions, names: readonly string[], flags: DescribeTopicsFlags): Promise<number> {
  const { topics, entries } = await withAdmin(context, options, (admin) => describe(admin, names, flags))
  if (options.output === 'json') {
    writeJson(
      context,
      topics.map((topic) => ({ ...topicJson(topic), ...(entries === undefined ? {} : { configEntries: (entries.get(topic.name) ?? []).map(configJson) }) })),
    )
    return exitCode.done
  }
  const texts = topics.map((topic) => {
    const text = topicText(context, topic)
    return entries === undefined ? text : `${text}\n${renderTable(configColumns, entries.get(topic.name) ?? [], headingStyle(context))}`
  })
  context.stdout.write(texts.join('\n'))
  return exitCode.done
}
