import { describe, expect, it } from 'vitest'
import { applyEntries } from '../../src/metadata/apply.ts'
import { hashImage, ImageHasher } from '../../src/metadata/hash.ts'
import { emptyImage, type BrokerImage, type MetadataImage, type TopicImage } from '../../src/metadata/image.ts'
import { address, partition, story, topicId } from './fixtures.ts'

const base: MetadataImage = applyEntries(emptyImage, [
  ...story,
  {
    offset: 6,
    records: [
      { type: 'topic', topicId: topicId(2), name: 'two' },
      { type: 'topicConfig', topicId: topicId(2), key: 'a', value: '1' },
      { type: 'topicConfig', topicId: topicId(2), key: 'b', value: '2' },
    ],
  },
]).image

function reversed<Key, Value>(map: ReadonlyMap<Key, Value>): Map<Key, Value> {
  return new Map([...map].reverse())
}

function withBroker(changes: Partial<BrokerImage>): MetadataImage {
  return { ...base, brokers: new Map([...base.brokers, [2, { ...base.brokers.get(2)!, ...changes }]]) }
}

function withTopic(changes: Partial<TopicImage>): MetadataImage {
  return { ...base, topics: new Map([...base.topics, [topicId(1), { ...base.topics.get(topicId(1))!, ...changes }]]) }
}

describe('I8 image hash', () => {
  it('does not depend on the order in which maps were filled', () => {
    const two = base.topics.get(topicId(2))!
    const topics = reversed(new Map([...base.topics, [topicId(2), { ...two, configs: reversed(two.configs) }]]))
    expect(hashImage({ ...base, topics, brokers: reversed(base.brokers), topicIds: reversed(base.topicIds) })).toBe(hashImage(base))
  })

  const changes: readonly (readonly [string, MetadataImage])[] = [
    ['offset', { ...base, offset: 8 }],
    ['cluster id', { ...base, clusterId: topicId(8) }],
    ['voters', { ...base, voters: base.voters.slice(1) }],
    ['a voter', { ...base, voters: base.voters.map((voter) => ({ ...voter, directoryId: topicId(1) })) }],
    ['next producer id', { ...base, nextProducerId: 1 }],
    ['a deletion', { ...base, deletedTopicIds: [topicId(8)] }],
    ['names', { ...base, topicIds: new Map([...base.topicIds, ['orders', topicId(2)]]) }],
    ['a name too many', { ...base, topicIds: new Map([...base.topicIds, ['three', topicId(3)]]) }],
    ['a broker gone', { ...base, brokers: new Map([...base.brokers].slice(1)) }],
    ['brokerEpoch', withBroker({ brokerEpoch: 3 })],
    ['incarnation', withBroker({ incarnationId: topicId(1) })],
    ['folders', withBroker({ directoryIds: [] })],
    ['fenced', withBroker({ fenced: true })],
    ['draining', withBroker({ draining: true })],
    ['maintenance', withBroker({ maintenance: true })],
    ...Object.entries({ host: 'x', grpcPort: 1, kafkaPort: 1, httpPort: 1, rack: 'r' }).map(
      ([key, value]) => [key, withBroker({ address: { ...address, [key]: value } })] as const,
    ),
    ['topic gone', { ...base, topics: new Map([...base.topics].slice(1)) }],
    ['topic name', withTopic({ name: 'x' })],
    ['configs', withTopic({ configs: new Map([['a', '1']]) })],
    ['a partition more', withTopic({ partitions: [partition(), partition({ partition: 1 })] })],
    ...[
      { from: [1], to: [2], bytesPerSecond: null },
      { from: [1], to: [2], bytesPerSecond: 1 },
      { from: [2], to: [1], bytesPerSecond: null },
    ].map((reassignment, at) => [`a move, ${at}`, withTopic({ partitions: [partition({ reassignment })] })] as const),
    ...Object.entries({ replicas: [2, 1], isr: [], elr: [1], leader: -1, leaderEpoch: 1, leaderGrantedOffset: 6, partitionEpoch: 1, unclean: true }).map(
      ([key, value]) => [key, withTopic({ partitions: [partition({ [key]: value })] })] as const,
    ),
    [
      'a broker epoch in the ISR',
      withTopic({
        partitions: [
          partition({
            isr: [
              { nodeId: 1, brokerEpoch: 1 },
              { nodeId: 2, brokerEpoch: 3 },
            ],
          }),
        ],
      }),
    ],
  ]

  it('differs with each single thing that an image holds', () => {
    const hashes = new Map(changes.map(([name, image]) => [hashImage(image), name]))
    hashes.set(hashImage(base), 'base')
    expect(hashes.size).toBe(changes.length + 1)
  })

  it('what a hasher remembers changes no hash', () => {
    const hasher = new ImageHasher()
    let image = emptyImage
    for (const entry of story) {
      image = applyEntries(image, [entry]).image
      expect(hasher.hash(image)).toBe(hashImage(image))
    }
    for (const [name, changed] of changes) expect([name, hasher.hash(changed)]).toEqual([name, hashImage(changed)])
  })
})
