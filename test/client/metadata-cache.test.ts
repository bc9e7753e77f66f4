import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import type { Cluster } from '../../src/client/cluster.ts'
import { FakeCluster } from './fake-cluster.ts'
import { shareCluster } from './shared-cluster.ts'
import { VirtualClock } from './virtual-clock.ts'

function build(): { clock: VirtualClock; fake: FakeCluster; shared: Cluster } {
  const clock = new VirtualClock()
  const fake = new FakeCluster({ clock, random: new SeededRandom(3) })
  fake.addTopic('t', 1)
  return { clock, fake, shared: shareCluster(fake, new SeededRandom(4), 3_000) }
}

describe('metadata', () => {
  it('is asked of the next node when one is dead, at once', () => {
    const { clock, fake, shared } = build()
    fake.dead.add(1).add(2)
    shared.metadata.want('t')
    clock.run(20)
    expect(shared.metadata.topic('t')?.partitions.length).toBe(1)
  })

  it('is asked of a second node while the first is silent', () => {
    for (const silent of [1, 2, 3]) {
      const { clock, fake, shared } = build()
      fake.silent.add(silent)
      shared.metadata.want('t')
      clock.run(300)
      expect(shared.metadata.topic('t')).toBeDefined()
    }
  })

  it('never goes back to what a node that is behind still believes', () => {
    const { clock, fake, shared } = build()
    shared.metadata.want('t')
    clock.run(100)
    fake.moveLeader('t', 0, 3, { lagMs: 5_000 })
    let highest = 0
    shared.metadata.onUpdate(() => {
      const epoch = shared.metadata.topic('t')?.partitions[0]?.leaderEpoch ?? 0
      expect(epoch).toBeGreaterThanOrEqual(highest)
      highest = epoch
      shared.metadata.requestRefresh()
    })
    shared.metadata.requestRefresh()
    clock.run(6_000)
    expect(highest).toBe(2)
  })

  it('believes a hint that is newer than what is known, of a node that is known, until the next answer', () => {
    const { clock, shared } = build()
    shared.metadata.want('t')
    clock.run(100)
    const known = shared.metadata.topic('t')!
    const epoch = known.partitions[0]!.leaderEpoch
    const ref = { topicId: known.topicId, partition: 0 }
    const hint = { nodeId: 3, host: 'n3', grpcPort: 1, leaderEpoch: epoch + 1 }
    shared.metadata.noteLeader(ref, { ...hint, leaderEpoch: epoch })
    shared.metadata.noteLeader(ref, { ...hint, nodeId: 9 })
    shared.metadata.noteLeader({ ...ref, partition: 5 }, hint)
    shared.metadata.noteLeader({ ...ref, topicId: 'f'.repeat(32) }, hint)
    expect(shared.metadata.topic('t')).toBe(known)
    let told = 0
    shared.metadata.onUpdate(() => told++)
    shared.metadata.noteLeader(ref, hint)
    expect(shared.metadata.topic('t')?.partitions[0]).toMatchObject({ leader: 3, leaderEpoch: epoch + 1 })
    clock.run(1)
    expect(told).toBe(1)
    shared.metadata.requestRefresh()
    clock.run(100)
    expect(shared.metadata.topic('t')?.partitions[0]).toEqual(known.partitions[0])
  })

  it('says that a topic lacks a partition only when all nodes had their turn to say otherwise: it may have grown', () => {
    const { clock, fake, shared } = build()
    const lacks = (partition: number): boolean => shared.metadata.lacksPartition('t', partition)
    shared.metadata.want('t')
    clock.run(1_000)
    shared.metadata.onUpdate(() => lacks(1))
    expect(lacks(0)).toBe(false)
    expect(shared.metadata.lacksPartition('unknown', 0)).toBe(false)
    const before = fake.metadataRequests
    expect(lacks(1)).toBe(false)
    clock.run(1_000)
    expect(fake.metadataRequests).toBe(before + 3)
    expect(lacks(1)).toBe(true)
  })

  it('asks anew whether a partition is lacking, once something was heard since', () => {
    const { clock, shared } = build()
    shared.metadata.want('t')
    clock.run(1_000)
    for (let round = 0; round < 3; round++) {
      expect(shared.metadata.lacksPartition('t', 1)).toBe(false)
      clock.run(100)
    }
    expect(shared.metadata.lacksPartition('t', 1)).toBe(true)
    shared.metadata.requestRefresh()
    clock.run(100)
    expect(shared.metadata.lacksPartition('t', 1)).toBe(false)
  })

  it('is asked about every 50 ms for some seconds, then more and more slowly', () => {
    const { clock, fake, shared } = build()
    shared.metadata.onUpdate(() => shared.metadata.requestRefresh())
    shared.metadata.want('t')
    clock.run(2_000)
    expect(fake.metadataRequests).toBeGreaterThan(30)
    expect(fake.metadataRequests).toBeLessThan(50)
    clock.run(10_000)
    const before = fake.metadataRequests
    clock.run(10_000)
    expect(fake.metadataRequests - before).toBeLessThan(16)
  })

  it('calls a topic gone only when it was missing for five seconds', () => {
    const { clock, shared } = build()
    shared.metadata.want('nowhere')
    clock.run(1_000)
    expect(shared.metadata.isGone('nowhere')).toBe(false)
    clock.run(5_000)
    expect(shared.metadata.isGone('nowhere')).toBe(true)
  })
})
