import { describe, expect, it } from 'vitest'
import type { ControllerReply, PartitionRef } from '../../src/controller/commands.ts'
import { Cluster, id, threeBrokers } from './harness.ts'

function elect(cluster: Cluster, partitions: readonly PartitionRef[] | null): Extract<ControllerReply, { readonly type: 'leadersElected' }> {
  const reply = cluster.run({ type: 'electLeaders', partitions })
  if (reply.type !== 'leadersElected') throw new Error(JSON.stringify(reply))
  return reply
}

function codes(reply: ReturnType<typeof elect>): (string | null)[] {
  return reply.partitions.map(({ error }) => error?.code ?? null)
}

/** Partition 0 of three brokers, led by 2: its preferred leader 1 was fenced, is back, and is in sync again if `inSync`. */
function displaced(inSync: boolean): { readonly cluster: Cluster; readonly ref: PartitionRef } {
  const { cluster, ref } = threeBrokers()
  cluster.fence(1)
  cluster.unfence(1)
  if (inSync) cluster.alter(ref, [1, 2, 3])
  expect(cluster.state(ref).leader).toBe(2)
  return { cluster, ref }
}

describe('electLeaders', () => {
  it('gives the partition to its first replica, with a higher leader epoch granted here; the ISR stays', () => {
    const { cluster, ref } = displaced(true)
    const before = cluster.state(ref)
    const { offset } = cluster.image
    const reply = elect(cluster, [ref])
    expect(reply).toEqual({ type: 'leadersElected', metadataOffset: offset + 1, partitions: [{ ...ref, error: null }] })
    expect(cluster.state(ref)).toEqual({
      ...before,
      leader: 1,
      leaderEpoch: before.leaderEpoch + 1,
      leaderGrantedOffset: offset,
      partitionEpoch: before.partitionEpoch + 1,
    })
  })

  it('refuses what needs nothing, who is not in sync, and what does not exist, a partition each', () => {
    const { cluster, ref } = displaced(false)
    const led = cluster.create('led', [[2, 3, 1]])
    const { image } = cluster
    const reply = elect(cluster, [led, ref, { ...ref, partition: 5 }, { topicId: id('t', 777), partition: 0 }])
    expect(codes(reply)).toEqual(['ELECTION_NOT_NEEDED', 'PREFERRED_LEADER_NOT_AVAILABLE', 'UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID'])
    expect(cluster.image).toBe(image)
    expect(reply.metadataOffset).toBe(image.offset)
  })

  it('R5.2: not one whose log is dead on that broker', () => {
    const { cluster, ref } = displaced(true)
    cluster.sessions.dead.add(cluster.sessions.key(cluster.broker(1), ref))
    expect(codes(elect(cluster, [ref]))).toEqual(['PREFERRED_LEADER_NOT_AVAILABLE'])
    expect(cluster.state(ref).leader).toBe(2)
  })

  it('R5.9: not one that is draining, or that nobody leads', () => {
    const { cluster, ref } = displaced(true)
    cluster.drain(1)
    expect(codes(elect(cluster, [ref]))).toEqual(['PREFERRED_LEADER_NOT_AVAILABLE'])
    cluster.fence(2)
    cluster.fence(3)
    expect(cluster.state(ref).leader).toBe(-1)
    expect(codes(elect(cluster, [ref]))).toEqual(['PREFERRED_LEADER_NOT_AVAILABLE'])
  })

  it('of all: those that can be, those that cannot, and no word of the others', () => {
    const cluster = new Cluster()
    cluster.start(1, 2, 3)
    const back = cluster.create('back', [[1, 2, 3]])
    const out = cluster.create('out', [[1, 2]])
    cluster.create('fine', [[2, 3, 1]])
    cluster.fence(1)
    cluster.unfence(1)
    cluster.alter(back, [1, 2, 3])
    const reply = elect(cluster, null)
    expect(new Map(reply.partitions.map(({ topicId, error }) => [topicId, error?.code ?? null]))).toEqual(
      new Map([
        [back.topicId, null],
        [out.topicId, 'PREFERRED_LEADER_NOT_AVAILABLE'],
      ]),
    )
    expect(cluster.state(back).leader).toBe(1)
    expect(cluster.state(out).leader).toBe(2)
  })

  it('one named twice changes once, and asked again needs nothing', () => {
    const { cluster, ref } = displaced(true)
    const { leaderEpoch } = cluster.state(ref)
    expect(codes(elect(cluster, [ref, ref]))).toEqual([null, null])
    expect(cluster.state(ref).leaderEpoch).toBe(leaderEpoch + 1)
    expect(codes(elect(cluster, [ref]))).toEqual(['ELECTION_NOT_NEEDED'])
  })

  it('names 10,000 at most when asked for all; asked again it goes on', () => {
    const cluster = new Cluster()
    cluster.start(1, 2)
    const refs = [0, 1].map((at) =>
      cluster.create(
        `t${at}`,
        Array.from({ length: 6_000 }, () => [1, 2]),
      ),
    )
    cluster.fence(1)
    cluster.unfence(1)
    for (const { topicId } of refs) for (const { partition } of cluster.topic(topicId).partitions) cluster.alter({ topicId, partition }, [1, 2])
    expect(elect(cluster, null).partitions.length).toBe(10_000)
    expect(elect(cluster, null).partitions.length).toBe(2_000)
    expect(elect(cluster, null).partitions).toEqual([])
  })
})
