import { describe, expect, it } from 'vitest'
import type { IsrProposal, PartitionRef } from '../../src/controller/commands.ts'
import { type Cluster, id, outcome, threeBrokers } from './harness.ts'

interface Attempt {
  readonly nodeId: number
  readonly brokerEpoch: number
  readonly proposal: IsrProposal
}

function attempt(cluster: Cluster, ref: PartitionRef, isr: readonly number[]): Attempt {
  const { leader, leaderEpoch, partitionEpoch } = cluster.state(ref)
  const members = isr.map((nodeId) => ({ nodeId, brokerEpoch: cluster.broker(nodeId).brokerEpoch }))
  return {
    nodeId: leader,
    brokerEpoch: cluster.broker(leader).brokerEpoch,
    proposal: { topicId: ref.topicId, partition: 0, leaderEpoch, partitionEpoch, isr: members },
  }
}

function send(cluster: Cluster, made: Attempt): string {
  return outcome(cluster.run({ type: 'alterPartition', ...made }))
}

/** Each fault of R5.6 in the order in which it is checked, as a change to a valid attempt. */
const faults: readonly { readonly code: string; readonly spoil: (valid: Attempt) => Attempt }[] = [
  { code: 'UNKNOWN_TOPIC_ID', spoil: (valid) => ({ ...valid, proposal: { ...valid.proposal, topicId: id('t', 777) } }) },
  { code: 'STALE_BROKER_EPOCH', spoil: (valid) => ({ ...valid, brokerEpoch: valid.brokerEpoch - 1 }) },
  { code: 'FENCED_LEADER_EPOCH', spoil: (valid) => ({ ...valid, proposal: { ...valid.proposal, leaderEpoch: valid.proposal.leaderEpoch - 1 } }) },
  { code: 'NOT_LEADER_OR_FOLLOWER', spoil: (valid) => ({ ...valid, nodeId: 3, brokerEpoch: valid.brokerEpoch === -1 ? -1 : valid.brokerEpoch }) },
  { code: 'INVALID_UPDATE_VERSION', spoil: (valid) => ({ ...valid, proposal: { ...valid.proposal, partitionEpoch: valid.proposal.partitionEpoch - 1 } }) },
  {
    code: 'INVALID_REQUEST',
    spoil: (valid) => ({
      ...valid,
      proposal: { ...valid.proposal, isr: valid.proposal.isr.filter((member) => member.nodeId !== valid.nodeId && member.nodeId !== 2) },
    }),
  },
]

/** Leader 2 under leader epoch 1 and partition epoch 2; 1 is fenced; 3 is out of the ISR and may join. */
function situation(): { readonly cluster: Cluster; readonly ref: PartitionRef } {
  const { cluster, ref } = threeBrokers()
  cluster.fence(1)
  cluster.alter(ref, [2])
  return { cluster, ref }
}

describe('R5.6 AlterPartition', () => {
  it('commits a valid wish: the partition epoch rises by one, leader and leader epoch stay', () => {
    const { cluster, ref } = situation()
    const before = cluster.state(ref)
    expect(send(cluster, attempt(cluster, ref, [3, 2]))).toBe('done')
    expect(cluster.state(ref)).toEqual({
      ...before,
      isr: [2, 3].map((nodeId) => ({ nodeId, brokerEpoch: cluster.broker(nodeId).brokerEpoch })),
      elr: [],
      partitionEpoch: before.partitionEpoch + 1,
    })
  })

  for (const [first, { code, spoil }] of faults.entries()) {
    it(`${code} is found, and before every later fault`, () => {
      const { cluster, ref } = situation()
      const { offset } = cluster.image
      const valid = attempt(cluster, ref, [2, 3])
      // Node 3 as sender must come with its own epoch, else it is stale before it is no leader.
      const asSender = (made: Attempt): Attempt =>
        made.nodeId === 3 && made.brokerEpoch === valid.brokerEpoch ? { ...made, brokerEpoch: cluster.broker(3).brokerEpoch } : made
      expect(send(cluster, asSender(spoil(valid)))).toBe(code)
      for (const later of faults.slice(first + 1)) expect(send(cluster, asSender(spoil(later.spoil(valid))))).toBe(code)
      expect(cluster.image.offset).toBe(offset)
    })
  }

  it('epochs higher than known here say that this is not the controller to ask', () => {
    const { cluster, ref } = situation()
    const valid = attempt(cluster, ref, [2, 3])
    expect(send(cluster, { ...valid, proposal: { ...valid.proposal, leaderEpoch: valid.proposal.leaderEpoch + 1 } })).toBe('NOT_CONTROLLER')
    expect(send(cluster, { ...valid, proposal: { ...valid.proposal, partitionEpoch: valid.proposal.partitionEpoch + 1 } })).toBe('NOT_CONTROLLER')
    expect(send(cluster, { ...valid, proposal: { ...valid.proposal, partition: 5 } })).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  })

  it('the ISR is a set of replicas with the leader', () => {
    const { cluster, ref } = situation()
    cluster.start(4)
    for (const isr of [[3], [], [2, 4], [2, 2], [2, 3, 3]]) expect(send(cluster, attempt(cluster, ref, isr))).toBe('INVALID_REQUEST')
  })

  it('an added member that is fenced, draining or of another broker epoch is an INELIGIBLE_REPLICA', () => {
    const { cluster, ref } = situation()
    expect(send(cluster, attempt(cluster, ref, [1, 2]))).toBe('INELIGIBLE_REPLICA')
    const valid = attempt(cluster, ref, [2, 3])
    cluster.register(3)
    cluster.unfence(3)
    expect(send(cluster, valid)).toBe('INELIGIBLE_REPLICA')
    expect(send(cluster, attempt(cluster, ref, [2, 3]))).toBe('done')
    cluster.alter(ref, [2])
    cluster.drain(3)
    expect(send(cluster, attempt(cluster, ref, [2, 3]))).toBe('INELIGIBLE_REPLICA')
  })

  it('a member that stays under another broker epoch than the committed one counts as added', () => {
    const { cluster, ref } = threeBrokers()
    const valid = attempt(cluster, ref, [1, 2])
    const isr = valid.proposal.isr.map((member) => ({ ...member, brokerEpoch: member.brokerEpoch - 1 }))
    expect(send(cluster, { ...valid, proposal: { ...valid.proposal, isr } })).toBe('INELIGIBLE_REPLICA')
  })

  it('R6.5: the committed ISR itself is committed again, and ends every older attempt', () => {
    const { cluster, ref } = situation()
    const older = attempt(cluster, ref, [2, 3])
    expect(send(cluster, attempt(cluster, ref, [2]))).toBe('done')
    expect(cluster.state(ref).partitionEpoch).toBe(older.proposal.partitionEpoch + 1)
    expect(send(cluster, older)).toBe('INVALID_UPDATE_VERSION')
    expect(cluster.isr(ref)).toEqual([2])
  })

  it('R5.6: a damaged replica is healed by joining under its present epoch', () => {
    const { cluster, ref } = threeBrokers()
    cluster.register(3, { damaged: [ref] })
    cluster.unfence(3)
    expect(cluster.alter(ref, [1, 2, 3])).toEqual({ type: 'done' })
    expect(cluster.isr(ref)).toEqual([1, 2, 3])
  })
})

describe('R5.8 ELR', () => {
  const cases: readonly { readonly name: string; readonly minIsr: string; readonly steps: readonly (readonly number[])[]; readonly elr: readonly number[] }[] =
    [
      { name: 'none while the ISR has its minimum', minIsr: '2', steps: [[1, 2]], elr: [] },
      { name: 'who leaves below the minimum is eligible', minIsr: '2', steps: [[1, 2], [1]], elr: [2] },
      { name: 'the whole old ISR counts', minIsr: '2', steps: [[1]], elr: [2, 3] },
      { name: 'who joins again is in sync, not eligible', minIsr: '3', steps: [[1], [1, 3]], elr: [2] },
      { name: 'emptied when the minimum is reached again', minIsr: '2', steps: [[1], [1, 3]], elr: [] },
      { name: 'kept while the ISR shrinks further', minIsr: '3', steps: [[1, 2], [1]], elr: [2, 3] },
      { name: 'minimum 1: none while anyone is in sync', minIsr: '1', steps: [[1]], elr: [] },
    ]
  for (const { name, minIsr, steps, elr } of cases) {
    it(name, () => {
      const { cluster, ref } = threeBrokers({ 'min.insync.replicas': minIsr })
      for (const isr of steps) expect(cluster.alter(ref, isr)).toEqual({ type: 'done' })
      expect(cluster.state(ref).elr).toEqual(elr)
    })
  }

  it('counts with the cluster default that the topic was made under, not with a later one', () => {
    const { cluster } = threeBrokers()
    cluster.minInSyncReplicas = 3
    const ref = cluster.create('strict', [[1, 2, 3]])
    cluster.minInSyncReplicas = null
    cluster.alter(ref, [1, 2])
    expect(cluster.state(ref).elr).toEqual([3])
  })
})
