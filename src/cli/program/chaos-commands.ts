import { type Command, Option } from 'commander'
import type { OutputFormat } from '../context.ts'
import { withOutput } from '../options.ts'
import { example, type Wiring } from './wiring.ts'

const CHECK_EXAMPLE = 'npx oxbow chaos check history.jsonl'

export function addChaosCommands(program: Command, { context, finish }: Wiring): void {
  const chaos = example(program.command('chaos').description('what clients saw of a cluster under faults, and whether it kept its promises'), CHECK_EXAMPLE)
  const check = withOutput(chaos.command('check'))
    .description('judge the history of a run; exit 0 when it is valid, 1 when it shows anomalies, 4 when it proves nothing')
    .argument('<history>', 'a file of operations in the schema of jepsen.tests.kafka: JSON lines, or EDN where the name ends in .edn')
    .addOption(
      new Option('--profile <name>', 'what a history may show: oxbow allows nothing, kafka what its transactions allow')
        .choices(['oxbow', 'kafka'])
        .default('oxbow'),
    )
    .action(async (path: string, raw: { readonly output: OutputFormat; readonly profile: 'oxbow' | 'kafka' }) => {
      const { chaosCheck } = await import('../chaos-check.ts')
      finish(await chaosCheck(context, path, raw))
    })
  example(check, CHECK_EXAMPLE, 'npx oxbow chaos check history.edn --profile kafka -o json')
}
