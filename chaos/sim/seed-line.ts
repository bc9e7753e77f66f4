import type { InvariantName } from '../check/violation.ts'
import type { Situation } from './situations.ts'
import type { SeedReport } from './world.ts'

/** The verdict on one seed, as one line of JSON: between processes, and in the file of a run that goes on later. */
export interface SeedLine extends SeedCost {
  readonly seed: number
  /** How long faults were to go on, in simulated ms. */
  readonly faultPhaseMs: number
  /** The size of its cluster. */
  readonly nodes: number
  readonly hash: string
  readonly violation: { readonly invariant: InvariantName; readonly sentence: string } | null
  readonly simulatedMs: number
  readonly steps: number
  readonly operations: number
  readonly acknowledged: number
  readonly faults: readonly (readonly [kind: string, count: number])[]
  readonly situations: readonly (readonly [name: Situation, count: number])[]
}

export interface SeedCost {
  readonly realMs: number
  /** Of all threads of the process: those that compile and collect garbage too. */
  readonly cpuMs: number
}

export function toSeedLine(report: SeedReport, { realMs, cpuMs }: SeedCost): SeedLine {
  const { seed, settings, hash, violation, simulatedMs, steps, operations, acknowledged, faults, situations } = report
  return {
    seed,
    faultPhaseMs: settings.faultPhaseMs,
    nodes: settings.voters + settings.observers,
    hash,
    violation: violation === null ? null : { invariant: violation.invariant, sentence: violation.message },
    simulatedMs,
    realMs: Math.round(realMs),
    cpuMs: Math.round(cpuMs),
    steps,
    operations,
    acknowledged,
    faults: [...faults],
    situations: [...situations],
  }
}
