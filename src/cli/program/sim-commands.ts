import type { Command } from 'commander'
import type { OutputFormat } from '../context.ts'
import { withOutput } from '../options.ts'
import { example, type Wiring } from './wiring.ts'

export function addSimCommands(program: Command, { context, finish }: Wiring): void {
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
      const { simulate } = await import('../sim.ts')
      finish(await simulate(command.args, (options) => command.addHelpText('after', options).outputHelp()))
    })
  example(run, 'npx oxbow sim run --seeds 1..300', 'npx oxbow sim run --seed 42 --trace')
  const again = (how: 'replay' | 'shrink', description: string): void => {
    const command = sim.command(how).description(description).argument('<file>', 'a file that sim run left')
    example(command, `npx oxbow sim ${how} .sim/seed-42.json`).action(async (path: string) => {
      const simulator = await import('../sim.ts')
      finish(await simulator.again(how, path))
    })
  }
  const report = withOutput(sim.command('report'))
    .description('what a run of the simulator that is kept in a file has come to; exit 1 when something did not hold')
    .argument('<file>', 'the file of sim run --resume')
    .action(async (path: string, { output }: { readonly output: OutputFormat }) => {
      const simulator = await import('../sim.ts')
      finish(await simulator.report(context, path, output))
    })
  example(report, 'npx oxbow sim report runs.jsonl')
  again('replay', 'run a failure of the simulator again, as a story')
  again('shrink', 'look for fewer and shorter faults, and less beside them, that break the same')
}
