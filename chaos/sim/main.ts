import { fileURLToPath } from 'node:url'
import type { SimArguments } from './arguments.ts'
import { runCase, writeFailure } from './failure-file.ts'
import { drawCase } from './seed-case.ts'
import type { SeedLine } from './seed-line.ts'
import { type SeedProcess, startSeedProcess } from './seed-process.ts'
import { Totals } from './totals.ts'
import { trySeed } from './try-seed.ts'

/** Seeds that one process runs before another takes over: a leak in one does not grow for ever. */
const SEEDS_A_PROCESS = 20
/** Fewer seeds are run here, without other processes. */
const SEEDS_AT_HOME = 2
const FAILURES_KEPT = 10
/** A run of this time has to have met every situation. */
const ENOUGH_SECONDS = 600

/** `oxbow sim run`. Resolves to the exit code: 0 all held, 1 something did not. */
export async function runSim(parsed: SimArguments): Promise<number> {
  if (parsed.mutants) {
    const { runMutants } = await import('./mutants.ts')
    return runMutants(parsed)
  }
  const totals = new Totals()
  const seeds = parsed.toSeed - parsed.fromSeed + 1
  if (parsed.trace || seeds <= SEEDS_AT_HOME || parsed.jobs === 1) await runHere(parsed, totals)
  else await runInProcesses(parsed, totals)
  process.stdout.write(totals.describe())
  await keepFailures(totals.failures, parsed.failures)
  if (parsed.seconds !== null && parsed.seconds >= ENOUGH_SECONDS && totals.unmet.length > 0) {
    process.stdout.write(`never met: ${totals.unmet.join(', ')}\n`)
    return 1
  }
  return totals.failed ? 1 : 0
}

async function runHere(options: SimArguments, totals: Totals): Promise<void> {
  const endAt = deadline(options)
  for (let seed = options.fromSeed; seed <= options.toSeed && performance.now() < endAt; seed++) {
    const line = await trySeed({ seed, tell: options.trace ? (text) => process.stdout.write(`${text}\n`) : null }, options.twice)
    totals.add(line)
    announce(line)
  }
}

async function runInProcesses(options: SimArguments, totals: Totals): Promise<void> {
  const endAt = deadline(options)
  const script = fileURLToPath(new URL('child.js', import.meta.url))
  const running = new Set<SeedProcess>()
  let nextSeed = options.fromSeed
  const line = (seedLine: SeedLine): void => {
    totals.add(seedLine)
    announce(seedLine)
    if (performance.now() >= endAt) for (const one of running) one.kill()
  }
  const work = async (): Promise<void> => {
    while (nextSeed <= options.toSeed && performance.now() < endAt) {
      const fromSeed = nextSeed
      nextSeed = Math.min(options.toSeed + 1, fromSeed + SEEDS_A_PROCESS)
      const one = startSeedProcess({ script, fromSeed, toSeed: nextSeed - 1, twice: options.twice, line })
      running.add(one)
      await one.ended
      running.delete(one)
    }
  }
  await Promise.all(Array.from({ length: options.jobs }, work))
}

/** Each of the first failures is run once more, for its story, and left as a file. */
async function keepFailures(failures: readonly SeedLine[], folder: string): Promise<void> {
  for (const { seed } of failures.slice(0, FAILURES_KEPT)) {
    const failure = await runCase(drawCase(seed))
    if (failure === null) process.stdout.write(`seed ${seed} held when it was run again\n`)
    else process.stdout.write(`  npx oxbow sim replay ${writeFailure(folder, `seed-${seed}`, failure)}\n`)
  }
}

function deadline({ seconds }: SimArguments): number {
  return seconds === null ? Number.POSITIVE_INFINITY : performance.now() + seconds * 1000
}

/** A line a seed while it goes on: the sums come at the end. */
function announce({ seed, hash, violation, acknowledged, realMs }: SeedLine): void {
  const verdict = violation === null ? `held, ${acknowledged} records acknowledged` : `FAILED ${violation.sentence.split('\n')[0]}`
  process.stdout.write(`seed ${seed} ${hash} ${verdict} (${(realMs / 1000).toFixed(1)} s)\n`)
}
