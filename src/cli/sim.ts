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
