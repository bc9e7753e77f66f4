import { fileURLToPath } from 'node:url'
import type { SimArguments } from './arguments.ts'
import { builtFrom } from './built-from.ts'
import { runCase, writeFailure } from './failure-file.ts'
import { readRunLines, RunFile } from './run-file.ts'
import { drawCase, withFaultPhase } from './seed-case.ts'
import type { SeedLine } from './seed-line.ts'
import { startSeedProcess } from './seed-process.ts'
import { Totals } from './totals.ts'
import { trySeed } from './try-seed.ts'

/** Seeds that one process runs before another takes over: it is fast only after a dozen of them, and a leak in one does not grow for ever. */
const SEEDS_A_PROCESS = 400
/** Fewer seeds are run here, without other processes. */
const SEEDS_AT_HOME = 2
const FAILURES_KEPT = 10
/** A run of this time has to have met every situation. */
const ENOUGH_SECONDS = 600

/** `oxbow sim run`. Resolves to the exit code: 0 all held, 1 something did not. Throws RunFileError. */
export async function runSim(parsed: SimArguments): Promise<number> {
  if (parsed.mutants) {
    const { runMutants } = await import('./mutants.ts')
    return runMutants(parsed)
  }
  const commit = builtFrom()
  const totals = new Totals()
  const file = parsed.resume === null ? null : new RunFile(parsed.resume, commit)
  const failures: SeedLine[] = []
  const told = (line: SeedLine): void => {
    file?.add(line)
    if (file === null) totals.add(line, commit)
    if (line.violation !== null) failures.push(line)
    announce(line)
  }
  const seeds = seedsLeft(parsed, file)
  const isFew = parsed.toSeed - parsed.fromSeed < SEEDS_AT_HOME
  if (parsed.trace || isFew) await runHere(parsed, seeds, told)
  else await runInProcesses(parsed, seeds, told)
  // A run that went on counts as one.
  for (const line of file?.lines ?? []) totals.add(line, line.commit)
  process.stdout.write(totals.describe())
  await keepFailures(failures, parsed)
  if (parsed.seconds !== null && parsed.seconds >= ENOUGH_SECONDS && totals.unmet.length > 0) {
    process.stdout.write(`never met: ${totals.unmet.join(', ')}\n`)
    return 1
  }
  return totals.failed ? 1 : 0
}

/** `oxbow sim report`: what a run that is kept in a file has come to so far. Throws RunFileError. */
export function totalsOf(path: string): Totals {
  const totals = new Totals()
  for (const line of readRunLines(path)) totals.add(line, line.commit)
  return totals
}

/** Those that are not done, in order, until time is up. */
function* seedsLeft(options: SimArguments, file: RunFile | null): Generator<number, undefined> {
  const { fromSeed, toSeed, seconds, faultPhaseMs } = options
  const endAt = seconds === null ? Number.POSITIVE_INFINITY : performance.now() + seconds * 1000
  for (let seed = fromSeed; seed <= toSeed && performance.now() < endAt; seed++) if (file?.isDone(seed, faultPhaseMs) !== true) yield seed
}
async function runHere(options: SimArguments, seeds: Iterable<number>, told: (line: SeedLine) => void): Promise<void> {
  const given = withFaultPhase({}, options.faultPhaseMs)
  const tell = options.trace ? (text: string) => process.stdout.write(`${text}\n`) : null
  for (const seed of seeds) told(await trySeed({ seed, tell, ...given }, options.twice))
}

async function runInProcesses(options: SimArguments, seeds: Iterator<number, undefined>, told: (line: SeedLine) => void): Promise<void> {
  const script = fileURLToPath(new URL('child.js', import.meta.url))
  const { twice, faultPhaseMs } = options
  const work = async (): Promise<void> => {
    for (let first = seeds.next(); first.done !== true; first = seeds.next()) {
      await startSeedProcess({ script, seeds: firstOf(SEEDS_A_PROCESS, first.value, seeds), twice, faultPhaseMs, line: told }).ended
    }
  }
  await Promise.all(Array.from({ length: options.jobs }, work))
}

/** `first`, and so many less one of what others take from too. */
function* firstOf(count: number, first: number, from: Iterator<number, undefined>): Generator<number> {
  yield first
  for (let taken = 1; taken < count; taken++) {
    const { done, value } = from.next()
    if (done === true) return
    yield value
  }
}

/** Each of the first failures is run once more, for its story, and left as a file. */
async function keepFailures(failures: readonly SeedLine[], options: SimArguments): Promise<void> {
  const given = withFaultPhase({}, options.faultPhaseMs)
  for (const { seed } of failures.toSorted((left, right) => left.seed - right.seed).slice(0, FAILURES_KEPT)) {
    const failure = await runCase(drawCase(seed, given))
    if (failure === null) process.stdout.write(`seed ${seed} held when it was run again\n`)
    else process.stdout.write(`  npx oxbow sim replay ${writeFailure(options.failures, `seed-${seed}`, failure)}\n`)
  }
}

/** A line a seed while it goes on: the sums come at the end. */
function announce({ seed, hash, violation, acknowledged, realMs }: SeedLine): void {
  const verdict = violation === null ? `held, ${acknowledged} records acknowledged` : `FAILED ${violation.sentence.split('\n')[0]}`
  process.stdout.write(`seed ${seed} ${hash} ${verdict} (${(realMs / 1000).toFixed(1)} s)\n`)
}
