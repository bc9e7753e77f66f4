import { describe, expect, it } from 'vitest'
import type { ControllerReply, PartitionRef } from '../../src/controller/commands.ts'
import { Cluster, id, threeBrokers } from './harness.ts'

type Altered = Extract<ControllerReply, { readonly type: 'reassignmentsAltered' }>

function move(cluster: Cluster, ref: PartitionRef, replicas: readonly number[] | null, validateOnly = false): Altered {
  const reply = cluster.run({ type: 'alterReassignments', moves: [{ ...ref, replicas }], bytesPerSecond: null, validateOnly })
  if (reply.type !== 'reassignmentsAltered') throw new Error(JSON.stringify(reply))
  return reply
}

function codes(reply: Altered): (string | null)[] {
  return reply.partitions.map(({ error }) => error?.code ?? null)
}

/** A partition on brokers 1, 2, 3 of six, on its way to 4, 5, 6. */
function moving(): { readonly cluster: Cluster; readonly ref: PartitionRef } {
  const { cluster, ref } = threeBrokers()
  cluster.start(4, 5, 6)
  expect(codes(move(cluster, ref, [4, 5, 6]))).toEqual([null])
  return { cluster, ref }
}

describe('R5.10 alterReassignments', () => {
  it('the added replicas come last, out of sync; the leader and its epoch stay', () => {
    const { cluster, ref } = threeBrokers()
    cluster.start(4)
    const before = cluster.state(ref)
    const { offset } = cluster.image
    const reply = move(cluster, ref, [4, 1, 2])
    expect(reply).toEqual({ type: 'reassignmentsAltered', metadataOffset: offset + 1, partitions: [{ ...ref, error: null }] })
    const reassignment = { from: [1, 2, 3], to: [4, 1, 2], bytesPerSecond: null }
    expect(cluster.state(ref)).toEqual({ ...before, replicas: [1, 2, 3, 4], reassignment, partitionEpoch: before.partitionEpoch + 1 })
  })

  it('ends in the entry that brings the last added replica into the ISR, and the preferred order is the new one', () => {
    const { cluster, ref } = threeBrokers()
    cluster.start(4)
    move(cluster, ref, [4, 1, 2])
    const { leaderEpoch } = cluster.state(ref)
    cluster.alter(ref, [1, 2, 3, 4])
    expect(cluster.state(ref)).toMatchObject({ replicas: [4, 1, 2], reassignment: null, leader: 1, elr: [] })
    // What 3 said before counts no more, should it come again.
    expect(cluster.state(ref)).toMatchObject({ leaderEpoch: leaderEpoch + 1, leaderGrantedOffset: cluster.image.offset - 1 })
    expect(cluster.isr(ref)).toEqual([4, 1, 2])
  })

  it('another leads where the leader is one of those that leave', () => {
    const { cluster, ref } = moving()
    cluster.alter(ref, [1, 2, 3, 4])
    cluster.alter(ref, [1, 2, 3, 4, 5])
    const { leaderEpoch } = cluster.state(ref)
    expect(cluster.state(ref).reassignment).not.toBeNull()
    cluster.alter(ref, [1, 2, 3, 4, 5, 6])
    expect(cluster.state(ref)).toMatchObject({ replicas: [4, 5, 6], reassignment: null, leader: 4, leaderEpoch: leaderEpoch + 1 })
    expect(cluster.isr(ref)).toEqual([4, 5, 6])
  })

  it('R1.1: goes on while fewer than min.insync.replicas of those that stay are in sync, and ends when they are', () => {
    const cluster = new Cluster()
    cluster.start(1, 2, 3, 4)
    const ref = cluster.create('orders', [[1, 2, 3]], { 'min.insync.replicas': '3' })
    move(cluster, ref, [1, 2, 4])
    cluster.fence(2)
    cluster.alter(ref, [1, 3, 4])
    expect(cluster.state(ref)).toMatchObject({ replicas: [1, 2, 3, 4], reassignment: { from: [1, 2, 3], to: [1, 2, 4] } })
    cluster.unfence(2)
    cluster.alter(ref, [1, 2, 3, 4])
    expect(cluster.state(ref)).toMatchObject({ replicas: [1, 2, 4], reassignment: null })
  })

  it('R1.1: a lower min.insync.replicas ends what waited for it alone', () => {
    const cluster = new Cluster()
    cluster.start(1, 2, 3, 4)
    const ref = cluster.create('orders', [[1, 2, 3]], { 'min.insync.replicas': '3' })
    move(cluster, ref, [1, 2, 4])
    cluster.fence(2)
    cluster.alter(ref, [1, 3, 4])
    const set = new Map([['min.insync.replicas', '2']])
    cluster.run({ type: 'alterTopic', topicId: ref.topicId, partitions: 0, assignment: null, set, delete: [], validateOnly: false })
    expect(cluster.state(ref)).toMatchObject({ replicas: [1, 2, 4], reassignment: null, leader: 1 })
    expect(cluster.isr(ref)).toEqual([1, 4])
  })

  it('replicas that are being added count neither for min.insync.replicas nor for the replication factor', () => {
    const cluster = new Cluster()
    cluster.start(1, 2, 3)
    const ref = cluster.create('orders', [[1]])
    move(cluster, ref, [1, 2, 3])
    cluster.fence(1)
    expect(cluster.state(ref)).toMatchObject({ replicas: [1, 2, 3], elr: [1], leader: -1 })
    cluster.unfence(1)
    cluster.reports(1, ref)
    cluster.elect(ref)
    expect(cluster.state(ref)).toMatchObject({ elr: [], leader: 1 })
    cluster.alter(ref, [1, 2])
    cluster.alter(ref, [1, 2, 3])
    expect(cluster.state(ref)).toMatchObject({ replicas: [1, 2, 3], reassignment: null, elr: [] })
  })

  it('fewer replicas: at once where enough of those that stay are in sync', () => {
    const { cluster, ref } = threeBrokers()
    move(cluster, ref, [2, 3])
    expect(cluster.state(ref)).toMatchObject({ replicas: [2, 3], reassignment: null, leader: 2 })
  })

  it('another order alone is done at once: the preferred leader is another, the leader stays', () => {
    const { cluster, ref } = threeBrokers()
    move(cluster, ref, [3, 1, 2])
    expect(cluster.state(ref)).toMatchObject({ replicas: [3, 1, 2], reassignment: null, leader: 1 })
  })

  it('back: cancelled before the added ones are in sync, they go at once, and nothing else changes', () => {
    const { cluster, ref } = moving()
    const { leaderEpoch } = cluster.state(ref)
    cluster.alter(ref, [1, 2, 3, 4])
    move(cluster, ref, null)
    expect(cluster.state(ref)).toMatchObject({ replicas: [1, 2, 3], reassignment: null, leader: 1, leaderEpoch: leaderEpoch + 1 })
    expect(cluster.isr(ref)).toEqual([1, 2, 3])
    expect(codes(move(cluster, ref, null))).toEqual(['NO_REASSIGNMENT_IN_PROGRESS'])
  })

  it('R1.1: back, while added replicas alone hold what was acknowledged: refused until enough of the others do', () => {
    const { cluster, ref } = moving()
    cluster.alter(ref, [1, 2, 3, 4, 5])
    for (const nodeId of [1, 2, 3]) cluster.fence(nodeId)
    expect(cluster.isr(ref)).toEqual([4, 5])
    const { image } = cluster
    expect(codes(move(cluster, ref, null))).toEqual(['INVALID_REPLICA_ASSIGNMENT'])
    expect(cluster.image).toBe(image)
    for (const nodeId of [1, 2, 3]) cluster.unfence(nodeId)
    cluster.alter(ref, [1, 4, 5])
    expect(codes(move(cluster, ref, null))).toEqual(['INVALID_REPLICA_ASSIGNMENT'])
    cluster.alter(ref, [1, 2, 4, 5])
    expect(codes(move(cluster, ref, null))).toEqual([null])
    expect(cluster.state(ref)).toMatchObject({ replicas: [1, 2, 3], reassignment: null, leader: 1 })
    expect(cluster.isr(ref)).toEqual([1, 2])
  })

  it('another target on the way: what it does not name goes at once, or is refused while it is needed', () => {
    const { cluster, ref } = moving()
    move(cluster, ref, [4, 2, 3])
    expect(cluster.state(ref)).toMatchObject({ replicas: [1, 2, 3, 4], reassignment: { from: [1, 2, 3], to: [4, 2, 3] } })
    cluster.alter(ref, [1, 2, 3, 4])
    expect(cluster.state(ref)).toMatchObject({ replicas: [4, 2, 3], reassignment: null })
    move(cluster, ref, [1, 5, 6])
    cluster.alter(ref, [4, 2, 3, 5])
    for (const nodeId of [4, 2, 3]) cluster.fence(nodeId)
    const { image } = cluster
    expect(codes(move(cluster, ref, [1, 4, 2]))).toEqual(['INVALID_REPLICA_ASSIGNMENT'])
    expect(cluster.image).toBe(image)
  })

  it('asked again, nothing changes: on the way, and when it is done', () => {
    const { cluster, ref } = moving()
    const { image } = cluster
    expect(move(cluster, ref, [4, 5, 6])).toEqual({ type: 'reassignmentsAltered', metadataOffset: image.offset, partitions: [{ ...ref, error: null }] })
    cluster.alter(ref, [1, 2, 3, 4, 5, 6])
    const settled = cluster.image
    expect(codes(move(cluster, ref, [4, 5, 6]))).toEqual([null])
    expect(cluster.image).toBe(settled)
  })

  it('refuses a partition each: unknown ones, wrong replicas, one named twice', () => {
    const { cluster, ref } = threeBrokers()
    const moves = [
      { ...ref, replicas: [1, 1] },
      { ...ref, replicas: [] },
      { ...ref, replicas: [1, 9] },
      { ...ref, partition: 5, replicas: [1] },
      { topicId: id('t', 777), partition: 0, replicas: [1] },
      { ...ref, replicas: [2, 1, 3] },
      { ...ref, replicas: [3, 2, 1] },
    ]
    const reply = cluster.run({ type: 'alterReassignments', moves, bytesPerSecond: null, validateOnly: false })
    expect(codes(reply as Altered)).toEqual([
      'INVALID_REPLICA_ASSIGNMENT',
      'INVALID_REPLICA_ASSIGNMENT',
      'INVALID_REPLICA_ASSIGNMENT',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'UNKNOWN_TOPIC_ID',
      null,
      'INVALID_REQUEST',
    ])
    expect(cluster.state(ref).replicas).toEqual([2, 1, 3])
  })

  it('its limit changes on the way, is none where none is named, and is refused where it is too low', () => {
    const { cluster, ref } = moving()
    const limit = (bytesPerSecond: number | null): unknown =>
      cluster.run({ type: 'alterReassignments', moves: [{ ...ref, replicas: [4, 5, 6] }], bytesPerSecond, validateOnly: false })
    limit(4096)
    expect(cluster.state(ref).reassignment).toEqual({ from: [1, 2, 3], to: [4, 5, 6], bytesPerSecond: 4096 })
    limit(null)
    expect(cluster.state(ref).reassignment?.bytesPerSecond).toBeNull()
    for (const wrong of [0, -1, 1023, 4096.5]) expect(limit(wrong)).toMatchObject({ type: 'error', code: 'INVALID_REQUEST' })
  })

  it('validated only, all is said and nothing changes', () => {
    const { cluster, ref } = threeBrokers()
    const { image } = cluster
    expect(codes(move(cluster, ref, [3, 2], true))).toEqual([null])
    expect(codes(move(cluster, ref, [3, 9], true))).toEqual(['INVALID_REPLICA_ASSIGNMENT'])
    expect(cluster.image).toBe(image)
  })

  it('R5.7: without a leader it goes on, and ends once reports have brought one and the ISR is there', () => {
    const { cluster, ref } = moving()
    for (const nodeId of [1, 2, 3]) cluster.fence(nodeId)
    expect(cluster.state(ref)).toMatchObject({ leader: -1, replicas: [1, 2, 3, 4, 5, 6] })
    cluster.unfence(3)
    cluster.reports(3, ref)
    cluster.elect(ref)
    expect(cluster.state(ref)).toMatchObject({ leader: 3, reassignment: { from: [1, 2, 3], to: [4, 5, 6] } })
    cluster.alter(ref, [3, 4, 5, 6])
    expect(cluster.state(ref)).toMatchObject({ replicas: [4, 5, 6], reassignment: null, leader: 4, elr: [] })
  })
})
