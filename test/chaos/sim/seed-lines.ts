import type { SeedLine } from '../../../chaos/sim/seed-line.ts'

/** What a seed came to that held. */
export function makeSeedLine(line: Partial<SeedLine> = {}): SeedLine {
  return {
    seed: 1,
    faultPhaseMs: 60_000,
    nodes: 3,
    hash: 'c380acf206b1f05f',
    violation: null,
    simulatedMs: 61_000,
    realMs: 1_200,
    cpuMs: 1_000,
    steps: 50_000,
    operations: 2_000,
    acknowledged: 900,
    faults: [['kill', 2]],
    situations: [],
    ...line,
  }
}
