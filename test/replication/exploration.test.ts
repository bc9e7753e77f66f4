import { describe, expect, it } from 'vitest'
import { explore } from './support/exploration.ts'

const FIRST_SEED = 1
const SEEDS = 300
const STEPS = 1500

describe('replication under crashes, fences and lost, late and doubled messages (R1.1, R6.8)', () => {
  it(`holds in seeds ${FIRST_SEED} to ${SEEDS} of ${STEPS} steps, and heals`, () => {
    const seen = {
      acknowledged: 0,
      crashes: 0,
      elections: 0,
      cuts: 0,
      expands: 0,
      shrinks: 0,
      duplicates: 0,
      outOfOrder: 0,
      olderThanFive: 0,
      starts: 0,
      resets: 0,
    }
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const outcome = explore(seed, STEPS)
      for (const key of Object.keys(seen) as (keyof typeof seen)[]) seen[key] += outcome[key]
    }
    // Every situation was met, and often: otherwise the run proves nothing. For a reset one must be away while the others commit and delete.
    const { resets, ...others } = seen
    expect(resets, 'resets').toBeGreaterThan(SEEDS / 10)
    for (const [situation, count] of Object.entries(others)) expect(count, situation).toBeGreaterThan(SEEDS / 4)
  }, 300_000)
})
