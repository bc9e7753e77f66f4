import { Argument, type Command } from 'commander'
import type { OutputFormat } from '../context.ts'
import { clusterOptions, type RawClusterOptions, withCluster, withOutput } from '../options.ts'
import { example, type Wiring } from './wiring.ts'

/** About this command itself, and what it runs on. */
export function addSelfCommands(program: Command, { context, finish }: Wiring, version: string): void {
  const doctor = withCluster(program.command('doctor'))
    .description('say what is wrong with this set-up and what to do; exit 1 when something is')
    .option('--config <file>', 'the cluster file that nodes run with here')
    .option('--data <dir>', 'the data folder (default: those of the cluster file, else ./data)')
    .action(async (raw: RawClusterOptions & { readonly config?: string; readonly data?: string }) => {
      const { runDoctor } = await import('../doctor.ts')
      const isClusterAsked = (raw.bootstrap ?? context.env.OXBOW_BOOTSTRAP ?? '') !== ''
      finish(await runDoctor(context, clusterOptions(context, raw), { ...raw, isClusterAsked }))
    })
  example(doctor, 'npx oxbow doctor', 'npx oxbow doctor --config cluster-configs/three-node.yaml')
  const completion = program
    .command('completion')
    .description('print a script that completes commands and options with Tab')
    .addArgument(new Argument('<shell>', 'whose').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { showCompletion } = await import('../completion.ts')
      finish(showCompletion(context, program, shell))
    })
  example(completion, 'source <(npx oxbow completion bash)', 'npx oxbow completion fish > ~/.config/fish/completions/oxbow.fish')
  const about = withOutput(program.command('version'))
    .description('show the versions of Oxbow and of what it runs on')
    .action(async (raw: { readonly output: OutputFormat }) => {
      const { showVersion } = await import('../version.ts')
      finish(showVersion(context, version, raw.output))
    })
  example(about, 'npx oxbow version')
}
