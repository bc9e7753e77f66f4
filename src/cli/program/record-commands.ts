import { type Command, Option } from 'commander'
import type { ConsumeRequest } from '../consume.ts'
import type { DeleteRecordsFlags } from '../delete-records.ts'
import { tokenList } from '../format-text.ts'
import { inputTokens } from '../input-format.ts'
import { clusterOptions, integer, keyValues, type RawClusterOptions, withCluster } from '../options.ts'
import type { ProduceRequest } from '../produce.ts'
import { outputTokens } from '../record-format.ts'
import { templateHelp } from '../template.ts'
import { example, type Wiring } from './wiring.ts'

const DELIVERY_TIMEOUT_MS = 120_000
const MAX_MADE_UP_BYTES = 8 * 1024 * 1024

export function addRecordCommands(program: Command, { context, finish }: Wiring): void {
  const produce = withCluster(program.command('produce'), DELIVERY_TIMEOUT_MS)
    .description('send the lines of files, or of stdin, as records; or records that are made up')
    .argument('<topic>')
    .argument('[file...]', 'default: stdin')
    .option('--key-separator <s>', 'what stands between key and value in a line')
    .option('-k, --key <text>', 'the key of every record; a template too')
    .option('--format <format>', `how a record is read, such as '%k\\t%v\\n', or json as consume writes it; ${tokenList(inputTokens)}`)
    .option('--header <k=v>', 'a header for every record; may be repeated', keyValues)
    .option('-Z, --tombstone', 'an empty value is none: it deletes its key')
    .option('--file-per-record', 'each file is one record')
    .addOption(new Option('--partition <p>', 'this partition only (default: by key, else spread)').argParser(integer(0)))
    .addOption(new Option('--acks <acks>', 'acknowledged by all in-sync replicas, by the leader, or not at all').choices(['all', '1', '0']).default('all'))
    .addOption(new Option('--compression <codec>', 'how batches are made smaller').choices(['none', 'gzip', 'snappy', 'lz4', 'zstd']).default('none'))
    .addOption(new Option('--linger <ms>', 'wait so long to fill a batch').argParser(integer(0, 60_000)).default(5))
    .addOption(new Option('--rate <n>', 'at most so many records a second').argParser(integer(1)))
    .addOption(new Option('--count <n>', 'stop after so many records').argParser(integer(1)))
    .option('--template <text>', `make up the values: ${templateHelp}`)
    .addOption(new Option('--size <bytes>', 'fill made up values up to this size').argParser(integer(0, MAX_MADE_UP_BYTES)))
    .addOption(new Option('--seed <n>', 'make up the same again').argParser(integer(0)))
    .action(async (topic: string, files: readonly string[], raw: RawClusterOptions & Omit<ProduceRequest, 'topic' | 'files'>) => {
      const { produce: run } = await import('../produce.ts')
      finish(await run(context, clusterOptions(context, raw), { topic, files, ...raw }))
    })
  example(
    produce,
    'cat app.log | npx oxbow produce logs',
    'npx oxbow produce orders orders.tsv --key-separator : -o json',
    `npx oxbow produce orders --template '{"id":{{i}},"item":"{{pick tea coffee}}"}' --key 'user-{{int 1 9}}' --count 1000 --rate 100`,
  )
  const consume = withCluster(program.command('consume'))
    .description('read records, and go on reading')
    .argument('<topic>')
    .option('--from-beginning', 'from the first record on (default: only new ones)')
    .option('--offset <where>', 'earliest, latest, an offset N, -N: the last N records, or a moment: @2026-01-31T12:00:00Z, @MILLISECONDS, @-1h')
    .option('--until <where>', 'stop before this offset, or before the first record of this moment or later')
    .addOption(new Option('--partition <p>', 'this partition only').argParser(integer(0)))
    .addOption(new Option('-n, --max <n>', 'stop after so many records').argParser(integer(1)))
    .option('--exit-at-end', 'stop at what the end was at the start')
    .option('--print <fields>', 'in front of the value: key,headers,timestamp,offset,partition')
    .option('--format <format>', `how a record is written, such as '%T %k %v\\n', or json; ${tokenList(outputTokens)}`)
    .action(async (topic: string, raw: RawClusterOptions & Omit<ConsumeRequest, 'topic'>) => {
      const { consume: run } = await import('../consume.ts')
      finish(await run(context, clusterOptions(context, raw), { topic, ...raw }))
    })
  example(
    consume,
    'npx oxbow consume logs --from-beginning --exit-at-end',
    'npx oxbow consume orders --offset -10 --print key,offset,partition',
    "npx oxbow consume orders --offset @-1h --format '%T %k %v\\n'",
  )
  const offsets = withCluster(program.command('offsets'))
    .description('show where the partitions of a topic begin or end, or what they held at a moment')
    .argument('<topic...>', 'TOPIC, or TOPIC:PARTITION')
    .option('--at <where>', 'earliest, latest, or a moment: @2026-01-31T12:00:00Z, @MILLISECONDS, @-1h', 'latest')
    .action(async (topics: readonly string[], raw: RawClusterOptions & { readonly at: string }) => {
      const { showOffsets } = await import('../offsets.ts')
      finish(await showOffsets(context, clusterOptions(context, raw), topics, raw.at))
    })
  example(offsets, 'npx oxbow offsets orders', 'npx oxbow offsets orders:0 --at @-1h')
  const deleteRecords = withCluster(program.command('delete-records'))
    .description('delete the oldest records of partitions, for good')
    .argument('[topic]')
    .option('--before <where>', 'keep from here on: an offset, latest to keep none, or a moment: @2026-01-31, @-7d')
    .addOption(new Option('--partition <p>', 'this partition only').argParser(integer(0)))
    .option('--offset-json-file <file>', "Kafka's file of topics, partitions and offsets, instead")
    .option('--yes', 'do not ask')
    .action(async (topic: string | undefined, raw: RawClusterOptions & DeleteRecordsFlags) => {
      const { deleteRecords: run } = await import('../delete-records.ts')
      finish(await run(context, clusterOptions(context, raw), topic, raw))
    })
  example(deleteRecords, 'npx oxbow delete-records orders --before 1000 --partition 0', 'npx oxbow delete-records orders --before @-7d --yes')
}
