import { Command, InvalidArgumentError } from 'commander'
import { benchCalm } from './calm.ts'
import { benchColdRead } from './cold-read.ts'
import { benchCompression } from './compression.ts'
import { benchFailover } from './failover.ts'
import { benchProduce } from './produce.ts'
import { benchStartup } from './startup.ts'

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('a number above 0 is expected')
  return value
}

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

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
