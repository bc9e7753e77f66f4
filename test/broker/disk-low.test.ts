import { describe, expect, it } from 'vitest'
import { SimDisk } from '../../chaos/sim/disk.ts'
import type { DiskFile } from '../../src/base/disk.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { runTask } from '../../src/base/task.ts'
import { DiskWatch } from '../../src/broker/disk-watch.ts'
import { type OpenedFolder, openFolder } from '../../src/broker/node-open.ts'
import type { NodeOptions, NodeSeams } from '../../src/broker/surface.ts'
import { RESERVE_BYTES } from '../../src/log/reserve.ts'
import { silentLogger } from '../contract/silent-logger.ts'
import { topicId } from '../metadata/fixtures.ts'
import { TestClock } from '../log/world.ts'
import { BrokerBench, type FakeClientStream } from './harness.ts'

const MIB = 1024 * 1024
const RESERVE = 'reserve'

class SmallDisk {
  readonly clock = new TestClock()
  disk: SimDisk
  watch: DiskWatch

  constructor(freeBytes = 20 * MIB, totalBytes = 40 * MIB) {
    this.disk = new SimDisk({ clock: this.clock, random: new SeededRandom(1), minLatencyMs: 0.1, maxLatencyMs: 1, freeBytes, totalBytes })
    this.watch = new DiskWatch({ disk: this.disk, logger: silentLogger, keepsReserve: true })
  }

  restart(): void {
    this.disk = this.disk.reopen()
    this.watch = new DiskWatch({ disk: this.disk, logger: silentLogger, keepsReserve: true })
  }

  check(times: number): void {
    for (let at = 0; at < times; at++) {
      this.watch.check()
      this.clock.run()
    }
  }

  /** Something else on this disk takes so many bytes. */
  use(bytes: number): void {
    const file = this.clock.wait<DiskFile | undefined>((done) => this.disk.open('other', { create: true }, done)) as DiskFile
    this.clock.waitVoid((done) => file.truncate(0, done))
    this.clock.waitVoid((done) => file.writevSynced([Buffer.alloc(bytes)], 0, done))
  }

  openFolder(): OpenedFolder {
    const { disk, clock } = this
    const options = {
      nodeId: 1,
      config: { segmentBytes: MIB, indexIntervalBytes: 4096, tailCacheBytes: MIB, metadataSnapshotBytes: MIB },
    } as unknown as NodeOptions
    const seams = { disk, clock, logger: silentLogger, random: new SeededRandom(1) } as unknown as NodeSeams
    const events = { synced: () => undefined, failed: () => undefined, folderFailed: () => undefined }
    return clock.wait<OpenedFolder>((done) => runTask(openFolder(options, seams, events), done))
  }
}

describe('a disk that fills up', () => {
  it('R3.5: the reserve is made some time after the start, given back when nothing else is left, and made again when there is room', () => {
    const small = new SmallDisk()
    small.check(5)
    expect(small.disk.sizeOf(RESERVE)).toBeUndefined()
    small.check(1)
    expect([small.disk.sizeOf(RESERVE), small.watch.isLow]).toEqual([RESERVE_BYTES, false])
    small.use(12 * MIB - 1)
    small.check(1)
    expect([small.disk.sizeOf(RESERVE), small.watch.isLow]).toEqual([undefined, true])
    small.check(1)
    expect([small.disk.sizeOf(RESERVE), small.watch.isLow]).toEqual([undefined, false])
    small.use(1)
    small.check(1)
    expect(small.disk.sizeOf(RESERVE)).toBe(RESERVE_BYTES)
  })

  it('R3.5: the reserve is given back while something is left, where that would be gone before the next look', () => {
    for (const [uses, isHeld] of [
      [[40], false],
      [[30, 33, 35], true],
      [[30, 33, 41], false],
    ] as const) {
      const small = new SmallDisk(60 * MIB, 400 * MIB)
      small.check(6)
      for (const used of uses) {
        expect(small.disk.sizeOf(RESERVE)).toBe(RESERVE_BYTES)
        small.use(used * MIB)
        small.check(1)
      }
      expect([small.watch.isLow, small.disk.sizeOf(RESERVE) !== undefined]).toEqual([true, isHeld])
    }
  })

  it('R3.5: a process that finds the disk full frees what an earlier one left', () => {
    const small = new SmallDisk()
    small.check(6)
    small.use(12 * MIB)
    small.restart()
    small.check(1)
    expect(small.disk.sizeOf(RESERVE)).toBeUndefined()
  })

  it('R3.5: a node starts on a full disk, with the room that its reserve leaves', () => {
    const small = new SmallDisk()
    small.openFolder()
    small.check(6)
    const { freeBytes } = small.clock.wait<{ readonly freeBytes: number }>((done) => small.disk.space(done))
    small.use(freeBytes)
    small.restart()
    expect(small.openFolder().directory.start).toEqual({ number: 2, stoppedCleanly: false })
  })

  it('R3.5: while the disk is low a follower reports and asks for no data, and not in a hurry', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.isDiskLow = true
    bench.apply(bench.topicRecords(5, 'followed', { leader: 2 }))
    const stream = bench.streams[0] as FakeClientStream
    const fetches = () => stream.sent.flatMap((message) => message.fetches.map(({ fetch }) => fetch))
    expect(fetches()).toMatchObject([{ maxBytes: 0, fetchOffset: 0, syncedEndOffset: 0 }])
    const answer = () => {
      const { fetchId, fetchOffset, lastFetchedEpoch } = fetches().at(-1)!
      const head = { fetchId, leaderEpoch: 0, fetchOffset, lastFetchedEpoch, highWatermark: 0, logStartOffset: 0, result: { type: 'data' } as const }
      stream.answer({ answers: [{ topicId: topicId(5), partition: 0, answer: head, batches: [] }] })
    }
    answer()
    bench.run(900)
    expect(fetches()).toHaveLength(1)
    bench.run(200)
    expect(fetches()).toMatchObject([{ maxBytes: 0 }, { maxBytes: 0 }])
    bench.isDiskLow = false
    answer()
    bench.run()
    expect(fetches()).toHaveLength(3)
    expect(fetches()[2]?.maxBytes).toBeGreaterThan(0)
  })

  it('R6.4: a low follower reports to a new leader epoch at once', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.isDiskLow = true
    bench.apply(bench.topicRecords(5, 'followed', { leader: 2 }))
    const state = bench.image.topics.get(topicId(5))!.partitions[0]!
    bench.apply([{ type: 'partition', state: { ...state, leaderEpoch: 1, partitionEpoch: 1, leaderGrantedOffset: bench.image.offset } }])
    const epochs = bench.streams[0]!.sent.flatMap((message) => message.fetches.map(({ fetch }) => fetch.currentLeaderEpoch))
    expect(epochs).toEqual([0, 1])
  })
})
