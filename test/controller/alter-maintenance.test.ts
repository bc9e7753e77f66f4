import { describe, expect, it } from 'vitest'
import type { ControllerReply } from '../../src/controller/commands.ts'
import { leadersToMoveBack } from '../../src/controller/leader-balance.ts'
import { type Cluster, id, threeBrokers } from './harness.ts'

function mark(cluster: Cluster, nodeId: number, maintenance = true): ControllerReply {
  return cluster.run({ type: 'alterMaintenance', nodeId, maintenance })
}

describe('R5.11 a broker in maintenance', () => {
  it('hands over what it leads in the entry that marks it, and stays in sync', () => {
    const { cluster, ref } = threeBrokers()
    const before = cluster.state(ref)
    const { offset } = cluster.image
    expect(mark(cluster, 1)).toEqual({ type: 'maintenanceAltered', metadataOffset: offset + 1 })
    expect(cluster.image.offset).toBe(offset + 1)
    expect(cluster.state(ref)).toMatchObject({ leader: 2, leaderEpoch: before.leaderEpoch + 1, isr: before.isr, replicas: before.replicas })
    expect(mark(cluster, 1)).toEqual({ type: 'maintenanceAltered', metadataOffset: offset + 1 })
    expect(cluster.image.offset).toBe(offset + 1)
  })

  it('stays so in a new process, until the mark is taken off', () => {
    const { cluster } = threeBrokers()
    mark(cluster, 1)
    cluster.fence(1)
    cluster.start(1)
    expect(cluster.broker(1)).toMatchObject({ maintenance: true, fenced: false })
    mark(cluster, 1, false)
    expect(cluster.broker(1).maintenance).toBe(false)
  })

  it('leads where no other in-sync replica can, and gives it up to the first that joins', () => {
    const { cluster, ref } = threeBrokers()
    mark(cluster, 1)
    cluster.fence(2)
    expect(cluster.state(ref).leader).toBe(3)
    cluster.fence(3)
    expect(cluster.state(ref).leader).toBe(1)
    cluster.start(3)
    cluster.alter(ref, [1])
    expect(cluster.state(ref).leader).toBe(1)
    expect(cluster.alter(ref, [1, 3])).toEqual({ type: 'done' })
    expect([cluster.state(ref).leader, cluster.isr(ref)]).toEqual([3, [1, 3]])
  })

  it('keeps what it leads when it is marked while nobody else is in sync', () => {
    const { cluster, ref } = threeBrokers()
    cluster.fence(2)
    cluster.fence(3)
    const before = cluster.state(ref)
    mark(cluster, 1)
    expect([cluster.broker(1).maintenance, cluster.state(ref)]).toEqual([true, before])
  })

  it('gives up what it leads to the first that comes out of maintenance', () => {
    const { cluster, ref } = threeBrokers()
    for (const nodeId of [1, 2, 3]) mark(cluster, nodeId)
    const { leader } = cluster.state(ref)
    const other = leader === 3 ? 2 : 3
    mark(cluster, other, false)
    expect(cluster.state(ref).leader).toBe(other)
  })

  it('does not get leaderships back: not by an election, not by the balance, not by the end of a move', () => {
    const { cluster, ref } = threeBrokers()
    mark(cluster, 1)
    expect(leadersToMoveBack(cluster.image)).toEqual([])
    const asked = cluster.run({ type: 'electLeaders', metadataOffset: null, unclean: false, partitions: [ref], validateOnly: false })
    expect(asked).toMatchObject({
      partitions: [{ elected: null, error: { code: 'PREFERRED_LEADER_NOT_AVAILABLE', message: expect.stringContaining('maintenance') } }],
    })
    expect(cluster.run({ type: 'electLeaders', metadataOffset: null, unclean: false, partitions: null, validateOnly: false })).toMatchObject({ partitions: [] })
    cluster.start(4)
    cluster.run({ type: 'alterReassignments', moves: [{ ...ref, replicas: [1, 3, 4] }], bytesPerSecond: null, validateOnly: false })
    cluster.alter(ref, [1, 2, 3, 4])
    expect(cluster.state(ref)).toMatchObject({ replicas: [1, 3, 4], leader: 3 })
    mark(cluster, 1, false)
    expect(leadersToMoveBack(cluster.image)).toEqual([ref])
  })

  it('gets no new partitions while there are enough others, and leads none of those that it gets', () => {
    const { cluster } = threeBrokers()
    mark(cluster, 1)
    const create = (name: string, replicationFactor: number): readonly (readonly number[])[] => {
      const topicId = id('t', cluster.image.offset)
      const options = {
        type: 'createTopic',
        name,
        topicId,
        partitions: 6,
        replicationFactor,
        assignment: null,
        configs: new Map(),
        validateOnly: false,
      } as const
      const reply = cluster.run(options)
      if (reply.type !== 'topicCreated') throw new Error(JSON.stringify(reply))
      expect(cluster.topic(topicId).partitions.map(({ leader }) => leader)).not.toContain(1)
      return reply.assignment
    }
    expect(create('two', 2).flat()).not.toContain(1)
    expect(create('three', 3).every((replicas) => replicas.includes(1))).toBe(true)
  })

  it('is one that is registered', () => {
    expect(mark(threeBrokers().cluster, 9)).toMatchObject({ type: 'error', code: 'BROKER_ID_NOT_REGISTERED' })
  })
})
