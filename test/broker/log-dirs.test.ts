import { describe, expect, it } from 'vitest'
import type { Disk } from '../../src/base/disk.ts'
import { BrokerError } from '../../src/base/errors.ts'
import { describeLogDirs } from '../../src/broker/log-dirs.ts'
import type { LogDirPartition } from '../../src/wire/api.ts'
import { BrokerBench } from './harness.ts'

const ISR = [{ nodeId: 1, brokerEpoch: 1 }]
const well = { isOffline: false, isSuspect: false, isDamaged: false, reason: null, sinceTimestamp: -1 }

function described({ folders, partitions }: BrokerBench): readonly LogDirPartition[] {
  return describeLogDirs(1, folders, partitions).folders[0]?.partitions ?? []
}

/** Reading that file fails. */
function unreadable(path: string): (disk: Disk) => Disk {
  return (disk) =>
    new Proxy(disk, {
      get(target, name: keyof Disk) {
        if (name === 'readFile')
          return (asked: string, done: Parameters<Disk['readFile']>[1]) =>
            asked === path ? done(new BrokerError('KAFKA_STORAGE_ERROR', `read ${path}: EIO`), undefined) : target.readFile(asked, done)
        const member: unknown = Reflect.get(target, name)
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
}

describe('what a node says of its replicas', () => {
  it('suspect, with the reason and since when, until a decision names this process in the ISR (R3.4)', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.apply(bench.topicRecords(1, 'orders', { replicas: [1, 2], isr: [{ nodeId: 2, brokerEpoch: 2 }], leader: 2 }))
    expect(described(bench)).toMatchObject([{ topic: 'orders', isSuspect: true, reason: expect.stringMatching(/^its log is new here/), isOffline: false }])
    bench.alone(2, 'whole')
    expect(described(bench)[1]).toMatchObject({ topic: 'whole', ...well })
    bench.restart()
    const sinceTimestamp = expect.closeTo(bench.clock.wallMs(), -3) as number
    expect(described(bench)[1]).toMatchObject({ topic: 'whole', isSuspect: true, reason: expect.stringMatching(/did not stop in good order/), sinceTimestamp })
    bench.begin()
    bench.apply(bench.topicRecords(2, 'whole', { replicas: [1], isr: ISR, leaderEpoch: 1 }))
    expect(described(bench).find(({ topic }) => topic === 'whole')).toMatchObject(well)
  })

  it('damaged and offline where a read met it, damaged alone while it is repaired after the next start', () => {
    const bench = new BrokerBench()
    bench.begin()
    const replica = bench.alone(1, 'orders')
    bench.partitions.readFailed(replica, new BrokerError('CORRUPT_MESSAGE', 'at byte 5'))
    bench.run()
    const found = { isDamaged: true, isOffline: true, reason: expect.stringMatching(/failed its checksum: .*at byte 5/) }
    expect(described(bench)).toMatchObject([{ topic: 'orders', ...found, sinceTimestamp: expect.any(Number) }])
    bench.restart()
    expect(described(bench)).toMatchObject([{ ...found, isOffline: false }])
    bench.begin()
    bench.apply(bench.topicRecords(1, 'orders', { replicas: [1], isr: ISR, leaderEpoch: 1 }))
    expect(described(bench)).toMatchObject([{ topic: 'orders', ...well }])
  })

  it('offline, and why, also of a log that could not be opened', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.alone(1, 'orders')
    bench.restart(unreadable('partitions/orders-0/partition.metadata'))
    expect(bench.partitions.find(bench.image.topics.keys().next().value ?? '', 0)).toBeUndefined()
    const unread = { sizeBytes: -1, logStartOffset: -1, logEndOffset: -1, isOffline: true }
    expect(described(bench)).toMatchObject([{ topic: 'orders', partition: 0, ...unread, reason: expect.stringContaining('EIO') }])
  })
})
