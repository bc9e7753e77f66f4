import { type Command, Option } from 'commander'
import { clusterOptions, integer, keyValue, type RawClusterOptions, withCluster } from '../options.ts'
import type { CreateTopicFlags } from '../topic.ts'
import { example, type Raw, type Wiring } from './wiring.ts'

/** As the controller has it (rules 8). */
const MAX_PARTITIONS = 10_000

export function addTopicCommands(program: Command, wiring: Wiring): void {
  const { context, finish } = wiring
  const topic = program.command('topic').description('topics: create, list, describe, delete')
  example(topic, 'npx oxbow topic create orders', 'npx oxbow topic describe orders')
  const create = withCluster(topic.command('create'))
    .description('create a topic; returns when every partition has a leader')
    .argument('<name>', 'letters, digits, ".", "_", "-"')
    .addOption(new Option('--partitions <n>', 'how many partitions (default: 6)').argParser(integer(1, MAX_PARTITIONS)))
    .addOption(new Option('--replication-factor <n>', 'copies of each partition (default: 3)').argParser(integer(1, 32_767)))
    .option('--assignment <1:2:3,…>', 'brokers of each partition, preferred leader first; instead of the two above')
    .option('--config <k=v>', 'a config of the topic, e.g. min.insync.replicas=2; may be repeated', keyValue)
    .option('--if-not-exists', 'an existing topic is fine')
    .option('--dry-run', 'say what would be created, and create nothing')
    .action(async (name: string, raw: RawClusterOptions & CreateTopicFlags) => {
      const { createTopic } = await import('../topic.ts')
      finish(await createTopic(context, clusterOptions(context, raw), name, raw))
    })
  example(create, 'npx oxbow topic create orders --partitions 6 --replication-factor 3')
  const list = withCluster(topic.command('list'))
    .description('list topics')
    .option('--internal', 'internal topics too')
    .option('--unhealthy', 'only topics with a partition that lacks a leader or an in-sync replica')
    .action(async (raw: Raw) => {
      const { listTopics } = await import('../topic.ts')
      finish(await listTopics(context, clusterOptions(context, raw), { internal: raw.internal === true, unhealthy: raw.unhealthy === true }))
    })
  example(list, 'npx oxbow topic list')
  const describe = withCluster(topic.command('describe'))
    .description('show partitions, leaders, replicas and in-sync replicas')
    .argument('[name...]', 'topics; all of them if none is named')
    .action(async (names: readonly string[], raw: Raw) => {
      const { describeTopics } = await import('../topic.ts')
      finish(await describeTopics(context, clusterOptions(context, raw), names))
    })
  example(describe, 'npx oxbow topic describe orders')
  const remove = withCluster(topic.command('delete'))
    .description('delete topics with all their records')
    .argument('<name...>', 'topics')
    .option('--yes', 'do not ask')
    .action(async (names: readonly string[], raw: Raw) => {
      const { deleteTopics } = await import('../topic.ts')
      finish(await deleteTopics(context, clusterOptions(context, raw), names, raw.yes === true))
    })
  example(remove, 'npx oxbow topic delete orders --yes')
}
