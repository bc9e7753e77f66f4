import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ChaosRunFlags } from '../chaos-run.ts'
import type { OutputFormat } from '../context.ts'
import { integer, keyValue, withOutput } from '../options.ts'
import { example, type Wiring } from './wiring.ts'

const RUN_EXAMPLE = 'npx oxbow chaos run --time 2m'
const DEFAULT_TIME_MS = 300_000
const DEFAULT_DELIVERY_TIMEOUT_MS = 10_000
const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 }
const faultHelp = [
  'names with commas between them: partition-one, partition-leader, partition-halves, partition-ring, partition-bridge,',
  'partition-one-way, clients-cut, delay, rate, stall, reset, kill, kill-leader, kill-all, rolling, pause, pause-leader, power-loss,',
  'slow-power-loss, disk-error, disk-full, slow-disk, pause-kill, part-kill, outlive, flip-bits, truncate, roll-back, wipe,',
  'clock-offset, reassign, voters; corrupt, under which nothing is promised; or all (but corrupt), none, partition, network, process, disk',
].join(' ')

/** `90s`, `5m`, `2h`, in ms. */
function duration(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smh])$/.exec(text) ?? []
  const ms = Number(count) * (unitsMs[unit ?? ''] ?? Number.NaN)
  if (!(ms > 0)) throw new InvalidArgumentError('a time such as 90s, 5m or 1h is expected')
  return ms
}

export function addChaosCommands(program: Command, { context, finish }: Wiring): void {
  const chaos = example(program.command('chaos').description('faults done to a cluster under load, and a verdict on what its clients saw'), RUN_EXAMPLE)
  const run = withOutput(chaos.command('run'))
    .description('start a cluster here, do it harm under load, heal it, and judge; exit 0 when all is well, 1 when not, 4 when nothing is proved')
    .option('--faults <list>', faultHelp, 'all')
    .addOption(new Option('--time <time>', 'how long there are load and faults').argParser(duration).default(DEFAULT_TIME_MS, '5m'))
    .addOption(new Option('--nodes <n>', 'of the cluster (default: 5)').argParser(integer(1, 9)).conflicts('bootstrap'))
    .option('--bootstrap <host:port,…>', 'a cluster that runs already, instead of nodes of its own: with the faults that end no process')
    .addOption(new Option('--namespaces', 'each node in a network namespace of its own, packets dropped by nftables: Linux, as root').conflicts('bootstrap'))
    .addOption(new Option('--rate <n>', 'operations a second').argParser(integer(1, 100_000)).default(500))
    .addOption(new Option('--seed <n>', 'of everything that is drawn (default: another one each time)').argParser(integer(0)))
    .option('--out <dir>', 'where the history, the logs and the verdict go (default: chaos-TIME here)')
    .addOption(new Option('--acks <acks>', 'what clients wait for').choices(['all', '1', '0']).default('all'))
    .option('--no-idempotence', 'producers that cannot know their retries')
    .addOption(new Option('--delivery-timeout <time>', 'how long a record is tried again').argParser(duration).default(DEFAULT_DELIVERY_TIMEOUT_MS, '10s'))
    .addOption(new Option('--topic-config <k=v>', 'of every topic; may be repeated').argParser(keyValue))
    .action(async (raw: ChaosRunFlags) => {
      const { chaosRun } = await import('../chaos-run.ts')
      finish(await chaosRun(context, raw))
    })
  example(
    run,
    RUN_EXAMPLE,
    'npx oxbow chaos run --faults kill-leader,pause --nodes 3 --time 1m --seed 7 --out run-7',
    'npx oxbow chaos run --acks 1 --faults kill',
    'npx oxbow chaos run --bootstrap localhost:9192 --faults clients-cut,reset,reassign --time 1m',
  )
  const check = withOutput(chaos.command('check'))
    .description('judge the history of a run; exit 0 when it is valid, 1 when it shows anomalies, 4 when it proves nothing')
    .argument(
      '<history>',
      'a file of operations in the schema of jepsen.tests.kafka: JSON lines, or EDN where the name ends in .edn; or the registers.jsonl of a run',
    )
    .addOption(
      new Option('--profile <name>', 'what a history may show: oxbow allows nothing, kafka what its transactions allow')
        .choices(['oxbow', 'kafka'])
        .default('oxbow'),
    )
    .option('--edn <file>', "write the history in Clojure's notation as well, for Jepsen's own checker: of a run that was killed, too")
    .action(async (path: string, raw: { readonly output: OutputFormat; readonly profile: 'oxbow' | 'kafka'; readonly edn?: string }) => {
      const { chaosCheck } = await import('../chaos-check.ts')
      finish(await chaosCheck(context, path, raw))
    })
  example(
    check,
    'npx oxbow chaos check history.jsonl',
    'npx oxbow chaos check history.edn --profile kafka -o json',
    'npx oxbow chaos check run-7/history.jsonl --edn history.edn',
  )
}
