import { describe, expect, it } from 'vitest'
import { applyEntries } from '../../src/metadata/apply.ts'
import { emptyImage, findPartition, findTopic, MAX_DELETED_TOPIC_IDS, type MetadataImage } from '../../src/metadata/image.ts'
import type { MetadataRecord } from '../../src/metadata/records.ts'
import { brokerState, partition, register, story, topicId } from './fixtures.ts'

const base = applyEntries(emptyImage, story).image

function apply(image: MetadataImage, ...records: MetadataRecord[]): ReturnType<typeof applyEntries> {
  return applyEntries(image, [{ offset: image.offset, records }])
}

describe('R5.1 apply', () => {
  it('makes of a story an image', () => {
    expect(base).toMatchObject({ offset: 6, clusterId: topicId(7), nextProducerId: 0 })
    expect(base.voters).toEqual([
      { nodeId: 1, directoryId: topicId(2001), endpoint: null },
      { nodeId: 2, directoryId: null, endpoint: null },
    ])
    expect(base.brokers.get(2)).toMatchObject({ brokerEpoch: 2, fenced: false, draining: false, incarnationId: topicId(1002), directoryIds: [topicId(2002)] })
    expect(findTopic(base, 'orders')?.partitions).toEqual([partition()])
    expect(findPartition(base, topicId(1), 0)?.leader).toBe(1)
    expect(findPartition(base, topicId(1), 1)).toBeUndefined()
    expect(findTopic(base, 'other')).toBeUndefined()
  })

  it('the old image is not touched', () => {
    const before = structuredClone(base)
    apply(base, brokerState(2, { fenced: true }), {
      type: 'partition',
      state: partition({ isr: [{ nodeId: 1, brokerEpoch: 1 }], elr: [2], partitionEpoch: 1 }),
    })
    apply(base, { type: 'topicConfig', topicId: topicId(1), key: 'segment.bytes', value: '4096' }, { type: 'topicDeleted', topicId: topicId(1) })
    expect(base).toEqual(before)
  })

  it('what a batch does not change is shared with the image before', () => {
    const { image } = apply(base, { type: 'producerIds', nextProducerId: 5 })
    expect(image.brokers).toBe(base.brokers)
    expect(image.topics).toBe(base.topics)
    expect(image.topicIds).toBe(base.topicIds)
    const made = apply(image, { type: 'topic', topicId: topicId(2), name: 'two' }).image
    expect(made.topics.get(topicId(1))).toBe(base.topics.get(topicId(1)))
    const changed = apply(made, { type: 'partition', state: partition({ partitionEpoch: 1 }) }).image
    expect(changed.topics.get(topicId(2))).toBe(made.topics.get(topicId(2)))
    expect(changed.topicIds).toBe(made.topicIds)
  })

  it('any split of the same entries into batches ends in the same image', () => {
    for (let cut = 0; cut <= story.length; cut++) {
      const head = applyEntries(emptyImage, story.slice(0, cut)).image
      expect(applyEntries(head, story.slice(cut)).image).toEqual(base)
    }
  })

  it('a topic config is set, replaced and taken back', () => {
    const config = (value: string | null): MetadataRecord => ({ type: 'topicConfig', topicId: topicId(1), key: 'segment.bytes', value })
    const set = apply(base, config('4096'), config('8192')).image
    expect(findTopic(set, 'orders')?.configs).toEqual(new Map([['segment.bytes', '8192']]))
    expect(findTopic(apply(set, config(null)).image, 'orders')?.configs.size).toBe(0)
  })
})

describe('delta', () => {
  it('names what a batch changed, and nothing else', () => {
    const { delta } = applyEntries(emptyImage, story)
    expect(delta).toEqual({
      clusterChanged: true,
      votersChanged: true,
      brokers: new Set([1, 2]),
      topics: new Map([[topicId(1), new Set([0])]]),
      configs: new Set(),
      deleted: [],
    })
    const later = apply(base, { type: 'topicConfig', topicId: topicId(1), key: 'segment.bytes', value: '4096' }).delta
    expect(later).toEqual({
      clusterChanged: false,
      votersChanged: false,
      brokers: new Set(),
      topics: new Map([[topicId(1), new Set()]]),
      configs: new Set([topicId(1)]),
      deleted: [],
    })
  })

  it('a deleted topic comes as it was; one made and deleted in a batch is not mentioned', () => {
    const gone = apply(base, { type: 'topicDeleted', topicId: topicId(1) })
    expect(gone.delta.deleted).toEqual([base.topics.get(topicId(1))])
    expect(gone.delta.topics.size).toBe(0)
    expect(gone.image.topics.size + gone.image.topicIds.size).toBe(0)
    const unseen = apply(base, { type: 'topic', topicId: topicId(2), name: 'two' }, { type: 'topicDeleted', topicId: topicId(2) })
    expect(unseen.delta.deleted).toEqual([])
    expect(unseen.image.topics).toEqual(base.topics)
  })

  it('R2.1: deletions are remembered, oldest first, the newest of them', () => {
    const deletion = (number: number): MetadataRecord[] => [
      { type: 'topic', topicId: topicId(number), name: `t${number}` },
      { type: 'topicDeleted', topicId: topicId(number) },
    ]
    const first = apply(base, ...deletion(10), ...deletion(11)).image
    expect(first.deletedTopicIds).toEqual([topicId(10), topicId(11)])
    expect(apply(first, { type: 'producerIds', nextProducerId: 5 }).image.deletedTopicIds).toBe(first.deletedTopicIds)
    const { deletedTopicIds } = apply(first, ...Array.from({ length: MAX_DELETED_TOPIC_IDS - 1 }, (_, at) => deletion(100 + at)).flat()).image
    expect([deletedTopicIds.length, deletedTopicIds[0], deletedTopicIds[1]]).toEqual([MAX_DELETED_TOPIC_IDS, topicId(11), topicId(100)])
  })

  it('a name deleted and made again in one batch is the new topic', () => {
    const { image, delta } = apply(base, { type: 'topicDeleted', topicId: topicId(1) }, { type: 'topic', topicId: topicId(2), name: 'orders' })
    expect(findTopic(image, 'orders')?.topicId).toBe(topicId(2))
    expect(delta.topics).toEqual(new Map([[topicId(2), new Set()]]))
    expect(delta.deleted.map((topic) => topic.topicId)).toEqual([topicId(1)])
  })
})

describe('invariants end the node', () => {
  const alone = [{ nodeId: 1, brokerEpoch: 1 }]
  const changed = (changes: Parameters<typeof partition>[0]): MetadataRecord => ({ type: 'partition', state: partition({ partitionEpoch: 1, ...changes }) })
  const broken: readonly (readonly [string, readonly MetadataRecord[]])[] = [
    ['I5 the partition epoch stays', [changed({ partitionEpoch: 0 })]],
    [
      'I5 the leader epoch goes back',
      [changed({ leaderEpoch: 1, leaderGrantedOffset: 6 }), changed({ partitionEpoch: 2, leaderEpoch: 0, leaderGrantedOffset: 6 })],
    ],
    ['I5 a new leader under the old leader epoch', [changed({ leader: 2 })]],
    ['I5 no leader under the old leader epoch', [changed({ leader: -1 })]],
    ['I5 a broker under another epoch than its own', [{ type: 'brokerState', nodeId: 1, brokerEpoch: 2, fenced: false, draining: false }]],
    ['I5 producer ids handed out twice', [{ type: 'producerIds', nextProducerId: 0 }]],
    ['R5.4 a leader epoch granted elsewhere', [changed({ leader: 2, leaderEpoch: 1, leaderGrantedOffset: 4 })]],
    ['R5.4 a leader epoch granted twice', [changed({ leaderGrantedOffset: 6 })]],
    ['I7 a fenced broker stays in an ISR', [brokerState(2, { fenced: true })]],
    ['I7 a draining broker stays in an ISR', [brokerState(2, { draining: true })]],
    ['I7 a broker of a new registration stays in an ISR', [register(2)]],
    ['I7 a fenced broker joins an ISR', [brokerState(2, { fenced: true }), changed({})]],
    ['I7 a member under another broker epoch', [changed({ isr: [...alone, { nodeId: 2, brokerEpoch: 1 }] })]],
    ['I7 a member that is no broker', [changed({ replicas: [1, 3], isr: [...alone, { nodeId: 3, brokerEpoch: 1 }] })]],
    ['the leader is not in the ISR', [changed({ leader: 2, leaderEpoch: 1, leaderGrantedOffset: 6, isr: alone })]],
    ['a member of ISR and ELR', [changed({ elr: [1] })]],
    ['an ISR member that is no replica', [changed({ replicas: [1] })]],
    ['an ELR member that is no replica', [changed({ isr: alone, elr: [3] })]],
    ['a replica twice', [changed({ replicas: [1, 2, 2] })]],
    ['a gap in the partitions', [{ type: 'partition', state: partition({ partition: 2, leaderGrantedOffset: 6 }) }]],
    ['a partition without a topic', [{ type: 'partition', state: partition({ topicId: topicId(3), leaderGrantedOffset: 6 }) }]],
    ['a config without a topic', [{ type: 'topicConfig', topicId: topicId(3), key: 'segment.bytes', value: '1' }]],
    [
      'a topic deleted twice',
      [
        { type: 'topicDeleted', topicId: topicId(1) },
        { type: 'topicDeleted', topicId: topicId(1) },
      ],
    ],
    ['a name twice', [{ type: 'topic', topicId: topicId(2), name: 'orders' }]],
    ['an id twice', [{ type: 'topic', topicId: topicId(1), name: 'two' }]],
    ['a second cluster', [{ type: 'cluster', clusterId: topicId(8), voters: [{ nodeId: 1, directoryId: null, endpoint: null }] }]],
    ['a broker taken off that serves', [{ type: 'brokerUnregistered', nodeId: 2, brokerEpoch: 2 }]],
    ['a broker taken off that is in an ISR', [{ ...brokerState(2, { fenced: true }) }, { type: 'brokerUnregistered', nodeId: 2, brokerEpoch: 2 }]],
    [
      'a broker taken off that holds a replica',
      [brokerState(2, { fenced: true }), changed({ isr: alone, elr: [2] }), { type: 'brokerUnregistered', nodeId: 2, brokerEpoch: 2 }],
    ],
    ['a broker taken off under another epoch', [register(3), { type: 'brokerUnregistered', nodeId: 3, brokerEpoch: 2 }]],
    ['a broker taken off that is not there', [{ type: 'brokerUnregistered', nodeId: 3, brokerEpoch: 3 }]],
    ['no voters', [{ type: 'voters', voters: [] }]],
  ]
  for (const [name, records] of broken) {
    it(name, () => {
      expect(() => apply(base, ...records)).toThrow('assertion failed')
    })
  }

  it('an entry out of order, left out or applied twice', () => {
    for (const offset of [5, 7]) expect(() => applyEntries(base, [{ offset, records: [] }])).toThrow('assertion failed')
    expect(applyEntries(base, [{ offset: 6, records: [] }]).image.offset).toBe(7)
  })

  it('I7 holds after an entry, not between its records', () => {
    const { image } = apply(base, brokerState(2, { fenced: true }), changed({ isr: alone, elr: [2] }))
    expect(image.brokers.get(2)?.fenced).toBe(true)
  })
})
