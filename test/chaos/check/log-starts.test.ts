import type { DiskFile } from '../../../src/base/disk.ts'
import { describe, expect, it } from 'vitest'
import { ClusterChecker } from '../../../chaos/check/cluster-checker.ts'
import { NeverBack, type Progress } from '../../../chaos/check/never-back.ts'
import { checkDelivery, type ReadRecord } from '../../../chaos/check/delivery.ts'
import { DurableLogs, type PeekDisk } from '../../../chaos/check/durable-logs.ts'
import { History } from '../../../chaos/history.ts'
import { FakeNode, makeImage, makeState, topicId } from './fake-cluster.ts'
import { FakeLog } from './fake-log.ts'

/** Three nodes with one partition and four records, all committed; node 1 leads. */
function makeCluster(): { readonly nodes: readonly [FakeNode, FakeNode, FakeNode]; readonly checker: ClusterChecker; look(...nodes: FakeNode[]): void } {
  const nodes = [new FakeNode(1), new FakeNode(2), new FakeNode(3)] as const
  const checker = new ClusterChecker({
    peek: () => (log, offset) => log.readCached(offset, 1_000_000),
    mayBeDamaged: () => true,
    durableDecisions: () => Number.POSITIVE_INFINITY,
  })
  const look = (...seen: FakeNode[]): void => {
    for (const node of seen) checker.observe(node)
  }
  for (const node of nodes) {
    node.image = makeImage(10, makeState({}))
    for (const content of ['w', 'x', 'y', 'z']) node.log.add(1, content)
    node.view = { ...node.view, highWatermark: 4 }
  }
  look(nodes[1], nodes[2])
  nodes[0].view = { ...nodes[0].view, role: 'leader' }
  look(nodes[0])
  return { nodes, checker, look }
}

describe('R6.9 the log start', () => {
  it('is decided by the leader, and followed', () => {
    const { nodes, checker, look } = makeCluster()
    for (const node of nodes) {
      node.view = { ...node.view, logStartOffset: 2 }
      node.log.dropBelow(2)
      look(node)
    }
    expect(checker.startOffset(topicId, 0)).toBe(2)
    checker.deleted(topicId, 0, 2)
    expect(() => checker.deleted(topicId, 0, 3)).toThrow(/^start: t-0: records below 3/)
  })

  it('is not above the high watermark', () => {
    const { nodes, look } = makeCluster()
    nodes[0].view = { ...nodes[0].view, highWatermark: 4, logStartOffset: 5 }
    expect(() => look(nodes[0])).toThrow(/^start: t-0: the log of node 1 begins at 5, above its high watermark 4/)
  })

  it('of a follower is not above what a leader decided', () => {
    const { nodes, look } = makeCluster()
    nodes[1].view = { ...nodes[1].view, logStartOffset: 1 }
    expect(() => look(nodes[1])).toThrow(/^start: t-0: the log of node 2 begins at 1, and no leader ever let go of what lies beyond 0/)
  })

  it('was decided by a leader that has resigned since it was last seen, over another log and with more acknowledged', () => {
    const { nodes, checker, look } = makeCluster()
    for (const node of [nodes[1], nodes[2]]) node.log.add(1, 'a')
    look(nodes[1], nodes[2])
    const moved = new FakeLog()
    for (const content of ['w', 'x', 'y', 'z', 'a']) moved.add(1, content)
    moved.dropBelow(2)
    nodes[0].log = moved
    nodes[0].view = { ...nodes[0].view, logStartOffset: 2, highWatermark: 5, role: 'follower' }
    look(nodes[0])
    expect(checker.startOffset(topicId, 0)).toBe(2)
    checker.acknowledged(topicId, 0, 4)
    nodes[0].view = { ...nodes[0].view, logStartOffset: 3 }
    expect(() => look(nodes[0])).toThrow(/^start: /)
  })

  it('of a damaged follower is where its disk has anything left', () => {
    const { nodes, look } = makeCluster()
    nodes[1].view = { ...nodes[1].view, logStartOffset: 1, damaged: true }
    look(nodes[1])
    nodes[1].view = { ...nodes[1].view, damaged: false }
    expect(() => look(nodes[1])).toThrow(/^start: /)
  })

  it('never goes back in one process, but where a damaged log begins anew', () => {
    const { nodes, look } = makeCluster()
    nodes[0].view = { ...nodes[0].view, logStartOffset: 2 }
    look(nodes[0])
    nodes[0].view = { ...nodes[0].view, logStartOffset: 1 }
    expect(() => look(nodes[0])).toThrow(/^start: .*: the log start on node 1 went from 2 to 1/)
    const repaired = new NeverBack()
    const at = (logStartOffset: number): Progress => ({ leaderEpoch: 1, partitionEpoch: 1, highWatermark: 0, logStartOffset, damaged: true })
    for (const start of [2, 0]) repaired.observe('t-0', 'node 1', at(start))
  })

  it('I1: does not excuse a member of the ISR that lacks what lies above it', () => {
    const { nodes, look } = makeCluster()
    nodes[0].view = { ...nodes[0].view, logStartOffset: 2 }
    look(nodes[0])
    const poor = new FakeNode(3)
    poor.incarnation = 9
    poor.image = nodes[2].image
    poor.view = { ...poor.view, logStartOffset: 2, highWatermark: 3 }
    for (const content of ['w', 'x', 'y']) poor.log.add(1, content)
    poor.log.dropBelow(2)
    expect(() => look(poor)).toThrow(/^I1: t-0: node 3 is in ISR ∪ ELR and does not hold offset 3/)
    poor.incarnation = 10
    poor.log.add(1, 'z')
    expect(() => look(poor)).not.toThrow()
  })

  it('I6: what lies above it may not be cut, what lies below may', () => {
    const { nodes, look } = makeCluster()
    nodes[0].view = { ...nodes[0].view, logStartOffset: 2 }
    look(nodes[0])
    nodes[1].view = { ...nodes[1].view, role: 'offline' }
    nodes[1].log.truncate(3)
    expect(() => look(nodes[1])).toThrow(/^I6: t-0: node 2 cut offset 3/)
    nodes[2].view = { ...nodes[2].view, role: 'offline' }
    nodes[2].log.batches.length = 2
    nodes[2].log.truncate(1)
    expect(() => look(nodes[2])).toThrow(/^I6: t-0: node 3 cut offset 2/)
  })
})

describe('delivery of what was deleted', () => {
  const record = (offset: number, value: string): ReadRecord => ({ topicId, partition: 0, offset, value })
  const sent = (count: number): History => {
    const history = new History()
    for (let sendId = 1; sendId <= count; sendId++) {
      history.add({ type: 'send', atMs: sendId, sendId, producer: 'p', topicId, partition: 0, value: `${sendId} v` })
      history.add({ type: 'ok', atMs: sendId, sendId, partition: 0, offset: sendId - 1 })
    }
    return history
  }
  const read = (history: History, consumer: string, offset: number, value = `${offset + 1} v`): void =>
    history.add({ type: 'read', atMs: 9, consumer, topicId, partition: 0, offset, value })

  it('an acknowledged record may be missing below the log start, and nowhere else', () => {
    const history = sent(3)
    expect(() => checkDelivery(history, [record(2, '3 v')], () => 2)).not.toThrow()
    expect(() => checkDelivery(history, [record(2, '3 v')], () => 1)).toThrow(/^delivery: .* acknowledged at offset 1 and is not there/)
  })

  it('what is there is judged, above and below', () => {
    expect(() => checkDelivery(sent(3), [record(0, '1 v'), record(1, '1 v'), record(2, '3 v')], () => 2)).toThrow(/^delivery: .* is there twice/)
  })

  it('consumers agree on what went, and skip nothing that is kept', () => {
    const held = sent(4)
    for (const offset of [0, 1, 3]) read(held, 'c', offset)
    read(held, 'd', 1)
    expect(() => checkDelivery(held, [record(3, '4 v')], () => 3)).not.toThrow()
    const other = sent(4)
    read(other, 'c', 0)
    read(other, 'd', 0, '2 v')
    expect(() => checkDelivery(other, [record(3, '4 v')], () => 3)).toThrow(/^delivery: .* d read "2 v"/)
    const moved = sent(4)
    read(moved, 'c', 0)
    read(moved, 'd', 1, '1 v')
    expect(() => checkDelivery(moved, [record(3, '4 v')], () => 3)).toThrow(/^delivery: .* was read at 0 and at 1/)
    const skipped = sent(4)
    read(skipped, 'c', 3)
    expect(() => checkDelivery(skipped, [record(2, '3 v'), record(3, '4 v')], () => 2)).toThrow(/^order: .* c read offset 3 after -1, 2 comes next/)
    const again = sent(4)
    for (const offset of [1, 0]) read(again, 'c', offset)
    expect(() => checkDelivery(again, [record(3, '4 v')], () => 3)).not.toThrow()
    expect(() => checkDelivery(again, [record(1, '2 v'), record(2, '3 v'), record(3, '4 v')], () => 1)).toThrow(/^order: .* c read offset 0 after 1/)
  })
})

describe('a log start on the disk', () => {
  it('counts once its note is written and synced, and the folder is synced', () => {
    const durable = new DurableLogs()
    const file = { path: 'p/log-start', writev: finish, sync: finish, close: finish } as unknown as DiskFile
    const disk = durable.wrap({
      sizeOf: () => 0,
      open: (_path: string, _options: object, opened: (error: undefined, file: unknown) => void) => opened(undefined, file),
      rename: finish,
      syncFolder: finish,
    } as unknown as PeekDisk)
    const note = (start: number): Buffer[] => [Buffer.from(`count=7\nstart=${start}\nsegment=40\n`)]
    disk.open('p/log-start', { create: true }, (_error, watched) => {
      watched?.writev([Buffer.alloc(100)], 0, () => undefined)
      watched?.writev(note(42), 0, () => undefined)
      expect(durable.endOffset('p')).toBe(0)
      watched?.sync(() => undefined)
      expect(durable.endOffset('p')).toBe(0)
      disk.syncFolder('p', () => undefined)
      expect(durable.endOffset('p')).toBe(42)
      watched?.writev(note(0), 0, () => undefined)
      expect(durable.endOffset('p')).toBe(42)
      watched?.sync(() => undefined)
      expect(durable.endOffset('p')).toBe(0)
      watched?.writevSynced(note(43), 0, () => undefined)
    })
    expect(durable.endOffset('p')).toBe(43)
    disk.rename('p', 'quarantine/p', () => undefined)
    expect(durable.endOffset('p')).toBe(0)
  })
})

/** A disk call that completes at once. */
function finish(...args: unknown[]): void {
  ;(args.at(-1) as (error: undefined) => void)(undefined)
}
