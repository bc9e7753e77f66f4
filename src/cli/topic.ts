import { type CliContext, headingStyle } from './context.ts'
import { exitCode, UsageError } from './failure.ts'
import { LineSplitter } from './lines.ts'
import type { ClusterOptions } from './options.ts'
import { type TopicDescription, withAdmin, writeJson } from './session.ts'
import { type Column, listCell, renderFields, renderTable } from './table.ts'

/** As commander hands it over. */
export interface CreateTopicFlags {
  readonly partitions?: number
  readonly replicationFactor?: number
  readonly assignment?: string
  readonly config?: ReadonlyMap<string, string>
  readonly ifNotExists?: boolean
  readonly dryRun?: boolean
}

/** `1:2:3,2:3:1` → brokers of each partition, preferred leader first. */
export function parseAssignment(text: string): number[][] {
  return text.split(',').map((part, at) => {
    const brokers = part.split(':').map((one) => (/^\d+$/.test(one) ? Number(one) : Number.NaN))
    if (brokers.some(Number.isNaN)) throw new UsageError(`"${part}" is no list of broker ids for partition ${at}`, 'for example --assignment 1:2:3,2:3:1')
    return brokers
  })
}

export async function createTopic(context: CliContext, options: ClusterOptions, name: string, flags: CreateTopicFlags): Promise<number> {
  if (flags.assignment !== undefined && (flags.partitions !== undefined || flags.replicationFactor !== undefined))
    throw new UsageError('--assignment already says how many partitions and replicas there are', 'leave out --partitions and --replication-factor')
  const assignment = flags.assignment === undefined ? undefined : parseAssignment(flags.assignment)
  const created = await withAdmin(context, options, (admin) =>
    admin.createTopic({
      name,
      ...(flags.partitions === undefined ? {} : { partitions: flags.partitions }),
      ...(flags.replicationFactor === undefined ? {} : { replicationFactor: flags.replicationFactor }),
      ...(assignment === undefined ? {} : { assignment }),
      configs: flags.config ?? new Map(),
      ifNotExists: flags.ifNotExists === true,
      validateOnly: flags.dryRun === true,
    }),
  )
  const { partitions, replicationFactor } = created
  // The id of a dry run is nobody's: the next try draws another.
  const topicId = flags.dryRun === true ? null : created.topicId
  if (options.output === 'json') writeJson(context, { name, topicId, partitions, replicationFactor })
  else {
    const what = `topic ${name}: ${partitions} partitions, replication factor ${replicationFactor}`
    context.stdout.write(topicId === null ? `Would create ${what}\n` : `Created ${what}, id ${topicId}\n`)
  }
  return exitCode.done
}

function replicationFactorOf(topic: TopicDescription): number {
  return Math.max(0, ...topic.partitions.map((partition) => partition.replicas.length))
}

function underReplicatedOf(topic: TopicDescription): number {
  return topic.partitions.filter((partition) => partition.isr.length < partition.replicas.length).length
}

/** Internal topics are Kafka's: their names begin with two underscores. */
function isInternal(topic: TopicDescription): boolean {
  return topic.name.startsWith('__')
}

function isUnhealthy(topic: TopicDescription): boolean {
  return underReplicatedOf(topic) > 0 || topic.partitions.some((partition) => partition.leader === -1)
}

export interface ListTopicsFlags {
  readonly internal: boolean
  readonly unhealthy: boolean
}

export async function listTopics(context: CliContext, options: ClusterOptions, flags: ListTopicsFlags): Promise<number> {
  const topics = (await withAdmin(context, options, (admin) => admin.listTopics()))
    .filter((topic) => (flags.internal || !isInternal(topic)) && (!flags.unhealthy || isUnhealthy(topic)))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  if (options.output === 'json') {
    const rows = topics.map((topic) => ({
      name: topic.name,
      topicId: topic.topicId,
      partitions: topic.partitions.length,
      replicationFactor: replicationFactorOf(topic),
      underReplicated: underReplicatedOf(topic),
    }))
    writeJson(context, rows)
    return exitCode.done
  }
  const columns: Column<TopicDescription>[] = [
    { heading: 'Topic', value: (topic) => topic.name },
    { heading: 'TopicId', value: (topic) => topic.topicId },
    { heading: 'PartitionCount', value: (topic) => topic.partitions.length, right: true },
    { heading: 'ReplicationFactor', value: replicationFactorOf, right: true },
    { heading: 'UnderReplicated', value: underReplicatedOf, right: true },
  ]
  context.stdout.write(renderTable(columns, topics, headingStyle(context)))
  return exitCode.done
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

/** The names in the order asked for; one that is missing fails the whole answer. */
export async function describeTopics(context: CliContext, options: ClusterOptions, names: readonly string[]): Promise<number> {
  const topics = await withAdmin(context, options, (admin) => admin.describeTopics(names.length === 0 ? undefined : names))
  if (options.output === 'json') {
    const rows = topics.map(({ name, topicId, configs, partitions }) => ({ name, topicId, configs: Object.fromEntries(configs), partitions }))
    writeJson(context, rows)
    return exitCode.done
  }
  const style = headingStyle(context)
  const texts = topics.map((topic) => {
    const configs = [...topic.configs].map(([key, value]) => `${key}=${value}`)
    const head = renderFields([
      ['Topic', topic.name],
      ['TopicId', topic.topicId],
      ['PartitionCount', topic.partitions.length],
      ['ReplicationFactor', replicationFactorOf(topic)],
      ['Configs', listCell(configs)],
    ])
    return head + renderTable(partitionColumns, topic.partitions, style)
  })
  context.stdout.write(texts.join('\n'))
  return exitCode.done
}

/** Undefined when the input ends without one. */
async function firstLine(input: CliContext['stdin']): Promise<string | undefined> {
  const splitter = new LineSplitter()
  for await (const chunk of input) {
    const [line] = splitter.feed(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    if (line !== undefined) return line.toString()
  }
  return undefined
}

/** The exit code when it is not wanted. The terminal itself edits the line, so that Ctrl-C is an interrupt and Ctrl-D the end of the input. */
async function confirm(context: CliContext, names: readonly string[]): Promise<typeof exitCode.refused | typeof exitCode.interrupted | undefined> {
  if (context.stdin.isTTY !== true) throw new UsageError(`deleting ${names.join(', ')} needs a yes, and there is no terminal to ask`, 'add --yes')
  context.stderr.write(`Delete ${names.join(', ')} with all records? Type yes: `)
  let release: () => void = () => {}
  const interrupted = new Promise<typeof exitCode.interrupted>((say) => {
    release = context.onInterrupt(() => say(exitCode.interrupted))
  })
  const answer = await Promise.race([firstLine(context.stdin), interrupted])
  release()
  if (typeof answer === 'string' && answer.trim().toLowerCase() === 'yes') return undefined
  // Without an answer the cursor still stands behind the question.
  if (typeof answer !== 'string') context.stderr.write('\n')
  context.stderr.write('Nothing was deleted.\n')
  return answer === exitCode.interrupted ? answer : exitCode.refused
}

export async function deleteTopics(context: CliContext, options: ClusterOptions, asked: readonly string[], yes: boolean): Promise<number> {
  const names = [...new Set(asked)]
  const refusal = yes ? undefined : await confirm(context, names)
  if (refusal !== undefined) return refusal
  const deleted: string[] = []
  try {
    await withAdmin(context, options, async (admin) => {
      // All names are looked at first: a misspelt last one must not leave the job half done.
      await admin.describeTopics(names)
      for (const name of names) {
        await admin.deleteTopic(name)
        deleted.push(name)
        if (options.output === 'table') context.stdout.write(`Deleted topic ${name}\n`)
      }
    })
  } finally {
    // What is gone is told, also when the next one could not be deleted.
    if (options.output === 'json' && deleted.length > 0) writeJson(context, deleted)
  }
  return exitCode.done
}
