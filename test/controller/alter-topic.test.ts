import { describe, expect, it } from 'vitest'
import type { ControllerCommand, ControllerReply } from '../../src/controller/commands.ts'
import { applyEntries } from '../../src/metadata/apply.ts'
import { emptyImage } from '../../src/metadata/image.ts'
import { Cluster, id, outcome, threeBrokers } from './harness.ts'

type AlterTopic = Extract<ControllerCommand, { readonly type: 'alterTopic' }>

function alter(topicId: string, changes: Partial<AlterTopic> = {}): AlterTopic {
  return { type: 'alterTopic', topicId, partitions: 0, assignment: null, set: new Map(), delete: [], validateOnly: false, ...changes }
}

function set(configs: Record<string, string>): Partial<AlterTopic> {
  return { set: new Map(Object.entries(configs)) }
}

function altered(reply: ControllerReply): Extract<ControllerReply, { readonly type: 'topicAltered' }> {
  if (reply.type !== 'topicAltered') throw new Error(JSON.stringify(reply))
  return reply
}

/** A topic of `partitions` placed by the cluster over five brokers in three racks. */
function placed(partitions: number): { readonly cluster: Cluster; readonly topicId: string } {
  const cluster = new Cluster()
  for (const [nodeId, rack] of [
    [1, 'a'],
    [2, 'a'],
    [3, 'b'],
    [4, 'b'],
    [5, 'c'],
  ] as const) {
    cluster.register(nodeId, { rack })
    cluster.unfence(nodeId)
  }
  const topicId = 'c'.repeat(32)
  const command = {
    type: 'createTopic',
    name: 'orders',
    topicId,
    partitions,
    replicationFactor: 3,
    assignment: null,
    configs: new Map<string, string>(),
  } as const
  cluster.run({ ...command, validateOnly: false })
  return { cluster, topicId }
}

describe('alterTopic adds partitions', () => {
  it('as CreateTopic would have placed them, and touches none that is there', () => {
    const { cluster, topicId } = placed(4)
    const before = cluster.topic(topicId).partitions
    const reply = altered(cluster.run(alter(topicId, { partitions: 11 })))
    const after = cluster.topic(topicId).partitions
    expect(after.slice(0, 4)).toEqual(before)
    const atOnce = placed(11)
    expect(after.map((state) => state.replicas)).toEqual(atOnce.cluster.topic(topicId).partitions.map((state) => state.replicas))
    expect(reply).toMatchObject({ added: after.slice(4).map((state) => state.replicas), metadataOffset: cluster.image.offset })
    const racks = new Map([...cluster.image.brokers.values()].map((broker) => [broker.nodeId, broker.address.rack]))
    for (const state of after) expect(new Set(state.replicas.map((nodeId) => racks.get(nodeId))).size).toBe(3)
  })

  it('R5.9: each new one has a leader in the entry that makes it, and its live replicas in sync', () => {
    const { cluster, ref } = threeBrokers()
    cluster.fence(1)
    const { offset } = cluster.image
    cluster.run(alter(ref.topicId, { partitions: 7 }))
    const topic = cluster.topic(ref.topicId)
    expect(topic.partitions.map((state) => state.partition)).toEqual([0, 1, 2, 3, 4, 5, 6])
    for (const state of topic.partitions.slice(1)) {
      expect(state).toMatchObject({ leaderEpoch: 0, partitionEpoch: 0, leaderGrantedOffset: offset, elr: [], unclean: false })
      expect(state.isr.map((member) => member.nodeId).sort()).toEqual([2, 3])
      expect([2, 3]).toContain(state.leader)
    }
  })

  it('asked again after an unknown outcome it changes nothing and answers all the same', () => {
    const { cluster, topicId } = placed(2)
    const command = alter(topicId, { partitions: 5, ...set({ 'retention.ms': '1000' }) })
    const first = altered(cluster.run(command))
    const { image } = cluster
    const again = altered(cluster.run(command))
    expect(cluster.image).toBe(image)
    expect(again).toEqual({ ...first, added: [] })
  })

  it('by an assignment of the added ones, also asked again', () => {
    const { cluster, ref } = threeBrokers()
    cluster.start(4)
    const command = alter(ref.topicId, {
      partitions: 3,
      assignment: [
        [4, 2, 3],
        [2, 1, 4],
      ],
    })
    expect(altered(cluster.run(command)).added).toEqual(command.assignment)
    expect(cluster.topic(ref.topicId).partitions.map((state) => [state.leader, state.replicas])).toEqual([
      [1, [1, 2, 3]],
      [4, [4, 2, 3]],
      [2, [2, 1, 4]],
    ])
    const { image } = cluster
    expect(outcome(cluster.run(command))).toBe('topicAltered')
    expect(cluster.image).toBe(image)
  })

  it('validateOnly decides nothing and answers what would be', () => {
    const { cluster, topicId } = placed(2)
    const { image } = cluster
    const command = alter(topicId, { partitions: 5, ...set({ 'retention.ms': '1000' }) })
    const dry = altered(cluster.run({ ...command, validateOnly: true }))
    expect(cluster.image).toBe(image)
    expect(dry.metadataOffset).toBe(image.offset)
    const real = altered(cluster.run(command))
    expect(dry).toEqual({ ...real, metadataOffset: image.offset })
    expect(real.configs).toEqual(new Map([['retention.ms', '1000']]))
  })

  const refused: readonly (readonly [string, Partial<AlterTopic>, string])[] = [
    ['fewer than there are', { partitions: 1 }, 'INVALID_PARTITIONS'],
    ['a negative number', { partitions: -1 }, 'INVALID_PARTITIONS'],
    ['too many', { partitions: 10_001 }, 'INVALID_PARTITIONS'],
    ['half a partition', { partitions: 2.5 }, 'INVALID_PARTITIONS'],
    ['an assignment without the total', { assignment: [[1, 2, 3]] }, 'INVALID_REPLICA_ASSIGNMENT'],
    ['an assignment of fewer than are added', { partitions: 4, assignment: [[1, 2, 3]] }, 'INVALID_REPLICA_ASSIGNMENT'],
    [
      'an assignment of more than are added',
      {
        partitions: 3,
        assignment: [
          [1, 2, 3],
          [1, 2, 3],
        ],
      },
      'INVALID_REPLICA_ASSIGNMENT',
    ],
    ['another replication factor', { partitions: 3, assignment: [[1, 2]] }, 'INVALID_REPLICA_ASSIGNMENT'],
    ['an unknown broker', { partitions: 3, assignment: [[1, 2, 9]] }, 'INVALID_REPLICA_ASSIGNMENT'],
    ['a broker twice', { partitions: 3, assignment: [[1, 2, 2]] }, 'INVALID_REPLICA_ASSIGNMENT'],
    ['the same total with another assignment', { partitions: 2, assignment: [[3, 1, 2]] }, 'INVALID_REPLICA_ASSIGNMENT'],
    ['another topic', { topicId: id('t', 777) }, 'UNKNOWN_TOPIC_ID'],
    ['an unknown config', set({ colour: 'red' }), 'INVALID_CONFIG'],
    ['a config out of bounds', set({ 'retention.ms': '-2' }), 'INVALID_CONFIG'],
    ['min.insync.replicas above the replication factor', set({ 'min.insync.replicas': '4' }), 'INVALID_CONFIG'],
    ['an unknown config to delete', { delete: ['colour'] }, 'INVALID_CONFIG'],
    ['one both set and deleted', { ...set({ 'retention.ms': '5' }), delete: ['retention.ms'] }, 'INVALID_CONFIG'],
    ['good partitions with a bad config: all or nothing', { partitions: 6, ...set({ 'segment.bytes': 'big' }) }, 'INVALID_CONFIG'],
    ['a good config with bad partitions: all or nothing', { partitions: 1, ...set({ 'retention.ms': '5' }) }, 'INVALID_PARTITIONS'],
  ]
  for (const [name, changes, code] of refused) {
    it(`refuses ${name}: ${code}`, () => {
      const cluster = new Cluster()
      cluster.start(1, 2, 3)
      const { topicId } = cluster.create('orders', [
        [1, 2, 3],
        [2, 3, 1],
      ])
      const { image } = cluster
      expect(outcome(cluster.run(alter(topicId, changes)))).toBe(code)
      expect(cluster.image).toBe(image)
    })
  }
})

describe('alterTopic changes configs', () => {
  it('records only what changes, and takes away what is deleted', () => {
    const { cluster, ref } = threeBrokers({ 'retention.ms': '5', 'segment.bytes': '1000000' })
    const command = alter(ref.topicId, { ...set({ 'retention.ms': '5', 'max.message.bytes': '2048' }), delete: ['segment.bytes', 'segment.ms'] })
    expect(cluster.decide(command).records).toEqual([
      { type: 'topicConfig', topicId: ref.topicId, key: 'max.message.bytes', value: '2048' },
      { type: 'topicConfig', topicId: ref.topicId, key: 'segment.bytes', value: null },
    ])
    const configs = new Map([
      ['retention.ms', '5'],
      ['max.message.bytes', '2048'],
    ])
    expect(altered(cluster.run(command)).configs).toEqual(configs)
    expect(cluster.topic(ref.topicId).configs).toEqual(configs)
  })

  it('a key that a later version gave the topic can be deleted, and nothing else altered before', () => {
    const { cluster, ref } = threeBrokers()
    const records = [{ type: 'topicConfig', topicId: ref.topicId, key: 'from.the.future', value: '1' }] as const
    cluster.image = applyEntries(cluster.image, [{ offset: cluster.image.offset, records }]).image
    expect(outcome(cluster.run(alter(ref.topicId, set({ 'retention.ms': '5' }))))).toBe('INVALID_CONFIG')
    expect(outcome(cluster.run(alter(ref.topicId, { ...set({ 'retention.ms': '5' }), delete: ['from.the.future'] })))).toBe('topicAltered')
    expect(cluster.topic(ref.topicId).configs).toEqual(new Map([['retention.ms', '5']]))
  })

  it('min.insync.replicas deleted is the default of the cluster again, as for a new topic', () => {
    const { cluster, ref } = threeBrokers({ 'min.insync.replicas': '1' })
    cluster.minInSyncReplicas = 3
    cluster.run(alter(ref.topicId, { delete: ['min.insync.replicas'] }))
    expect(cluster.topic(ref.topicId).configs).toEqual(new Map([['min.insync.replicas', '3']]))
  })
})

describe('R5.8: a change of min.insync.replicas', () => {
  /** ISR {1, 3}, ELR {2} under a minimum of 3; a second partition with ISR {1}, ELR {2, 3}. */
  function twoPartitions(): { readonly cluster: Cluster; readonly topicId: string } {
    const cluster = new Cluster()
    cluster.start(1, 2, 3)
    const { topicId } = cluster.create(
      'orders',
      [
        [1, 2, 3],
        [1, 2, 3],
      ],
      { 'min.insync.replicas': '3' },
    )
    cluster.alter({ topicId, partition: 0 }, [1, 3])
    cluster.alter({ topicId, partition: 1 }, [1, 3])
    cluster.alter({ topicId, partition: 1 }, [1])
    expect(cluster.topic(topicId).partitions.map((state) => state.elr)).toEqual([[2], [2, 3]])
    return { cluster, topicId }
  }

  it('clears the ELR only where the ISR has the new minimum; leader, ISR and leader epoch stay', () => {
    const { cluster, topicId } = twoPartitions()
    const before = cluster.topic(topicId).partitions
    cluster.run(alter(topicId, set({ 'min.insync.replicas': '2' })))
    const [first, second] = cluster.topic(topicId).partitions
    expect(first).toEqual({ ...before[0], elr: [], partitionEpoch: (before[0]?.partitionEpoch ?? 0) + 1 })
    expect(second).toBe(before[1])
    cluster.run(alter(topicId, set({ 'min.insync.replicas': '1' })))
    expect(cluster.topic(topicId).partitions.map((state) => state.elr)).toEqual([[], []])
  })

  it('is one entry: whoever applies the new minimum applies the ELR without its members too', () => {
    const { cluster, topicId } = twoPartitions()
    const { offset } = cluster.image
    cluster.run(alter(topicId, set({ 'min.insync.replicas': '1' })))
    expect(cluster.image.offset).toBe(offset + 1)
    expect(cluster.entries.at(-1)?.records.map((record) => record.type)).toEqual(['topicConfig', 'partition', 'partition'])
  })

  it('raised, makes nobody eligible who was not: those out of sync may miss what was acknowledged before', () => {
    const { cluster, ref } = threeBrokers({ 'min.insync.replicas': '1' })
    cluster.alter(ref, [1])
    const before = cluster.state(ref)
    cluster.run(alter(ref.topicId, set({ 'min.insync.replicas': '2' })))
    expect(cluster.state(ref)).toBe(before)
    cluster.fence(1)
    expect(cluster.state(ref)).toMatchObject({ leader: -1, isr: [], elr: [1] })
  })

  it('also by deleting it, and where the replication factor bounds it', () => {
    const { cluster, topicId } = twoPartitions()
    cluster.run(alter(topicId, { delete: ['min.insync.replicas'] }))
    expect(cluster.topic(topicId).partitions.map((state) => state.elr)).toEqual([[], [2, 3]])
  })
})

it('every entry applies alike on a node that comes later', () => {
  const { cluster, topicId } = placed(3)
  cluster.run(alter(topicId, { partitions: 6, ...set({ 'retention.ms': '7' }) }))
  cluster.run(alter(topicId, { delete: ['retention.ms'] }))
  expect(applyEntries(emptyImage, cluster.entries).image).toEqual(cluster.image)
})
