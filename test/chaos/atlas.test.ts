import { describe, expect, it } from 'vitest'
import { type Atlas, type AtlasOptions, drawAtlas, harmless, mayHarm, mayWipe } from '../../chaos/atlas.ts'
import { SeededRandom } from '../../src/base/random.ts'

const nodeIds = [1, 2, 3, 4, 5]
const options: AtlasOptions = { nodeIds, brokerIds: nodeIds, replicationFactor: 3, controllers: 4, leastVoters: 3 }
const partitions = Array.from({ length: 20 }, (_, at) => `partitions/t-${at}`)

function atlases(change: Partial<AtlasOptions> = {}): readonly Atlas[] {
  return Array.from({ length: 200 }, (_, seed) => drawAtlas(new SeededRandom(seed), { ...options, ...change }))
}

const harmedOf = (atlas: Atlas, logName: string): readonly number[] => nodeIds.filter((nodeId) => mayHarm(atlas, nodeId, logName))

describe('an atlas of storage faults', () => {
  it.each([
    [3, 1],
    [5, 2],
    [2, 0],
    [1, 0],
  ])('with %i replicas lets at most %i copies of a partition be harmed, and so many in some seed', (replicationFactor, most) => {
    const counts = new Set<number>()
    for (const atlas of atlases({ replicationFactor })) for (const logName of partitions) counts.add(harmedOf(atlas, logName).length)
    expect(Math.max(...counts)).toBe(most)
  })

  it('lets a minority of those that are voters, or may be, lose metadata, and others as it likes', () => {
    const seen = new Set<number>()
    for (const atlas of atlases()) {
      for (const nodeId of atlas.metadataOf) seen.add(nodeId)
      expect(atlas.metadataOf.filter((nodeId) => nodeId <= 4).length).toBeLessThanOrEqual(1)
    }
    expect([...seen].sort()).toEqual(nodeIds)
    for (const atlas of atlases({ leastVoters: 2 })) expect(atlas.metadataOf.filter((nodeId) => nodeId <= 4)).toEqual([])
  })

  it('harms the same nodes everywhere, or others in each partition', () => {
    const spreads = atlases().map((atlas) => new Set(partitions.flatMap((logName) => harmedOf(atlas, logName))).size)
    expect(spreads).toContain(1)
    expect(Math.max(...spreads)).toBe(5)
  })

  it('wipes only a node of which everything may be harmed', () => {
    let wipeable = 0
    for (const atlas of atlases()) {
      for (const nodeId of nodeIds) {
        if (!mayWipe(atlas, nodeId)) continue
        wipeable += 1
        for (const logName of ['metadata', ...partitions]) expect(mayHarm(atlas, nodeId, logName)).toBe(true)
      }
    }
    expect(wipeable).toBeGreaterThan(0)
    expect(nodeIds.some((nodeId) => mayWipe(harmless, nodeId))).toBe(false)
  })
})
