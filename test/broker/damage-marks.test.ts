import { describe, expect, it } from 'vitest'
import { BrokerError } from '../../src/base/errors.ts'
import { formatDamagedNote, parseDamagedNote } from '../../src/log/damaged-note.ts'
import { findPartition } from '../../src/metadata/image.ts'
import type { PartitionState } from '../../src/metadata/records.ts'
import { topicId } from '../metadata/fixtures.ts'
import { BrokerBench } from './harness.ts'

describe('the marks beside damaged logs', () => {
  it('R3.4: what the mark of a damaged log says of a lost start is not forgotten when more damage is found, but once the replica is in the ISR', () => {
    const bench = new BrokerBench()
    bench.begin()
    const name = bench.alone(1, 'orders').log.name
    const isStartLost = (): boolean | undefined =>
      parseDamagedNote(bench.clock.wait<string | undefined>((done) => bench.world.directory!.readNote(name, 'damaged', done)) as string).isStartLost
    const lost = formatDamagedNote({ claimedEndOffset: 2, firstBadOffset: 2, isStartLost: true, reason: 'its note cannot be read' })
    bench.clock.waitVoid((done) => bench.world.directory!.writeNote(name, 'damaged', lost, done))
    bench.restart()
    bench.partitions.readFailed(bench.replica(1), new BrokerError('CORRUPT_MESSAGE', 'a batch is bad'))
    bench.run()
    expect(isStartLost()).toBe(true)
    bench.restart()
    bench.begin()
    const follows = { replicas: [1, 2], isr: [{ nodeId: 2, brokerEpoch: 2 }], leader: 2, leaderEpoch: 1 }
    bench.apply(bench.topicRecords(1, 'orders', follows))
    const state = findPartition(bench.image, topicId(1), 0) as PartitionState
    bench.apply([{ type: 'partition', state: { ...state, isr: [...state.isr, { nodeId: 1, brokerEpoch: 1 }], partitionEpoch: state.partitionEpoch + 1 } }])
    bench.partitions.readFailed(bench.replica(1), new BrokerError('CORRUPT_MESSAGE', 'a batch is bad'))
    bench.run()
    expect(isStartLost()).toBe(false)
  })
})
