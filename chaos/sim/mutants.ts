import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SimArguments } from './arguments.ts'
import type { Mutant } from './mutant.ts'
import { emptyMutant, mutants } from './mutant-list.ts'
import { writeMutantTable } from './mutant-table.ts'
import type { MutantVerdict } from './mutant-verdict.ts'
import type { SeedLine } from './seed-line.ts'
import { startSeedProcess } from './seed-process.ts'

/** Seeds that the empty patch has to survive to show that the copy itself works. */
const EMPTY_SEEDS = 3

const DIST = fileURLToPath(new URL('../..', import.meta.url))

/** Breaks the rules one by one on copies of the build, and sees each noticed by the invariant that was named. Resolves to the exit code. */
export async function runMutants(options: SimArguments): Promise<number> {
  const { fromSeed, toSeed, jobs } = options
  for (const mutant of mutants) mutate(mutant, DIST)
  const empty = await tryMutant(emptyMutant, fromSeed, fromSeed + EMPTY_SEEDS - 1)
  if (empty.kill !== null) {
    process.stdout.write(`the empty patch did not survive: ${empty.kill.violation?.sentence}\n`)
    return 1
  }
  process.stdout.write(`the empty patch survives ${empty.seedsNeeded} seeds\n`)
  const verdicts = new Map<Mutant, MutantVerdict>()
  const waiting = [...mutants]
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const verdict = await tryMutant(mutant, fromSeed, toSeed)
      verdicts.set(mutant, verdict)
      process.stdout.write(`${describeVerdict(verdict)}\n`)
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  const inOrder = mutants.flatMap((mutant) => verdicts.get(mutant) ?? [])
  writeMutantTable(inOrder)
  const killed = inOrder.filter(isKilledAsNamed).length
  process.stdout.write(`${killed} of ${mutants.length} mutants were noticed by the invariant that was named\n`)
  return killed === mutants.length ? 0 : 1
}

export function isKilledAsNamed({ mutant, kill }: MutantVerdict): boolean {
  return kill?.violation != null && mutant.killedBy.includes(kill.violation.invariant)
}

function describeVerdict(verdict: MutantVerdict): string {
  const { mutant, kill, seedsNeeded } = verdict
  if (kill === null) return `SURVIVED ${seedsNeeded} seeds: ${mutant.name} (${mutant.rule})`
  const how = `${mutant.name}: noticed with seed ${kill.seed} by ${kill.violation?.sentence.split('\n')[0]}`
  return isKilledAsNamed(verdict) ? how : `WRONG KILLER, ${mutant.killedBy.join(' or ')} was named: ${how}`
}

/** The file of a build with the mutant's text replaced. Throws when it is not there exactly once: the patch is out of date. */
export function mutate(mutant: Mutant, dist: string): string {
  const source = readFileSync(join(dist, mutant.file), 'utf8')
  const times = source.split(mutant.find).length - 1
  if (times !== 1) throw new Error(`mutant "${mutant.name}": its text is ${times} times in ${mutant.file}, once is expected: ${mutant.find}`)
  return source.replace(mutant.find, () => mutant.replace)
}

/** A copy of the build with one text replaced. */
export function makeMutantBuild(mutant: Mutant, dist: string): string {
  const mutated = mutate(mutant, dist)
  const folder = mkdtempSync(join(tmpdir(), 'oxbow-mutant-'))
  cpSync(dist, join(folder, 'dist'), { recursive: true })
  writeFileSync(join(folder, 'dist', mutant.file), mutated)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  symlinkSync(join(dist, '..', 'node_modules'), join(folder, 'node_modules'))
  return folder
}

async function tryMutant(mutant: Mutant, fromSeed: number, toSeed: number): Promise<MutantVerdict> {
  const folder = makeMutantBuild(mutant, DIST)
  try {
    return await runUntilNoticed(mutant, join(folder, 'dist/chaos/sim/child.js'), fromSeed, toSeed)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Seed after seed in one process, so that the same build always needs the same number of them. */
async function runUntilNoticed(mutant: Mutant, script: string, fromSeed: number, toSeed: number): Promise<MutantVerdict> {
  let seedsNeeded = 0
  let kill: SeedLine | null = null
  const line = (seedLine: SeedLine): void => {
    if (kill !== null) return
    seedsNeeded += 1
    // Too few records or an unobserved fault says nothing about a rule.
    if (seedLine.violation === null || seedLine.violation.invariant === 'run') return
    kill = seedLine
    one.kill()
  }
  const seeds = Array.from({ length: toSeed - fromSeed + 1 }, (_, at) => fromSeed + at)
  const one = startSeedProcess({ script, seeds, line, ...(mutant.scenario === undefined ? {} : { scenario: mutant.scenario }) })
  await one.ended
  return { mutant, kill, seedsNeeded }
}
