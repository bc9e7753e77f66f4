import { type Command, Option } from 'commander'
import { topicConfigHelp } from '../../base/topic-config-doc.ts'
import { clusterOptions, integer, keyValue, type RawClusterOptions, withCluster, words } from '../options.ts'
import type { AlterTopicFlags } from '../topic-alter.ts'
import type { CreateTopicFlags } from '../topic-create.ts'
import type { DescribeTopicsFlags } from '../topic-describe.ts'
import type { ListTopicsFlags } from '../topic-list.ts'
import { example, type Raw, type Wiring } from './wiring.ts'

/** As the controller has it (rules 8). */
const MAX_PARTITIONS = 10_000

export function addTopicCommands(program: Command, wiring: Wiring): void {
  const { context, finish } = wiring
  const topic = program.command('topic').description('topics: create, alter, list, describe, delete')
  example(topic, 'npx oxbow topic create orders', 'npx oxbow topic describe orders')
  const create = withCluster(topic.command('create'))
    .description('create a topic; returns when every partition has a leader')
    .argument('<name>', 'letters, digits, ".", "_", "-"')
    .addOption(new Option('--partitions <n>', 'how many partitions (default: 6)').argParser(integer(1, MAX_PARTITIONS)))
    .addOption(new Option('--replication-factor <n>', 'copies of each partition (default: 3; 1 where there is one node)').argParser(integer(1, 32_767)))
    .option('--assignment <1:2:3,…>', 'brokers of each partition, preferred leader first; instead of the two above')
    .option('--config <k=v>', 'a config of the topic, e.g. min.insync.replicas=2; may be repeated', keyValue)
    .option('--if-not-exists', 'an existing topic is fine')
    .option('--dry-run', 'say what would be created and where, and create nothing')
    .action(async (name: string, raw: RawClusterOptions & CreateTopicFlags) => {
      const { createTopic } = await import('../topic-create.ts')
      finish(await createTopic(context, clusterOptions(context, raw), name, raw))
    })
  create.addHelpText('after', () => `\n${topicConfigHelp()}`)
  example(create, 'npx oxbow topic create orders --partitions 6 --replication-factor 3', 'npx oxbow topic create orders --dry-run')
  const alter = withCluster(topic.command('alter'))
    .description('add partitions, change configs, all of it or nothing')
    .argument('<name>')
    .addOption(new Option('--partitions <n>', 'how many there shall be').argParser(integer(1, MAX_PARTITIONS)))
    .option('--assignment <1:2:3,…>', 'brokers of each partition that is added')
    .option('--config <k=v>', 'set a config; may be repeated', keyValue)
    .option('--delete-config <k>', 'back to its default; may be repeated', words)
    .option('--dry-run', 'say what would be, and change nothing')
    .action(async (name: string, raw: RawClusterOptions & AlterTopicFlags) => {
      const { alterTopic } = await import('../topic-alter.ts')
      finish(await alterTopic(context, clusterOptions(context, raw), name, raw))
    })
  alter.addHelpText('after', () => `\n${topicConfigHelp()}`)
  example(alter, 'npx oxbow topic alter orders --partitions 12', 'npx oxbow topic alter orders --config retention.ms=86400000')
  addTopicViews(topic, wiring)
  const remove = withCluster(topic.command('delete'))
    .description('delete topics with all their records')
    .argument('<name...>', 'topics')
    .option('-r, --regex', REGEX)
    .option('--yes', 'do not ask')
    .action(async (names: readonly string[], raw: Raw) => {
      const { deleteTopics } = await import('../topic-delete.ts')
      finish(await deleteTopics(context, clusterOptions(context, raw), names, { yes: raw.yes === true, regex: raw.regex === true }))
    })
  example(remove, 'npx oxbow topic delete orders --yes')
}

const REGEX = 'names are regular expressions for whole names'

function withFilters(command: Command): Command {
  return command
    .option('-r, --regex', REGEX)
    .option('--unhealthy', 'only partitions without a leader, with a replica out of sync, or below min.insync.replicas')
    .option('--under-replicated-partitions', 'only partitions with a replica out of sync')
    .option('--unavailable-partitions', 'only partitions without a leader')
    .option('--under-min-isr-partitions', 'only partitions with fewer in-sync replicas than min.insync.replicas')
    .option('--at-min-isr-partitions', 'only partitions with exactly min.insync.replicas in-sync replicas')
    .option('--topics-with-overrides', 'only topics with configs of their own')
}

function addTopicViews(topic: Command, { context, finish }: Wiring): void {
  const list = withFilters(withCluster(topic.command('list')))
    .description('list topics')
    .argument('[name...]', 'topics; all of them if none is named')
    .option('--internal', 'internal topics too')
    .action(async (names: readonly string[], raw: RawClusterOptions & ListTopicsFlags) => {
      const { listTopics } = await import('../topic-list.ts')
      finish(await listTopics(context, clusterOptions(context, raw), names, raw))
    })
  example(list, 'npx oxbow topic list', "npx oxbow topic list 'orders-.*' --regex --unhealthy")
  const describe = withFilters(withCluster(topic.command('describe')))
    .description('show partitions, leaders, replicas and in-sync replicas')
    .argument('[name...]', 'topics; all of them if none is named')
    .option('--configs', 'every config too, with its default and where its value comes from')
    .action(async (names: readonly string[], raw: RawClusterOptions & DescribeTopicsFlags) => {
      const { describeTopics } = await import('../topic-describe.ts')
      finish(await describeTopics(context, clusterOptions(context, raw), names, raw))
    })
  example(describe, 'npx oxbow topic describe orders', 'npx oxbow topic describe --under-replicated-partitions')
}
