import { Argument, type Command, Option } from 'commander'
import type { DecommissionFlags } from '../broker-decommission.ts'
import type { DrainFlags } from '../broker-drain.ts'
import type { UnregisterFlags } from '../broker-unregister.ts'
import type { MovePartitionsFlags } from '../partition-move.ts'
import type { ElectFlags } from '../partition-elect.ts'
import { clusterOptions, directoryId, integer, type RawClusterOptions, withCluster } from '../options.ts'
import { example, type Raw, type Wiring } from './wiring.ts'

export function addClusterCommands(program: Command, { context, finish }: Wiring): void {
  const cluster = example(program.command('cluster').description('brokers'), 'npx oxbow cluster describe')
  const describe = withCluster(cluster.command('describe'))
    .description('show the brokers, their state and what they lead')
    .action(async (raw: Raw) => {
      const { describeCluster } = await import('../cluster.ts')
      finish(await describeCluster(context, clusterOptions(context, raw)))
    })
  example(describe, 'npx oxbow cluster describe')
  const health = withCluster(cluster.command('health'))
    .description('say whether all is well, and if not, what is wrong and what to do next; exit 1 then')
    .action(async (raw: Raw) => {
      const { clusterHealth } = await import('../cluster-health.ts')
      finish(await clusterHealth(context, clusterOptions(context, raw)))
    })
  example(health, 'npx oxbow cluster health')
  addQuorumCommands(program, { context, finish })
  addPartitionCommands(program, { context, finish })
  addBrokerCommands(program, { context, finish })
}

function addQuorumCommands(program: Command, { context, finish }: Wiring): void {
  const quorum = example(program.command('quorum').description('the metadata quorum'), 'npx oxbow quorum status')
  const status = withCluster(quorum.command('status'))
    .description('show the active controller, its epoch and how far the others are')
    .action(async (raw: Raw) => {
      const { showQuorumStatus } = await import('../quorum.ts')
      finish(await showQuorumStatus(context, clusterOptions(context, raw)))
    })
  example(status, 'npx oxbow quorum status')
  const replication = withCluster(quorum.command('replication'))
    .description('show the metadata log of every voter and observer')
    .action(async (raw: Raw) => {
      const { showQuorumReplication } = await import('../quorum.ts')
      finish(await showQuorumReplication(context, clusterOptions(context, raw)))
    })
  example(replication, 'npx oxbow quorum replication')
  const watch = withCluster(quorum.command('watch'))
    .description('look again and again: a live picture on a terminal, a line a change elsewhere')
    .addOption(new Option('--interval <ms>', 'how often').argParser(integer(10, 3_600_000)).default(1_000))
    .addOption(new Option('--count <n>', 'stop after so many looks').argParser(integer(1)))
    .action(async (raw: RawClusterOptions & { readonly interval: number; readonly count?: number }) => {
      const { watchQuorum } = await import('../quorum-watch.ts')
      finish(await watchQuorum(context, clusterOptions(context, raw), { intervalMs: raw.interval, count: raw.count }))
    })
  example(watch, 'npx oxbow quorum watch')
  addVoterCommand(quorum, { context, finish }, 'add', {
    description: 'make a running node a voter, or a voter whose disk was wiped one again, with its new folder',
    directory: 'only when the node has this data folder',
  })
  addVoterCommand(quorum, { context, finish }, 'remove', {
    description: 'take a node out of the voters: it goes on as an observer, and may be stopped',
    directory: 'only the voter with this data folder',
  })
}

function addVoterCommand(
  quorum: Command,
  { context, finish }: Wiring,
  change: 'add' | 'remove',
  texts: { readonly description: string; readonly directory: string },
): void {
  const command = withCluster(quorum.command(`${change}-voter`))
    .description(texts.description)
    .addArgument(new Argument('<node>', 'node id').argParser(integer(0, 2_147_483_647)))
    .addOption(new Option('--directory-id <id>', texts.directory).argParser(directoryId))
    .option('--dry-run', 'check, and show the voters as they would be')
    .action(async (nodeId: number, raw: RawClusterOptions & { readonly directoryId?: string; readonly dryRun?: boolean }) => {
      const { changeVoters } = await import('../quorum-voters.ts')
      const choice = { nodeId, directoryId: raw.directoryId, dryRun: raw.dryRun === true }
      finish(await changeVoters(context, clusterOptions(context, raw), change, choice))
    })
  example(command, `npx oxbow quorum ${change}-voter 4 --dry-run`, `npx oxbow quorum ${change}-voter 4`)
}

function addBrokerCommands(program: Command, { context, finish }: Wiring): void {
  const broker = example(program.command('broker').description('maintenance of a broker'), DRAIN_EXAMPLE)
  const drain = withCluster(broker.command('drain'))
    .description('let others lead what a broker leads, until --cancel, also across restarts: it goes on following, and may be stopped any time')
    .addArgument(new Argument('<node>', 'node id').argParser(integer(0, 2_147_483_647)))
    .option('--wait', 'until it leads nothing')
    .option('--cancel', 'let it lead again')
    .action(async (nodeId: number, raw: RawClusterOptions & DrainFlags) => {
      const { drainBroker } = await import('../broker-drain.ts')
      finish(await drainBroker(context, clusterOptions(context, raw), nodeId, raw))
    })
  example(drain, DRAIN_EXAMPLE, 'npx oxbow broker drain 2 --cancel')
  const decommission = withCluster(broker.command('decommission'))
    .description('empty a broker for good: it leads nothing, and each of its partitions moves to another broker')
    .addArgument(new Argument('<node>', 'node id').argParser(integer(0, 2_147_483_647)))
    .option('--throttle <rate>', 'what each broker copies at most a second: 512K, 20M, 1G')
    .option('--wait', 'until it holds nothing')
    .option('--dry-run', 'show where its partitions would go, and change nothing')
    .option('--cancel', 'take the moves back that are under way, and let it lead again')
    .option('--yes', 'do not ask')
    .action(async (nodeId: number, raw: RawClusterOptions & DecommissionFlags) => {
      const { decommissionBroker } = await import('../broker-decommission.ts')
      finish(await decommissionBroker(context, clusterOptions(context, raw), nodeId, raw))
    })
  example(decommission, 'npx oxbow broker decommission 4 --dry-run', 'npx oxbow broker decommission 4 --throttle 20M --wait')
  const unregister = withCluster(broker.command('unregister'))
    .description('take a broker that is stopped, empty and no voter out of the cluster for good; should it come back, it joins as a new one')
    .addArgument(new Argument('<node>', 'node id').argParser(integer(0, 2_147_483_647)))
    .option('--dry-run', 'check whether it may go, and change nothing')
    .action(async (nodeId: number, raw: RawClusterOptions & UnregisterFlags) => {
      const { unregisterBroker } = await import('../broker-unregister.ts')
      finish(await unregisterBroker(context, clusterOptions(context, raw), nodeId, raw))
    })
  example(unregister, 'npx oxbow broker unregister 4')
}

const DRAIN_EXAMPLE = 'npx oxbow broker drain 2 --wait'

function addPartitionCommands(program: Command, { context, finish }: Wiring): void {
  const partition = example(program.command('partition').description('leaders of partitions, and the brokers that hold them'), ELECT_EXAMPLE)
  const elect = withCluster(partition.command('elect'))
    .description('give partitions back to their preferred leaders; or, as a last resort, a leader to those that have none')
    .argument('[topic...]', 'TOPIC, or TOPIC:PARTITION')
    .option('--all', 'every partition that another replica leads; with --unclean every one without a leader')
    .option('--unclean', 'whoever is left leads, and what only the replicas hold that are gone is lost; says first what that is')
    .option('--dry-run', 'with --unclean: say what would be lost, and change nothing')
    .option('--yes', 'with --unclean: do not ask')
    .action(async (names: readonly string[], raw: Raw & ElectFlags) => {
      const { electPartitions } = await import('../partition-elect.ts')
      finish(await electPartitions(context, clusterOptions(context, raw), names, raw))
    })
  example(elect, ELECT_EXAMPLE, 'npx oxbow partition elect --all', 'npx oxbow partition elect orders:0 --unclean --dry-run')
  const move = withCluster(partition.command('move'))
    .description('move partitions to other brokers: those copy, join the ISR, and then the others go; nothing stops meanwhile')
    .argument('[partition...]', 'TOPIC:PARTITION=BROKER,BROKER,…, the preferred leader first')
    .option('--throttle <rate>', 'what each broker copies at most a second: 512K, 20M, 1G; again with another rate to change it')
    .option('--wait', 'until they are there')
    .option('--dry-run', 'check only, and move nothing')
    .option('--cancel', 'back to where they were; name TOPIC:PARTITION')
    .option('--list', 'what is under way')
    .action(async (names: readonly string[], raw: RawClusterOptions & MovePartitionsFlags) => {
      const { movePartitions } = await import('../partition-move.ts')
      finish(await movePartitions(context, clusterOptions(context, raw), names, raw))
    })
  example(move, 'npx oxbow partition move orders:0=2,3,1 --throttle 20M --wait', 'npx oxbow partition move --list')
}

const ELECT_EXAMPLE = 'npx oxbow partition elect orders'
