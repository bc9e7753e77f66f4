import { Argument, type Command } from 'commander'
import type { AlterConfigFlags } from '../config-alter.ts'
import { clusterOptions, integer, keyValue, type RawClusterOptions, withCluster, withOutput, words } from '../options.ts'
import { example, type Raw, type Wiring } from './wiring.ts'

const CHECK_EXAMPLE = 'npx oxbow config check cluster-configs/three-node.yaml'

export function addConfigCommands(program: Command, { context, finish }: Wiring): void {
  const config = program.command('config').description('cluster files, and the configs of topics and brokers')
  example(config, CHECK_EXAMPLE, 'npx oxbow config describe topic orders --all')
  const check = withOutput(config.command('check'))
    .description('say what each node would run as, or every fault of the file')
    .argument('[file]', 'the cluster file (default: OXBOW_CONFIG)')
    .option('--node <id>', 'the node that variables of one node are about (default: OXBOW_NODE_ID)', integer(0))
    .action(async (path: string | undefined, options: { output: 'table' | 'json'; node?: number }) => {
      const { checkConfig } = await import('../config-check.ts')
      finish(await checkConfig(context, { path, nodeId: options.node }, options.output))
    })
  example(check, CHECK_EXAMPLE)
  const describe = withCluster(config.command('describe'))
    .description('show configs: value, default, where the value comes from, unit, meaning')
    .addArgument(new Argument('<type>', 'of what').choices(['topic', 'broker']))
    .argument('<name>', 'the topic, or the id of the broker')
    .option('--all', 'those that have their defaults too')
    .action(async (type: 'topic' | 'broker', name: string, raw: Raw) => {
      const { describeConfig, parseResource } = await import('../config-describe.ts')
      finish(await describeConfig(context, clusterOptions(context, raw), parseResource(type, name), raw.all === true))
    })
  example(describe, 'npx oxbow config describe topic orders --all', 'npx oxbow config describe broker 1')
  const alter = withCluster(config.command('alter'))
    .description('change configs of a topic, all of it or nothing')
    .addArgument(new Argument('<type>', 'of what').choices(['topic']))
    .argument('<name>', 'the topic')
    .option('--set <k=v>', 'may be repeated', keyValue)
    .option('--delete <k>', 'back to its default; may be repeated', words)
    .option('--dry-run', 'check only, and change nothing')
    .action(async (_type: 'topic', name: string, raw: RawClusterOptions & AlterConfigFlags) => {
      const { alterTopicConfig } = await import('../config-alter.ts')
      finish(await alterTopicConfig(context, clusterOptions(context, raw), name, raw))
    })
  example(alter, 'npx oxbow config alter topic orders --set retention.ms=86400000 --delete segment.bytes')
}
