import { type Command, Option } from 'commander'
import type { ConsumeRequest } from '../consume.ts'
import { clusterOptions, integer, keyValues, type RawClusterOptions, withCluster } from '../options.ts'
import type { ProduceRequest } from '../produce.ts'
import { example, type Raw, type Wiring } from './wiring.ts'

const DELIVERY_TIMEOUT_MS = 120_000

export function addRecordCommands(program: Command, { context, finish }: Wiring): void {
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
      const { produce: run } = await import('../produce.ts')
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
      const { consume: run } = await import('../consume.ts')
      finish(await run(context, clusterOptions(context, raw), { topic, ...raw }))
    })
  example(consume, 'npx oxbow consume logs --from-beginning --exit-at-end', 'npx oxbow consume orders --offset -10 --print key,offset,partition')
  const offsets = withCluster(program.command('offsets'))
    .description('show where the partitions of a topic begin or end')
    .argument('<topic>')
    .addOption(new Option('--at <where>', 'which offset').choices(['earliest', 'latest']).default('latest'))
    .action(async (topic: string, raw: Raw) => {
      const { showOffsets } = await import('../offsets.ts')
      finish(await showOffsets(context, clusterOptions(context, raw), topic, raw.at as 'earliest' | 'latest'))
    })
  example(offsets, 'npx oxbow offsets orders')
}
