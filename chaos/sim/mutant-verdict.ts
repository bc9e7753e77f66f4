import type { Mutant } from './mutant.ts'
import type { SeedLine } from './seed-line.ts'

/** What became of one mutant. `kill` null: it survived all seeds. */
export interface MutantVerdict {
  readonly mutant: Mutant
  readonly kill: SeedLine | null
  /** Seeds until it was noticed, or that it survived. */
  readonly seedsNeeded: number
}
