import { fc } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { faultKinds } from '../../chaos/config-faults.ts'
import { drawConfig, misjudged } from '../../chaos/config-verdict.ts'
import { startConfigured } from '../../chaos/sim/configured-cluster.ts'
import { parseCluster } from '../../src/node/config.ts'

/** `OXBOW_TEST_CONFIGS=10000` judges that many, and starts every right one of them. */
const ASKED = process.env.OXBOW_TEST_CONFIGS
const CONFIGS = Number(ASKED ?? 2_000)
const STARTED = ASKED === undefined ? 40 : Math.floor(CONFIGS / 2)
/** Four voters of which two had the first entry and two had not (rules R2.2). */
const ONCE_STUCK = [2174]
const LONG_MS = 3_600_000

describe('random cluster files', () => {
  it('are each right, or its one fault is named by key and line and nothing else is; nothing that it says is lost', { timeout: LONG_MS }, async () => {
    const met = new Set<string>()
    await fc.assert(
      // Small numbers are no likelier than others: each is another file.
      fc.asyncProperty(fc.noBias(fc.nat()), async (seed) => {
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
    for (const at of [...Array(STARTED).keys(), ...ONCE_STUCK]) {
      const { text } = drawConfig(2 * at)
      const started = startConfigured(await parseCluster('/cluster.yaml', text), { seed: at })
      await expect(started, `number ${at}:\n${text}`).resolves.toEqual({ simulatedMs: expect.any(Number) })
    }
  })
})
