import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import { applyEntries } from '../../src/metadata/apply.ts'
import { hashImage } from '../../src/metadata/hash.ts'
import { emptyImage, type MetadataDelta, type MetadataImage } from '../../src/metadata/image.ts'
import { differenceBetween } from '../../src/metadata/image-difference.ts'
import type { MetadataRecord } from '../../src/metadata/records.ts'
import { ImageLoader, snapshotRecords } from '../../src/metadata/snapshot-records.ts'
import { brokerState, partition, register, story, topicId } from './fixtures.ts'
import { drawEntry, drawImage } from './random-images.ts'

function loaded(records: Iterable<readonly MetadataRecord[]>, offset: number): MetadataImage {
  const loader = new ImageLoader()
  for (const slice of records) loader.add(slice)
  return loader.finish(offset)
}

describe('R4.5 an image as records', () => {
  it('is the same image when it is loaded again', () => {
    expect(hashImage(loaded(snapshotRecords(emptyImage), 0))).toBe(hashImage(emptyImage))
    for (let seed = 1; seed <= 100; seed++) {
      const image = drawImage(new SeededRandom(seed), seed * 3)
      const again = loaded(snapshotRecords(image), image.offset)
      expect(hashImage(again)).toBe(hashImage(image))
      expect(again.deletedTopicIds).toEqual(image.deletedTopicIds)
      expect(hashImage(applyEntries(again, [drawEntry(new SeededRandom(seed), again)]).image)).toBe(
        hashImage(applyEntries(image, [drawEntry(new SeededRandom(seed), image)]).image),
      )
    }
  })

  it('comes in slices', () => {
    const image = applyEntries(applyEntries(emptyImage, story).image, [
      {
        offset: 6,
        records: [
          { type: 'topic', topicId: topicId(9), name: 'many' },
          ...Array.from(
            { length: 700 },
            (_, at): MetadataRecord => ({ type: 'partition', state: partition({ topicId: topicId(9), partition: at, leaderGrantedOffset: 6 }) }),
          ),
        ],
      },
    ]).image
    const sizes = [...snapshotRecords(image)].map((slice) => slice.length)
    expect(sizes.slice(0, -1)).toEqual([256, 256])
    expect(sizes.reduce((total, size) => total + size, 0)).toBe(2 + 2 * 2 + 2 + 701)
  })

  const broken: readonly (readonly [string, readonly MetadataRecord[]])[] = [
    ['a broker without its state', [register(1)]],
    ['a broker without its state, and another one', [register(1), register(2), brokerState(2)]],
    ['a state without its broker', [brokerState(1)]],
    ['a mark without its broker', [{ type: 'brokerMaintenance', nodeId: 1, maintenance: true }]],
    ['a partition without its topic', [{ type: 'partition', state: partition() }]],
    ['a config without its topic', [{ type: 'topicConfig', topicId: topicId(1), key: 'a', value: '1' }]],
    [
      'a config without a value',
      [
        { type: 'topic', topicId: topicId(1), name: 'a' },
        { type: 'topicConfig', topicId: topicId(1), key: 'a', value: null },
      ],
    ],
    [
      'a gap in the partitions',
      [
        { type: 'topic', topicId: topicId(1), name: 'a' },
        { type: 'partition', state: partition({ partition: 1 }) },
      ],
    ],
    ['a decision', [{ type: 'brokerUnregistered', nodeId: 1, brokerEpoch: 1 }]],
    ['a broker that is gone', [{ type: 'brokerUnregistered', nodeId: 1, brokerEpoch: 1 }]],
  ]
  for (const [what, records] of broken) {
    it(`refuses ${what}`, () => {
      expect(() => loaded([records], 1)).toThrow(expect.objectContaining({ code: 'CORRUPT_MESSAGE' }))
    })
  }
})

describe('what changed from one image to a later one', () => {
  /** As the entries between the two tell it. */
  function told(deltas: readonly MetadataDelta[], before: MetadataImage, after: MetadataImage): MetadataDelta {
    const ids = [...after.topics.keys()]
    const partitions = (id: string): Set<number> => new Set(deltas.flatMap((delta) => [...(delta.topics.get(id) ?? [])]))
    return {
      clusterChanged: deltas.some((delta) => delta.clusterChanged),
      votersChanged: JSON.stringify(before.voters) !== JSON.stringify(after.voters),
      brokers: new Set(
        [...before.brokers.keys(), ...after.brokers.keys()].filter((id) => JSON.stringify(before.brokers.get(id)) !== JSON.stringify(after.brokers.get(id))),
      ),
      topics: new Map(ids.filter((id) => deltas.some((delta) => delta.topics.has(id))).map((id) => [id, partitions(id)])),
      configs: new Set(ids.filter((id) => deltas.some((delta) => delta.configs.has(id)))),
      deleted: [...before.topics.values()].filter(({ topicId: id }) => !after.topics.has(id)),
    }
  }

  it('is what the entries between them changed, but for what they changed back', () => {
    let changes = 0
    for (let seed = 1; seed <= 200; seed++) {
      const random = new SeededRandom(seed)
      const before = drawImage(random, 10)
      const deltas: MetadataDelta[] = []
      let after = before
      for (let made = 0; made < 1 + (seed % 5); made++) {
        const applied = applyEntries(after, [drawEntry(random, after)])
        deltas.push(applied.delta)
        after = applied.image
      }
      const found = differenceBetween(before, loaded(snapshotRecords(after), after.offset))
      const expected = told(deltas, before, after)
      expect({ ...found, topics: undefined, configs: undefined }).toEqual({ ...expected, topics: undefined, configs: undefined })
      for (const [id, partitions] of found.topics) expect(expected.topics.get(id)).toEqual(partitions)
      // A config that was set back is no change between the two.
      const setBack = (id: string): boolean => JSON.stringify([...before.topics.get(id)!.configs]) === JSON.stringify([...after.topics.get(id)!.configs])
      for (const [id, partitions] of expected.topics) if (!found.topics.has(id)) expect([partitions.size, setBack(id)]).toEqual([0, true])
      for (const id of expected.configs) expect(found.configs.has(id) || setBack(id)).toBe(true)
      for (const id of found.configs) expect(expected.configs.has(id)).toBe(true)
      changes += found.topics.size + found.brokers.size + found.deleted.length
    }
    expect(changes).toBeGreaterThan(100)
  })

  it('is nothing between an image and itself as it was loaded again', () => {
    const image = drawImage(new SeededRandom(5), 60)
    const { topics, configs, brokers, deleted, clusterChanged, votersChanged } = differenceBetween(image, loaded(snapshotRecords(image), image.offset))
    expect([topics.size, configs.size, brokers.size, deleted.length, clusterChanged, votersChanged]).toEqual([0, 0, 0, 0, false, false])
  })
})
