import { basename, dirname } from 'node:path'
import { type FailureFile, runCase, writeFailure } from './failure-file.ts'
import { type RunCase, smallestFailure } from './shrink.ts'

/** `oxbow sim replay`: the same again, as a story. Resolves to the exit code: 1 it broke, 0 it holds now. */
export async function replay(recorded: FailureFile): Promise<number> {
  const failure = await runCase(recorded)
  if (failure === null) {
    process.stdout.write(`seed ${recorded.seed} holds now; it had broken ${recorded.broke}\n`)
    return 0
  }
  for (const line of failure.trace) process.stdout.write(`${line}\n`)
  const again =
    failure.hash === recorded.hash ? `again, with the same trace ${failure.hash}` : `with another trace, ${failure.hash} instead of ${recorded.hash}`
  process.stdout.write(`seed ${recorded.seed} broke ${again}: ${failure.broke}\n`)
  return 1
}

/** `oxbow sim shrink`. Resolves to the exit code: 0 a smaller file is there, 1 nothing broke. */
export async function shrink(path: string, recorded: FailureFile, run: RunCase = runCase): Promise<number> {
  let tries = 0
  const counted: RunCase = (one) => {
    tries += 1
    return run(one)
  }
  const smallest = await smallestFailure(recorded, counted, ({ plan, settings, broke }) => {
    process.stderr.write(`${tries} runs: ${plan.length} faults, ${(settings.faultPhaseMs / 1000).toFixed(0)} s: ${broke}\n`)
  })
  if (smallest === null) {
    process.stdout.write(`seed ${recorded.seed} holds now: there is nothing to shrink\n`)
    return 1
  }
  const smaller = writeFailure(dirname(path), `${basename(path, '.json')}-small`, smallest)
  process.stdout.write(`${recorded.plan.length} faults became ${smallest.plan.length}, ${tries} runs: ${smallest.broke}\n  npx oxbow sim replay ${smaller}\n`)
  return 0
}
