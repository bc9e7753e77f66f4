import { describe, expect, it } from 'vitest'
import { topicConfig } from '../../src/base/topic-configs.ts'
import type { ControllerCommand } from '../../src/controller/commands.ts'
import { effectiveMinInSyncReplicas, validateTopicConfigs } from '../../src/controller/configs.ts'
import { placeReplicas } from '../../src/controller/placement.ts'
import { Cluster, id, outcome, threeBrokers } from './harness.ts'

type CreateTopic = Extract<ControllerCommand, { readonly type: 'createTopic' }>

function createTopic(changes: Partial<CreateTopic> = {}): CreateTopic {
  return {
    type: 'createTopic',
    name: 'orders',
    topicId: id('t', 1),
    partitions: 6,
    replicationFactor: 3,
    assignment: null,
    configs: new Map(),
    validateOnly: false,
    ...changes,
  }
}

function started(): Cluster {
  const cluster = new Cluster()
  cluster.start(1, 2, 3)
  return cluster
}

describe('an unknown topic config', () => {
  it.each([
    ['max.mesage.bytes', '"max.mesage.bytes" is not a topic config (did you mean max.message.bytes?)'],
    ['preallocate', '"preallocate" is not in this version; its topic configs are min.insync.replicas, max.message.bytes, '],
    ['colour', '"colour" is not a topic config; those are min.insync.replicas, max.message.bytes, segment.bytes, '],
  ])('%s', (key, detail) => {
    expect(() => validateTopicConfigs(new Map([[key, '5']]), 3)).toThrow(`INVALID_CONFIG: ${detail}`)
  })
})

describe('createTopic', () => {
  it('R5.9: every partition has a leader in the entry that makes it, and all live replicas in sync', () => {
    const cluster = started()
    const { offset } = cluster.image
    const reply = cluster.run(createTopic())
    const topic = cluster.topic(id('t', 1))
    expect(cluster.image.offset).toBe(offset + 1)
    expect(reply).toEqual({
      type: 'topicCreated',
      topicId: id('t', 1),
      partitions: 6,
      replicationFactor: 3,
      assignment: topic.partitions.map((state) => state.replicas),
    })
    for (const state of topic.partitions) {
      expect(state).toMatchObject({ leader: state.replicas[0], leaderEpoch: 0, partitionEpoch: 0, leaderGrantedOffset: offset, elr: [], unclean: false })
      expect(state.isr).toEqual(state.replicas.map((nodeId) => ({ nodeId, brokerEpoch: cluster.broker(nodeId).brokerEpoch })))
    }
  })

  it('R5.8: replicas that are away are eligible where fewer than the minimum are in sync: nothing is committed before they join', () => {
    const cluster = started()
    cluster.fence(2)
    cluster.fence(3)
    const ref = cluster.create('lonely', [[1, 2, 3]])
    expect(cluster.state(ref)).toMatchObject({ leader: 1, elr: [2, 3] })
    expect(cluster.state(cluster.create('content', [[1, 2, 3]], { 'min.insync.replicas': '1' }))).toMatchObject({ leader: 1, elr: [] })
    cluster.run({ type: 'alterTopic', topicId: ref.topicId, partitions: 2, assignment: [[1, 3, 2]], set: new Map(), delete: [], validateOnly: false })
    expect(cluster.state({ ...ref, partition: 1 })).toMatchObject({ leader: 1, elr: [3, 2] })
    // The only one that was ever in sync loses its disk.
    cluster.fence(1)
    cluster.register(1, { directory: id('d', 99) })
    expect(cluster.state(ref)).toMatchObject({ leader: -1, isr: [], elr: [2, 3] })
    cluster.unfence(2)
    cluster.reports(2, ref, { lastEpoch: -1, syncedEndOffset: 0, suspect: true })
    expect(cluster.elect(ref)).toBe(-1)
    cluster.unfence(3)
    cluster.reports(3, ref, { lastEpoch: -1, syncedEndOffset: 0, suspect: true })
    expect(cluster.elect(ref)).toBe(2)
  })

  it('a retry with the same name and topic id answers as the first time, without records', () => {
    const cluster = started()
    const first = cluster.run(createTopic())
    const { offset } = cluster.image
    cluster.fence(1)
    expect(cluster.run(createTopic())).toEqual(first)
    expect(cluster.image.offset).toBe(offset + 1)
  })

  it('a taken name or a taken id is refused', () => {
    const cluster = started()
    cluster.run(createTopic())
    expect(outcome(cluster.run(createTopic({ topicId: id('t', 2) })))).toBe('TOPIC_ALREADY_EXISTS')
    expect(outcome(cluster.run(createTopic({ name: 'other' })))).toBe('INVALID_REQUEST')
  })

  it('validateOnly decides nothing and answers all the same', () => {
    const cluster = started()
    const { offset } = cluster.image
    const dry = cluster.run(createTopic({ validateOnly: true }))
    expect(cluster.image.offset).toBe(offset)
    expect(cluster.run(createTopic())).toEqual(dry)
    expect(outcome(cluster.run(createTopic({ name: 'bad name', validateOnly: true })))).toBe('INVALID_TOPIC_EXCEPTION')
  })

  it('where the live brokers are too few, others get replicas, but no more than needed: every partition has all the live ones', () => {
    const cluster = started()
    cluster.start(4, 5)
    for (const nodeId of [2, 4, 5]) cluster.fence(nodeId)
    cluster.run(createTopic())
    for (const state of cluster.topic(id('t', 1)).partitions) {
      expect(state.replicas).toEqual(expect.arrayContaining([1, 3]))
      expect(state.isr.map((member) => member.nodeId).sort()).toEqual([1, 3])
      expect([1, 3]).toContain(state.leader)
    }
    expect(cluster.run(createTopic({ name: 'other', topicId: id('t', 2), replicationFactor: 6 }))).toMatchObject({
      code: 'INVALID_REPLICATION_FACTOR',
      message: expect.stringContaining('there are 5'),
    })
  })

  it('without a live broker it is to be tried again', () => {
    const cluster = started()
    for (const nodeId of [1, 2, 3]) cluster.fence(nodeId)
    expect(outcome(cluster.run(createTopic({ replicationFactor: 1 })))).toBe('LEADER_NOT_AVAILABLE')
    expect(outcome(new Cluster().run(createTopic({ replicationFactor: 1 })))).toBe('LEADER_NOT_AVAILABLE')
  })

  it('the refusal of an assignment is a sentence, however many replicas were given', () => {
    const cluster = started()
    const replicas = Array.from({ length: 90_000 }, (_, at) => at + 10)
    const reply = cluster.run(createTopic({ assignment: [replicas], partitions: -1, replicationFactor: -1 }))
    expect(reply).toMatchObject({
      code: 'INVALID_REPLICA_ASSIGNMENT',
      message: 'partition 0 on 10:11:12:13:14:15:16:17:18:19:20:21:22:23:24:25:…: there is no broker 10',
    })
  })

  const refused: readonly (readonly [string, Partial<CreateTopic>, string])[] = [
    ['an empty name', { name: '' }, 'INVALID_TOPIC_EXCEPTION'],
    ['a dot', { name: '.' }, 'INVALID_TOPIC_EXCEPTION'],
    ['two dots', { name: '..' }, 'INVALID_TOPIC_EXCEPTION'],
    ['a slash', { name: 'a/b' }, 'INVALID_TOPIC_EXCEPTION'],
    ['a newline at the end', { name: 'a\n' }, 'INVALID_TOPIC_EXCEPTION'],
    ['250 characters', { name: 'x'.repeat(250) }, 'INVALID_TOPIC_EXCEPTION'],
    ['an id that is none', { topicId: 'orders' }, 'INVALID_REQUEST'],
    ['the zero id', { topicId: '0'.repeat(32) }, 'INVALID_REQUEST'],
    ['no partitions', { partitions: 0 }, 'INVALID_PARTITIONS'],
    ['too many partitions', { partitions: 10_001 }, 'INVALID_PARTITIONS'],
    ['half a partition', { partitions: 1.5 }, 'INVALID_PARTITIONS'],
    ['replication factor 0', { replicationFactor: 0 }, 'INVALID_REPLICATION_FACTOR'],
    ['more replicas than brokers', { replicationFactor: 4 }, 'INVALID_REPLICATION_FACTOR'],
    ['an unknown config', { configs: new Map([['colour', '1']]) }, 'INVALID_CONFIG'],
    ['a word that is none', { configs: new Map([['message.timestamp.type', 'createtime']]) }, 'INVALID_CONFIG'],
    ['compaction', { configs: new Map([['cleanup.policy', 'compact']]) }, 'INVALID_CONFIG'],
    ['a retention below -1', { configs: new Map([['retention.ms', '-2']]) }, 'INVALID_CONFIG'],
    ['a retention beyond what is exact', { configs: new Map([['retention.ms', '9007199254740992']]) }, 'INVALID_CONFIG'],
    ['minus zero', { configs: new Map([['retention.ms', '-0']]) }, 'INVALID_CONFIG'],
    ['a config of Object', { configs: new Map([['constructor', '1']]) }, 'INVALID_CONFIG'],
    ['a config that is no number', { configs: new Map([['segment.bytes', '1e9']]) }, 'INVALID_CONFIG'],
    ['a config out of bounds', { configs: new Map([['max.message.bytes', '9000000']]) }, 'INVALID_CONFIG'],
    ['min.insync.replicas above the replication factor', { configs: new Map([['min.insync.replicas', '4']]) }, 'INVALID_CONFIG'],
    ['min.insync.replicas 0', { configs: new Map([['min.insync.replicas', '0']]) }, 'INVALID_CONFIG'],
    ['no replicas assigned', { assignment: [] }, 'INVALID_PARTITIONS'],
    ['an empty partition', { assignment: [[]], partitions: -1, replicationFactor: -1 }, 'INVALID_REPLICA_ASSIGNMENT'],
    ['uneven partitions', { assignment: [[1, 2], [3]], partitions: -1, replicationFactor: -1 }, 'INVALID_REPLICA_ASSIGNMENT'],
    ['a broker twice', { assignment: [[1, 1]], partitions: -1, replicationFactor: -1 }, 'INVALID_REPLICA_ASSIGNMENT'],
    ['an unknown broker', { assignment: [[1, 9]], partitions: -1, replicationFactor: -1 }, 'INVALID_REPLICA_ASSIGNMENT'],
    ['another partition count than assigned', { assignment: [[1, 2]], partitions: 2, replicationFactor: -1 }, 'INVALID_REPLICA_ASSIGNMENT'],
    ['another replication factor than assigned', { assignment: [[1, 2]], partitions: -1, replicationFactor: 3 }, 'INVALID_REPLICA_ASSIGNMENT'],
  ]
  for (const [name, changes, code] of refused) {
    it(`refuses ${name}: ${code}`, () => {
      const cluster = started()
      const { offset } = cluster.image
      expect(outcome(cluster.run(createTopic(changes)))).toBe(code)
      expect(cluster.image.offset).toBe(offset)
    })
  }

  it('takes the longest name and all of its characters', () => {
    const cluster = started()
    expect(outcome(cluster.run(createTopic({ name: 'aZ09._-'.padEnd(249, 'x') })))).toBe('topicCreated')
  })

  it('fenced and draining brokers get no replicas while the others are enough', () => {
    const cluster = started()
    cluster.start(4, 5)
    cluster.fence(2)
    cluster.drain(4)
    cluster.run(createTopic())
    for (const state of cluster.topic(id('t', 1)).partitions) expect([...state.replicas].sort()).toEqual([1, 3, 5])
  })

  it('an assignment may name a fenced broker; it is not in sync, and another leads', () => {
    const cluster = started()
    cluster.fence(1)
    const ref = cluster.create('orders', [[1, 2, 3]])
    expect(cluster.state(ref)).toMatchObject({ replicas: [1, 2, 3], leader: 2, elr: [] })
    expect(cluster.isr(ref)).toEqual([2, 3])
    expect(outcome(cluster.run(createTopic({ assignment: [[2], [1]], partitions: -1, replicationFactor: -1, topicId: id('t', 9), name: 'x' })))).toBe(
      'INVALID_REPLICA_ASSIGNMENT',
    )
  })

  it('records what it was given, and the cluster default of min.insync.replicas where that is not the law of R1.1', () => {
    const cluster = started()
    cluster.minInSyncReplicas = 3
    const given = cluster.create('given', [[1, 2, 3]], { 'min.insync.replicas': '2', 'segment.bytes': '1000000' })
    expect([...cluster.topic(given.topicId).configs]).toEqual([
      ['min.insync.replicas', '2'],
      ['segment.bytes', '1000000'],
    ])
    const bare = cluster.create('bare', [[1, 2, 3]])
    expect([...cluster.topic(bare.topicId).configs]).toEqual([['min.insync.replicas', '3']])
    const single = cluster.create('single', [[1]])
    expect([...cluster.topic(single.topicId).configs]).toEqual([])
  })
})

describe('deleteTopic', () => {
  it('is by id: the name is free again, the id is not known any more', () => {
    const { cluster, ref } = threeBrokers()
    expect(cluster.run({ type: 'deleteTopic', topicId: ref.topicId })).toEqual({ type: 'done' })
    expect(cluster.image.topics.size + cluster.image.topicIds.size).toBe(0)
    expect(outcome(cluster.run({ type: 'deleteTopic', topicId: ref.topicId }))).toBe('UNKNOWN_TOPIC_ID')
    expect(outcome(cluster.run(createTopic()))).toBe('topicCreated')
  })
})

describe('R2.1 a topic id', () => {
  it('has one life: who makes the topic once more, late or a second time, is told so', () => {
    const cluster = started()
    cluster.run(createTopic())
    cluster.run({ type: 'deleteTopic', topicId: id('t', 1) })
    expect(cluster.run(createTopic())).toMatchObject({ type: 'error', code: 'INVALID_REQUEST', definite: false })
    expect(outcome(cluster.run(createTopic({ topicId: id('t', 2) })))).toBe('topicCreated')
  })
})

describe('R1.1 min.insync.replicas', () => {
  it("is floor(RF/2)+1 by default, the topic's own where it has one, never above the replication factor", () => {
    expect([1, 2, 3, 4, 5].map((factor) => effectiveMinInSyncReplicas(new Map(), factor))).toEqual([1, 2, 2, 3, 3])
    expect(effectiveMinInSyncReplicas(new Map([['min.insync.replicas', '1']]), 3)).toBe(1)
    expect(effectiveMinInSyncReplicas(new Map([['min.insync.replicas', '3']]), 2)).toBe(2)
    expect(topicConfig(new Map([['segment.bytes', '4096']]), 'segment.bytes')).toBe(4096)
    expect(topicConfig(new Map(), 'max.message.bytes')).toBeUndefined()
  })
})

describe('placement', () => {
  const count = (lists: readonly (readonly number[])[]): number[] => {
    const counts = new Map<number, number>()
    for (const list of lists) for (const nodeId of list) counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1)
    return [...counts.values()]
  }
  const brokers = (racks: readonly (string | null)[]): { nodeId: number; rack: string | null }[] => racks.map((rack, index) => ({ nodeId: index + 1, rack }))

  it('spreads leaders and replicas evenly for any seed', () => {
    for (const seed of [0, 1, 7, 123_456, 0xffff_ffff]) {
      for (const nodes of [1, 2, 3, 5, 7]) {
        for (let factor = 1; factor <= Math.min(nodes, 3); factor++) {
          const placed = placeReplicas(brokers(Array(nodes).fill(null)), { partitions: nodes * Math.max(1, nodes - 1), replicationFactor: factor, seed })
          expect(new Set(count(placed.map((replicas) => replicas.slice(0, 1)))).size).toBe(1)
          expect(new Set(count(placed)).size).toBe(1)
          for (const replicas of placed) expect(new Set(replicas).size).toBe(factor)
        }
      }
    }
  })

  it('the partitions of one leader have different followers', () => {
    const placed = placeReplicas(brokers([null, null, null, null, null]), { partitions: 20, replicationFactor: 2, seed: 3 })
    const followers = new Set(placed.filter(([leader]) => leader === 1).map(([, follower]) => follower))
    expect(followers).toEqual(new Set([2, 3, 4, 5]))
  })

  it('uses as many racks as there are', () => {
    const list = brokers(['a', 'a', 'a', 'b', 'b', 'c'])
    const rack = new Map(list.map((broker) => [broker.nodeId, broker.rack]))
    for (let seed = 0; seed < 12; seed++) {
      for (const replicas of placeReplicas(list, { partitions: 12, replicationFactor: 3, seed }))
        expect(new Set(replicas.map((nodeId) => rack.get(nodeId))).size).toBe(3)
      for (const replicas of placeReplicas(list, { partitions: 12, replicationFactor: 4, seed }))
        expect(new Set(replicas.map((nodeId) => rack.get(nodeId))).size).toBe(3)
    }
  })

  it('does not depend on the order of the brokers', () => {
    const list = brokers(['a', 'b', null, 'b', 'a'])
    const options = { partitions: 9, replicationFactor: 3, seed: 11 }
    expect(placeReplicas([...list].reverse(), options)).toEqual(placeReplicas(list, options))
  })

  it('topics begin at different brokers', () => {
    const cluster = started()
    const leaders = new Set<number>()
    for (let number = 1; number <= 9; number++) {
      const topicId = number.toString(16).padStart(8, '0').padEnd(32, '0')
      cluster.run(createTopic({ name: `t${number}`, topicId, partitions: 1 }))
      leaders.add(cluster.topic(topicId).partitions[0]!.leader)
    }
    expect(leaders).toEqual(new Set([1, 2, 3]))
  })
})
