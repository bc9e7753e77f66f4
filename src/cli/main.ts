import { readFileSync } from 'node:fs'
import { setImmediate as afterThisTurn } from 'node:timers'
import { type Command, CommanderError } from 'commander'
import { didYouMean } from '../base/did-you-mean.ts'
import { type CliContext, type OutputFormat, reportFailure, type TextSink } from './context.ts'
import { exitCode, UsageError } from './failure.ts'
import { buildProgram } from './program.ts'
import { isReaderGone, stdoutFailed } from './stream-error.ts'
import { refuseUnknownVariables } from './variables.ts'

/** As typed, for failures that come before the options are understood. */
function outputOf(args: readonly string[]): OutputFormat {
  const at = args.findIndex((arg) => arg === '-o' || arg === '--output')
  const isJson = args.some((arg) => arg === '-ojson' || arg === '--output=json') || (at >= 0 && args[at + 1] === 'json')
  return isJson ? 'json' : 'table'
}

/** The command that the words name, as far as they name one. */
function commandOf(program: Command, args: readonly string[]): Command {
  let command = program
  for (const word of args.filter((arg) => !arg.startsWith('-'))) {
    const next = command.commands.find((one) => one.name() === word)
    if (next === undefined) break
    command = next
  }
  return command
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}

/** Whether a command below this one takes the option that `arg` begins with. */
function takesBelow(command: Command, arg: string): boolean {
  const flag = arg.startsWith('--') ? (arg.split('=', 1)[0] as string) : arg.slice(0, 2)
  return command.commands.some((one) => one.options.some(({ short, long }) => short === flag || long === flag) || takesBelow(one, arg))
}

/** commander's sentence, in our form: what is wrong, then what was probably meant. */
function usageError(error: CommanderError, program: Command, args: readonly string[]): UsageError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const unknown = /^unknown option '(.+)'$/.exec(first)?.[1]
  const command = commandOf(program, unknown === undefined ? args : args.slice(0, args.indexOf(unknown)))
  if (unknown !== undefined && takesBelow(command, unknown)) return new UsageError(first, 'put it after the command')
  const choice = /'([^']*)' is invalid.*?\. Allowed choices are (.+)\.$/.exec(first)
  const likely = choice === null ? undefined : didYouMean(choice[1] as string, (choice[2] as string).split(', '))
  if (likely !== undefined) return new UsageError(first, `did you mean ${likely}?`)
  const meant = /\(Did you mean (?:one of )?(.+)\?\)/.exec(rest.join(' '))?.[1]
  return new UsageError(first, meant === undefined ? `see: ${pathOf(command)} --help` : `did you mean ${meant}?`)
}

interface Report {
  readonly output: OutputFormat
  readonly debug: boolean
}

async function runCommand(args: readonly string[], context: CliContext, version: string, report: Report): Promise<number> {
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
  program.hook('preAction', async (_, command) => {
    // `config check` says all faults of the environment itself.
    if (command.parent?.name() !== 'config') await refuseUnknownVariables(context.env)
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(context, error, report)
    if (error.exitCode === 0) return exitCode.done
    // commander has shown it on stderr: a command that needs a sub-command had none.
    if (error.code === 'commander.help') return exitCode.usage
    return reportFailure(context, usageError(error, program, args), report)
  }
}

/** With `--debug` every request to a node is said on stderr. */
function debugging(context: CliContext): CliContext {
  return {
    ...context,
    openClient: async (options) => {
      const { loggedTransport } = await import('./request-log.ts')
      return await context.openClient({ ...options, wrap: (transport) => loggedTransport(transport, (line) => context.stderr.write(`${line}\n`)) })
    },
  }
}

/**
 * Resolves when all that was written is taken or has failed, and `onStdoutError` was told: that event comes after the callbacks.
 * The timer is Node's own: while a simulation runs, the global one throws.
 */
function drained(sink: TextSink): Promise<void> {
  return new Promise((resolve) => sink.write('', () => afterThisTurn(resolve)))
}

/** Runs one command line, without the node and the script in front. Answers the exit code; throws nothing. */
export async function main(args: readonly string[], context: CliContext, version: string): Promise<number> {
  const report = { output: outputOf(args), debug: args.includes('--debug') }
  const stdout: { error: Error | undefined } = { error: undefined }
  const broken = new Promise<number>((say) => {
    context.onStdoutError((error) => {
      stdout.error ??= error
      say(exitCode.done)
    })
  })
  const code = await Promise.race([runCommand(args, report.debug ? debugging(context) : context, version, report), broken])
  // What a command writes last fails when it has ended already.
  await Promise.all([drained(context.stdout), drained(context.stderr)])
  if (stdout.error === undefined || isReaderGone(stdout.error)) return code
  const failed = reportFailure(context, stdoutFailed(stdout.error), report)
  return code === exitCode.done ? failed : code
}

function processContext(): CliContext {
  const stdoutHandlers: ((error: Error) => void)[] = []
  process.stdout.on('error', (error) => stdoutHandlers.at(-1)?.(error))
  return {
    // Opened by who reads it: most commands do not.
    get stdin() {
      return process.stdin
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    uptimeMs: () => performance.now(),
    openClient: async ({ wrap, ...options }) => {
      const { OxbowClient } = await import('../client/client.ts')
      if (wrap === undefined) return new OxbowClient(options)
      const { GrpcClientTransport } = await import('../client/grpc-transport.ts')
      return new OxbowClient({ ...options, transport: wrap(new GrpcClientTransport()) })
    },
    probeTcp: async (host, port, timeoutMs) => {
      const { tcpProbe } = await import('./tcp-probe.ts')
      return await tcpProbe(host, port, timeoutMs)
    },
    probeClock: async (host, port, timeoutMs) => {
      const { clockProbe } = await import('./clock-probe.ts')
      return await clockProbe(host, port, timeoutMs)
    },
    onInterrupt: (handler) => {
      process.on('SIGINT', handler).on('SIGTERM', handler)
      return () => process.off('SIGINT', handler).off('SIGTERM', handler)
    },
    onStdoutError: (handler) => {
      stdoutHandlers.push(handler)
      return () => stdoutHandlers.splice(stdoutHandlers.indexOf(handler), 1)
    },
  }
}

function readVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** The way in of bin/oxbow.cjs. Ends the process: an open connection must not keep a finished command alive. */
export async function runCli(): Promise<void> {
  process.exit(await main(process.argv.slice(2), processContext(), readVersion()))
}
