import { describe, expect, it } from 'vitest'
import { Cluster, id, outcome, threeBrokers } from './harness.ts'

describe('R5.3 registration', () => {
  it('starts fenced, under the offset of its entry as broker epoch', () => {
    const cluster = new Cluster()
    cluster.skip()
    expect(cluster.register(1)).toEqual({ type: 'registered', brokerEpoch: 1 })
    expect(cluster.broker(1)).toMatchObject({ brokerEpoch: 1, fenced: true, draining: false })
  })

  it('answers the same incarnation with the same epoch and no records', () => {
    const cluster = new Cluster()
    cluster.start(2)
    cluster.register(1, { incarnation: id('i', 77) })
    const { brokerEpoch } = cluster.broker(1)
    const { offset } = cluster.image
    expect(cluster.register(1, { incarnation: id('i', 77) })).toEqual({ type: 'registered', brokerEpoch })
    expect(cluster.image.offset).toBe(offset)
  })

  it('is unfenced only when its applied offset has reached its registration', () => {
    const cluster = new Cluster()
    cluster.skip()
    cluster.register(1)
    const broker = cluster.broker(1)
    const unfence = { type: 'unfence', nodeId: 1, brokerEpoch: broker.brokerEpoch } as const
    expect(outcome(cluster.run(unfence))).toBe('INVALID_REQUEST')
    cluster.sessions.applied.set(cluster.sessions.key(broker), broker.brokerEpoch)
    expect(outcome(cluster.run(unfence))).toBe('INVALID_REQUEST')
    expect(cluster.broker(1).fenced).toBe(true)
    cluster.sessions.applied.set(cluster.sessions.key(broker), broker.brokerEpoch + 1)
    expect(outcome(cluster.run(unfence))).toBe('done')
    expect(cluster.broker(1).fenced).toBe(false)
  })

  it('is unfenced again after a later fence under the same broker epoch', () => {
    const { cluster } = threeBrokers()
    const { brokerEpoch } = cluster.broker(1)
    cluster.fence(1)
    expect(cluster.broker(1).fenced).toBe(true)
    cluster.unfence(1)
    expect(cluster.broker(1)).toMatchObject({ fenced: false, brokerEpoch })
  })

  it('a new incarnation on the same folder ends the old one in the same entry: it leaves the ISR, another leads with a higher leader epoch', () => {
    const { cluster, ref } = threeBrokers()
    const before = cluster.state(ref)
    const offset = cluster.image.offset
    cluster.register(1)
    expect(cluster.image.offset).toBe(offset + 1)
    expect(cluster.broker(1)).toMatchObject({ fenced: true, brokerEpoch: offset })
    expect(cluster.state(ref)).toMatchObject({
      leader: 2,
      leaderEpoch: before.leaderEpoch + 1,
      partitionEpoch: before.partitionEpoch + 1,
      leaderGrantedOffset: offset,
      elr: [],
    })
    expect(cluster.isr(ref)).toEqual([2, 3])
  })

  it('the ISR may become empty, and R5.8 puts the member in the ELR, with no leader under a higher leader epoch', () => {
    const { cluster, ref } = threeBrokers()
    cluster.alter(ref, [1])
    expect(cluster.state(ref).elr).toEqual([2, 3])
    const before = cluster.state(ref)
    cluster.register(1)
    expect(cluster.state(ref)).toMatchObject({ isr: [], elr: [1, 2, 3], leader: -1, leaderEpoch: before.leaderEpoch + 1 })
  })

  it('leaves a partition alone where the broker is neither in the ISR nor lost', () => {
    const { cluster, ref } = threeBrokers()
    cluster.alter(ref, [1, 2])
    const before = cluster.state(ref)
    cluster.register(3)
    expect(cluster.state(ref)).toBe(before)
  })

  it('a live different folder under the same node id is a DUPLICATE_BROKER_REGISTRATION', () => {
    const { cluster } = threeBrokers()
    const offset = cluster.image.offset
    expect(outcome(cluster.register(1, { directory: id('d', 99) }))).toBe('DUPLICATE_BROKER_REGISTRATION')
    expect(cluster.image.offset).toBe(offset)
  })

  it('a draining broker is still a live one', () => {
    const { cluster } = threeBrokers()
    cluster.drain(1)
    expect(outcome(cluster.register(1, { directory: id('d', 99) }))).toBe('DUPLICATE_BROKER_REGISTRATION')
  })

  it('once fenced a different folder registers, and what stood on the folder that is gone leaves ISR and ELR, be it the last', () => {
    const { cluster, ref } = threeBrokers()
    cluster.alter(ref, [1])
    cluster.fence(1)
    expect(cluster.state(ref).elr).toEqual([1, 2, 3])
    for (const [nodeId, left] of [
      [1, [2, 3]],
      [2, [3]],
      [3, []],
    ] as const) {
      cluster.fence(nodeId)
      const before = cluster.state(ref).partitionEpoch
      expect(outcome(cluster.register(nodeId, { directory: id('d', 90 + nodeId) }))).toBe('registered')
      expect(cluster.state(ref)).toMatchObject({ isr: [], elr: left, leader: -1, partitionEpoch: before + 1 })
    }
  })

  it('damaged replicas leave ISR and ELR in the entry that registers them', () => {
    const { cluster, ref } = threeBrokers()
    const other = cluster.create('other', [[1, 2, 3]])
    cluster.alter(ref, [1, 2])
    cluster.alter(ref, [1])
    cluster.alter(other, [1])
    const offset = cluster.image.offset
    cluster.register(2, { damaged: [ref, { topicId: id('t', 999), partition: 4 }] })
    expect(cluster.image.offset).toBe(offset + 1)
    expect(cluster.state(ref).elr).toEqual([])
    expect(cluster.state(other).elr).toEqual([2, 3])
    cluster.register(1, { damaged: [ref] })
    expect(cluster.state(ref)).toMatchObject({ isr: [], elr: [], leader: -1 })
    expect(cluster.state(other).elr).toEqual([1, 2, 3])
  })

  it('R5.3: of several folders one is gone: what stood on the others stays in the ELR, everything leaves it when nothing is said', () => {
    const lost = ['none', 'of it', 'all'].map((what) => {
      const { cluster, ref: kept } = threeBrokers()
      const other = cluster.create('other', [[1, 2, 3]])
      cluster.register(1, { directories: [id('d', 1), id('e', 1)] })
      cluster.unfence(1)
      for (const ref of [kept, other]) cluster.alter(ref, [1, 2, 3])
      for (const nodeId of [2, 3, 1]) cluster.fence(nodeId)
      const directories = what === 'none' ? [id('d', 1), id('e', 1)] : [id('d', 1), id('f', 1)]
      cluster.register(1, { directories, standing: what === 'all' ? null : [kept] })
      return [kept, other].map((ref) => cluster.state(ref).elr.includes(1))
    })
    expect(lost).toEqual([
      [true, true],
      [true, false],
      [false, false],
    ])
  })

  it('refuses a registration that names no folder or no node', () => {
    const cluster = new Cluster()
    expect(outcome(cluster.register(-1))).toBe('INVALID_REQUEST')
    expect(
      outcome(
        cluster.run({
          type: 'register',
          nodeId: 1,
          incarnationId: id('i', 1),
          directoryIds: [],
          address: { host: 'h', grpcPort: 1, kafkaPort: null, httpPort: null, rack: null },
          damaged: [],
          standing: null,
        }),
      ),
    ).toBe('INVALID_REQUEST')
  })
})

describe('R5.5 fence', () => {
  it('leaves all ISRs and elects elsewhere, in one entry', () => {
    const { cluster, ref } = threeBrokers()
    const second = cluster.create('second', [[2, 1, 3]])
    const offset = cluster.image.offset
    cluster.fence(1)
    expect(cluster.image.offset).toBe(offset + 1)
    expect(cluster.state(ref)).toMatchObject({ leader: 2, leaderEpoch: 1, partitionEpoch: 1, leaderGrantedOffset: offset })
    expect(cluster.state(second)).toMatchObject({ leader: 2, leaderEpoch: 0, partitionEpoch: 1 })
    expect(cluster.isr(ref)).toEqual([2, 3])
    expect(cluster.isr(second)).toEqual([2, 3])
  })

  it('names the registration it is about: another epoch is refused', () => {
    const { cluster } = threeBrokers()
    expect(outcome(cluster.run({ type: 'fence', nodeId: 1, brokerEpoch: 0 }))).toBe('STALE_BROKER_EPOCH')
    expect(outcome(cluster.run({ type: 'fence', nodeId: 9, brokerEpoch: 0 }))).toBe('BROKER_ID_NOT_REGISTERED')
    expect(cluster.broker(1).fenced).toBe(false)
  })

  it('a second fence decides nothing', () => {
    const { cluster } = threeBrokers()
    cluster.fence(1)
    const offset = cluster.image.offset
    expect(cluster.fence(1)).toEqual({ type: 'done' })
    expect(cluster.image.offset).toBe(offset)
  })
})

describe('R5.9 controlled shutdown', () => {
  it('the entry that drains moves leaderships and takes the broker out of every ISR', () => {
    const { cluster, ref } = threeBrokers()
    const offset = cluster.image.offset
    cluster.drain(1)
    expect(cluster.image.offset).toBe(offset + 1)
    expect(cluster.broker(1)).toMatchObject({ fenced: false, draining: true })
    expect(cluster.state(ref)).toMatchObject({ leader: 2, leaderEpoch: 1, elr: [] })
    expect(cluster.isr(ref)).toEqual([2, 3])
  })

  it('R5.8 applies to it: below the minimum it becomes eligible', () => {
    const { cluster, ref } = threeBrokers()
    cluster.alter(ref, [1, 2])
    cluster.drain(1)
    expect(cluster.state(ref)).toMatchObject({ leader: 2, elr: [1] })
  })

  it('a draining broker never joins an ISR and is never elected', () => {
    const { cluster, ref } = threeBrokers()
    cluster.drain(2)
    expect(outcome(cluster.alter(ref, [1, 2, 3]))).toBe('INELIGIBLE_REPLICA')
    cluster.alter(ref, [1])
    expect(cluster.state(ref).elr).toEqual([3])
    cluster.fence(1)
    cluster.drain(3)
    cluster.reports(3, ref)
    expect(cluster.elect(ref)).toBe(-1)
  })

  it('ends with the process: a new incarnation is not draining', () => {
    const { cluster } = threeBrokers()
    cluster.drain(1)
    cluster.register(1)
    expect(cluster.broker(1)).toMatchObject({ fenced: true, draining: false })
  })
})

describe('R5.2 dead logs', () => {
  it('count as that broker fenced, for that partition alone', () => {
    const { cluster, ref } = threeBrokers()
    const other = cluster.create('other', [[1, 2, 3]])
    cluster.killLog(1, ref)
    expect(cluster.state(ref)).toMatchObject({ leader: 2, leaderEpoch: 1 })
    expect(cluster.isr(ref)).toEqual([2, 3])
    expect(cluster.isr(other)).toEqual([1, 2, 3])
    expect(cluster.state(other).leader).toBe(1)
  })

  it('cannot rejoin, and is not elected, until a new incarnation', () => {
    const { cluster, ref } = threeBrokers()
    cluster.killLog(3, ref)
    expect(outcome(cluster.alter(ref, [1, 2, 3]))).toBe('INELIGIBLE_REPLICA')
    cluster.register(3)
    cluster.unfence(3)
    expect(outcome(cluster.alter(ref, [1, 2, 3]))).toBe('done')
  })

  it('a member whose log is known to be dead does not take over when the leader is fenced', () => {
    const { cluster, ref } = threeBrokers()
    cluster.sessions.dead.add(cluster.sessions.key(cluster.broker(2), ref))
    cluster.fence(1)
    expect(cluster.state(ref)).toMatchObject({ leader: 3, elr: [1, 2] })
    expect(cluster.isr(ref)).toEqual([3])
  })
})

describe('R2.2 fillVoter', () => {
  it('fills the folder of a voter known by id alone, once', () => {
    const cluster = new Cluster()
    const voters = [
      { nodeId: 1, directoryId: id('d', 1), endpoint: null },
      { nodeId: 2, directoryId: null, endpoint: null },
    ]
    cluster.image = { ...cluster.image, voters }
    const fill = (nodeId: number, directory: number): string => outcome(cluster.run({ type: 'fillVoter', nodeId, directoryId: id('d', directory) }))
    expect(fill(2, 2)).toBe('done')
    expect(cluster.image.voters).toEqual([
      { nodeId: 1, directoryId: id('d', 1), endpoint: null },
      { nodeId: 2, directoryId: id('d', 2), endpoint: null },
    ])
    const { offset } = cluster.image
    expect(fill(2, 2)).toBe('done')
    expect(fill(2, 7)).toBe('WRONG_NODE')
    expect(fill(9, 9)).toBe('WRONG_NODE')
    expect(cluster.image.offset).toBe(offset)
  })
})

describe('producer ids', () => {
  it('are handed out in blocks that never overlap', () => {
    const cluster = new Cluster()
    expect(cluster.run({ type: 'allocateProducerIds', count: 1000 })).toEqual({ type: 'producerIds', firstProducerId: 0, count: 1000 })
    expect(cluster.run({ type: 'allocateProducerIds', count: 5 })).toEqual({ type: 'producerIds', firstProducerId: 1000, count: 5 })
    expect(cluster.image.nextProducerId).toBe(1005)
    for (const count of [0, -1, 1.5, 100_001, Number.NaN]) expect(outcome(cluster.run({ type: 'allocateProducerIds', count }))).toBe('INVALID_REQUEST')
  })
})
