import { describe, expect, it } from 'vitest'
import type { ControllerReply } from '../../src/controller/commands.ts'
import { type Cluster, id, threeBrokers } from './harness.ts'

function unregister(cluster: Cluster, nodeId: number, validateOnly = false): ControllerReply {
  return cluster.run({ type: 'unregisterBroker', nodeId, validateOnly })
}

const inUse = (message: string): unknown => ({ type: 'error', code: 'BROKER_IN_USE', message: expect.stringContaining(message), definite: true })

/** Broker 4 beside three that hold all replicas. */
function withSpare(): Cluster {
  const { cluster } = threeBrokers()
  cluster.start(4)
  return cluster
}

describe('R5.13 a broker that is gone for good', () => {
  it('leaves the metadata, its mark with it; whoever comes back under its id is a new one', () => {
    const cluster = withSpare()
    cluster.run({ type: 'alterMaintenance', nodeId: 4, maintenance: true })
    cluster.fence(4)
    const { offset } = cluster.image
    const before = cluster.broker(4)
    expect(unregister(cluster, 4)).toEqual({ type: 'brokerUnregistered', metadataOffset: offset + 1 })
    expect([...cluster.image.brokers.keys()]).toEqual([1, 2, 3])
    cluster.register(4, { incarnation: before.incarnationId })
    expect(cluster.broker(4)).toMatchObject({ brokerEpoch: offset + 1, fenced: true, maintenance: false })
    expect(cluster.unfence(4)).toEqual({ type: 'done' })
  })

  it('another folder may take its id at once', () => {
    const cluster = withSpare()
    cluster.fence(4)
    unregister(cluster, 4)
    expect(cluster.register(4, { directory: id('d', 44) })).toMatchObject({ type: 'registered' })
  })

  it('may not go while it holds replicas, is a voter, or runs: in this order, each with what comes first', () => {
    const { cluster } = threeBrokers()
    const directoryId = id('d', 3)
    cluster.image = { ...cluster.image, voters: [{ nodeId: 3, directoryId, endpoint: null }] }
    expect(unregister(cluster, 3)).toEqual(inUse('broker 3 holds replicas of orders-0: move them away first, oxbow broker decommission 3 --wait'))
    cluster.start(4)
    cluster.create('more', [[4], [4], [4], [1]])
    expect(unregister(cluster, 4)).toEqual(inUse('holds replicas of more-0, more-1, more-2: move'))
    cluster.create('most', [[4]])
    expect(unregister(cluster, 4)).toEqual(inUse('more-0, more-1, more-2 and 1 more: move'))
    cluster.run({ type: 'deleteTopic', topicId: cluster.image.topicIds.get('orders')! })
    expect(unregister(cluster, 3)).toEqual(inUse('oxbow quorum remove-voter 3 first'))
    expect(unregister(cluster, 2)).toEqual(inUse('is running: stop its process first'))
    expect([...cluster.image.brokers.keys()]).toEqual([1, 2, 3, 4])
  })

  it('may not go while a partition is on its way to it, or from it', () => {
    const { cluster, ref } = threeBrokers()
    cluster.start(4)
    cluster.run({ type: 'alterReassignments', moves: [{ ...ref, replicas: [1, 2, 4] }], bytesPerSecond: null, validateOnly: false })
    cluster.fence(4)
    cluster.fence(3)
    for (const nodeId of [3, 4]) expect(unregister(cluster, nodeId)).toEqual(inUse('holds replicas of orders-0'))
  })

  it('a question changes nothing', () => {
    const cluster = withSpare()
    cluster.fence(4)
    const { image } = cluster
    expect(unregister(cluster, 4, true)).toEqual({ type: 'brokerUnregistered', metadataOffset: image.offset })
    expect(cluster.image).toBe(image)
    expect(unregister(cluster, 9)).toMatchObject({ code: 'BROKER_ID_NOT_REGISTERED' })
  })
})
