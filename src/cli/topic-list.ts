import type { Admin } from '../client/admin.ts'
import { type CliContext, headingStyle } from './context.ts'
import { exitCode } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'
import { type Column, renderTable } from './table.ts'
import { filtered, type HealthFilters, isUnderReplicated, replicationFactorOf } from './topic-filters.ts'
import { type TopicDescription, topicsAsked } from './topic-names.ts'

/** As commander hands it over. */
export interface ListTopicsFlags extends HealthFilters {
  readonly internal?: boolean
  readonly regex?: boolean
  readonly topicsWithOverrides?: boolean
}

function underReplicatedOf(topic: TopicDescription): number {
  return topic.partitions.filter(isUnderReplicated).length
}

/** Internal topics are Kafka's: their names begin with two underscores. */
function isInternal(topic: TopicDescription): boolean {
  return topic.name.startsWith('__')
}

async function select(admin: Admin, names: readonly string[], flags: ListTopicsFlags): Promise<TopicDescription[]> {
  const asked = await topicsAsked(admin, names, flags.regex === true)
  const listed = asked.filter(
    (topic) => (names.length > 0 || flags.internal === true || !isInternal(topic)) && (flags.topicsWithOverrides !== true || topic.configs.size > 0),
  )
  const kept = new Set((await filtered(admin, listed, flags)).map((topic) => topic.name))
  return listed.filter((topic) => kept.has(topic.name))
}

const columns: readonly Column<TopicDescription>[] = [
  { heading: 'Topic', value: (topic) => topic.name },
  { heading: 'TopicId', value: (topic) => topic.topicId },
  { heading: 'PartitionCount', value: (topic) => topic.partitions.length, right: true },
  { heading: 'ReplicationFactor', value: replicationFactorOf, right: true },
  { heading: 'UnderReplicated', value: underReplicatedOf, right: true },
]

/** Internal topics only when they are asked for, by `--internal` or by name. */
export async function listTopics(context: CliContext, options: ClusterOptions, names: readonly string[], flags: ListTopicsFlags): Promise<number> {
  const topics = await withAdmin(context, options, (admin) => select(admin, names, flags))
  if (options.output === 'json') {
    const rows = topics.map((topic) => ({
      name: topic.name,
      topicId: topic.topicId,
      partitions: topic.partitions.length,
      replicationFactor: replicationFactorOf(topic),
      underReplicated: underReplicatedOf(topic),
    }))
    writeJson(context, rows)
  } else context.stdout.write(renderTable(columns, topics, headingStyle(context)))
  return exitCode.done
}
