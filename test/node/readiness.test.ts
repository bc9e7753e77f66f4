import { describe, expect, it } from 'vitest'
import type { NodeOptions, NodeView, RaftView, ReplicaView } from '../../src/broker/surface.ts'
import { emptyImage, type MetadataImage } from '../../src/metadata/image.ts'
import type { PartitionState } from '../../src/metadata/records.ts'
import { Readiness, type ReadinessSource } from '../../src/node/readiness.ts'

const TOPIC = 'a'.repeat(32)

const options = {
  nodeId: 1,
  roles: { controller: true, broker: true },
  voterIds: [1, 2, 3],
  peers: [2, 3].map((nodeId) => ({ nodeId, host: `host-${nodeId}`, grpcPort: 9190 + nodeId })),
} as unknown as NodeOptions

function partition(number: number, change: Partial<PartitionState> = {}): PartitionState {
  const isr = [1, 2, 3].map((nodeId) => ({ nodeId, brokerEpoch: 5 }))
  const epochs = { leaderEpoch: 1, leaderGrantedOffset: 1, partitionEpoch: 1 }
  return { topicId: TOPIC, partition: number, replicas: [1, 2, 3], isr, elr: [], leader: 2, unclean: false, reassignment: null, ...epochs, ...change }
}

function imageOf(offset: number, partitions: readonly PartitionState[]): MetadataImage {
  return { ...emptyImage, offset, topics: new Map([[TOPIC, { topicId: TOPIC, name: 'orders', partitions, configs: new Map() }]]) }
}

/** A node that serves, until a test changes what is wrong with it. */
class FakeNode implements ReadinessSource {
  raftView: Partial<RaftView> = {}
  nodeView: Partial<NodeView> = {}
  offline: readonly { readonly topicId: string; readonly partition: number }[] = []
  image = imageOf(100, [partition(0)])
  isServing = true

  raft(): RaftView {
    return {
      role: 'follower',
      term: 3,
      leaderId: 2,
      voters: [],
      commitIndex: 100,
      startOffset: 0,
      endOffset: 100,
      damagedBelow: null,
      snapshot: null,
      ...this.raftView,
    }
  }

  view(): NodeView {
    const changes = { isrShrinks: 0, isrExpands: 0, leaderElections: 0, uncleanLeaderElections: 0, raftElections: 0 }
    return {
      brokerEpoch: 5,
      lastRefusal: null,
      isStopping: false,
      isDiskLow: false,
      offlineFolders: 0,
      connected: [2, 3],
      followers: [],
      changes,
      ...this.nodeView,
    }
  }

  replicas(): readonly ReplicaView[] {
    return this.offline.map((one) => ({ ...one, role: 'offline' })) as unknown as ReplicaView[]
  }
}

function missing(change: (node: FakeNode) => void, as: NodeOptions = options): readonly string[] {
  const node = new FakeNode()
  change(node)
  return new Readiness(as, node).missing()
}

const OUT_OF_SYNC = [{ nodeId: 2, brokerEpoch: 5 }]

describe('readiness', () => {
  it('a node that serves, and is in sync, misses nothing', () => {
    expect(missing(() => undefined)).toEqual([])
  })

  it('a node that stops says so first of all', () => {
    const stopping = missing((node) => {
      node.nodeView = { isStopping: true, isDiskLow: true }
      node.raftView = { leaderId: null }
    })
    expect(stopping).toEqual(['this node is stopping: it moves its leaderships away and ends'])
  })

  it('without a leader it names the voters that it cannot reach, and where they should be', () => {
    const alone = missing((node) => {
      node.raftView = { leaderId: null }
      node.nodeView = { connected: [] }
    })
    expect(alone).toEqual([
      'the metadata quorum has no leader: 1 of 3 voters can be reached, 2 are needed. Missing: node 2 (host-2:9192), node 3 (host-3:9193): start them, or see why their ports cannot be reached from here',
    ])
    const observer = missing(
      (node) => {
        node.raftView = { leaderId: null }
        node.nodeView = { connected: [3] }
      },
      { ...options, voterIds: [2, 3, 4] },
    )
    expect(observer).toEqual([
      'the metadata quorum has no leader: 1 of 3 voters can be reached, 2 are needed. Missing: node 2 (host-2:9192), node 4: start them, or see why their ports cannot be reached from here',
    ])
  })

  it('voters that were added later are named too, and those that were removed are not', () => {
    const alone = missing((node) => {
      node.raftView = { leaderId: null }
      node.nodeView = { connected: [] }
      const voter = (nodeId: number) => ({ nodeId, directoryId: TOPIC, endpoint: { host: `later-${nodeId}`, grpcPort: 9 } })
      node.image = { ...node.image, voters: [voter(1), voter(2), voter(4)] }
    })
    expect(alone).toEqual([expect.stringContaining('1 of 3 voters can be reached, 2 are needed. Missing: node 2 (host-2:9192), node 4 (later-4:9): start')])
  })

  it('with a majority connected it waits for the election', () => {
    const electing = missing((node) => {
      node.raftView = { leaderId: null }
      node.nodeView = { connected: [3] }
    })
    expect(electing).toEqual([expect.stringMatching(/^no leader of the metadata quorum is known, although 2 of 3 voters are connected: .*wait$/)])
  })

  it('a few entries behind are ready, many are not', () => {
    expect(missing((node) => (node.raftView = { commitIndex: 200 }))).toEqual([])
    expect(missing((node) => (node.raftView = { commitIndex: 201 }))).toEqual(['101 committed entries of the metadata log are not applied here yet: wait'])
  })

  it('a broker that is not registered says whom it waits for, or why it was refused', () => {
    expect(missing((node) => (node.nodeView = { brokerEpoch: -1 }))).toEqual(['this broker is not registered yet: it waits for the active controller, node 2'])
    expect(missing((node) => (node.nodeView = { brokerEpoch: -1, lastRefusal: 'another process is alive' }))).toEqual([
      'the active controller, node 2, does not register this broker: another process is alive',
    ])
  })

  it('a fenced broker and a low disk are said together', () => {
    const both = missing((node) => {
      node.isServing = false
      node.nodeView = { isDiskLow: true }
    })
    expect(both).toEqual([expect.stringContaining('this broker is fenced'), expect.stringContaining('free some space')])
  })

  it('a node that only votes is ready with a leader', () => {
    const voter = { ...options, roles: { controller: true, broker: false } }
    expect(missing((node) => (node.nodeView = { brokerEpoch: -1 }), voter)).toEqual([])
  })

  it('after a start it waits until its replicas are in sync under its own broker epoch, but not for those that are offline or elsewhere', () => {
    const late = missing((node) => {
      const old = [{ nodeId: 1, brokerEpoch: 4 }, ...OUT_OF_SYNC]
      node.image = imageOf(100, [
        partition(0, { isr: old }),
        partition(1, { leader: -1, isr: OUT_OF_SYNC }),
        partition(2, { isr: OUT_OF_SYNC }),
        partition(3, { replicas: [2, 3] }),
      ])
      node.offline = [{ topicId: TOPIC, partition: 2 }]
    })
    expect(late).toEqual([
      '1 partitions with a replica here have no leader (orders-1): start the other nodes that hold them',
      '1 replicas here are not in sync yet (orders-0): they catch up, wait',
    ])
  })

  it('names five of many', () => {
    const many = missing(
      (node) =>
        (node.image = imageOf(
          100,
          Array.from({ length: 8 }, (_, at) => partition(at, { isr: OUT_OF_SYNC })),
        )),
    )
    expect(many).toEqual([expect.stringContaining('8 replicas here are not in sync yet (orders-0, orders-1, orders-2, orders-3, orders-4 and 3 more)')])
  })

  it('once in sync, a replica that falls behind makes no node unready', () => {
    const node = new FakeNode()
    const readiness = new Readiness(options, node)
    expect(readiness.missing()).toEqual([])
    node.image = imageOf(101, [partition(0, { isr: OUT_OF_SYNC })])
    expect(readiness.missing()).toEqual([])
    node.isServing = false
    expect(readiness.missing()).toHaveLength(1)
  })
})
