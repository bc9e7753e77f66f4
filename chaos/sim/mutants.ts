import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SimArguments } from './arguments.ts'
import { type Mutant, emptyMutant, mutants } from './mutant-list.ts'
import { writeMutantTable } from './mutant-table.ts'
import type { MutantVerdict } from './mutant-verdict.ts'
import type { SeedLine } from './seed-line.ts'
import { type SeedProcess, startSeedProcess } from './seed-process.ts'

/** Seeds that the empty patch has to survive to show that the copy itself works. */
const EMPTY_SEEDS = 3
const SEEDS_A_PROCESS = 4

/** Breaks the rules one by one on copies of the build, and sees each noticed by the invariant that was named. Resolves to the exit code. */
export async function runMutants(options: SimArguments): Promise<number> {
  const verdicts: MutantVerdict[] = []
  const empty = await tryMutant(emptyMutant, options.fromSeed, options.fromSeed + EMPTY_SEEDS - 1, options.jobs)
  if (empty.kill !== null) {
    process.stdout.write(`the empty patch did not survive: ${empty.kill.violation?.sentence}\n`)
    return 1
  }
  process.stdout.write(`the empty patch survives ${empty.seedsNeeded} seeds\n`)
  for (const mutant of mutants) {
    const verdict = await tryMutant(mutant, options.fromSeed, options.toSeed, options.jobs)
    verdicts.push(verdict)
    process.stdout.write(`${describeVerdict(verdict)}\n`)
  }
  writeMutantTable(verdicts)
  const wrong = verdicts.filter((verdict) => !isKilledAsNamed(verdict))
  process.stdout.write(`${mutants.length - wrong.length} of ${mutants.length} mutants were noticed by the invariant that was named\n`)
  return wrong.length === 0 ? 0 : 1
}

export function isKilledAsNamed({ mutant, kill }: MutantVerdict): boolean {
  return kill?.violation != null && mutant.killedBy.includes(kill.violation.invariant)
}

function describeVerdict(verdict: MutantVerdict): string {
  const { mutant, kill, seedsNeeded } = verdict
  if (kill === null) return `SURVIVED ${seedsNeeded} seeds: ${mutant.name} (${mutant.rule})`
  const how = `${mutant.name}: noticed with seed ${kill.seed} (${seedsNeeded} tried) by ${kill.violation?.sentence.split('\n')[0]}`
  return isKilledAsNamed(verdict) ? how : `WRONG KILLER, ${mutant.killedBy.join(' or ')} was named: ${how}`
}

/** A copy of the build with one text replaced. Throws when the text is not there exactly once: the patch is out of date. */
export function makeMutantBuild(mutant: Mutant, dist: string): string {
  const source = readFileSync(join(dist, mutant.file), 'utf8')
  const times = source.split(mutant.find).length - 1
  if (times !== 1) throw new Error(`mutant "${mutant.name}": its text is ${times} times in ${mutant.file}, once is expected: ${mutant.find}`)
  const folder = mkdtempSync(join(tmpdir(), 'oxbow-mutant-'))
  cpSync(dist, join(folder, 'dist'), { recursive: true })
  writeFileSync(
    join(folder, 'dist', mutant.file),
    source.replace(mutant.find, () => mutant.replace),
  )
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  symlinkSync(join(dist, '..', 'node_modules'), join(folder, 'node_modules'))
  return folder
}

async function tryMutant(mutant: Mutant, fromSeed: number, toSeed: number, jobs: number): Promise<MutantVerdict> {
  const dist = fileURLToPath(new URL('../..', import.meta.url))
  const folder = makeMutantBuild(mutant, dist)
  try {
    return await runUntilNoticed(mutant, join(folder, 'dist/chaos/sim/child.js'), { fromSeed, toSeed, jobs })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function runUntilNoticed(
  mutant: Mutant,
  script: string,
  options: { readonly fromSeed: number; readonly toSeed: number; readonly jobs: number },
): Promise<MutantVerdict> {
  const running = new Set<SeedProcess>()
  let nextSeed = options.fromSeed
  let tried = 0
  let kill: SeedLine | null = null
  const line = (seedLine: SeedLine): void => {
    if (kill !== null) return
    tried += 1
    // Too few records or an unobserved fault says nothing about a rule.
    if (seedLine.violation === null || seedLine.violation.invariant === 'run') return
    kill = seedLine
    for (const one of running) one.kill()
  }
  const work = async (): Promise<void> => {
    while (nextSeed <= options.toSeed && kill === null) {
      const fromSeed = nextSeed
      nextSeed = Math.min(options.toSeed + 1, fromSeed + SEEDS_A_PROCESS)
      const one = startSeedProcess({ script, fromSeed, toSeed: nextSeed - 1, line, ...(mutant.scenario === undefined ? {} : { scenario: mutant.scenario }) })
      running.add(one)
      await one.ended
      running.delete(one)
    }
  }
  await Promise.all(Array.from({ length: options.jobs }, work))
  return { mutant, kill, seedsNeeded: tried }
}
