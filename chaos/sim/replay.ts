import { basename, dirname } from 'node:path'
import { type FailureFile, runCase, writeFailure } from './failure-file.ts'
import type { SeedCase } from './seed-case.ts'
import { fewestEntries, shortestFaults, shortestTime } from './shrink.ts'

const TIME_WITHIN_MS = 1_000

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

/** `oxbow sim shrink`: fewer faults, then shorter ones, then less time, as long as the same invariant breaks. Resolves to the exit code: 0 a smaller file is there, 1 nothing broke. */
export async function shrink(path: string, recorded: FailureFile): Promise<number> {
  let best: FailureFile | null = null
  let tries = 0
  const breaks = async (change: Partial<Pick<SeedCase, 'settings' | 'plan'>>): Promise<boolean> => {
    tries += 1
    const from = best ?? recorded
    const failure = await runCase({ ...from, ...change })
    if (failure?.invariant !== recorded.invariant) return false
    best = failure
    process.stderr.write(`${tries} runs: ${failure.plan.length} faults, ${(failure.settings.faultPhaseMs / 1000).toFixed(0)} s: ${failure.broke}\n`)
    return true
  }
  if (!(await breaks({}))) {
    process.stdout.write(`seed ${recorded.seed} holds now: there is nothing to shrink\n`)
    return 1
  }
  const fewest = await fewestEntries(recorded.plan, (plan) => breaks({ plan }))
  await shortestFaults(fewest, (plan) => breaks({ plan }))
  const { settings } = recorded
  await shortestTime(settings.faultPhaseMs, TIME_WITHIN_MS, (faultPhaseMs) => breaks({ settings: { ...settings, faultPhaseMs } }))
  const smallest = best as unknown as FailureFile
  const smaller = writeFailure(dirname(path), `${basename(path, '.json')}-small`, smallest)
  process.stdout.write(`${recorded.plan.length} faults became ${smallest.plan.length}, ${tries} runs: ${smallest.broke}\n  npx oxbow sim replay ${smaller}\n`)
  return 0
}
