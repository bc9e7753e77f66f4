import { availableParallelism } from 'node:os'
import type { CliContext, OutputFormat } from './context.ts'
import { exitCode, UsageError } from './failure.ts'
import { writeJson } from './session.ts'

/** `oxbow sim run`: its options are the simulator's own. Answers the exit code: 0 all held, 1 something did not. */
export async function simulate(args: readonly string[], showHelp: (options: string) => void): Promise<number> {
  const { parseSimArguments, simOptions } = await import('../../chaos/sim/arguments.ts')
  if (args.includes('--help') || args.includes('-h')) {
    showHelp(simOptions)
    return 0
  }
  let parsed: ReturnType<typeof parseSimArguments>
  try {
    parsed = parseSimArguments(args, availableParallelism())
  } catch (error) {
    throw new UsageError((error as Error).message, 'see: oxbow sim run --help')
  }
  const { runSim } = await import('../../chaos/sim/main.ts')
  return await readingRuns(() => runSim(parsed))
}

/** `oxbow sim report FILE`. Answers the exit code: 1 when something of the run did not hold. */
export async function report(context: CliContext, path: string, output: OutputFormat): Promise<number> {
  const { totalsOf } = await import('../../chaos/sim/main.ts')
  const totals = await readingRuns(() => totalsOf(path))
  if (output === 'json') writeJson(context, totals.toJson())
  else context.stdout.write(totals.describe())
  return totals.failed ? exitCode.refused : exitCode.done
}

/** A file that is no run of the simulator is no bug. */
async function readingRuns<T>(action: () => T | Promise<T>): Promise<T> {
  const { RunFileError } = await import('../../chaos/sim/run-file.ts')
  try {
    return await action()
  } catch (error) {
    if (error instanceof RunFileError) throw new UsageError(error.message, 'oxbow sim run --resume FILE writes such a file')
    throw error
  }
}

/** `oxbow sim replay FILE` and `oxbow sim shrink FILE`. Answers the exit code. */
export async function again(how: 'replay' | 'shrink', path: string): Promise<number> {
  const { readFailure } = await import('../../chaos/sim/failure-file.ts')
  let recorded: ReturnType<typeof readFailure>
  try {
    recorded = readFailure(path)
  } catch (error) {
    throw new UsageError((error as Error).message, 'oxbow sim run leaves such files in .sim')
  }
  const { replay, shrink } = await import('../../chaos/sim/replay.ts')
  return await (how === 'replay' ? replay(recorded) : shrink(path, recorded))
}
