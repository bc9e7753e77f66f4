import { type Command, Option } from 'commander'
import { clusterOptions, integer, type RawClusterOptions, withCluster } from '../options.ts'
import type { ListReplicasFlags } from '../replica-list.ts'
import { example, type Wiring } from './wiring.ts'

export function addReplicaCommands(program: Command, { context, finish }: Wiring): void {
  const replica = example(program.command('replica').description('single replicas of partitions: how they are'), 'npx oxbow replica list')
  const list = withCluster(replica.command('list'))
    .description('show replicas: which are suspect, damaged or offline, since when, why, what happens by itself and what to do')
    .argument('[topic...]', 'of these topics only')
    .option('--unhealthy', 'only those that something is wrong with')
    .addOption(new Option('--node <id>', 'on this node only').argParser(integer(0)))
    .action(async (names: readonly string[], raw: RawClusterOptions & ListReplicasFlags) => {
      const { listReplicas } = await import('../replica-list.ts')
      finish(await listReplicas(context, clusterOptions(context, raw), names, raw))
    })
  example(list, 'npx oxbow replica list --unhealthy', 'npx oxbow replica list orders --node 3')
}
