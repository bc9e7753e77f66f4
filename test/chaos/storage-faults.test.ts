import { describe, expect, it } from 'vitest'
import { drawAtlas, harmless } from '../../chaos/atlas.ts'
import { drawStorageFaults } from '../../chaos/storage-faults.ts'
import { SeededRandom } from '../../src/base/random.ts'

const nodeIds = [1, 2, 3]
const span = { nodeIds, startMs: 4_000, endMs: 55_000 }
const kindsOf = (atlas: (seed: number) => ReturnType<typeof drawAtlas>): readonly string[] => {
  const kinds = new Set<string>()
  for (let seed = 0; seed < 200; seed++) {
    const faults = drawStorageFaults(new SeededRandom(seed), { ...span, atlas: atlas(seed) })
    expect(faults.length).toBeGreaterThan(0)
    for (const { kind, atMs, durationMs } of faults) {
      kinds.add(kind)
      expect(atMs >= span.startMs && atMs < span.endMs && durationMs > 0).toBe(true)
    }
  }
  return [...kinds].sort()
}

describe('what disks do in a seed', () => {
  it('is each kind in some seed', () => {
    const options = { nodeIds, brokerIds: nodeIds, replicationFactor: 3, controllers: 3, leastVoters: 3 }
    const kinds = kindsOf((seed) => drawAtlas(new SeededRandom(seed), options))
    expect(kinds).toEqual(['damage', 'diskFull', 'diskSlow', 'diskStall', 'ioErrors', 'syncedLost', 'syncedLostAll', 'wipe'])
  })

  it('harms nothing that was synced where no atlas allows it', () => {
    expect(kindsOf(() => harmless)).toEqual(['diskFull', 'diskSlow', 'diskStall', 'ioErrors'])
  })
})
