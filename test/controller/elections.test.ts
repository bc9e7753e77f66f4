import { describe, expect, it } from 'vitest'
import type { LeaderlessReport } from '../../src/controller/status.ts'
import { Cluster, id, threeBrokers } from './harness.ts'

type Said = Partial<LeaderlessReport> | null

/** ISR empty, ELR {1, 2, 3}, nobody fenced; null: no report. */
function leaderless(said: readonly [Said, Said, Said]): { readonly cluster: Cluster; readonly ref: { readonly topicId: string; readonly partition: number } } {
  const { cluster, ref } = threeBrokers()
  cluster.alter(ref, [1])
  cluster.fence(1)
  cluster.unfence(1)
  expect(cluster.state(ref)).toMatchObject({ leader: -1, isr: [], elr: [1, 2, 3] })
  for (const [index, report] of said.entries()) if (report !== null) cluster.reports(index + 1, ref, report)
  return { cluster, ref }
}

const suspect = (lastEpoch: number, syncedEndOffset: number): Said => ({ suspect: true, lastEpoch, syncedEndOffset })
const clean = (lastEpoch: number, syncedEndOffset: number): Said => ({ suspect: false, lastEpoch, syncedEndOffset })
const damaged: Said = { damaged: true, lastEpoch: 9, syncedEndOffset: 99 }

describe('R5.7 order of election', () => {
  it('the leader stays while it is in sync', () => {
    const { cluster, ref } = threeBrokers()
    const before = cluster.state(ref)
    cluster.fence(3)
    expect(cluster.state(ref)).toEqual({ ...before, isr: before.isr.slice(0, 2), partitionEpoch: 1 })
  })

  it('the leader stays though a replica before it in the assignment is in sync again', () => {
    const { cluster, ref } = threeBrokers()
    cluster.fence(1)
    cluster.unfence(1)
    cluster.alter(ref, [1, 2, 3])
    const { leaderEpoch } = cluster.state(ref)
    cluster.fence(3)
    expect(cluster.isr(ref)).toEqual([1, 2])
    expect(cluster.state(ref)).toMatchObject({ leader: 2, leaderEpoch })
  })

  it('then a live ISR member in assignment order, whatever its node id', () => {
    const cluster = new Cluster()
    cluster.start(1, 2, 3)
    const ref = cluster.create('t', [[2, 3, 1]])
    expect(cluster.state(ref).leader).toBe(2)
    cluster.fence(2)
    expect(cluster.state(ref).leader).toBe(3)
    cluster.fence(3)
    expect(cluster.state(ref).leader).toBe(1)
  })

  it('an ELR member is not elected by a fence: its word must come after the leader was lost', () => {
    const { cluster, ref } = threeBrokers()
    cluster.alter(ref, [1])
    cluster.reports(2, ref, clean(0, 10)!)
    cluster.fence(1)
    expect(cluster.state(ref).leader).toBe(-1)
    expect(cluster.elect(ref)).toBe(-1)
    cluster.reports(2, ref, clean(0, 10)!)
    expect(cluster.elect(ref)).toBe(2)
  })
})

describe('R5.7 election by reports', () => {
  const cases: readonly { readonly name: string; readonly said: readonly [Said, Said, Said]; readonly leader: number }[] = [
    { name: 'nobody without a report', said: [null, null, null], leader: -1 },
    { name: 'one that is not suspect, by itself', said: [null, null, clean(0, 1)], leader: 3 },
    { name: 'one suspect alone is not enough', said: [suspect(5, 50), null, null], leader: -1 },
    { name: 'of f+1 = 2 suspects the longer log', said: [suspect(1, 10), suspect(1, 11), null], leader: 2 },
    { name: 'the last epoch goes before the length', said: [suspect(2, 5), suspect(1, 11), null], leader: 1 },
    { name: 'of three suspects the greatest', said: [suspect(1, 10), suspect(1, 11), suspect(1, 12)], leader: 3 },
    { name: 'equal suspects: assignment order', said: [suspect(1, 10), suspect(1, 10), suspect(1, 10)], leader: 1 },
    { name: 'a suspect below a trusted one is not elected', said: [suspect(1, 9), clean(1, 10), null], leader: 2 },
    { name: 'a suspect above a trusted one may be: it is the greatest of two', said: [suspect(1, 11), clean(1, 10), null], leader: 1 },
    { name: 'equal logs: the trusted one first', said: [suspect(1, 10), clean(1, 10), null], leader: 2 },
    { name: 'a damaged one is never elected', said: [damaged, clean(0, 1), null], leader: 2 },
    { name: 'a damaged one does not count among the f+1', said: [damaged, suspect(1, 1), null], leader: -1 },
    { name: 'two others suffice beside a damaged one', said: [damaged, suspect(1, 1), suspect(1, 2)], leader: 3 },
    { name: 'all undamaged members, if fewer than f+1', said: [damaged, damaged, suspect(1, 2)], leader: 3 },
    { name: 'nobody when all are damaged', said: [damaged, damaged, damaged], leader: -1 },
  ]
  for (const { name, said, leader } of cases) {
    it(name, () => {
      const { cluster, ref } = leaderless(said)
      expect(cluster.elect(ref)).toBe(leader)
    })
  }

  it('f is of the replicas there were, while others are being added (R5.10)', () => {
    const { cluster, ref } = leaderless([null, null, null])
    cluster.start(4, 5, 6)
    cluster.run({ type: 'alterReassignments', moves: [{ ...ref, replicas: [4, 5, 6] }], bytesPerSecond: null, validateOnly: false })
    expect(cluster.state(ref)).toMatchObject({ leader: -1, replicas: [1, 2, 3, 4, 5, 6], elr: [1, 2, 3] })
    cluster.reports(1, ref, suspect(1, 10)!)
    expect(cluster.elect(ref)).toBe(-1)
    cluster.reports(2, ref, suspect(1, 11)!)
    expect(cluster.elect(ref)).toBe(2)
  })

  it('the winner is the whole ISR under its present epoch, granted now; the others stay eligible, the damaged do not', () => {
    const { cluster, ref } = leaderless([damaged, clean(1, 5), null])
    const before = cluster.state(ref)
    const { offset } = cluster.image
    cluster.elect(ref)
    expect(cluster.state(ref)).toEqual({
      ...before,
      leader: 2,
      isr: [{ nodeId: 2, brokerEpoch: cluster.broker(2).brokerEpoch }],
      elr: [3],
      leaderEpoch: before.leaderEpoch + 1,
      partitionEpoch: before.partitionEpoch + 1,
      leaderGrantedOffset: offset,
    })
  })

  it('only members of ISR ∪ ELR are compared and elected', () => {
    const { cluster, ref } = threeBrokers()
    cluster.alter(ref, [1, 2])
    cluster.alter(ref, [1])
    cluster.fence(1)
    cluster.unfence(1)
    expect(cluster.state(ref).elr).toEqual([1, 2])
    cluster.reports(3, ref, clean(9, 99)!)
    cluster.reports(2, ref, suspect(1, 10)!)
    expect(cluster.elect(ref)).toBe(-1)
  })

  it('a report about an earlier partition epoch does not count', () => {
    const { cluster, ref } = leaderless([null, null, null])
    cluster.reports(2, ref, { ...clean(1, 10), partitionEpoch: cluster.state(ref).partitionEpoch - 1 })
    expect(cluster.elect(ref)).toBe(-1)
  })

  it('a report by an earlier incarnation does not count', () => {
    const { cluster, ref } = leaderless([null, clean(1, 10), null])
    cluster.register(2)
    cluster.unfence(2)
    expect(cluster.elect(ref)).toBe(-1)
  })

  it('a fenced member is not elected and not counted', () => {
    const { cluster, ref } = leaderless([suspect(1, 9), clean(1, 10), null])
    cluster.fence(2)
    expect(cluster.elect(ref)).toBe(-1)
  })

  it('a member with a dead log is not elected and not counted', () => {
    const { cluster, ref } = leaderless([suspect(1, 9), clean(1, 10), null])
    cluster.killLog(2, ref)
    expect(cluster.elect(ref)).toBe(-1)
  })

  it('RF 5: three suspects are needed, RF 1 and 2: one', () => {
    const cluster = new Cluster()
    cluster.start(1, 2, 3, 4, 5)
    const five = cluster.create('five', [[1, 2, 3, 4, 5]])
    const two = cluster.create('two', [[1, 2]])
    const one = cluster.create('one', [[1]])
    cluster.alter(five, [1])
    cluster.alter(two, [1])
    cluster.fence(1)
    cluster.unfence(1)
    cluster.reports(1, five, suspect(1, 3)!)
    cluster.reports(2, five, suspect(1, 2)!)
    expect(cluster.elect(five)).toBe(-1)
    cluster.reports(5, five, suspect(1, 1)!)
    expect(cluster.elect(five)).toBe(1)
    cluster.reports(2, two, suspect(1, 2)!)
    expect(cluster.elect(two)).toBe(2)
    cluster.reports(1, one, suspect(1, 2)!)
    expect(cluster.elect(one)).toBe(1)
  })

  it('a partition that has a leader, or does not exist, is left alone', () => {
    const { cluster, ref } = threeBrokers()
    const { offset } = cluster.image
    cluster.reports(2, ref, clean(9, 99)!)
    cluster.run({ type: 'elect', partitions: [ref, { topicId: id('t', 555), partition: 0 }, { ...ref, partition: 7 }] })
    expect(cluster.image.offset).toBe(offset)
  })

  it('a partition named twice is elected once', () => {
    const { cluster, ref } = leaderless([clean(1, 1), null, null])
    const { partitionEpoch } = cluster.state(ref)
    cluster.run({ type: 'elect', partitions: [ref, ref] })
    expect(cluster.state(ref)).toMatchObject({ leader: 1, partitionEpoch: partitionEpoch + 1 })
  })

  it('R5.4: after kill -9 of all three, whoever leads has an epoch granted after its own registration', () => {
    const { cluster, ref } = threeBrokers()
    for (const nodeId of [1, 2, 3]) cluster.register(nodeId)
    expect(cluster.state(ref)).toMatchObject({ leader: -1, isr: [], elr: [2, 3] })
    for (const nodeId of [1, 2, 3]) cluster.unfence(nodeId)
    cluster.reports(2, ref, suspect(0, 10)!)
    expect(cluster.elect(ref)).toBe(-1)
    cluster.reports(3, ref, suspect(0, 12)!)
    expect(cluster.elect(ref)).toBe(3)
    expect(cluster.state(ref).leaderGrantedOffset).toBeGreaterThan(cluster.broker(3).brokerEpoch)
    expect(cluster.state(ref).elr).toEqual([2])
  })
})
