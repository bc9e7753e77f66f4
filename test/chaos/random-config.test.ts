import { fc } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { faultKinds } from '../../chaos/config-faults.ts'
import { drawConfig, misjudged } from '../../chaos/config-verdict.ts'
import { startConfigured } from '../../chaos/sim/configured-cluster.ts'
import { parseCluster } from '../../src/node/config.ts'

const CONFIGS = 10_000
const SIMULATED = 60
const LONG_MS = 300_000

describe('random cluster files', () => {
  it('of 10,000 each is right, or its one fault is named by key and line and nothing else is; nothing that it says is lost', { timeout: LONG_MS }, async () => {
    const met = new Set<string>()
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const drawn = drawConfig(seed)
        met.add(drawn.kind ?? 'right')
        expect(await misjudged(drawn), drawn.text).toBeUndefined()
      }),
      { numRuns: CONFIGS },
    )
    // Each fault of the catalogue was met.
    expect([...met].sort()).toEqual(['right', ...Object.keys(faultKinds)].sort())
  })

  it('that are right start in the simulator, up to an acknowledged record', { timeout: LONG_MS }, async () => {
    for (let at = 0; at < SIMULATED; at++) {
      const cluster = await parseCluster('/cluster.yaml', drawConfig(2 * at).text)
      expect((await startConfigured(cluster, { seed: at })).simulatedMs).toBeGreaterThan(0)
    }
  })
})
