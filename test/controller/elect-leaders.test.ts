import { describe, expect, it } from 'vitest'
import type { ControllerReply, PartitionRef } from '../../src/controller/commands.ts'
import { Cluster, id, threeBrokers } from './harness.ts'

function elect(cluster: Cluster, partitions: readonly PartitionRef[] | null): Extract<ControllerReply, { readonly type: 'leadersElected' }> {
  const reply = cluster.run({ type: 'electLeaders', metadataOffset: null, unclean: false, partitions, validateOnly: false })
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

describe('electLeaders, unclean (R5.7)', () => {
  /** Partition 0 of three brokers, min ISR 1, all of it in sync with 1 alone, which is gone. 2 and 3 are up, behind, and in neither ISR nor ELR. */
  function abandoned(): { readonly cluster: Cluster; readonly ref: PartitionRef } {
    const { cluster, ref } = threeBrokers({ 'min.insync.replicas': '1' })
    cluster.alter(ref, [1])
    cluster.fence(1)
    expect(cluster.state(ref)).toMatchObject({ leader: -1, isr: [], elr: [1], unclean: false })
    return { cluster, ref }
  }
  function run(cluster: Cluster, validateOnly: boolean, partitions: readonly PartitionRef[] | null = null): ReturnType<typeof elect> {
    const reply = cluster.run({ type: 'electLeaders', metadataOffset: null, unclean: true, partitions, validateOnly })
    if (reply.type !== 'leadersElected') throw new Error(JSON.stringify(reply))
    return reply
  }

  it('the longest log that is left leads alone, nobody else stays eligible, and it is recorded as unclean', () => {
    const { cluster, ref } = abandoned()
    cluster.reports(2, ref, { lastEpoch: 0, syncedEndOffset: 7 })
    cluster.reports(3, ref, { lastEpoch: 0, syncedEndOffset: 9, suspect: true })
    const before = cluster.state(ref)
    const { offset } = cluster.image
    const reply = run(cluster, false)
    expect(reply.partitions).toEqual([{ ...ref, elected: { nodeId: 3, lastEpoch: 0, logEndOffset: 9 }, error: null }])
    expect(reply.metadataOffset).toBe(offset + 1)
    expect(cluster.state(ref)).toEqual({
      ...before,
      leader: 3,
      isr: [{ nodeId: 3, brokerEpoch: cluster.broker(3).brokerEpoch }],
      elr: [],
      leaderEpoch: before.leaderEpoch + 1,
      leaderGrantedOffset: offset,
      partitionEpoch: before.partitionEpoch + 1,
      unclean: true,
    })
    expect(codes(run(cluster, false, [ref]))).toEqual(['ELECTION_NOT_NEEDED'])
    expect(run(cluster, false).partitions).toEqual([])
  })

  it('is not for a leader that was lost only since it was asked for: what comes late was meant for an earlier loss', () => {
    const { cluster, ref } = abandoned()
    cluster.reports(2, ref, { lastEpoch: 0, syncedEndOffset: 7 })
    const lostOffset = cluster.state(ref).leaderGrantedOffset
    const askedAt = (metadataOffset: number): unknown => {
      const reply = cluster.run({ type: 'electLeaders', metadataOffset, unclean: true, partitions: [ref], validateOnly: false })
      return reply.type === 'leadersElected' && reply.partitions.map(({ elected, error }) => elected?.nodeId ?? error?.code)
    }
    expect(askedAt(lostOffset)).toEqual(['LEADER_NOT_AVAILABLE'])
    expect(cluster.state(ref).leader).toBe(-1)
    expect(askedAt(lostOffset + 1)).toEqual([2])
  })

  it('asked what would be, it says so and changes nothing', () => {
    const { cluster, ref } = abandoned()
    cluster.reports(2, ref, { lastEpoch: 0, syncedEndOffset: 7 })
    const before = cluster.state(ref)
    expect(run(cluster, true).partitions).toEqual([{ ...ref, elected: { nodeId: 2, lastEpoch: 0, logEndOffset: 7 }, error: null }])
    expect(cluster.state(ref)).toBe(before)
  })

  it('where somebody may lead cleanly, that one does, however long the others are', () => {
    const { cluster, ref } = abandoned()
    cluster.unfence(1)
    cluster.reports(1, ref, { lastEpoch: 0, syncedEndOffset: 5 })
    cluster.reports(3, ref, { lastEpoch: 0, syncedEndOffset: 9 })
    expect(run(cluster, false).partitions).toEqual([{ ...ref, elected: { nodeId: 1, lastEpoch: -1, logEndOffset: -1 }, error: null }])
    expect(cluster.state(ref)).toMatchObject({ leader: 1, unclean: false })
  })

  it.each<[string, (cluster: Cluster, ref: PartitionRef) => void]>([
    ['nobody has spoken', () => undefined],
    ['the one that spoke is damaged', (cluster, ref) => cluster.reports(2, ref, { damaged: true })],
    [
      'the one that spoke is fenced by now',
      (cluster, ref) => {
        cluster.reports(2, ref)
        cluster.fence(2)
      },
    ],
    ['it spoke of an earlier state', (cluster, ref) => cluster.reports(2, ref, { partitionEpoch: cluster.state(ref).partitionEpoch - 1 })],
  ])('nobody is elected while %s', (_what, prepare) => {
    const { cluster, ref } = abandoned()
    prepare(cluster, ref)
    expect(codes(run(cluster, false))).toEqual(['ELIGIBLE_LEADERS_NOT_AVAILABLE'])
    expect(cluster.state(ref).leader).toBe(-1)
  })

  it('stays marked through clean elections, until every replica was in sync: whoever comes back late is cut all the same (R6.3)', () => {
    const { cluster, ref } = abandoned()
    cluster.reports(2, ref, { lastEpoch: 0, syncedEndOffset: 7 })
    run(cluster, false)
    cluster.alter(ref, [2, 3])
    cluster.fence(2)
    expect(cluster.state(ref)).toMatchObject({ leader: 3, unclean: true })
    cluster.unfence(2)
    cluster.unfence(1)
    cluster.alter(ref, [1, 2, 3])
    expect(cluster.state(ref)).toMatchObject({ leader: 3, unclean: false })
  })
})

describe('electUnclean: the topic allows it (R5.7)', () => {
  /** Partition 0 of three brokers, of which 1 was in sync alone and is gone; 2 and 3 are behind, and up. */
  function abandoned(allowed: string): { readonly cluster: Cluster; readonly ref: PartitionRef } {
    const { cluster, ref } = threeBrokers({ 'min.insync.replicas': '1', 'unclean.leader.election.enable': allowed })
    cluster.alter(ref, [1])
    cluster.fence(1)
    cluster.reports(2, ref, { lastEpoch: 0, syncedEndOffset: 7 })
    cluster.reports(3, ref, { lastEpoch: 0, syncedEndOffset: 9, suspect: true })
    return { cluster, ref }
  }
  const run = (cluster: Cluster, ref: PartitionRef): unknown => {
    cluster.run({ type: 'electUnclean', partitions: [ref, ref, { ...ref, partition: 7 }] })
    const { leader, isr, elr, unclean } = cluster.state(ref)
    return { leader, isr: isr.map(({ nodeId }) => nodeId), elr, unclean }
  }

  it('the longest log that is left leads alone, marked unclean', () => {
    const { cluster, ref } = abandoned('true')
    const { leaderEpoch } = cluster.state(ref)
    expect(run(cluster, ref)).toEqual({ leader: 3, isr: [3], elr: [], unclean: true })
    expect(cluster.state(ref).leaderEpoch).toBe(leaderEpoch + 1)
  })

  it('not where the topic does not allow it, or no more', () => {
    const waits = { leader: -1, isr: [], elr: [1], unclean: false }
    const { cluster, ref } = abandoned('false')
    expect(run(cluster, ref)).toEqual(waits)
    const altered = abandoned('true')
    const change = { partitions: 0, assignment: null, set: new Map(), delete: ['unclean.leader.election.enable'], validateOnly: false }
    altered.cluster.run({ type: 'alterTopic', topicId: altered.ref.topicId, ...change })
    expect(run(altered.cluster, altered.ref)).toEqual(waits)
  })

  it('an ordinary election gives nothing up, whatever the topic allows', () => {
    const { cluster, ref } = abandoned('true')
    expect(cluster.elect(ref)).toBe(-1)
  })

  it('not while one of ISR ∪ ELR serves and has not said how far its log is; that one leads cleanly once it has', () => {
    const { cluster, ref } = abandoned('true')
    cluster.unfence(1)
    expect(run(cluster, ref)).toMatchObject({ leader: -1, unclean: false })
    cluster.reports(1, ref, { lastEpoch: 0, syncedEndOffset: 5 })
    expect(run(cluster, ref)).toMatchObject({ leader: 1, unclean: false })
  })

  it('not who is damaged', () => {
    const { cluster, ref } = abandoned('true')
    cluster.reports(3, ref, { lastEpoch: 0, syncedEndOffset: 9, damaged: true })
    expect(run(cluster, ref)).toMatchObject({ leader: 2, unclean: true })
  })
})

describe('electLeaders', () => {
  it('gives the partition to its first replica, with a higher leader epoch granted here; the ISR stays', () => {
    const { cluster, ref } = displaced(true)
    const before = cluster.state(ref)
    const { offset } = cluster.image
    const reply = elect(cluster, [ref])
    expect(reply).toEqual({
      type: 'leadersElected',
      metadataOffset: offset + 1,
      partitions: [{ ...ref, elected: { nodeId: 1, lastEpoch: -1, logEndOffset: -1 }, error: null }],
    })
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
