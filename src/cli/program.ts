import { Command, Option } from 'commander'
import type { ConsumeRequest } from './consume.ts'
import type { CliContext } from './context.ts'
import { clusterOptions, integer, keyValue, keyValues, type RawClusterOptions, withCluster, withOutput } from './options.ts'
import type { ProduceRequest } from './produce.ts'
import type { CreateTopicFlags } from './topic.ts'

/** What every command's action gets: the context, and where its exit code goes. */
export interface Wiring {
  readonly context: CliContext
  finish(code: number): void
}

type Raw = RawClusterOptions & Readonly<Record<string, unknown>>

/** An example comes first in every help. */
function example(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText('before', `Example:\n${lines.map((line) => `  $ ${line}\n`).join('')}`)
}

const CHECK_EXAMPLE = 'npx oxbow config check cluster-configs/three-node.yaml'

function addNodeCommands(program: Command, { context, finish }: Wiring): void {
  const dev = program
    .command('dev')
    .description('start a cluster on this machine and stay in the foreground')
    .option('--nodes <n>', 'how many nodes (default: as the folder has it, else 3)', integer(1, 9))
    .option('--data <dir>', 'folder of the cluster', './data')
    .option('--fresh', 'wipe what an earlier oxbow dev left in that folder')
    .option('--port-base <n>', 'node i listens on gRPC N+100+i, Kafka N+i, HTTP N+200+i (default: as before, else 9091)', integer(1, 65_300))
    .option('--config <file>', 'run the nodes of this cluster file instead')
    .option('--debug', 'show where an error came from')
    .action(async (options: { nodes?: number; data: string; fresh?: true; portBase?: number; config?: string }) => {
      const { runDev } = await import('./dev.ts')
      const { nodes, portBase, config, data, fresh } = options
      finish(await runDev(context, { nodes, portBase, config, data, fresh: fresh === true }))
    })
  example(dev, 'npx oxbow dev', 'npx oxbow dev --nodes 1 --data /tmp/oxbow --fresh')
  const server = program
    .command('server')
    .description('run one node in the foreground, with JSON logs on stdout')
    .requiredOption('--config <file>', 'the cluster file')
    .requiredOption('--node <id>', 'which of its nodes this one is', integer(0))
    .option('--data <dir>', "the node's data folder, instead of the one in the file")
    .option('--debug', 'show where an error came from')
    .action(async (options: { config: string; node: number; data?: string }) => {
      const { runServer } = await import('../node/process.ts')
      finish(await runServer({ configPath: options.config, nodeId: options.node, dataDir: options.data }))
    })
  example(server, 'npx oxbow server --config cluster-configs/three-node.yaml --node 1')
  const config = example(program.command('config').description('cluster files'), CHECK_EXAMPLE)
  const check = withOutput(config.command('check'))
    .description('say what each node would run as, or every fault of the file')
    .argument('<file>', 'the cluster file')
    .action(async (file: string, options: { output: 'table' | 'json' }) => {
      const { checkConfig } = await import('./config-check.ts')
      finish(await checkConfig(context, file, options.output))
    })
  example(check, CHECK_EXAMPLE)
}

/** As the controller has it (rules 8). */
const MAX_PARTITIONS = 10_000

function addTopicCommands(program: Command, wiring: Wiring): void {
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
      const { createTopic } = await import('./topic.ts')
      finish(await createTopic(context, clusterOptions(context, raw), name, raw))
    })
  example(create, 'npx oxbow topic create orders --partitions 6 --replication-factor 3')
  const list = withCluster(topic.command('list'))
    .description('list topics')
    .option('--internal', 'internal topics too')
    .option('--unhealthy', 'only topics with a partition that lacks a leader or an in-sync replica')
    .action(async (raw: Raw) => {
      const { listTopics } = await import('./topic.ts')
      finish(await listTopics(context, clusterOptions(context, raw), { internal: raw.internal === true, unhealthy: raw.unhealthy === true }))
    })
  example(list, 'npx oxbow topic list')
  const describe = withCluster(topic.command('describe'))
    .description('show partitions, leaders, replicas and in-sync replicas')
    .argument('[name...]', 'topics; all of them if none is named')
    .action(async (names: readonly string[], raw: Raw) => {
      const { describeTopics } = await import('./topic.ts')
      finish(await describeTopics(context, clusterOptions(context, raw), names))
    })
  example(describe, 'npx oxbow topic describe orders')
  const remove = withCluster(topic.command('delete'))
    .description('delete topics with all their records')
    .argument('<name...>', 'topics')
    .option('--yes', 'do not ask')
    .action(async (names: readonly string[], raw: Raw) => {
      const { deleteTopics } = await import('./topic.ts')
      finish(await deleteTopics(context, clusterOptions(context, raw), names, raw.yes === true))
    })
  example(remove, 'npx oxbow topic delete orders --yes')
}

const DELIVERY_TIMEOUT_MS = 120_000

function addRecordCommands(program: Command, { context, finish }: Wiring): void {
  const produce = withCluster(program.command('produce'), DELIVERY_TIMEOUT_MS)
    .description('send the lines of a file, or of stdin, as records')
    .argument('<topic>')
    .argument('[file]', 'default: stdin')
    .option('--key-separator <s>', 'what stands between key and value in a line')
    .option('--header <k=v>', 'a header for every record; may be repeated', keyValues)
    .addOption(new Option('--partition <p>', 'this partition only (default: by key, else spread)').argParser(integer(0)))
    .addOption(new Option('--acks <acks>', 'acknowledged by all in-sync replicas, by the leader, or not at all').choices(['all', '1', '0']).default('all'))
    .addOption(new Option('--linger <ms>', 'wait so long to fill a batch').argParser(integer(0, 60_000)).default(5))
    .addOption(new Option('--rate <n>', 'at most so many records a second').argParser(integer(1)))
    .action(async (topic: string, file: string | undefined, raw: RawClusterOptions & Omit<ProduceRequest, 'topic' | 'file'>) => {
      const { produce: run } = await import('./produce.ts')
      finish(await run(context, clusterOptions(context, raw), { topic, file, ...raw }))
    })
  example(produce, 'cat app.log | npx oxbow produce logs', 'npx oxbow produce orders orders.tsv --key-separator : -o json')
  const consume = withCluster(program.command('consume'))
    .description('read records, and go on reading')
    .argument('<topic>')
    .option('--from-beginning', 'from the first record on (default: only new ones)')
    .option('--offset <where>', 'earliest, latest, an offset N, or -N: the last N records')
    .addOption(new Option('--partition <p>', 'this partition only').argParser(integer(0)))
    .addOption(new Option('-n, --max <n>', 'stop after so many records').argParser(integer(1)))
    .option('--exit-at-end', 'stop at what the end was at the start')
    .option('--print <fields>', 'in front of the value: key,headers,timestamp,offset,partition')
    .action(async (topic: string, raw: RawClusterOptions & Omit<ConsumeRequest, 'topic'>) => {
      const { consume: run } = await import('./consume.ts')
      finish(await run(context, clusterOptions(context, raw), { topic, ...raw }))
    })
  example(consume, 'npx oxbow consume logs --from-beginning --exit-at-end', 'npx oxbow consume orders --offset -10 --print key,offset,partition')
  const offsets = withCluster(program.command('offsets'))
    .description('show where the partitions of a topic begin or end')
    .argument('<topic>')
    .addOption(new Option('--at <where>', 'which offset').choices(['earliest', 'latest']).default('latest'))
    .action(async (topic: string, raw: Raw) => {
      const { showOffsets } = await import('./offsets.ts')
      finish(await showOffsets(context, clusterOptions(context, raw), topic, raw.at as 'earliest' | 'latest'))
    })
  example(offsets, 'npx oxbow offsets orders')
}

function addClusterCommands(program: Command, { context, finish }: Wiring): void {
  const cluster = example(program.command('cluster').description('brokers'), 'npx oxbow cluster describe')
  const describe = withCluster(cluster.command('describe'))
    .description('show the brokers, their state and what they lead')
    .action(async (raw: Raw) => {
      const { describeCluster } = await import('./cluster.ts')
      finish(await describeCluster(context, clusterOptions(context, raw)))
    })
  example(describe, 'npx oxbow cluster describe')
  const quorum = example(program.command('quorum').description('the metadata quorum'), 'npx oxbow quorum status')
  const status = withCluster(quorum.command('status'))
    .description('show the active controller, its epoch and how far the others are')
    .action(async (raw: Raw) => {
      const { showQuorumStatus } = await import('./quorum.ts')
      finish(await showQuorumStatus(context, clusterOptions(context, raw)))
    })
  example(status, 'npx oxbow quorum status')
  const replication = withCluster(quorum.command('replication'))
    .description('show the metadata log of every voter and observer')
    .action(async (raw: Raw) => {
      const { showQuorumReplication } = await import('./quorum.ts')
      finish(await showQuorumReplication(context, clusterOptions(context, raw)))
    })
  example(replication, 'npx oxbow quorum replication')
}

function addSimCommands(program: Command, { finish }: Wiring): void {
  const sim = example(program.command('sim').description('the whole cluster in one process, from one seed'), 'npx oxbow sim run --seed 42 --trace')
  const run = sim
    .command('run')
    .description('run seeds of the simulator')
    .usage('[options]')
    .argument('[args...]')
    .allowUnknownOption()
    .passThroughOptions()
    .helpOption(false)
    .action(async (_args: readonly string[], _options: unknown, command: Command) => {
      const { simulate } = await import('./sim.ts')
      finish(await simulate(command.args, (options) => command.addHelpText('after', options).outputHelp()))
    })
  example(run, 'npx oxbow sim run --seeds 1..300', 'npx oxbow sim run --seed 42 --trace')
}

/** The whole command tree. Actions load what they need when they run, so that `oxbow topic list` starts fast. */
export function buildProgram(wiring: Wiring, version: string): Command {
  const { context } = wiring
  const program = new Command('oxbow')
    .description('A distributed log that keeps every acknowledged record.')
    .version(version, '--version', 'print the version')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ writeOut: (text) => context.stdout.write(text), writeErr: (text) => context.stderr.write(text), outputError: () => undefined })
    .configureHelp({ helpWidth: 120, sortSubcommands: false })
  addNodeCommands(program, wiring)
  addTopicCommands(program, wiring)
  addRecordCommands(program, wiring)
  addClusterCommands(program, wiring)
  addSimCommands(program, wiring)
  return example(
    program,
    'npx oxbow dev',
    'npx oxbow topic create orders',
    "echo 'a record' | npx oxbow produce orders",
    'npx oxbow consume orders --from-beginning',
  )
}
