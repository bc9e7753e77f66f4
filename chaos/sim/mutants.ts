import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MUTANT_SEEDS, type SimArguments } from './arguments.ts'
import type { Mutant } from './mutant.ts'
import { makeMutantBuild, mutate, removeMutantBuild } from './mutant-build.ts'
import { emptyMutant, mutants } from './mutant-list.ts'
import { digestOf, type MutantResult, patchOf, readResult, RESULTS, writeResult } from './mutant-result.ts'
import { describeSeeds, writeMutantTable } from './mutant-table.ts'
import { tellStory } from './mutant-story.ts'
import { drawCase } from './seed-case.ts'
import type { SeedLine } from './seed-line.ts'
import { startSeedProcess } from './seed-process.ts'

/** Seeds that the empty patch has to survive to show that the copy itself works. */
const EMPTY_SEEDS = 3

const DIST = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Breaks the rules one by one on copies of the build, and sees each noticed by the invariant that was named. What is known of a mutant is kept in a
 * file of its own, so that the next run of the same build goes on where this one ends. Resolves to the exit code: 1 when one survives.
 */
export async function runMutants(options: SimArguments): Promise<number> {
  const { toSeed, jobs, seconds, only } = options
  for (const mutant of mutants) mutate(mutant, DIST)
  const endAt = seconds === null ? Number.POSITIVE_INFINITY : performance.now() + seconds * 1000
  const build = digestOf(DIST)
  const empty = await goOn(emptyMutant, { build, count: EMPTY_SEEDS, endAt: Number.POSITIVE_INFINITY })
  if (empty.kill !== null) {
    process.stdout.write(`the empty patch did not survive: ${empty.kill.sentence}\n`)
    return 1
  }
  const waiting = mutants.filter(({ name }) => name.includes(only))
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined && performance.now() < endAt; mutant = waiting.shift()) {
      process.stdout.write(`${describeResult(mutant, await goOn(mutant, { build, count: toSeed, endAt }))}\n`)
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  const results = mutants.map((mutant) => [mutant, readResult(RESULTS, mutant)] as const)
  writeMutantTable(results)
  const killed = results.filter(([mutant, result]) => result?.build === build && isKilledAsNamed(mutant, result)).length
  process.stdout.write(`${killed} of ${mutants.length} mutants were noticed by the invariant that was named, on this build\n`)
  return killed === mutants.length ? 0 : 1
}

export function isKilledAsNamed(mutant: Mutant, result: MutantResult | undefined): boolean {
  return result?.kill != null && mutant.killedBy.includes(result.kill.invariant)
}

function describeResult(mutant: Mutant, result: MutantResult): string {
  const { kill } = result
  if (kill === null) return `SURVIVED ${result.seeds} seeds: ${mutant.name} (${mutant.rule})`
  const how = `${mutant.name}: noticed by ${kill.sentence} (seed ${kill.seed}; needed: ${describeSeeds(mutant, result)})`
  return isKilledAsNamed(mutant, result) ? how : `WRONG KILLER, ${mutant.killedBy.join(' or ')} was named: ${how}`
}

/** The first `count` of its seeds: those that may meet its situation before all others. */
export function seedsOf({ likely }: Mutant, count: number): readonly number[] {
  const all = Array.from({ length: MUTANT_SEEDS }, (_, at) => at + 1)
  if (likely === undefined) return all.slice(0, count)
  const isLikely = new Map(all.map((seed) => [seed, likely(drawCase(seed))]))
  return [...all.filter((seed) => isLikely.get(seed)), ...all.filter((seed) => !isLikely.get(seed))].slice(0, count)
}

interface Limits {
  readonly build: string
  readonly count: number
  readonly endAt: number
}

/** From what this build knows of it on, up to so many of its seeds: in one process, so that the same build always needs the same number of them. */
async function goOn(mutant: Mutant, { build, count, endAt }: Limits): Promise<MutantResult> {
  const before = readResult(RESULTS, mutant)
  const known = before?.build === build ? before : { name: mutant.name, patch: patchOf(mutant), build, seeds: 0, kill: null }
  const seeds = (mutant.story === undefined ? seedsOf(mutant, count) : [1]).slice(known.seeds)
  if (seeds.length === 0 || known.kill !== null) return known
  const folder = makeMutantBuild(mutant, DIST)
  try {
    return await (mutant.story === undefined ? runSeeds(mutant, folder, { known, seeds, endAt }) : runStory(known, folder, mutant.story))
  } finally {
    removeMutantBuild(folder)
  }
}

async function runStory(known: MutantResult, folder: string, story: string): Promise<MutantResult> {
  const result = { ...known, seeds: 1, kill: await tellStory(story, folder, join(DIST, '..')) }
  writeResult(RESULTS, result)
  return result
}

interface Trial {
  readonly known: MutantResult
  readonly seeds: readonly number[]
  readonly endAt: number
}

async function runSeeds(mutant: Mutant, folder: string, { known, seeds, endAt }: Trial): Promise<MutantResult> {
  let result = known
  let isOver = false
  const line = ({ seed, violation }: SeedLine): void => {
    if (isOver) return
    // Too few records or an unobserved fault says nothing about a rule.
    const isNoticed = violation !== null && violation.invariant !== 'run'
    const kill = isNoticed ? { seed, invariant: violation.invariant, sentence: violation.sentence.split('\n')[0] ?? '' } : null
    result = { ...result, seeds: result.seeds + 1, kill }
    writeResult(RESULTS, result)
    isOver = isNoticed || performance.now() >= endAt
    if (isOver) one.kill()
  }
  const script = join(folder, 'dist/chaos/sim/child.js')
  const one = startSeedProcess({ script, seeds, line, ...(mutant.scenario === undefined ? {} : { scenario: mutant.scenario }) })
  await one.ended
  return result
}
