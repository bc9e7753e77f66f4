import type { Fault } from '../faults.ts'
import type { FailureFile } from './failure-file.ts'
import type { SeedCase } from './seed-case.ts'
import type { Settings } from './settings.ts'

/**
 * The entries that are needed, found by leaving out ever smaller stretches of them. No entry of the answer can be left out alone.
 * Source: Zeller, Hildebrandt: Simplifying and isolating failure-inducing input (ddmin).
 */
export async function fewestEntries<T>(entries: readonly T[], stillFails: (entries: readonly T[]) => Promise<boolean>): Promise<readonly T[]> {
  let left = entries
  let stretch = Math.max(1, left.length >> 1)
  while (left.length > 0) {
    const before = left.length
    for (let at = 0; at < left.length; ) {
      const without = [...left.slice(0, at), ...left.slice(at + stretch)]
      if (await stillFails(without)) left = without
      else at += stretch
    }
    if (stretch > 1) stretch >>= 1
    else if (left.length === before) break
  }
  return left
}

const ROUNDS = 3

/** Each fault half as long, and again, as long as it still fails. */
export async function shortestFaults(plan: readonly Fault[], stillFails: (plan: readonly Fault[]) => Promise<boolean>): Promise<readonly Fault[]> {
  let left = plan
  for (let at = 0; at < plan.length; at++) {
    for (let round = 0; round < ROUNDS; round++) {
      const shorter = left.map((fault, index) => (index === at ? { ...fault, durationMs: fault.durationMs >> 1 } : fault))
      if (!(await stillFails(shorter))) break
      left = shorter
    }
  }
  return left
}

/** The least number of ms, but for `withinMs`, that still fails; `ms` does. */
export async function shortestTime(ms: number, withinMs: number, stillFails: (ms: number) => Promise<boolean>): Promise<number> {
  let fails = ms
  let holds = 0
  while (fails - holds > withinMs) {
    const middle = (fails + holds) >> 1
    if (await stillFails(middle)) fails = middle
    else holds = middle
  }
  return fails
}

const TIME_WITHIN_MS = 1_000

/** What goes on beside the faults, and what makes a world stranger than it need be: each left out by itself. */
const simpler: readonly ((settings: Settings) => Settings)[] = [
  (settings) => ({ ...settings, voterGapMs: null }),
  (settings) => ({ ...settings, voterOperators: 1 }),
  (settings) => ({ ...settings, alterGapMs: null }),
  (settings) => ({ ...settings, maintenanceGapMs: null }),
  (settings) => ({ ...settings, deleteGapMs: null }),
  (settings) => ({ ...settings, folderMoveGapMs: null }),
  (settings) => ({ ...settings, passingGapMs: null }),
  (settings) => ({ ...settings, experimentRate: null }),
  ({ limits: _, ...settings }) => settings,
  (settings) => ({ ...settings, clockRates: [] }),
  (settings) => ({ ...settings, lateSyncOneIn: null }),
  (settings) => ({ ...settings, throughWire: false }),
  (settings) => ({ ...settings, conditions: { ...settings.conditions, reorder: false } }),
  (settings) => ({ ...settings, producers: 1 }),
  (settings) => ({ ...settings, consumers: 1 }),
]

/** Runs a case; null: it held. */
export type RunCase = (one: SeedCase) => Promise<FailureFile | null>

/**
 * Fewer faults, then less beside them, then shorter faults and less time, as long as the same invariant breaks. Null: nothing broke.
 * `tried` is told of each run that still broke.
 */
export async function smallestFailure(recorded: FailureFile, run: RunCase, tried: (failure: FailureFile) => void): Promise<FailureFile | null> {
  let best: FailureFile | null = null
  const breaks = async (change: Partial<Pick<SeedCase, 'settings' | 'plan'>>): Promise<boolean> => {
    const failure = await run({ ...(best ?? recorded), ...change })
    if (failure?.invariant !== recorded.invariant) return false
    best = failure
    tried(failure)
    return true
  }
  const settings = (): Settings => (best ?? recorded).settings
  if (!(await breaks({}))) return null
  const fewest = await fewestEntries(recorded.plan, (plan) => breaks({ plan }))
  for (const simplify of simpler) {
    const simplified = simplify(settings())
    if (JSON.stringify(simplified) !== JSON.stringify(settings())) await breaks({ settings: simplified })
  }
  await fewestEntries(settings().topics, async (topics) => topics.length > 0 && (await breaks({ settings: { ...settings(), topics } })))
  await shortestFaults(fewest, (plan) => breaks({ plan }))
  await shortestTime(settings().faultPhaseMs, TIME_WITHIN_MS, (faultPhaseMs) => breaks({ settings: { ...settings(), faultPhaseMs } }))
  return best
}
