import { createInterface } from 'node:readline'
import type { ChildOptions } from './child-options.ts'
import { withFaultPhase } from './seed-case.ts'
import { findScenario } from './scenarios.ts'
import { trySeed } from './try-seed.ts'

/**
 * A process of the simulator: `node child.js OPTIONS`, which are JSON. It reads seeds, one a line, and prints one line of JSON for each. It is started
 * from the build that is to be tried, so that a mutated copy of the build is tried by the same code.
 */
// Errors are part of what clients meet, and nobody reads where they come from: who fails is run once more, elsewhere.
Error.stackTraceLimit = 0
const { twice = 0, faultPhaseMs, scenario } = JSON.parse(process.argv[2] ?? '{}') as ChildOptions
const given = withFaultPhase(scenario === undefined ? {} : findScenario(scenario), faultPhaseMs)
for await (const text of createInterface({ input: process.stdin })) {
  const line = await trySeed({ seed: Number(text), tell: null, ...given }, twice)
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
