import { describe, expect, it } from 'vitest'
import { ClusterChecker } from '../../../chaos/check/cluster-checker.ts'
import type { PartitionState } from '../../../src/metadata/records.ts'
import { FakeNode, makeBroker, makeImage, makeState, topicId } from './fake-cluster.ts'
import { FakeLog, makeBatch } from './fake-log.ts'

/** Three nodes with one partition, node 1 leading, three records committed everywhere; `look` shows one of them to the checker. */
function makeCluster(isHarmed: (nodeId: number) => boolean = () => false): {
  readonly nodes: readonly [FakeNode, FakeNode, FakeNode]
  readonly checker: ClusterChecker
  look(...nodes: FakeNode[]): void
  apply(offset: number, change: Partial<PartitionState>): void
} {
  const nodes = [new FakeNode(1), new FakeNode(2), new FakeNode(3)] as const
  const durableDecisions = (): number => Number.POSITIVE_INFINITY
  const checker = new ClusterChecker({ peek: () => (log, offset) => log.readCached(offset, 1_000_000), isHarmed, durableDecisions })
  const look = (...seen: FakeNode[]): void => {
    for (const node of seen) checker.observe(node)
  }
  const apply = (offset: number, change: Partial<PartitionState>): void => {
    for (const node of nodes) node.image = makeImage(offset, makeState(change))
  }
  apply(10, {})
  for (const node of nodes) for (const content of ['x', 'y', 'z']) node.log.add(1, content)
  nodes[0].view = { ...nodes[0].view, role: 'leader' }
  look(...nodes)
  nodes[0].view = { ...nodes[0].view, highWatermark: 3 }
  look(...nodes)
  return { nodes, checker, look, apply }
}

describe('the cluster checker', () => {
  it('is content with a cluster that keeps the rules', () => {
    const { checker } = makeCluster()
    expect(checker.exposedEndOffset(topicId, 0)).toBe(3)
    expect(checker.exposedRecords).toBe(3)
  })

  it('I1: a member of the ISR without what is below the high watermark', () => {
    const { nodes, look } = makeCluster()
    for (const node of nodes.slice(0, 2)) node.log.add(1, 'w')
    nodes[0].view = { ...nodes[0].view, highWatermark: 4 }
    look(nodes[1])
    expect(() => look(nodes[0])).toThrow(/^I1: t-0: node 3 is in ISR ∪ ELR and does not hold offset 3/)
  })

  it('I1: a member of the ISR that has it in memory only', () => {
    const { nodes, look } = makeCluster()
    for (const node of nodes) node.log.add(1, 'w', { synced: node.nodeId !== 3 })
    look(nodes[1], nodes[2])
    nodes[0].view = { ...nodes[0].view, highWatermark: 4 }
    expect(() => look(nodes[0])).toThrow(/^I1: t-0: node 3 is in ISR ∪ ELR and has synced only to 3/)
  })

  it('I1: of a member whose disk lost what it had synced, as long as it says that it may have', () => {
    const behind = (isHarmed: (nodeId: number) => boolean): (() => void) => {
      const { nodes, look } = makeCluster(isHarmed)
      const [leader, other, third] = nodes
      third.incarnation += 1000
      third.log = new FakeLog()
      third.log.add(1, 'x')
      third.view = { ...third.view, suspect: true }
      look(leader, other, third)
      return () => {
        third.view = { ...third.view, suspect: false }
        look(third)
      }
    }
    expect(() => behind(() => false)).toThrow(/^I1: t-0: node 3 is in ISR ∪ ELR and does not hold offset 1/)
    const trusted = behind((nodeId) => nodeId === 3)
    expect(trusted).toThrow(/^I1: t-0: node 3 is in ISR ∪ ELR and does not hold offset 1/)
  })

  it('I1: of a member whose disk changed what it had synced, once its process has applied what it is (seed 1234)', () => {
    const changed = (isHarmed: (nodeId: number) => boolean): (() => void) => {
      const { nodes, look } = makeCluster(isHarmed)
      const third = nodes[2]
      third.incarnation += 1000
      third.log = new FakeLog()
      for (const [at, content] of ['x', 'y', 'z'].entries()) third.log.add(at < 2 ? 1 : 9, content)
      third.view = { ...third.view, partitionEpoch: -1 }
      look(third)
      return () => {
        third.view = { ...third.view, partitionEpoch: 1 }
        look(third)
      }
    }
    expect(() => changed(() => false)).toThrow(/^I1: t-0: node 3 is in ISR ∪ ELR and does not hold offset 2/)
    const assigned = changed((nodeId) => nodeId === 3)
    expect(assigned).toThrow(/^I1: t-0: node 3 is in ISR ∪ ELR and does not hold offset 2/)
  })

  it('I2: a batch that its own disk changed counts by its place alone, on that disk alone', () => {
    const rot = (isHarmed: (nodeId: number) => boolean): (() => void) => {
      const { nodes, look } = makeCluster(isHarmed)
      const third = nodes[2]
      third.incarnation += 1000
      third.log = new FakeLog()
      for (const content of ['x', 'y', 'z']) third.log.add(1, content)
      const bytes = third.log.batches[1] as Buffer
      bytes[bytes.length - 1] = 0
      return () => look(third)
    }
    expect(rot(() => false)).toThrow(/^I2: /)
    expect(rot((nodeId) => nodeId === 3)).not.toThrow()
  })

  it('after an unclean election, recorded as one, what had been committed counts no more', () => {
    const elect = (unclean: boolean): (() => void) => {
      const { nodes, look, apply, checker } = makeCluster()
      const third = nodes[2]
      third.log.truncate(1)
      return () => {
        apply(11, { isr: [{ nodeId: 3, brokerEpoch: 3 }], elr: unclean ? [] : [1, 2], leader: 3, leaderEpoch: 2, partitionEpoch: 2, unclean })
        look(nodes[0])
        expect(checker.hasGivenUp(topicId, 0)).toBe(unclean)
        third.view = { ...third.view, role: 'leader', leaderEpoch: 2 }
        third.log.add(2, 'w')
        look(third)
        checker.acknowledged(topicId, 0, 9)
      }
    }
    expect(elect(false)).toThrow(/^I[16]: t-0: node 3/)
    expect(elect(true)).not.toThrow()
  })

  it('I1: a member of the ELR counts as well, one that left does not', () => {
    const left = makeCluster()
    left.apply(11, { isr: [1, 2].map((nodeId) => ({ nodeId, brokerEpoch: nodeId })), partitionEpoch: 2 })
    left.look(...left.nodes)
    for (const node of left.nodes.slice(0, 2)) node.log.add(1, 'w')
    left.nodes[0].view = { ...left.nodes[0].view, highWatermark: 4 }
    left.look(left.nodes[1], left.nodes[0], left.nodes[2])
    left.apply(12, { isr: [{ nodeId: 1, brokerEpoch: 1 }], elr: [2, 3], partitionEpoch: 3 })
    expect(() => left.look(left.nodes[0])).toThrow(/^I1: t-0: node 3/)
  })

  it('I1: a member that comes back without what it had', () => {
    const { nodes, look, checker } = makeCluster()
    checker.died(2)
    const reborn = new FakeNode(2)
    reborn.incarnation = 2002
    reborn.image = nodes[0].image
    reborn.log.add(1, 'x')
    expect(() => look(reborn)).toThrow(/^I1: t-0: node 2 .* offset 1/)
  })

  it('I2: other bytes at an offset and epoch that are known', () => {
    const { nodes, look } = makeCluster()
    nodes[1].log.add(1, 'this')
    nodes[2].log.add(1, 'that')
    look(nodes[1])
    expect(() => look(nodes[2])).toThrow(/^I2: .* offset 3 of epoch 1 is different on node 3/)
  })

  it('I2: another epoch at the offset is no contradiction', () => {
    const { nodes, look } = makeCluster()
    nodes[1].log.add(1, 'this')
    nodes[2].log.add(2, 'that')
    look(nodes[1], nodes[2])
  })

  it('I2: entries of the metadata log differ between two senders', () => {
    const { checker } = makeCluster()
    checker.entriesSent(1, [makeBatch(7, 2, 'this')])
    checker.entriesSent(2, [makeBatch(7, 3, 'that')])
    expect(() => checker.entriesSent(3, [makeBatch(7, 2, 'that')])).toThrow(/^I2: metadata offset 7/)
  })

  it('I3: two leaders in one leader epoch', () => {
    const { nodes, look } = makeCluster()
    nodes[1].view = { ...nodes[1].view, role: 'leader' }
    expect(() => look(nodes[1])).toThrow(/^I3: .* epoch 1 is led by node 2/)
  })

  it('I3: the same node after a restart is another leader', () => {
    const { nodes, look, checker } = makeCluster()
    checker.died(1)
    nodes[0].incarnation = 2001
    expect(() => look(nodes[0])).toThrow(/^I3: .* epoch 1 is led by node 1 \(process 2001\)/)
  })

  it('I3: two Raft leaders in one term', () => {
    const { nodes, look } = makeCluster()
    for (const node of nodes.slice(0, 2)) node.raftView = { ...node.raftView, role: 'leader' }
    look(nodes[0])
    expect(() => look(nodes[1])).toThrow(/^I3: metadata: epoch 1/)
  })

  it('I4: an acknowledgement above every high watermark', () => {
    const { checker } = makeCluster()
    checker.acknowledged(topicId, 0, 2)
    expect(() => checker.acknowledged(topicId, 0, 3)).toThrow(/^I4: t-0: offset 3 was acknowledged/)
  })

  it('I5: a high watermark that falls within its leader epoch, and one that may', () => {
    const { nodes, look } = makeCluster(() => true)
    nodes[1].view = { ...nodes[1].view, highWatermark: 3 }
    look(nodes[1])
    nodes[1].view = { ...nodes[1].view, highWatermark: 2, leaderEpoch: 2 }
    look(nodes[1])
    nodes[1].view = { ...nodes[1].view, highWatermark: 1, damaged: true }
    look(nodes[1])
    nodes[1].view = { ...nodes[1].view, highWatermark: 0, damaged: false }
    expect(() => look(nodes[1])).toThrow(/^I5: .* went from 1 to 0 within leader epoch 2/)
  })

  it('I5: a leader epoch, a term and a metadata offset that go back', () => {
    const one = makeCluster()
    one.nodes[1].view = { ...one.nodes[1].view, leaderEpoch: 0 }
    expect(() => one.look(one.nodes[1])).toThrow(/^I5: .* leader epoch on node 2 went from 1 to 0/)
    const two = makeCluster()
    two.nodes[1].raftView = { ...two.nodes[1].raftView, term: 0 }
    expect(() => two.look(two.nodes[1])).toThrow(/^I5: metadata: the leader epoch on node 2 went from 1 to 0/)
    const three = makeCluster()
    three.apply(9, {})
    expect(() => three.look(three.nodes[1])).toThrow(/^I5: the metadata offset applied on node 2 went from 10 to 9/)
  })

  it('I6: a cut of what was exposed', () => {
    const { nodes, look, apply } = makeCluster()
    apply(11, { isr: [1, 2].map((nodeId) => ({ nodeId, brokerEpoch: nodeId })), partitionEpoch: 2 })
    look(...nodes)
    nodes[2].log.truncate(2)
    expect(() => look(nodes[2])).toThrow(/^I6: t-0: node 3 cut offset 2 of epoch 1/)
  })

  it('I6: a cut of what was never exposed is allowed, even with something else appended in the same step', () => {
    const { nodes, look } = makeCluster()
    nodes[2].log.add(1, 'w')
    look(nodes[2])
    nodes[2].log.truncate(3)
    nodes[2].log.add(2, 'v')
    look(nodes[2])
  })

  it('I7: fenced, draining, under another broker epoch, or not the leader’s', () => {
    const judge = (state: Partial<PartitionState>, third = makeBroker(3, 3)): (() => void) => {
      const { nodes, look } = makeCluster()
      nodes[0].image = makeImage(11, makeState({ partitionEpoch: 2, ...state }), [makeBroker(1, 1), makeBroker(2, 2), third])
      return () => look(nodes[0])
    }
    expect(judge({})).not.toThrow()
    expect(judge({}, makeBroker(3, 3, { fenced: true }))).toThrow(/^I7: .* node 3 is in the ISR and fenced/)
    expect(judge({}, makeBroker(3, 3, { draining: true }))).toThrow(/^I7: .* node 3 is in the ISR and draining/)
    expect(judge({}, makeBroker(3, 8))).toThrow(/^I7: .* under broker epoch 3, it has 8/)
    expect(judge({ isr: [{ nodeId: 2, brokerEpoch: 2 }] })).toThrow(/^I7: .* the leader 1 is not in the ISR/)
    expect(judge({ leaderGrantedOffset: 0 })).toThrow(/^I7: .* granted at 0, before its broker epoch 1/)
  })

  it('damage: a replica or a metadata log that is damaged on a disk that did what it should', () => {
    const isHarmed = (nodeId: number): boolean => nodeId === 3
    const { nodes, look } = makeCluster(isHarmed)
    const [, second, third] = nodes
    third.view = { ...third.view, damaged: true }
    third.raftView = { ...third.raftView, damagedBelow: 7 }
    look(third)
    second.view = { ...second.view, damaged: true }
    expect(() => look(second)).toThrow(/^damage: t-0 is damaged on node 2, whose disk lost and changed nothing/)
    second.raftView = { ...second.raftView, damagedBelow: 7 }
    expect(() => look(second)).toThrow(/^damage: metadata is damaged on node 2/)
  })

  it('damage: but not a copy of a deleted topic, which may turn up with a folder that was away', () => {
    const { nodes, look } = makeCluster()
    const [, second] = nodes
    second.image = { ...makeImage(11, makeState({})), topics: new Map() }
    look(second)
    second.view = { ...second.view, damaged: true }
    look(second)
  })

  it('I7: a damaged leader that says itself to be in sync', () => {
    const { nodes, look } = makeCluster(() => true)
    nodes[0].view = { ...nodes[0].view, damaged: true, highWatermark: 3 }
    nodes[0].log.add(1, 'w')
    look(nodes[1], nodes[2])
    nodes[0].image = makeImage(11, makeState({ partitionEpoch: 2 }))
    expect(() => look(nodes[0])).toThrow(/^I7: t-0: node 1 is damaged and in the ISR/)
  })

  it('I8: another image at an equal offset', () => {
    const { nodes, look } = makeCluster()
    nodes[1].image = makeImage(10, makeState({ elr: [2], isr: [{ nodeId: 1, brokerEpoch: 1 }] }))
    expect(() => look(nodes[1])).toThrow(/^I8: the image at offset 10 is different on node 2 and node 1/)
  })
})
