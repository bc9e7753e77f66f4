import { type Command, Option } from 'commander'
import { clusterOptions, integer, type RawClusterOptions, withCluster } from '../options.ts'
import type { RefetchFlags } from '../replica-refetch.ts'
import type { ListReplicasFlags } from '../replica-list.ts'
import { example, type Wiring } from './wiring.ts'

export function addReplicaCommands(program: Command, { context, finish }: Wiring): void {
  const replica = example(
    program.command('replica').description('single replicas of partitions: how they are, and to have one fetched anew'),
    'npx oxbow replica list',
  )
  const list = withCluster(replica.command('list'))
    .description('show replicas: which are suspect, damaged or offline, since when, why, what happens by itself and what to do')
    .argument('[topic...]', 'of these topics only')
    .option('--unhealthy', 'only those that something is wrong with')
    .addOption(new Option('--node <id>', 'on this node only').argParser(integer(0)))
    .action(async (names: readonly string[], raw: RawClusterOptions & ListReplicasFlags) => {
      const { listReplicas } = await import('../replica-list.ts')
      finish(await listReplicas(context, clusterOptions(context, raw), names, raw))
    })
  const refetch = withCluster(replica.command('refetch'))
    .description('drop the copy that a node has of a partition, and fetch it anew from the others; refused where it may be needed')
    .argument('<topic:partition...>', 'of which partitions')
    .addOption(new Option('--node <id>', 'whose copy').argParser(integer(0)).makeOptionMandatory())
    .option('--throttle <bytes/s>', 'copy at most so much a second, for example 20M')
    .option('--dry-run', 'say what may be dropped, and drop nothing')
    .option('--wait', 'wait until it is in sync again')
    .option('-y, --yes', 'do not ask')
    .action(async (names: readonly string[], raw: RawClusterOptions & RefetchFlags) => {
      const { refetchReplicas } = await import('../replica-refetch.ts')
      finish(await refetchReplicas(context, clusterOptions(context, raw), names, raw))
    })
  example(refetch, 'npx oxbow replica refetch orders:0 --node 2 --dry-run', 'npx oxbow replica refetch orders:0 --node 2 --throttle 20M --wait')
  example(list, 'npx oxbow replica list --unhealthy', 'npx oxbow replica list orders --node 3')
}
