import { MemoryCheckpoints } from '../../chaos/sim/checkpoints.ts'
import type { Disk } from '../../src/base/disk.ts'
import { DataFolders } from '../../src/broker/data-folders.ts'
import { limitsOf } from '../../src/broker/limits.ts'
import { FetchServer } from '../../src/broker/fetch-server.ts'
import { Fetchers } from '../../src/broker/fetchers.ts'
import { Partitions } from '../../src/broker/partitions.ts'
import type { Replica } from '../../src/broker/replica.ts'
import type { NodeConfig } from '../../src/broker/surface.ts'
import type { ControllerCommand, ControllerReply } from '../../src/controller/commands.ts'
import { applyEntries } from '../../src/metadata/apply.ts'
import { emptyImage, type MetadataImage } from '../../src/metadata/image.ts'
import type { MetadataRecord, PartitionState } from '../../src/metadata/records.ts'
import { encodeBatch } from '../../src/record/records.ts'
import type { LogDirectory } from '../../src/log/surface.ts'
import type { FollowerFetch } from '../../src/replication/effects.ts'
import type { ControllerClient } from '../../src/runtime/controller-client.ts'
import type { FetchClientStream, FetchServerStream, Transport } from '../../src/runtime/transport.ts'
import type { FetchAnswerMessage, FetchRequestMessage } from '../../src/wire/peer.ts'
import { silentLogger } from '../contract/silent-logger.ts'
import { World } from '../log/world.ts'
import { brokerState, partition, register, topicId } from '../metadata/fixtures.ts'

export const config: NodeConfig = {
  minInSyncReplicas: null,
  maxMessageBytes: 1_048_588,
  segmentBytes: 1024 * 1024,
  indexIntervalBytes: 256,
  replicaLagTimeMaxMs: 5_000,
  tailCacheBytes: 8 * 1024 * 1024,
  produceInFlightBytes: 1024 * 1024,
  checkpointIntervalMs: 5_000,
  producerIdExpirationMs: 86_400_000,
  quarantineMs: 60_000,
  retentionMs: 604_800_000,
  retentionBytes: -1,
  segmentMs: 604_800_000,
  timestampType: 'CreateTime',
  timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  timestampAfterMaxMs: 3_600_000,
  retentionCheckIntervalMs: 300_000,
  metadataSnapshotBytes: 20 * 1024 * 1024,
  metadataSnapshotMs: 3_600_000,
  leaderBalanceMs: 0,
  sessionTimeoutMs: 3_000,
  electionTimeoutMs: 1_000,
}

export function records(count: number, size = 10): Buffer {
  return encodeBatch(Array.from({ length: count }, () => ({ timestamp: 0, key: null, value: Buffer.alloc(size, 'v') })))
}

/** A stream end of which the test plays the other side. */
export class FakeServerStream implements FetchServerStream {
  readonly sent: FetchAnswerMessage[] = []
  isBehind = false
  closed = false
  request: (message: FetchRequestMessage) => void = () => undefined
  end: () => void = () => undefined
  drain: () => void = () => undefined
  onRequest(handler: (message: FetchRequestMessage) => void): void {
    this.request = handler
  }
  onClose(handler: () => void): void {
    this.end = handler
  }
  onDrain(handler: () => void): void {
    this.drain = handler
  }
  send(message: FetchAnswerMessage): boolean {
    this.sent.push(message)
    return !this.isBehind
  }
  close(): void {
    this.closed = true
  }
}

export class FakeClientStream implements FetchClientStream {
  readonly sent: FetchRequestMessage[] = []
  closed = false
  answer: (message: FetchAnswerMessage) => void = () => undefined
  end: () => void = () => undefined
  onAnswer(handler: (message: FetchAnswerMessage) => void): void {
    this.answer = handler
  }
  onClose(handler: () => void): void {
    this.end = handler
  }
  send(message: FetchRequestMessage): void {
    this.sent.push(message)
  }
  close(): void {
    this.closed = true
  }
}

export interface Asked {
  readonly command: ControllerCommand
  readonly timeoutMs: number | null
  readonly done: (reply: ControllerReply) => void
  cancelled: boolean
}

/** Node 1 with broker epoch 1, over real logs on a simulated disk: its replicas and fetch streams, without Raft. */
export class BrokerBench {
  readonly world = new World()
  readonly clock = this.world.clock
  readonly asked: Asked[] = []
  readonly streams: FakeClientStream[] = []
  readonly checkpoints = new MemoryCheckpoints({ clock: this.clock, random: this.world.random.fork('checkpoints') })
  image: MetadataImage = emptyImage
  isDiskLow = false
  partitions: Partitions
  folders!: DataFolders
  fetchServer: FetchServer
  fetchers: Fetchers

  constructor(wrap: (disk: Disk) => Disk = (disk) => disk) {
    ;[this.partitions, this.fetchServer, this.fetchers] = this.#start(wrap)
  }

  readonly controllerClient = {
    request: (command: ControllerCommand, timeoutMs: number | null, done: (reply: ControllerReply) => void) => {
      const asked: Asked = { command, timeoutMs, done, cancelled: false }
      this.asked.push(asked)
      return {
        cancel: () => {
          asked.cancelled = true
        },
      }
    },
  } as unknown as ControllerClient

  /** The process is gone without a word; another one opens the folder. */
  restart(wrap: (disk: Disk) => Disk = (disk) => disk): void {
    this.image = emptyImage
    ;[this.partitions, this.fetchServer, this.fetchers] = this.#start(wrap)
    this.clock.waitVoid((done) => this.partitions.openAll(done))
  }

  #folders(directory: LogDirectory): DataFolders {
    const bench = this
    const space = {
      freeBytes: undefined,
      totalBytes: undefined,
      get isLow() {
        return bench.isDiskLow
      },
    }
    const folder = { path: 'first', directoryId: topicId(2001), disk: this.world.disk, directory, space }
    return new DataFolders({ logger: silentLogger, folders: [folder], offline: [], placements: undefined })
  }

  #start(wrap: (disk: Disk) => Disk): [Partitions, FetchServer, Fetchers] {
    const { clock } = this.world
    const directory = this.world.start(wrap)
    const transport = {
      openFetchStream: () => {
        const stream = new FakeClientStream()
        this.streams.push(stream)
        return stream
      },
    } as unknown as Transport
    const find = (id: string, number: number): Replica | undefined => partitions.find(id, number)
    this.folders = this.#folders(directory)
    const partitions: Partitions = new Partitions({
      nodeId: 1,
      folders: this.folders,
      checkpoints: this.checkpoints,
      clock,
      logger: silentLogger,
      config,
      limits: limitsOf({}),
      controllerClient: this.controllerClient,
      fetchServer: () => fetchServer,
      fetchers: () => fetchers,
    })
    const fetchServer = new FetchServer({
      clock,
      logger: silentLogger,
      find,
      disconnected: (nodeId) => partitions.disconnected(nodeId, 'follower'),
      damaged: (replica, error) => partitions.readFailed(replica, error),
    })
    const fetchers = new Fetchers({ clock, logger: silentLogger, transport, find, disconnected: (nodeId) => partitions.disconnected(nodeId, 'leader') })
    this.world.onSaid = (said, log) => {
      if (said.type === 'synced') partitions.synced(log, said.endOffset, said.cutCount)
      else partitions.failed(log, new Error('disk'))
    }
    return [partitions, fetchServer, fetchers]
  }

  /** Time passes: calls of disks complete, timers of that time fire. */
  run(ms = 30): void {
    let isOver = false
    this.clock.after(ms, () => {
      isOver = true
    })
    while (!isOver) this.clock.step()
  }

  applyQuietly(entry: readonly MetadataRecord[], brokerEpoch = 1): void {
    const { image, delta } = applyEntries(this.image, [{ offset: this.image.offset, records: entry }])
    this.image = image
    const deletedIds = entry.flatMap((record) => (record.type === 'topicDeleted' ? [record.topicId] : []))
    this.partitions.applied({ image, delta, brokerEpoch, deletedIds })
  }

  apply(entry: readonly MetadataRecord[], brokerEpoch = 1): void {
    this.applyQuietly(entry, brokerEpoch)
    this.run()
  }

  /** Brokers 1 and 2 are registered and unfenced. */
  begin(): void {
    this.apply([{ type: 'cluster', clusterId: topicId(7), voters: [{ nodeId: 1, directoryId: topicId(2001), endpoint: null }] }], -1)
    for (const entry of [[register(1)], [register(2)], [brokerState(1)], [brokerState(2)]]) this.apply(entry)
  }

  topicRecords(number: number, name: string, changes: Partial<PartitionState> = {}): MetadataRecord[] {
    const state = partition({ topicId: topicId(number), leaderGrantedOffset: this.image.offset, ...changes })
    return [{ type: 'topic', topicId: topicId(number), name } as const, { type: 'partition', state } as const]
  }

  /** A partition on node 1 alone. */
  alone(number: number, name: string): Replica {
    this.apply(this.topicRecords(number, name, { replicas: [1], isr: [{ nodeId: 1, brokerEpoch: 1 }] }))
    return this.replica(number)
  }

  replica(number: number): Replica {
    const replica = this.partitions.find(topicId(number), 0)
    if (replica === undefined) throw new Error(`there is no replica of topic ${number}`)
    return replica
  }
}

export function fetchOf(changes: Partial<FollowerFetch>): FollowerFetch {
  return {
    fetchId: 1,
    currentLeaderEpoch: 0,
    fetchOffset: 0,
    lastFetchedEpoch: -1,
    syncedEndOffset: 0,
    brokerEpoch: 2,
    logStartOffset: 0,
    maxBytes: 1024 * 1024,
    ...changes,
  }
}
