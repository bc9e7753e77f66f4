import { availableParallelism } from 'node:os'
import { UsageError } from './failure.ts'

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
  return await runSim(parsed)
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
