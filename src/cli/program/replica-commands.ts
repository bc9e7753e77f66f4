import { type Command, Option } from 'commander'
import { clusterOptions, integer, type RawClusterOptions, withCluster } from '../options.ts'
import type { RefetchFlags } from '../replica-refetch.ts'
import type { ListReplicasFlags } from '../replica-list.ts'
import type { MoveFolderFlags } from '../replica-move-folder.ts'
import { example, type Wiring } from './wiring.ts'

export function addReplicaCommands(program: Command, { context, finish }: Wiring): void {
  const replica = example(
    program.command('replica').description('single replicas of partitions: how they are, to have one fetched anew, or moved to another folder of its node'),
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
  addMoveFolderCommand(replica, { context, finish })
  example(list, 'npx oxbow replica list --unhealthy', 'npx oxbow replica list orders --node 3')
}

function addMoveFolderCommand(replica: Command, { context, finish }: Wiring): void {
  const move = withCluster(replica.command('move-folder'))
    .description('move the replicas of one node to another of its data folders: each is copied, synced, and then stands there; it serves all the while')
    .argument('[topic:partition...]', 'of which partitions')
    .addOption(new Option('--node <id>', 'whose copy').argParser(integer(0)))
    .option('--to <folder>', 'to which of its folders, as oxbow log-dirs shows them')
    .option('--throttle <rate>', 'what each copies at most a second: 512K, 20M, 1G; again with another rate to change it')
    .option('--wait', 'until they are there')
    .option('--dry-run', 'check only, and move nothing')
    .option('--cancel', 'they stay where they are')
    .action(async (names: readonly string[], raw: RawClusterOptions & MoveFolderFlags) => {
      const { moveReplicaFolders } = await import('../replica-move-folder.ts')
      finish(await moveReplicaFolders(context, clusterOptions(context, raw), names, raw))
    })
  example(move, 'npx oxbow replica move-folder orders:0 --node 2 --to /mnt/disk2/oxbow --throttle 20M --wait')
}
