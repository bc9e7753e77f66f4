import { Command, InvalidArgumentError, Option } from 'commander'
import { benchCalm } from './calm.ts'
import { benchCheckHistory } from './check-history.ts'
import { benchColdRead } from './cold-read.ts'
import { benchCompression } from './compression.ts'
import { benchFailover } from './failover.ts'
import { benchLeaderless } from './leaderless.ts'
import { benchMetadata, type MetadataPart, metadataParts } from './metadata/metadata.ts'
import { benchProduce } from './produce.ts'
import { benchStartup } from './startup.ts'

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('a number above 0 is expected')
  return value
}

/** The default counts as long as none is given. */
function positives(text: string, previous: readonly number[]): readonly number[] {
  return previous === ledByDefault ? [positive(text)] : [...previous, positive(text)]
}

const ledByDefault: readonly number[] = [1_000, 10_000]
const program = new Command('bench').description('measures real nodes on this machine; an aim that is missed does not fail the run')
program
  .command('produce')
  .description('throughput, latency and cost of a record, beside the floor of the same machine')
  .option('--megabytes <n>', 'payload of each measurement', positive, 512)
  .action((options: { megabytes: number }) => benchProduce(options))
program
  .command('failover')
  .description('kill -9 of leader, controller and both: ms to the next acknowledged record')
  .option('--kills <n>', 'kills in all', positive, 30)
  .action((options: { kills: number }) => benchFailover(options))
program
  .command('leaderless')
  .description('kill -9 of the active controller: ms until another leads the metadata quorum and decides')
  .option('--kills <n>', 'kills', positive, 50)
  .action((options: { kills: number }) => benchLeaderless(options))
program
  .command('calm')
  .description('full load without a fencing, an election or an ISR change')
  .option('--minutes <n>', 'how long', positive, 10)
  .action((options: { minutes: number }) => benchCalm(options))
program
  .command('startup')
  .description('oxbow dev to the first acknowledged record, and oxbow topic list, beside node -e 0')
  .option('--runs <n>', 'of each', positive, 10)
  .action((options: { runs: number }) => benchStartup(options))
program
  .command('cold-read')
  .description('a consumer that catches up on records that lie on the disk alone, beside cat of the same files (Linux)')
  .option('--megabytes <n>', 'to be read', positive, 2048)
  .option('--runs <n>', 'of each', positive, 3)
  .action((options: { megabytes: number; runs: number }) => benchColdRead(options))
program
  .command('compression')
  .description('ratio and speed of each codec, on records of three kinds')
  .option('--megabytes <n>', 'of each kind', positive, 8)
  .option('--runs <n>', 'of each codec', positive, 5)
  .action((options: { megabytes: number; runs: number }) => benchCompression(options))
program
  .command('check-history')
  .description('how long the checkers of a chaos run need for a valid history')
  .option('--operations <n>', 'sends and polls', positive, 1_000_000)
  .action((options: { operations: number }) => benchCheckHistory(options))
program
  .command('metadata')
  .description('many partitions and many decisions: the image, its snapshots, a start, a commit, a kill')
  .addOption(new Option('--only <part>', 'one part of it').choices(metadataParts))
  .option('--partitions <n>', 'in the image', positive, 100_000)
  .option('--decisions <n>', 'made after that', positive, 1_000_000)
  .option('--led <n...>', 'partitions that the killed node leads, once for each number', positives, ledByDefault)
  .action((options: { only?: MetadataPart; partitions: number; decisions: number; led: readonly number[] }) => benchMetadata({ only: undefined, ...options }))

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
