import type { Fault } from '../faults.ts'

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
