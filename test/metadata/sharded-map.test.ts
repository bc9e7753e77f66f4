import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import { applyEntries } from '../../src/metadata/apply.ts'
import { hashImage } from '../../src/metadata/hash.ts'
import { emptyImage, type MetadataImage, type TopicImage } from '../../src/metadata/image.ts'
import type { MetadataRecord, PartitionState } from '../../src/metadata/records.ts'
import { ShardedMap } from '../../src/metadata/sharded-map.ts'
import { story } from './fixtures.ts'
import { drawEntry } from './random-images.ts'

const sorted = <Value>(map: ReadonlyMap<string, Value>): (readonly [string, Value])[] => [...map].toSorted(([left], [right]) => (left < right ? -1 : 1))

describe('a sharded map', () => {
  it('is what a map would be, each version of it, whatever is made of it later', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = new SeededRandom(seed)
      let map = ShardedMap.from<number>(new Map())
      const naive = new Map<string, number>()
      const versions: { readonly map: ShardedMap<number>; readonly naive: ReadonlyMap<string, number> }[] = []
      const universe = 1 + random.integer(1_500)
      for (let round = 0; round < 50; round++) {
        const changes = new Map<string, number | undefined>()
        for (let at = random.integer(20); at >= 0; at--)
          changes.set(`key ${random.integer(universe)}`, random.integer(3) === 0 ? undefined : random.integer(1_000))
        map = map.with(changes)
        for (const [key, value] of changes) {
          if (value === undefined) naive.delete(key)
          else naive.set(key, value)
        }
        versions.push({ map, naive: new Map(naive) })
      }
      for (const version of versions) {
        expect(sorted(version.map)).toEqual(sorted(version.naive))
        expect(version.map.size).toBe(version.naive.size)
        const keys = Array.from({ length: universe }, (_, at) => `key ${at}`)
        expect(keys.filter((key) => version.map.get(key) !== version.naive.get(key) || version.map.has(key) !== version.naive.has(key))).toEqual([])
      }
    }
  })

  it('gives keys, values and visits in one order, and is itself when nothing changes', () => {
    const map = ShardedMap.from(new Map([...'abcdefgh'].map((key, at) => [key, at])))
    const visited: [string, number][] = []
    map.forEach((value, key) => void visited.push([key, value]))
    expect(visited).toEqual([...map])
    expect([...map.keys()].map((key, at) => [key, [...map.values()][at]])).toEqual(visited)
    expect(map.with(new Map())).toBe(map)
    expect(ShardedMap.from(map)).toBe(map)
  })
})

/** The plain way: everything is copied at each decision, and nothing checked. */
function naiveApply(image: MetadataImage, records: readonly MetadataRecord[]): MetadataImage {
  const { offset } = image
  const copy = {
    ...image,
    offset: offset + 1,
    brokers: new Map(image.brokers),
    topicIds: new Map(image.topicIds),
    topics: new Map([...image.topics].map(([id, topic]) => [id, { ...topic, partitions: [...topic.partitions], configs: new Map(topic.configs) }])),
  }
  const topicOf = (id: string): TopicImage & { readonly partitions: PartitionState[]; readonly configs: Map<string, string> } => copy.topics.get(id)!
  for (const record of records) {
    switch (record.type) {
      case 'cluster':
        copy.clusterId = record.clusterId
        copy.voters = record.voters
        break
      case 'voters':
        copy.voters = record.voters
        break
      case 'broker': {
        const { nodeId, incarnationId, directoryIds, address } = record
        copy.brokers.set(nodeId, {
          nodeId,
          incarnationId,
          directoryIds,
          address,
          brokerEpoch: offset,
          fenced: true,
          draining: false,
          maintenance: copy.brokers.get(nodeId)?.maintenance ?? false,
        })
        break
      }
      case 'brokerState':
        copy.brokers.set(record.nodeId, { ...copy.brokers.get(record.nodeId)!, fenced: record.fenced, draining: record.draining })
        break
      case 'brokerMaintenance':
        copy.brokers.set(record.nodeId, { ...copy.brokers.get(record.nodeId)!, maintenance: record.maintenance })
        break
      case 'brokerUnregistered':
        copy.brokers.delete(record.nodeId)
        break
      case 'topic':
        copy.topics.set(record.topicId, { topicId: record.topicId, name: record.name, partitions: [], configs: new Map() })
        copy.topicIds.set(record.name, record.topicId)
        break
      case 'topicDeleted':
        copy.deletedTopicIds = [...copy.deletedTopicIds, record.topicId]
        copy.topicIds.delete(topicOf(record.topicId).name)
        copy.topics.delete(record.topicId)
        break
      case 'topicConfig':
        if (record.value === null) topicOf(record.topicId).configs.delete(record.key)
        else topicOf(record.topicId).configs.set(record.key, record.value)
        break
      case 'partition':
        topicOf(record.state.topicId).partitions[record.state.partition] = record.state
        break
      case 'producerIds':
        copy.nextProducerId = record.nextProducerId
        break
      case 'leaderChange':
        break
    }
  }
  return copy
}

describe('an image shares what does not change', () => {
  it('is the same as one that copies all of it at each decision; images before it stay as they were', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = new SeededRandom(seed)
      let { image } = applyEntries(emptyImage, story)
      let naive = story.reduce((before, { records }) => naiveApply(before, records), emptyImage)
      const versions: { readonly image: MetadataImage; readonly hash: number }[] = []
      for (let made = 0; made < 80; made++) {
        const entry = drawEntry(random, image)
        image = applyEntries(image, [entry]).image
        naive = naiveApply(naive, entry.records)
        versions.push({ image, hash: hashImage(naive) })
      }
      // Judged at the end: an image that was changed by a later one would be found here.
      for (const version of versions) expect(hashImage(version.image)).toBe(version.hash)
      expect(sorted(image.topics)).toEqual(sorted(naive.topics))
      expect(sorted(image.topicIds)).toEqual(sorted(naive.topicIds))
    }
  })
})
