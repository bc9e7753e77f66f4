import { describe, expect, it } from 'vitest'
import type { ControllerReply } from '../../src/controller/commands.ts'
import { type Cluster, threeBrokers } from './harness.ts'

type Ref = ReturnType<typeof threeBrokers>['ref']

function leave(cluster: Cluster, ref: Ref, nodeId: number): ControllerReply {
  return cluster.run({ type: 'leaveIsr', nodeId, brokerEpoch: cluster.broker(nodeId).brokerEpoch, ...ref })
}

const refused = { type: 'error', code: 'NOT_ENOUGH_REPLICAS', definite: true }
const done = { type: 'done' }

describe('R3.3: of replicas found bad at the same time', () => {
  it('one goes, as long as the minimum is left; the next one sees that', () => {
    const { cluster, ref } = threeBrokers()
    expect(leave(cluster, ref, 2)).toEqual(done)
    expect(cluster.isr(ref)).toEqual([1, 3])
    expect(leave(cluster, ref, 1)).toMatchObject(refused)
    expect(leave(cluster, ref, 3)).toMatchObject(refused)
    expect(cluster.isr(ref)).toEqual([1, 3])
  })

  it('the last one never goes, whatever the minimum', () => {
    const { cluster, ref } = threeBrokers({ 'min.insync.replicas': '1' })
    expect([leave(cluster, ref, 1), leave(cluster, ref, 2)]).toEqual([done, done])
    expect(leave(cluster, ref, 3)).toMatchObject(refused)
    expect(cluster.state(ref)).toMatchObject({ leader: 3, elr: [] })
  })

  it('one that does not live does not count, nor one whose log is dead', () => {
    for (const goAway of [(cluster: Cluster) => cluster.fence(3), (cluster: Cluster, ref: Ref) => cluster.killLog(3, ref)]) {
      const { cluster, ref } = threeBrokers()
      goAway(cluster, ref)
      expect(leave(cluster, ref, 2)).toMatchObject(refused)
    }
  })

  it('one that is eligible, where nobody leads, is needed; one that is neither may go, and one that is gone may be asked for again', () => {
    const { cluster, ref } = threeBrokers()
    expect([leave(cluster, ref, 3), leave(cluster, ref, 3)]).toEqual([done, done])
    const { offset } = cluster.image
    expect(leave(cluster, ref, 3)).toEqual(done)
    expect(cluster.image.offset).toBe(offset)
    cluster.fence(1)
    cluster.unfence(1)
    expect(cluster.state(ref)).toMatchObject({ isr: [{ nodeId: 2 }], elr: [1] })
    expect(leave(cluster, ref, 1)).toMatchObject(refused)
  })

  it('R6.4: the leader epoch rises though the leader stays: what the replica asked for before brings it back no more', () => {
    const { cluster, ref } = threeBrokers()
    const { leaderEpoch } = cluster.state(ref)
    leave(cluster, ref, 3)
    expect(cluster.state(ref)).toMatchObject({ leader: 1, leaderEpoch: leaderEpoch + 1 })
  })

  it('another process of that broker is not meant', () => {
    const { cluster, ref } = threeBrokers()
    expect(cluster.run({ type: 'leaveIsr', nodeId: 3, brokerEpoch: cluster.broker(3).brokerEpoch - 1, ...ref })).toMatchObject({ code: 'STALE_BROKER_EPOCH' })
  })
})
