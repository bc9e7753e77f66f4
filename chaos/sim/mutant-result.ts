import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { InvariantName } from '../check/violation.ts'
import type { Mutant } from './mutant.ts'

/** What is known of one mutant so far: a file that a run of the same build goes on from. */
export interface MutantResult {
  readonly name: string
  /** Of what it breaks, and in which world: a result of another patch says nothing. */
  readonly patch: string
  /** Of the code that it was tried on. */
  readonly build: string
  /** So many of its seeds, in its own order, were tried. */
  readonly seeds: number
  /** Null: nobody has noticed yet. */
  readonly kill: MutantKill | null
}

export interface MutantKill {
  readonly seed: number
  readonly invariant: InvariantName
  /** One line. */
  readonly sentence: string
}

/** Where the results lie, below the root of the project. */
export const RESULTS = 'chaos/sim/mutant-results'

export function fileOf(mutant: Pick<Mutant, 'name'>): string {
  return `${mutant.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.json`
}

/** Names the patch. */
export function patchOf({ file, find, replace, also = [], scenario, story }: Mutant): string {
  const text = JSON.stringify([[{ file, find, replace }, ...also], scenario ?? null, ...(story === undefined ? [] : [story])])
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}

/** Below dist/. Live runs, their reports and the explorer are of no account here. */
const SIMULATED = /^(?:src\/.*|chaos\/(?:(?:check|operations|sim|workload)\/.*|[^/]*))\.js$/

/** Names the code of a build: what runs in a simulation, and what judges it. */
export function digestOf(dist: string): string {
  const hash = createHash('sha256')
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((path) => SIMULATED.test(path))
  for (const path of files.sort()) hash.update(path).update(readFileSync(join(dist, path)))
  return hash.digest('hex').slice(0, 12)
}

/** Undefined: it was not tried yet, or not as it is now. */
export function readResult(folder: string, mutant: Mutant): MutantResult | undefined {
  const path = join(folder, fileOf(mutant))
  if (!existsSync(path)) return undefined
  const result = JSON.parse(readFileSync(path, 'utf8')) as MutantResult
  return result.name === mutant.name && result.patch === patchOf(mutant) ? result : undefined
}

export function writeResult(folder: string, result: MutantResult): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, fileOf(result)), `${JSON.stringify(result, null, 2)}\n`)
}
