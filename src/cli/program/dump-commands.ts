import type { Command } from 'commander'
import type { OutputFormat } from '../context.ts'
import { integer, withOutput } from '../options.ts'
import { example, type Wiring } from './wiring.ts'

export function addDumpCommands(program: Command, { context, finish }: Wiring): void {
  const dump = withOutput(program.command('dump-log'))
    .description('read a log from its files, say each batch, and check all of them; exit 1 when anything is wrong')
    .argument('<path>', 'the data folder of a node, the folder of one log, one segment file, or one snapshot of the metadata')
    .option('--from <offset>', 'the first offset to show', integer(0))
    .option('--to <offset>', 'show offsets below this one', integer(0))
    .option('--records', 'show keys and values too, decompressed; of the metadata log, each decision with its records')
    .action(async (path: string, raw: { readonly output: OutputFormat; readonly from?: number; readonly to?: number; readonly records?: boolean }) => {
      const { dumpLog } = await import('../dump-log.ts')
      const { from = 0, to = Number.MAX_SAFE_INTEGER, records = false } = raw
      finish(await dumpLog(context, { path, from, to, records }, raw.output))
    })
  example(
    dump,
    'npx oxbow dump-log data/1/partitions/orders-0 --from 100 --records',
    'npx oxbow dump-log data/1/metadata --records',
    'npx oxbow dump-log data/1 -o json | tail -n 1',
  )
}
