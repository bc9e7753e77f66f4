import { MemoryCheckpoints } from '../../chaos/sim/checkpoints.ts'
import { SimDisk } from '../../chaos/sim/disk.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { runTask } from '../../src/base/task.ts'
import { limitsOf } from '../../src/broker/limits.ts'
import type { FetchServer } from '../../src/broker/fetch-server.ts'
import type { Fetchers } from '../../src/broker/fetchers.ts'
import { type OpenedFolder, openFolder } from '../../src/broker/node-open.ts'
import { Partitions } from '../../src/broker/partitions.ts'
import type { Replica } from '../../src/broker/replica.ts'
import type { NodeConfig, NodeOptions, NodeSeams } from '../../src/broker/surface.ts'
import { applyEntries } from '../../src/metadata/apply.ts'
import { emptyImage, type MetadataImage } from '../../src/metadata/image.ts'
import type { MetadataRecord, PartitionState } from '../../src/metadata/records.ts'
import { readBatchHeader } from '../../src/record/batch.ts'
import type { FetchAnswer, FollowerFetch } from '../../src/replication/effects.ts'
import type { ControllerClient } from '../../src/runtime/controller-client.ts'
import { batch, type LogLine, TestClock, testLogger } from '../log/world.ts'
import { brokerState, partition, register, topicId } from '../metadata/fixtures.ts'
import { config as usualConfig } from './harness.ts'

export const NAME = 'partitions/orders-0'
/** Three batches of the bench. */
const SEGMENT_BYTES = 3 * 161

const config: NodeConfig = {
  ...usualConfig,
  segmentBytes: SEGMENT_BYTES,
  indexIntervalBytes: 64,
  // Reads come from the disk.
  tailCacheBytes: 2,
  timestampAfterMaxMs: Number.MAX_SAFE_INTEGER,
  retentionCheckIntervalMs: 86_400_000,
}

/** Node 1, alone, with a disk for each of its data folders: its replicas over real logs, without Raft and peers. */
export class FolderBench {
  readonly clock = new TestClock()
  readonly random: SeededRandom
  readonly lines: LogLine[] = []
  readonly disks: Map<string, SimDisk>
  readonly checkpoints: MemoryCheckpoints
  image: MetadataImage = emptyImage
  partitions: Partitions
  opened: OpenedFolder
  /** Values acknowledged, at the base offsets of their batches. */
  readonly acknowledged: number[] = []
  readonly fetches: { readonly to: number; readonly fetch: FollowerFetch }[] = []
  #made = 0

  constructor(seed = 1, paths: readonly string[] = ['a', 'b']) {
    this.random = new SeededRandom(seed)
    const options = (path: string) => ({ clock: this.clock, random: this.random.fork(path), minLatencyMs: 0.1, maxLatencyMs: 2 })
    this.disks = new Map(paths.map((path) => [path, new SimDisk(options(path))]))
    this.checkpoints = new MemoryCheckpoints({ clock: this.clock, random: this.random.fork('checkpoints') })
    ;[this.opened, this.partitions] = this.#start()
  }

  disk(path: string): SimDisk {
    const disk = this.disks.get(path)
    if (disk === undefined) throw new Error(`there is no disk ${path}`)
    return disk
  }

  /** The process, or the machine, dies; another process opens the folders. */
  crash(fate: 'kill' | 'powerLoss'): void {
    for (const disk of this.disks.values()) disk[fate]()
    this.image = emptyImage
    ;[this.opened, this.partitions] = this.#start()
    this.clock.waitVoid((done) => this.partitions.openAll(done))
  }

  /** A clean stop. */
  stop(): ReadonlyMap<string, number> {
    this.clock.waitVoid((done) => this.partitions.stop(done))
    const ends = this.clock.wait<ReadonlyMap<string, number>>((done) => this.opened.folders.close(done))
    this.clock.waitVoid((done) => this.partitions.checkpoint({ cleanEnds: ends }, done))
    return ends
  }

  #start(): [OpenedFolder, Partitions] {
    for (const [path, disk] of this.disks) this.disks.set(path, disk.reopen())
    const { clock } = this
    const dataDisks = [...this.disks].map(([path, disk]) => ({ path, disk }))
    const logger = testLogger(this.lines)
    const seams = { disk: dataDisks[0]?.disk, dataDisks, clock, logger, random: this.random.fork(`start ${clock.monotonicMs()}`) } as unknown as NodeSeams
    const events: Parameters<typeof openFolder>[2] = {
      synced: (log, endOffset, cutCount) => partitions.synced(log, endOffset, cutCount),
      failed: (log, error) => partitions.failed(log, error),
      folderFailed: (folder, error) => partitions.folderFailed(folder, error),
    }
    const opened = clock.wait<OpenedFolder>((done) => runTask(openFolder({ nodeId: 1, config } as unknown as NodeOptions, seams, events), done))
    const partitions: Partitions = new Partitions({
      nodeId: 1,
      folders: opened.folders,
      checkpoints: this.checkpoints,
      clock,
      logger,
      config,
      limits: limitsOf({}),
      controllerClient: { request: () => ({ cancel: () => undefined }) } as unknown as ControllerClient,
      fetchServer: () => ({ answer: () => undefined }) as unknown as FetchServer,
      fetchers: () => ({ send: (_: Replica, to: number, fetch: FollowerFetch) => void this.fetches.push({ to, fetch }) }) as unknown as Fetchers,
    })
    return [opened, partitions]
  }

  run(ms = 30): void {
    let isOver = false
    this.clock.after(ms, () => {
      isOver = true
    })
    while (!isOver) this.clock.step()
  }

  until(isSo: () => boolean, what: string): void {
    for (let steps = 0; !isSo(); steps++) if (!this.clock.step() || steps > 200_000) throw new Error(`never: ${what}`)
  }

  apply(entry: readonly MetadataRecord[], brokerEpoch = 1): void {
    const { image, delta } = applyEntries(this.image, [{ offset: this.image.offset, records: entry }])
    this.image = image
    const deletedIds = entry.flatMap((record) => (record.type === 'topicDeleted' ? [record.topicId] : []))
    this.partitions.applied({ image, delta, brokerEpoch, deletedIds })
  }

  /** Topic 1 with one partition on this node, which leads it; `changes` to that. */
  begin(changes: Partial<PartitionState> = {}): Replica {
    this.apply([{ type: 'cluster', clusterId: topicId(7), voters: [{ nodeId: 1, directoryId: topicId(2001), endpoint: null }] }], -1)
    for (const entry of [[register(1)], [register(2)], [brokerState(1)], [brokerState(2)]]) this.apply(entry)
    const state = partition({ leaderGrantedOffset: this.image.offset, replicas: [1], isr: [{ nodeId: 1, brokerEpoch: 1 }], ...changes })
    this.apply([
      { type: 'topic', topicId: topicId(1), name: 'orders' },
      { type: 'partition', state },
    ])
    this.until(() => this.partitions.find(topicId(1), 0) !== undefined, 'the replica is made')
    return this.replica
  }

  get replica(): Replica {
    const replica = this.partitions.find(topicId(1), 0)
    if (replica === undefined) throw new Error('there is no replica')
    return replica
  }

  /** The next value in a batch of its own, which is noted once it is acknowledged. */
  produce(count = 1): void {
    const value = ++this.#made
    const bytes = batch({ payload: Buffer.alloc(100, value), count })
    const input = { acks: -1, nowMs: 0, currentLeaderEpoch: -1, header: readBatchHeader(bytes, 0), bytes } as const
    this.replica.produce(input, ({ code, baseOffset }) => {
      if (code === null) this.acknowledged[baseOffset] = value
    })
  }

  /** One batch after another, each once the one before is acknowledged; the last is. */
  fill(batches: number, count = 1): void {
    for (let made = 0; made < batches; made++) {
      const { endOffset } = this.replica.log
      this.produce(count)
      this.until(() => this.acknowledged[endOffset] !== undefined, 'it is acknowledged')
    }
  }

  /** The first bytes of the values of the batches that the log holds, from its start on. */
  values(): number[] {
    const { log } = this.replica
    const values: number[] = []
    for (let offset = log.startOffset; offset < log.endOffset; ) {
      const from = offset
      for (const slice of this.clock.wait<readonly Buffer[]>((done) => log.read(from, 1, done))) {
        const header = readBatchHeader(slice, 0)
        values.push(slice[header.sizeBytes - 1] as number)
        offset = header.lastOffset + 1
      }
    }
    return values
  }

  /** Its leader answers what this node, a follower, asked last. */
  answer(answer: Pick<FetchAnswer, 'result'>): void {
    const { to, fetch } = this.fetches.at(-1) ?? { to: -1, fetch: undefined }
    if (fetch === undefined) throw new Error('nothing was asked')
    const { fetchId, currentLeaderEpoch: leaderEpoch, fetchOffset, lastFetchedEpoch } = fetch
    const told = { fetchId, leaderEpoch, fetchOffset, lastFetchedEpoch, highWatermark: 0, logStartOffset: 0, ...answer }
    this.replica.step({ type: 'answer', from: to, answer: told, headers: [], bytes: Buffer.alloc(0) })
  }

  move(path: string | null, options: { readonly bytesPerSecond?: number; readonly validateOnly?: boolean } = {}): void {
    this.partitions.folderMoves.request(this.replica, { path, bytesPerSecond: options.bytesPerSecond ?? null, validateOnly: options.validateOnly ?? false })
  }

  get path(): string {
    return this.opened.folders.of(NAME).path
  }

  get isMoving(): boolean {
    return [...this.partitions.folderMoves.copies()].length > 0
  }

  /** Folders in which a log of that name lies, as a process sees them. */
  holders(): string[] {
    return [...this.disks].flatMap(([path, disk]) => {
      return this.clock.wait<readonly string[]>((done) => disk.list('partitions', done)).includes('orders-0') ? [path] : []
    })
  }

  get told(): string {
    return this.lines.map(({ message }) => message).join('\n')
  }
}
