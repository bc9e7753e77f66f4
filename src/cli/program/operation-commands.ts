import { type Command, Option } from 'commander'
import type { AuditFlags } from '../audit.ts'
import type { LogDirsFlags } from '../log-dirs.ts'
import { clusterOptions, integer, type RawClusterOptions, withCluster } from '../options.ts'
import { example, type Wiring } from './wiring.ts'

const BUNDLE_EXAMPLE = 'npx oxbow debug bundle'

/** For who looks after a cluster. */
export function addOperationCommands(program: Command, { context, finish }: Wiring): void {
  const level = withCluster(program.command('log-level'))
    .description('show how much the nodes log, or change it until they restart')
    .argument('[level]', 'debug, info, warn or error')
    .addOption(new Option('--node <id>', 'of this node only').argParser(integer(0)))
    .action(async (wanted: string | undefined, raw: RawClusterOptions & { readonly node?: number }) => {
      const { logLevel } = await import('../log-level.ts')
      finish(await logLevel(context, clusterOptions(context, raw), { level: wanted, nodeId: raw.node }))
    })
  example(level, 'npx oxbow log-level', 'npx oxbow log-level debug --node 2')
  const logDirs = withCluster(program.command('log-dirs'))
    .description('show the data folders of the brokers: how much room there is, what lies there, which failed; exit 1 when one did')
    .addOption(new Option('--node <id>', 'of this node only').argParser(integer(0)))
    .option('--partitions', 'a line a partition')
    .action(async (raw: RawClusterOptions & LogDirsFlags) => {
      const { showLogDirs } = await import('../log-dirs.ts')
      finish(await showLogDirs(context, clusterOptions(context, raw), raw))
    })
  example(logDirs, 'npx oxbow log-dirs', 'npx oxbow log-dirs --node 3 --partitions')
  const audit = withCluster(program.command('audit'))
    .description('compare the replicas of partitions, batch by batch, as the disks have them; exit 1 when some differ, 4 when not all was compared')
    .argument('[topic...]', 'TOPIC or TOPIC:PARTITION; without one, all topics')
    .addOption(new Option('--throttle <bytes/s>', 'read at most so much a second on each node').default('50M'))
    .action(async (names: readonly string[], raw: RawClusterOptions & AuditFlags) => {
      const { audit: run } = await import('../audit.ts')
      finish(await run(context, clusterOptions(context, raw), names, raw))
    })
  example(audit, 'npx oxbow audit', 'npx oxbow audit orders:0 --throttle 5M')
  const debug = example(program.command('debug').description('what somebody needs to help you'), BUNDLE_EXAMPLE)
  const bundle = withCluster(debug.command('bundle'))
    .description('gather configs, versions, metrics, descriptions and the last log lines of all nodes into one file')
    .option('--out <file.tar.gz>', 'the file to write (default: oxbow-debug-TIME.tar.gz here)')
    .action(async (raw: RawClusterOptions & { readonly out?: string }) => {
      const { debugBundle } = await import('../debug-bundle.ts')
      finish(await debugBundle(context, clusterOptions(context, raw), raw.out))
    })
  example(bundle, BUNDLE_EXAMPLE, 'npx oxbow debug bundle --out /tmp/oxbow.tar.gz')
}
