import type { Fault } from '../faults.ts'
import type { Settings } from './settings.ts'

/** A world that is told what happens: for what seeds meet too rarely. */
export interface Scenario {
  readonly plan: readonly Fault[]
  readonly settings: Partial<Settings>
}

const scenarios: ReadonlyMap<string, Scenario> = new Map()

export function findScenario(name: string): Scenario {
  const scenario = scenarios.get(name)
  if (scenario === undefined) throw new Error(`there is no scenario "${name}"`)
  return scenario
}
