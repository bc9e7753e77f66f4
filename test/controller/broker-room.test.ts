import { describe, expect, it } from 'vitest'
import { MAX_BROKER_REPLICAS } from '../../src/controller/broker-room.ts'
import type { ControllerReply } from '../../src/controller/commands.ts'
import type { MetadataRecord, PartitionState } from '../../src/metadata/records.ts'
import { encodeEntry } from '../../src/runtime/decision-entry.ts'
import { MAX_MESSAGE_BYTES } from '../../src/wire/services.ts'
import { Cluster, id } from './harness.ts'

const A_TOPIC = 10_000
const BROKERS = [1, 2, 3, 4, 5]

function create(cluster: Cluster, topic: number, assignment: readonly (readonly number[])[]): ControllerReply {
  const topicId = id('t', topic)
  return cluster.run({
    type: 'createTopic',
    name: `t${topic}`,
    topicId,
    partitions: -1,
    replicationFactor: -1,
    assignment,
    configs: new Map(),
    validateOnly: false,
  })
}

/** Broker 1 holds as many replicas as it may, broker 2 one. */
function full(): { readonly cluster: Cluster; readonly last: number } {
  const cluster = new Cluster()
  cluster.start(...BROKERS)
  const last = MAX_BROKER_REPLICAS / A_TOPIC
  for (let topic = 1; topic <= last; topic++)
    create(
      cluster,
      topic,
      Array.from({ length: A_TOPIC }, () => [1]),
    )
  expect(create(cluster, last + 1, [[2]]).type).toBe('topicCreated')
  return { cluster, last: last + 1 }
}

describe('R5.5: what a fence changes fits one entry', () => {
  it('a broker that holds as many replicas as it may gets no more: by no new topic, no new partition, no move', () => {
    const { cluster, last } = full()
    const refusal = {
      type: 'error',
      code: 'INVALID_PARTITIONS',
      message: `broker 1 would hold ${MAX_BROKER_REPLICAS + 1} replicas, but a broker holds at most ${MAX_BROKER_REPLICAS}: add brokers`,
    }
    expect(create(cluster, last + 1, [[3], [1]])).toMatchObject(refusal)
    const more = { type: 'alterTopic', topicId: id('t', last), set: new Map(), delete: [], validateOnly: false } as const
    expect(cluster.run({ ...more, partitions: 2, assignment: [[1]] })).toMatchObject(refusal)
    const move = { topicId: id('t', last), partition: 0, replicas: [1] }
    expect(cluster.run({ type: 'alterReassignments', moves: [move], bytesPerSecond: null, validateOnly: false })).toMatchObject(refusal)
    expect(create(cluster, last + 1, [[3], [2]]).type).toBe('topicCreated')
    expect(cluster.run({ type: 'alterReassignments', moves: [{ ...move, replicas: [3] }], bytesPerSecond: null, validateOnly: false }).type).toBe(
      'reassignmentsAltered',
    )
  })

  it('so many partitions of five replicas, with large numbers, are less than a message between nodes takes', () => {
    const large = 2 ** 40
    const state: PartitionState = {
      topicId: id('t', 1),
      partition: A_TOPIC - 1,
      replicas: BROKERS.map((nodeId) => 1_000 + nodeId),
      isr: BROKERS.map((nodeId) => ({ nodeId: 1_000 + nodeId, brokerEpoch: large })),
      elr: [],
      leader: 1_001,
      leaderEpoch: 2 ** 24,
      leaderGrantedOffset: large,
      partitionEpoch: 2 ** 24,
      unclean: false,
      reassignment: null,
    }
    const sizeOf = (partitions: number): number =>
      encodeEntry(
        Array.from({ length: partitions }, (): MetadataRecord => ({ type: 'partition', state })),
        0,
      ).length
    expect((sizeOf(1_100) - sizeOf(100)) * (MAX_BROKER_REPLICAS / 1_000)).toBeLessThan(MAX_MESSAGE_BYTES)
  })
})
