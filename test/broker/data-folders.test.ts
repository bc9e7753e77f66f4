import { describe, expect, it } from 'vitest'
import { SimDisk } from '../../chaos/sim/disk.ts'
import type { DiskFile } from '../../src/base/disk.ts'
import { codeOf } from '../../src/base/errors.ts'
import type { Logger } from '../../src/base/log-line.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { runTask } from '../../src/base/task.ts'
import { type DataFolder, DataFolders } from '../../src/broker/data-folders.ts'
import { formatDamagedNote } from '../../src/log/damaged-note.ts'
import { describeLogDirs } from '../../src/broker/log-dirs.ts'
import { UnopenedLogs } from '../../src/broker/unopened-logs.ts'
import { type OpenedFolder, openFolder } from '../../src/broker/node-open.ts'
import type { NodeOptions, NodeSeams } from '../../src/broker/surface.ts'
import { silentLogger } from '../contract/silent-logger.ts'
import { type LogLine, TestClock, testLogger } from '../log/world.ts'
import { partition, topicId } from '../metadata/fixtures.ts'
import { FolderBench } from './folder-bench.ts'

const MIB = 1024 * 1024
const NAME = 'partitions/orders-0'
const OTHER = 'partitions/orders-1'

/** A node's disks, each with one data folder, and the processes on them one after the other. */
class Disks {
  readonly clock = new TestClock()
  readonly random = new SeededRandom(7)
  readonly lines: LogLine[] = []
  readonly failed: string[] = []
  readonly #disks = new Map<string, SimDisk>()
  #starts = 0

  disk(path: string): SimDisk {
    const disk = this.#disks.get(path) ?? new SimDisk({ clock: this.clock, random: this.random.fork(path), minLatencyMs: 0.1, maxLatencyMs: 1 })
    this.#disks.set(path, disk)
    return disk
  }

  /** A new process on these folders, the first of which is that of the metadata log. */
  start(paths: readonly string[], nodeId = 1): OpenedFolder {
    for (const [path, disk] of this.#disks) this.#disks.set(path, disk.reopen())
    const dataDisks = paths.map((path) => ({ path, disk: this.disk(path) }))
    const options = {
      nodeId,
      config: { segmentBytes: MIB, indexIntervalBytes: 4096, tailCacheBytes: MIB, metadataSnapshotBytes: MIB },
    } as unknown as NodeOptions
    const random = this.random.fork(`start ${++this.#starts}`)
    const logger: Logger = testLogger(this.lines)
    const seams = { disk: dataDisks[0]?.disk, dataDisks, clock: this.clock, logger, random } as unknown as NodeSeams
    const events = { synced: () => undefined, failed: () => undefined, folderFailed: (folder: DataFolder) => void this.failed.push(folder.path) }
    return this.clock.wait<OpenedFolder>((done) => runTask(openFolder(options, seams, events), done))
  }

  refusal(paths: readonly string[]): string {
    try {
      this.start(paths)
    } catch (error) {
      return `${codeOf(error)} ${(error as Error).message}`
    }
    return ''
  }

  /** Makes the log of a partition where it is placed; answers where that is. */
  make({ folders }: OpenedFolder, name: string, id = topicId(1)): string {
    const folder = this.clock.wait<DataFolder>((done) => runTask(folders.place(name, id), done))
    const marks = { safeEndOffset: 0, cleanEndOffset: -1 }
    this.clock.wait((done) => folder.directory.openLog({ name, marks, visitFrom: 0, visit: () => undefined }, done))
    const note = JSON.stringify({ version: 1, topicId: id })
    this.clock.waitVoid((done) => folder.directory.writeNote(name, 'partition.metadata', note, done))
    return folder.path
  }

  note({ folders }: OpenedFolder, name: string, note: string): string | undefined {
    return this.clock.wait<string | undefined>((done) => folders.of(name).directory.readNote(name, note, done))
  }

  get told(): string {
    return this.lines.map(({ message }) => message).join('\n')
  }
}

function where({ folders }: OpenedFolder): Record<string, string> {
  return Object.fromEntries(folders.names.map((name) => [name, folders.of(name).path]))
}

describe('several data folders', () => {
  it('R2.1: each has an identity of its own, and a partition is found again where it lies', () => {
    const disks = new Disks()
    const first = disks.start(['a', 'b', 'c'])
    expect(new Set(first.folders.directoryIds).size).toBe(3)
    const places = [0, 1, 2, 3, 4, 5].map((at) => disks.make(first, `partitions/orders-${at}`))
    expect([...places].sort()).toEqual(['a', 'a', 'b', 'b', 'c', 'c'])
    const again = disks.start(['a', 'c', 'b'])
    expect(Object.values(where(again))).toEqual(places)
    expect(again.folders.directoryIds).toEqual([0, 2, 1].map((at) => first.folders.directoryIds[at]))
    expect(again.folders.offlineRefs()).toEqual([])
  })

  it('a node with one folder, and never another, keeps no placements and says nothing of what stands where', () => {
    const disks = new Disks()
    const opened = disks.start(['a'])
    disks.make(opened, NAME)
    expect(opened.folders.offlineRefs()).toBeNull()
    expect(disks.disk('a').durableNames('')).not.toContain('placements')
    expect(where(disks.start(['a', 'b']))).toEqual({ [NAME]: 'a' })
  })

  it('R3.5: one that cannot be read at the start is offline with its partitions, and is still a folder of this node', () => {
    const disks = new Disks()
    const before = disks.start(['a', 'b'])
    expect([disks.make(before, NAME), disks.make(before, OTHER)]).toEqual(['a', 'b'])
    disks.disk('b').break(true)
    const { folders } = disks.start(['a', 'b'])
    expect(folders.directoryIds).toEqual(before.folders.directoryIds)
    expect(folders.names).toEqual([NAME])
    expect(folders.offlineRefs()).toEqual([{ topicId: topicId(1), partition: 1 }])
    expect([folders.isOffline(OTHER, topicId(1)), folders.isOffline(OTHER, topicId(2)), folders.isOffline(NAME, topicId(1))]).toEqual([true, false, false])
    expect(disks.told).toContain('data folder b cannot be used: its partitions are offline until the next start')
    const unopened = new UnopenedLogs({ wallMs: () => 5 })
    expect(describeLogDirs(1, folders, { all: () => [], unopened, folderMoves: { *copies() {}, failureOf: () => null } }).folders).toEqual([
      { path: 'a', error: null, totalBytes: -1, usableBytes: -1, partitions: [] },
      {
        path: 'b',
        error: expect.stringContaining('EIO'),
        totalBytes: -1,
        usableBytes: -1,
        partitions: [
          {
            topic: 'orders',
            partition: 1,
            sizeBytes: -1,
            logStartOffset: -1,
            logEndOffset: -1,
            isOffline: true,
            isSuspect: false,
            isDamaged: false,
            reason: expect.stringMatching(/^data folder b failed: .*EIO/),
            sinceTimestamp: -1,
            isFuture: false,
            moveError: null,
          },
        ],
      },
    ])
    disks.disk('b').break(false)
    expect(where(disks.start(['a', 'b']))).toEqual({ [NAME]: 'a', [OTHER]: 'b' })
  })

  it('R5.3: what stood on a folder that is replaced is gone, and is made anew', () => {
    const disks = new Disks()
    const before = disks.start(['a', 'b'])
    disks.make(before, NAME)
    disks.make(before, OTHER)
    disks.disk('b').wipe()
    const after = disks.start(['a', 'b'])
    expect(after.folders.directoryIds).not.toContain(before.folders.directoryIds[1])
    expect([after.folders.names, after.folders.offlineRefs()]).toEqual([[NAME], []])
    expect(disks.told).toContain('data folder b is another one than before')
    expect(disks.make(after, OTHER)).toBe('b')
  })

  it('a partition in two folders is the one that served last; the other copy is kept and not used, whatever is there at a start', () => {
    const disks = new Disks()
    const before = disks.start(['a', 'b', 'c'])
    expect([disks.make(before, NAME), disks.make(before, OTHER)]).toEqual(['a', 'b'])
    const without = disks.start(['a', 'c'])
    expect(without.folders.offlineRefs()).toEqual([])
    expect(disks.make(without, OTHER)).toBe('c')
    disks.lines.length = 0
    const all = disks.start(['a', 'b', 'c'])
    expect(where(all)).toEqual({ [NAME]: 'a', [OTHER]: 'c' })
    expect(disks.told).toContain(`${OTHER} lies in b too, but this node last had it in c: the copy is kept and not used`)
    disks.lines.length = 0
    const stale = disks.start(['a', 'b'])
    expect(where(stale)).toEqual({ [NAME]: 'a' })
    expect(disks.told).toContain(`${OTHER} lies in b too`)
    expect(disks.make(stale, OTHER)).toBe('a')
  })

  it('R3.4: what lies in a folder without a note in the first one is taken in as damaged: nothing says that it was the last of its partition', () => {
    const disks = new Disks()
    const before = disks.start(['a', 'b'])
    disks.make(before, NAME)
    disks.make(before, OTHER)
    disks.disk('a').wipe()
    const after = disks.start(['a', 'b'])
    expect(where(after)).toEqual({ [OTHER]: 'b' })
    expect(disks.note(after, OTHER, 'damaged')).toContain('found in b')
    // Durable before anything is said of it: the next start finds the mark, and the note.
    expect(disks.note(disks.start(['a', 'b']), OTHER, 'damaged')).toContain('found in b')
  })

  it('R3.4: … and what its own mark said of it, it goes on saying', () => {
    const disks = new Disks()
    const before = disks.start(['a', 'b'])
    disks.make(before, NAME)
    disks.make(before, OTHER)
    const mark = formatDamagedNote({ claimedEndOffset: 7, firstBadOffset: 3, isStartLost: true, reason: 'a batch is bad' })
    disks.clock.waitVoid((done) => before.folders.of(OTHER).directory.writeNote(OTHER, 'damaged', mark, done))
    disks.disk('a').wipe()
    expect(disks.note(disks.start(['a', 'b']), OTHER, 'damaged')).toBe(mark)
  })

  it('R2.3: refuses a folder that is another node’s, the first of one, a copy, or of another cluster', () => {
    const disks = new Disks()
    disks.start(['a', 'b'])
    disks.start(['x'], 2)
    expect(disks.refusal(['a', 'x'])).toMatch(/^DATA_FOLDER_MISMATCH .*data folder x: the data folder belongs to node 2, this is node 1/)
    disks.start(['y'])
    expect(disks.refusal(['a', 'y'])).toMatch(/^DATA_FOLDER_MISMATCH .*data folder y: it holds the metadata log of a node \(name it first in dataDirs\)/)
    const meta = disks.disk('b').durableContent('meta.properties')?.toString() ?? ''
    const write = (path: string, text: string): void => {
      const disk = disks.disk(path)
      disks.clock.waitVoid((done) => disk.mkdir('', done))
      const file = disks.clock.wait<DiskFile | undefined>((done) => disk.open('meta.properties', { create: true }, done)) as DiskFile
      disks.clock.waitVoid((done) => file.truncate(0, done))
      disks.clock.waitVoid((done) => file.writev([Buffer.from(text)], 0, done))
    }
    write('copy', meta)
    expect(disks.refusal(['a', 'b', 'copy'])).toMatch(/^DATA_FOLDER_MISMATCH .*b and copy have the same directory id: one is a copy of the other/)
    write('b', `${meta}cluster.id=${topicId(8)}\n`)
    write('other', `version=1\nnode.id=1\ndirectory.id=${topicId(9)}\ncluster.id=${topicId(7)}\n`)
    expect(disks.refusal(['a', 'b', 'other'])).toMatch(/^DATA_FOLDER_MISMATCH .*other belongs to cluster .*, b to .* \(name folders of one cluster only\)/)
  })

  it('R3.5: one that fails while the node runs gets no new partition, and a name that was deleted there is free elsewhere', () => {
    const disks = new Disks()
    const opened = disks.start(['a', 'b'])
    const { folders } = opened
    expect([disks.make(opened, NAME), disks.make(opened, OTHER)]).toEqual(['a', 'b'])
    const [first, second] = folders.all as [DataFolder, DataFolder]
    expect([folders.fail(first, new Error('EIO')), folders.fail(second, new Error('EIO')), folders.fail(second, new Error('EIO'))]).toEqual([
      false,
      true,
      false,
    ])
    expect([folders.isFailed(first), folders.isFailed(second), folders.namesOn(second)]).toEqual([false, true, [OTHER]])
    expect([2, 3, 4].map((at) => disks.make(opened, `partitions/orders-${at}`))).toEqual(['a', 'a', 'a'])
    folders.abandon(OTHER)
    expect(disks.make(opened, OTHER, topicId(2))).toBe('a')
    const again = disks.start(['a', 'b'])
    expect(where(again)[OTHER]).toBe('a')
    expect(disks.told).toContain(`${OTHER} lies in b too, but this node last had it in a`)
  })

  it('R3.5: one without room for a new partition keeps those that it has', () => {
    const bench = new FolderBench()
    bench.begin()
    bench.fill(3)
    bench.move('b')
    bench.until(() => bench.path === 'b' && !bench.replica.isHeld, 'the partition stands on b')
    bench.disk('b').leave(0)
    const placement = { replicas: [1], isr: [{ nodeId: 1, brokerEpoch: 1 }], leaderGrantedOffset: bench.image.offset }
    const made = [0, 1, 2].map((number) => ({ type: 'partition', state: partition({ topicId: topicId(2), partition: number, ...placement }) }) as const)
    bench.apply([{ type: 'topic', topicId: topicId(2), name: 'payments' }, ...made])
    bench.run(1_000)
    expect(bench.told).toMatch(/log partitions\/payments-\d could not be opened: the replica is offline until the next start/)
    expect(bench.opened.folders.offline).toEqual([])
    bench.disk('b').leave(MIB)
    bench.fill(3)
    expect(bench.values()).toEqual(bench.acknowledged)
  })

  it('a note that cannot be read trusts nothing outside of the first folder', () => {
    const disks = new Disks()
    const before = disks.start(['a', 'b'])
    disks.make(before, NAME)
    disks.make(before, OTHER)
    expect(disks.disk('a').flipByte('placements', 20)).toBe(true)
    const after = disks.start(['a', 'b'])
    expect([disks.note(after, NAME, 'damaged'), disks.note(after, OTHER, 'damaged')]).toEqual([undefined, expect.stringContaining('found in b')])
  })
})

describe('the folder of a new partition', () => {
  const folder = (path: string, freeBytes: number | undefined, isLow = false): DataFolder =>
    ({ path, directoryId: topicId(path.charCodeAt(0)), space: { isLow, freeBytes, totalBytes: undefined }, directory: { names: [] } }) as unknown as DataFolder

  function spread(folders: readonly DataFolder[], count: number): Record<string, number> {
    const all = new DataFolders({ logger: silentLogger, folders, offline: [], placements: undefined })
    const counts: Record<string, number> = {}
    for (let at = 0; at < count; at++) {
      const placing = all.place(`partitions/t-${at}`, topicId(1)).next()
      const { path } = placing.value as DataFolder
      counts[path] = (counts[path] ?? 0) + 1
    }
    return counts
  }

  it('is the one with the most free space a partition: equal disks get as many, a larger one more', () => {
    expect(spread([folder('a', 1000), folder('b', 1000), folder('c', 1000)], 9)).toEqual({ a: 3, b: 3, c: 3 })
    expect(spread([folder('a', 1000), folder('b', 3000)], 8)).toEqual({ a: 2, b: 6 })
    expect(spread([folder('a', undefined), folder('b', 3000)], 4)).toEqual({ a: 2, b: 2 })
  })

  it('R3.5: is one that is low only when all are', () => {
    expect(spread([folder('a', 9000, true), folder('b', 10)], 3)).toEqual({ b: 3 })
    expect(spread([folder('a', 10, true), folder('b', 10, true)], 2)).toEqual({ a: 1, b: 1 })
  })
})
