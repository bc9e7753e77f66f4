import { readFileSync } from 'node:fs'
import { type Command, CommanderError } from 'commander'
import { type CliContext, type OutputFormat, reportFailure } from './context.ts'
import { exitCode, UsageError } from './failure.ts'
import { buildProgram } from './program.ts'

/** As typed, for failures that come before the options are understood. */
function outputOf(args: readonly string[]): OutputFormat {
  const at = args.findIndex((arg) => arg === '-o' || arg === '--output')
  const isJson = args.some((arg) => arg === '-ojson' || arg === '--output=json') || (at >= 0 && args[at + 1] === 'json')
  return isJson ? 'json' : 'table'
}

/** commander's sentence, in our form: what is wrong, then what was probably meant. */
function usageError(error: CommanderError): UsageError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const meant = /\(Did you mean (?:one of )?(.+)\?\)/.exec(rest.join(' '))?.[1]
  return new UsageError(first, meant === undefined ? 'see: oxbow --help' : `did you mean ${meant}?`)
}

function leafHelp(program: Command, args: readonly string[]): string {
  let command = program
  for (const arg of args) command = command.commands.find((one) => one.name() === arg) ?? command
  return command.helpInformation()
}

/** Runs one command line, without the node and the script in front. Answers the exit code; throws nothing. */
export async function main(args: readonly string[], context: CliContext, version: string): Promise<number> {
  let code: number = exitCode.done
  const program = buildProgram(
    {
      context,
      finish: (result) => {
        code = result
      },
    },
    version,
  )
  const report = { output: outputOf(args), debug: args.includes('--debug') }
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(context, error, report)
    if (error.exitCode === 0) return exitCode.done
    if (error.code === 'commander.help') {
      context.stderr.write(leafHelp(program, args))
      return exitCode.usage
    }
    return reportFailure(context, usageError(error), report)
  }
}

function processContext(): CliContext {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    uptimeMs: () => performance.now(),
    openClient: async (options) => {
      const { OxbowClient } = await import('../client/client.ts')
      return new OxbowClient(options)
    },
    onInterrupt: (handler) => {
      process.on('SIGINT', handler).on('SIGTERM', handler)
      return () => process.off('SIGINT', handler).off('SIGTERM', handler)
    },
  }
}

function readVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** The way in of bin/oxbow.cjs. Ends the process: an open connection must not keep a finished command alive. */
export async function runCli(): Promise<void> {
  // A reader such as `head` that has seen enough is no failure.
  process.stdout.on('error', () => process.exit(exitCode.done))
  const code = await main(process.argv.slice(2), processContext(), readVersion())
  const drained = (stream: NodeJS.WriteStream): Promise<void> => new Promise((resolve) => stream.write('', () => resolve()))
  await Promise.all([drained(process.stdout), drained(process.stderr)])
  process.exit(code)
}
