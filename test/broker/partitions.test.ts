import { describe, expect, it } from 'vitest'
import type { Disk } from '../../src/base/disk.ts'
import { BrokerError } from '../../src/base/errors.ts'
import { checkpointKey, decodeCheckpoint, encodeCheckpoint } from '../../src/broker/replica-marks.ts'
import { findPartition } from '../../src/metadata/image.ts'
import type { MetadataRecord, PartitionState } from '../../src/metadata/records.ts'
import { register, topicId } from '../metadata/fixtures.ts'
import { FolderBench, NAME } from './folder-bench.ts'
import { BrokerBench, records } from './harness.ts'

function produce(bench: BrokerBench, number: number, size?: number): void {
  const header = { baseOffset: 0, lastOffset: 1, sizeBytes: 0, leaderEpoch: -1, attributes: 0, baseTimestamp: 0, maxTimestamp: 0, recordCount: 2 }
  const bytes = records(2, size)
  const input = {
    acks: -1,
    nowMs: 0,
    currentLeaderEpoch: -1,
    header: { ...header, sizeBytes: bytes.length, producerId: -1, producerEpoch: -1, baseSequence: -1 },
    bytes,
  } as const
  bench.replica(number).produce(input, () => undefined)
  bench.run()
}

/** Fails calls that touch this path. */
function failing(path: string): (disk: Disk) => Disk {
  return (disk) =>
    new Proxy(disk, {
      get(target, name: keyof Disk) {
        const member = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        return (...given: unknown[]) => {
          const done = given.at(-1)
          if (typeof given[0] === 'string' && given[0].startsWith(path) && typeof done === 'function') {
            done(new BrokerError('DISK_FAILED', `${String(name)} ${path}: EIO`))
            return undefined
          }
          return Reflect.apply(member, target, given)
        }
      },
    })
}

describe('partitions', () => {
  it("segment.bytes of a topic is the limit of its segments, once changed and after a restart too; without it the node's is", () => {
    const bench = new BrokerBench()
    const segments = (): number => {
      const names = bench.clock.wait<readonly string[]>((done) => bench.world.disk.list('partitions/orders-0', done))
      return names.filter((name) => name.endsWith('.log')).length
    }
    const segmentBytes = (value: string | null) => ({ type: 'topicConfig', topicId: topicId(1), key: 'segment.bytes', value }) as const
    const alone = { replicas: [1], isr: [{ nodeId: 1, brokerEpoch: 1 }] }
    bench.begin()
    bench.apply([...bench.topicRecords(1, 'orders', alone), segmentBytes('4096')])
    for (let left = 3; left > 0; left--) produce(bench, 1, 1500)
    expect(segments()).toBe(3)
    bench.restart()
    bench.begin()
    bench.apply([...bench.topicRecords(1, 'orders', { ...alone, leaderEpoch: 1 }), segmentBytes('4096')])
    for (let left = 2; left > 0; left--) produce(bench, 1, 1500)
    expect(segments()).toBe(5)
    bench.apply([segmentBytes('8192')])
    for (let left = 3; left > 0; left--) produce(bench, 1, 1500)
    expect(segments()).toBe(6)
    bench.apply([segmentBytes(null)])
    for (let left = 9; left > 0; left--) produce(bench, 1, 1500)
    expect(segments()).toBe(6)
  })

  it('a topic deleted and made again by its name while the log is opened: the new one gets its log, the old folder is set aside', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.applyQuietly(bench.topicRecords(1, 'orders'))
    bench.applyQuietly([{ type: 'topicDeleted', topicId: topicId(1) }])
    bench.applyQuietly(bench.topicRecords(2, 'orders'))
    expect(bench.partitions.find(topicId(2), 0)).toBeUndefined()
    bench.run(100)
    expect(bench.partitions.find(topicId(1), 0)).toBeUndefined()
    expect(bench.replica(2).core.role).toBe('leader')
    expect(bench.clock.wait<readonly string[]>((done) => bench.world.disk.list('quarantine', done))).toHaveLength(1)
  })

  it('a topic deleted while its log is opened leaves no replica behind', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.applyQuietly(bench.topicRecords(1, 'orders'))
    bench.applyQuietly([{ type: 'topicDeleted', topicId: topicId(1) }])
    bench.run(100)
    expect([...bench.partitions.all()]).toEqual([])
    expect(bench.world.directory?.names).toEqual([])
  })

  it('R3.4: a topic that metadata lacks keeps its folder; one whose deletion is committed loses it, made and deleted in one batch too', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.alone(1, 'orders')
    bench.alone(2, 'payments')
    bench.restart()
    bench.begin()
    expect([...bench.partitions.all()].map((replica) => replica.topic).sort()).toEqual(['orders', 'payments'])
    bench.apply([...bench.topicRecords(1, 'orders'), { type: 'topicDeleted', topicId: topicId(1) }])
    expect([...bench.partitions.all()].map((replica) => replica.topic)).toEqual(['payments'])
  })

  const NOTE = 'partition.metadata'
  const quarantined = (bench: BrokerBench) => bench.clock.wait<readonly string[]>((done) => bench.world.disk.list('quarantine', done))

  it('a replica that a decision took off is set aside with its checkpoint, also after a restart; taken on again, it begins empty and whole', () => {
    const bench = new BrokerBench()
    const changed = (changes: Partial<PartitionState>): MetadataRecord => {
      const state = findPartition(bench.image, topicId(1), 0) as PartitionState
      return { type: 'partition', state: { ...state, partitionEpoch: state.partitionEpoch + 1, ...changes } }
    }
    const names = (): string[] => [...bench.partitions.all()].map(({ log }) => log.name)
    bench.begin()
    bench.apply(bench.topicRecords(1, 'orders', { replicas: [1, 2], isr: [{ nodeId: 1, brokerEpoch: 1 }] }))
    produce(bench, 1)
    bench.clock.waitVoid((done) => bench.partitions.checkpoint({ cleanEnds: null }, done))
    const elsewhere = { replicas: [2], isr: [], leader: -1, leaderEpoch: 2 }
    bench.apply([changed({ ...elsewhere, leaderGrantedOffset: bench.image.offset })])
    expect(names()).toEqual([])
    expect(quarantined(bench)).toHaveLength(1)
    expect(bench.clock.wait((done) => bench.checkpoints.get(checkpointKey('partitions/orders-0'), done))).toBeUndefined()
    bench.apply([changed({ replicas: [2, 1] })])
    const { log, damaged, dead } = bench.replica(1)
    expect([log.endOffset, damaged, dead]).toEqual([0, false, false])
    bench.restart()
    expect(names()).toEqual(['partitions/orders-0'])
    bench.begin()
    bench.apply(bench.topicRecords(1, 'orders', elsewhere))
    expect(names()).toEqual([])
    expect(quarantined(bench)).toHaveLength(2)
  })

  const spoiled: Record<string, (bench: BrokerBench) => void> = {
    'is missing': (bench) => void bench.world.disk.removeTree(`partitions/orders-0/${NOTE}`),
    'cannot be read': (bench) => void bench.world.disk.flipByte(`partitions/orders-0/${NOTE}`, 0),
    'names another topic': (bench) => {
      const note = JSON.stringify({ version: 1, topicId: topicId(99) })
      bench.clock.waitVoid((done) => bench.world.directory!.writeNote('partitions/orders-0', NOTE, note, done))
    },
  }
  for (const [how, spoil] of Object.entries(spoiled)) {
    it(`R3.4: a log with batches whose ${NOTE} ${how} is kept, and its replica offline`, () => {
      const bench = new BrokerBench()
      bench.begin()
      bench.alone(1, 'orders')
      produce(bench, 1)
      spoil(bench)
      bench.restart()
      bench.begin()
      bench.apply(bench.topicRecords(1, 'orders'))
      expect(bench.partitions.find(topicId(1), 0)).toBeUndefined()
      expect(bench.partitions.deadLogs()).toEqual([{ topicId: topicId(1), partition: 0 }])
      expect(quarantined(bench)).toEqual([])
      expect(bench.world.disk.sizeOf('partitions/orders-0/00000000000000000000.log')).toBeGreaterThan(0)
    })
  }

  it('R3.4: a log under the name of a topic that was made anew, its own one gone from the metadata meanwhile, is set aside for the new one', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.alone(1, 'orders')
    produce(bench, 1)
    bench.restart()
    bench.begin()
    bench.apply(bench.topicRecords(2, 'orders'))
    expect(bench.replica(2).log.endOffset).toBe(0)
    expect(bench.partitions.deadLogs()).toEqual([])
    expect(quarantined(bench)).toHaveLength(1)
  })

  it(`R3.4: the topic id in ${NOTE} is not the one that was written: that is no other topic, the log is kept`, () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.alone(1, 'orders')
    produce(bench, 1)
    const directory = bench.world.directory!
    const note = bench.clock.wait<string | undefined>((done) => directory.readNote('partitions/orders-0', NOTE, done)) as string
    const changed = note.replace(topicId(1), topicId(3))
    bench.clock.waitVoid((done) => directory.writeNote('partitions/orders-0', NOTE, changed, done))
    bench.restart()
    bench.begin()
    bench.apply(bench.topicRecords(2, 'orders'))
    expect(bench.partitions.deadLogs()).toEqual([{ topicId: topicId(2), partition: 0 }])
    expect(quarantined(bench)).toEqual([])
  })

  it(`R3.4: a folder without ${NOTE} and without batches, as a crash while it was made leaves it, is set aside and made again`, () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.alone(1, 'orders')
    bench.world.disk.removeTree(`partitions/orders-0/${NOTE}`)
    bench.restart()
    expect(quarantined(bench)).toHaveLength(1)
    bench.begin()
    expect(bench.alone(1, 'orders').core.role).toBe('leader')
  })

  it('R3.5: a log that cannot be made is dead, said so, and not tried again', () => {
    const bench = new BrokerBench(failing('partitions/orders-0'))
    bench.begin()
    bench.apply(bench.topicRecords(1, 'orders'))
    bench.run(1000)
    expect(bench.partitions.find(topicId(1), 0)).toBeUndefined()
    expect(bench.partitions.deadLogs()).toEqual([{ topicId: topicId(1), partition: 0 }])
  })

  it('R3.5: what there was no room for is forgotten with its topic, and a new one may have its name', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.world.disk.full(true)
    bench.apply(bench.topicRecords(1, 'orders'))
    bench.run(1000)
    expect(bench.partitions.deadLogs()).toEqual([{ topicId: topicId(1), partition: 0 }])
    bench.world.disk.full(false)
    bench.apply([{ type: 'topicDeleted', topicId: topicId(1) }])
    bench.run(100)
    expect(bench.partitions.deadLogs()).toEqual([])
    bench.apply(bench.topicRecords(2, 'orders'))
    expect(bench.replica(2).core.role).toBe('leader')
    bench.restart()
    expect([...bench.partitions.all()].map((replica) => replica.topicId)).toEqual([topicId(2)])
  })

  it('R3.5: … and with its place, when it is taken off the node; taken on again it is made', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.world.disk.full(true)
    const elsewhere = { isr: [{ nodeId: 2, brokerEpoch: 2 }], leader: 2 }
    bench.apply(bench.topicRecords(1, 'orders', { replicas: [1, 2], ...elsewhere }))
    bench.run(1000)
    expect(bench.partitions.deadLogs()).toEqual([{ topicId: topicId(1), partition: 0 }])
    bench.world.disk.full(false)
    const state = findPartition(bench.image, topicId(1), 0) as PartitionState
    bench.apply([{ type: 'partition', state: { ...state, replicas: [2], leaderEpoch: 1, partitionEpoch: 1, leaderGrantedOffset: bench.image.offset } }])
    bench.run(100)
    expect(bench.partitions.deadLogs()).toEqual([])
    const back = { ...state, replicas: [2, 1], leaderEpoch: 1, partitionEpoch: 2, leaderGrantedOffset: bench.image.offset - 1 }
    bench.apply([{ type: 'partition', state: back }])
    expect(bench.replica(1).core.role).toBe('follower')
  })

  it('R3.5: … also when it is taken off while the log is still being made', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.world.disk.full(true)
    bench.applyQuietly(bench.topicRecords(1, 'orders', { replicas: [1, 2], isr: [{ nodeId: 2, brokerEpoch: 2 }], leader: 2 }))
    const state = findPartition(bench.image, topicId(1), 0) as PartitionState
    bench.applyQuietly([{ type: 'partition', state: { ...state, replicas: [2], leaderEpoch: 1, partitionEpoch: 1, leaderGrantedOffset: bench.image.offset } }])
    bench.run(1000)
    bench.world.disk.full(false)
    const back = { ...state, replicas: [2, 1], leaderEpoch: 1, partitionEpoch: 2, leaderGrantedOffset: bench.image.offset - 1 }
    bench.apply([{ type: 'partition', state: back }])
    expect(bench.partitions.deadLogs()).toEqual([])
    expect(bench.replica(1).core.role).toBe('follower')
  })

  it('R3.5: a log that cannot be opened takes its replica offline, not the node', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.alone(1, 'orders')
    bench.alone(2, 'payments')
    bench.restart(failing('partitions/orders-0'))
    bench.begin()
    bench.apply(bench.topicRecords(1, 'orders'))
    expect(bench.partitions.deadLogs()).toEqual([{ topicId: topicId(1), partition: 0 }])
    expect([...bench.partitions.all()].map((replica) => replica.topic)).toEqual(['payments'])
  })

  it('R5.4: replaced by another process under its node id, it leads nothing; registered again, it takes what is granted under the new epoch', () => {
    const bench = new BrokerBench()
    bench.begin()
    const replica = bench.alone(1, 'orders')
    expect(replica.core.role).toBe('leader')
    const orphaned = { ...bench.image.topics.get(topicId(1))!.partitions[0]!, isr: [], elr: [1], leader: -1, leaderEpoch: 1, partitionEpoch: 1 }
    const leaderGrantedOffset = bench.image.offset
    bench.apply([{ ...register(1), incarnationId: topicId(5001) } as never, { type: 'partition', state: { ...orphaned, leaderGrantedOffset } }], -1)
    expect(replica.core.role).toBe('none')
    const brokerEpoch = bench.image.offset
    bench.apply([{ ...register(1), incarnationId: topicId(5002) } as never], brokerEpoch)
    bench.apply([{ type: 'brokerState', nodeId: 1, brokerEpoch, fenced: false, draining: false }], brokerEpoch)
    const state = {
      ...orphaned,
      isr: [{ nodeId: 1, brokerEpoch }],
      elr: [],
      leader: 1,
      leaderEpoch: 2,
      partitionEpoch: 2,
      leaderGrantedOffset: bench.image.offset,
    }
    bench.apply([{ type: 'partition', state }], brokerEpoch)
    expect(replica.core.role).toBe('leader')
  })

  it('R3.3: a checkpoint claims the high watermark and no more, and is written again only when something moved or the write failed', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.alone(1, 'orders')
    produce(bench, 1)
    let writes = 0
    let failure: Error | undefined = new Error('full')
    const write = bench.checkpoints.write.bind(bench.checkpoints)
    bench.checkpoints.write = (given, options, done) => {
      writes++
      write(given, options, () => done(failure))
    }
    const checkpoint = (): void => {
      bench.partitions.checkpoint({ cleanEnds: null }, () => undefined)
      bench.run()
    }
    checkpoint()
    failure = undefined
    checkpoint()
    checkpoint()
    expect(writes).toBe(2)
    const stored = decodeCheckpoint(bench.clock.wait<Buffer | undefined>((done) => bench.checkpoints.get(checkpointKey('partitions/orders-0'), done)))
    expect(stored).toMatchObject({ topicId: topicId(1), highWatermark: 2, safeEndOffset: 2, cleanEndOffset: -1 })
    produce(bench, 1)
    checkpoint()
    expect(writes).toBe(3)
  })

  it('R3.3: the epoch of a last batch that was changed to another one that was granted is damage, once a checkpoint knew it', () => {
    for (const isNoted of [true, false]) {
      const bench = new BrokerBench()
      bench.begin()
      bench.alone(1, 'orders')
      produce(bench, 1)
      if (isNoted) bench.clock.waitVoid((done) => bench.partitions.checkpoint({ cleanEnds: null }, done))
      // The last byte of the leader epoch, in front of what the checksum covers.
      expect(bench.world.disk.flipByte('partitions/orders-0/00000000000000000000.log', 15)).toBe(true)
      bench.restart()
      const replica = bench.replica(1)
      expect([replica.damaged, replica.core.lastEpoch > 0]).toEqual([isNoted, !isNoted])
    }
  })

  it('R3.7: a checkpoint with one flipped bit counts as lost', () => {
    const checkpoint = {
      topicId: topicId(1),
      directoryId: topicId(2001),
      highWatermark: 2,
      safeEndOffset: 2,
      cleanEndOffset: -1,
      startNumber: 1,
      suspect: false,
      producers: { endOffset: 2, producers: [] },
      epochs: [{ epoch: 0, startOffset: 0 }],
    }
    const bytes = encodeCheckpoint(checkpoint)
    expect(decodeCheckpoint(bytes)).toEqual(checkpoint)
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes)
      flipped[at]! ^= 1
      expect(decodeCheckpoint(flipped)).toBeUndefined()
    }
  })

  it('R3.7: a store that went back behind a clean stop makes the replica suspect, for nobody knows any more where its log ended', () => {
    const key = checkpointKey(NAME)
    const stopped = (goesBack: 'no' | 'to the running process' | 'to the clean stop before'): unknown => {
      const bench = new FolderBench(1, ['a'])
      const stored = (): Buffer => bench.clock.wait<Buffer | undefined>((done) => bench.checkpoints.get(key, done)) as Buffer
      bench.begin()
      bench.fill(2)
      bench.stop()
      const atStop = stored()
      bench.crash('kill')
      const { suspect } = bench.replica
      bench.begin({ leaderEpoch: 1, isr: [{ nodeId: 1, brokerEpoch: 1 }] })
      bench.clock.waitVoid((done) => bench.partitions.checkpoint({ cleanEnds: null }, done))
      const running = stored()
      bench.fill(1)
      bench.stop()
      const value = goesBack === 'to the running process' ? running : atStop
      if (goesBack !== 'no') bench.clock.waitVoid((done) => bench.checkpoints.write([{ type: 'put', key, value }], { sync: true }, done))
      // Its disk forgets the last batch.
      const path = `${NAME}/${'0'.repeat(20)}.log`
      bench.disk('a').truncateFile(path, (bench.disk('a').sizeOf(path) as number) * (2 / 3))
      bench.crash('kill')
      return [suspect, bench.replica.log.endOffset, bench.replica.damaged, bench.replica.suspect]
    }
    expect(stopped('no')).toEqual([false, 2, true, false])
    expect(stopped('to the running process')).toEqual([false, 2, false, true])
    expect(stopped('to the clean stop before')).toEqual([false, 2, false, true])
  })

  it('R3.7: a checkpoint that cannot be read costs time, not the replica', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.alone(1, 'orders')
    produce(bench, 1)
    bench.checkpoints.get = (_, done) => void bench.clock.defer(() => done(new BrokerError('DISK_FAILED', 'checkpoints get: corrupt block'), undefined))
    bench.restart()
    bench.begin()
    bench.apply(bench.topicRecords(1, 'orders', { replicas: [1], isr: [{ nodeId: 1, brokerEpoch: 1 }], leaderEpoch: 1 }))
    expect(bench.partitions.deadLogs()).toEqual([])
    const replica = bench.replica(1)
    expect(replica).toMatchObject({ suspect: false, damaged: false, dead: false })
    expect(replica.core).toMatchObject({ role: 'leader', highWatermark: 2 })
  })

  it('R5.8: a log that died in this process is not said to be damaged: nobody holds less for that', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.alone(1, 'orders')
    bench.world.disk.failNext('write', 'partitions/orders-0')
    produce(bench, 1)
    const { topicId: id } = bench.replica(1)
    expect(bench.partitions.deadLogs()).toEqual([{ topicId: id, partition: 0 }])
    const leaderless = bench.topicRecords(1, 'orders', { replicas: [1], isr: [], elr: [1], leader: -1, leaderEpoch: 1, partitionEpoch: 1 })
    bench.apply(leaderless.filter(({ type }) => type === 'partition'))
    expect(bench.partitions.leaderlessReports()).toMatchObject([{ topicId: id, suspect: false, damaged: false }])
  })

  it('R1.3: when the node stops, what waits is answered indefinite, and nothing is appended any more', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.alone(1, 'orders')
    const replica = bench.replica(1)
    const outcomes: unknown[] = []
    const bytes = records(1)
    const header = {
      baseOffset: 0,
      lastOffset: 0,
      sizeBytes: bytes.length,
      leaderEpoch: -1,
      attributes: 0,
      baseTimestamp: 0,
      maxTimestamp: 0,
      recordCount: 1,
      producerId: -1,
      producerEpoch: -1,
      baseSequence: -1,
    }
    const input = { acks: -1, nowMs: 0, currentLeaderEpoch: -1, header, bytes } as const
    replica.produce(input, ({ definite, code }) => outcomes.push({ definite, code }))
    bench.partitions.stop(() => undefined)
    expect(outcomes).toEqual([{ definite: false, code: 'NOT_LEADER_OR_FOLLOWER' }])
    replica.produce(input, ({ definite, code }) => outcomes.push({ definite, code }))
    expect(outcomes[1]).toEqual({ definite: true, code: 'KAFKA_STORAGE_ERROR' })
    expect(replica.log.endOffset).toBe(1)
    expect(bench.world.close().get('partitions/orders-0')).toBe(1)
  })

  it('R3.3: a stop waits for the logs that are being opened or set aside, begins no other, and is a clean one', () => {
    for (let steps = 0; steps < 40; steps++) {
      const bench = new BrokerBench()
      bench.begin()
      bench.alone(1, 'orders')
      bench.applyQuietly([{ type: 'topicDeleted', topicId: topicId(1) }])
      for (const number of [2, 3, 4]) bench.applyQuietly(bench.topicRecords(number, `topic-${number}`))
      for (let step = 0; step < steps; step++) bench.clock.step()
      bench.clock.waitVoid((done) => bench.partitions.stop(done))
      const names = bench.world.directory!.names
      if (steps === 0) expect(names).toEqual([])
      const ends = bench.world.close()
      expect([...ends.keys()].sort()).toEqual(names)
      bench.clock.run()
      expect(bench.world.directory!.names).toEqual(names)
      expect(bench.world.start().start).toEqual({ number: 2, stoppedCleanly: true })
    }
  })

  it('R6.5: of two proposals in one turn only the newer one is asked for', () => {
    const bench = new BrokerBench()
    bench.begin()
    const replica = bench.alone(1, 'orders')
    bench.partitions.proposeIsr(replica, { type: 'proposeIsr', leaderEpoch: 0, partitionEpoch: 0, isr: [] })
    bench.partitions.proposeIsr(replica, { type: 'proposeIsr', leaderEpoch: 0, partitionEpoch: 1, isr: [] })
    bench.run()
    expect(bench.asked.map(({ command }) => command.type === 'alterPartition' && command.proposal.partitionEpoch)).toEqual([1])
    bench.apply([{ type: 'topicDeleted', topicId: topicId(1) }])
    expect(bench.asked[0]?.cancelled).toBe(true)
  })
})
