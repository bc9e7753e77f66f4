import type { InvariantName } from '../check/violation.ts'
import type { Situation } from './situations.ts'
import type { SeedReport } from './world.ts'

/** The verdict on one seed, as one line of JSON between processes. */
export interface SeedLine {
  readonly seed: number
  readonly hash: string
  readonly violation: { readonly invariant: InvariantName; readonly sentence: string } | null
  readonly simulatedMs: number
  readonly realMs: number
  readonly steps: number
  readonly operations: number
  readonly acknowledged: number
  readonly faults: readonly (readonly [kind: string, count: number])[]
  readonly situations: readonly (readonly [name: Situation, count: number])[]
}

export function toSeedLine(report: SeedReport, realMs: number): SeedLine {
  const { seed, hash, violation, simulatedMs, steps, operations, acknowledged, faults, situations } = report
  const found = violation === null ? null : { invariant: violation.invariant, sentence: violation.message }
  return { seed, hash, violation: found, simulatedMs, realMs, steps, operations, acknowledged, faults: [...faults], situations: [...situations] }
}
