import { mkdirSync } from 'node:fs'
import { assert } from '../../src/base/assert.ts'
import type { Logger } from '../../src/base/log-line.ts'
import { openFolder, type OpenedFolder } from '../../src/broker/node-open.ts'
import { makeRaft, type NodeRaft } from '../../src/broker/node-raft.ts'
import type { NodeSeams } from '../../src/broker/surface.ts'
import { openLevelCheckpoints } from '../../src/checkpoint/level-checkpoints.ts'
import { CryptoRandom } from '../../src/client/crypto-random.ts'
import { SystemClock } from '../../src/client/system-clock.ts'
import { METADATA_LOG } from '../../src/log/surface.ts'
import { applyEntries } from '../../src/metadata/apply.ts'
import { emptyImage, type MetadataImage } from '../../src/metadata/image.ts'
import type { MetadataRecord } from '../../src/metadata/records.ts'
import type { ConfiguredNode } from '../../src/node/config.ts'
import { NodeDisk } from '../../src/node/disk.ts'
import { LazyCheckpoints } from '../../src/node/lazy-checkpoints.ts'
import { GrpcPeerTransport } from '../../src/peer/grpc-transport.ts'
import { decodeEntry, encodeEntry } from '../../src/runtime/decision-entry.ts'
import { TICK_MS } from '../../src/runtime/ticks.ts'
import { Traffic } from '../../src/wire/traffic.ts'
import { promised } from './image.ts'

const logger: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger }

/** The metadata of a cluster's only voter, on its disk, without anything else of a node: to decide fast what a whole cluster would take hours for. */
export class QuorumOfOne {
  readonly #seams: NodeSeams
  readonly #folder: OpenedFolder
  readonly #metadata: NodeRaft
  image: MetadataImage = emptyImage

  private constructor(configured: ConfiguredNode, seams: NodeSeams, folder: OpenedFolder) {
    this.#seams = seams
    this.#folder = folder
    const { clock } = seams
    this.#metadata = makeRaft(configured.options, seams, folder, {
      committed: (entries) => {
        const decoded = entries.map(({ offset, batch }) => ({ offset, records: decodeEntry(batch) }))
        this.image = applyEntries(this.image, decoded).image
        const sizeBytes = entries.reduce((total, { batch }) => total + batch.length, 0)
        this.#metadata.snapshots.applied(this.image, { lastTerm: entries.at(-1)?.term ?? 0, sizeBytes })
      },
      installed: () => assert(false, 'nobody sends a snapshot to the only voter'),
      role: () => undefined,
      transfer: () => undefined,
      opening: () => encodeEntry(this.#opening(), clock.wallMs()),
      status: () => null,
    })
    setInterval(() => {
      this.#metadata.raft.feed({ type: 'tick' })
      this.#metadata.snapshots.tick()
    }, TICK_MS).unref()
  }

  /** On a folder that is new. */
  static async open(configured: ConfiguredNode): Promise<QuorumOfOne> {
    const { options, dataDir } = configured
    mkdirSync(dataDir, { recursive: true })
    const seams: NodeSeams = {
      clock: new SystemClock(),
      random: new CryptoRandom(),
      disk: new NodeDisk(dataDir),
      checkpoints: new LazyCheckpoints((done) => openLevelCheckpoints(`${dataDir}/checkpoints`, logger, done)),
      transport: new GrpcPeerTransport({ logger, traffic: new Traffic() }),
      logger,
      fatal: (error) => {
        throw error
      },
    }
    let quorum: QuorumOfOne | undefined
    const folder = await promised(
      openFolder(options, seams, {
        synced: (log, endOffset, cutCount) => {
          if (log.name === METADATA_LOG && quorum !== undefined) quorum.#metadata.raft.logSynced(endOffset, cutCount)
        },
        failed: (_, error) => seams.fatal(error),
        folderFailed: (_, error) => seams.fatal(error),
      }),
    )
    quorum = new QuorumOfOne(configured, seams, folder)
    return quorum
  }

  /** False: too much is undecided, or nobody leads yet. */
  propose(records: readonly MetadataRecord[]): boolean {
    return this.#metadata.raft.propose(encodeEntry(records, this.#seams.clock.wallMs())).type === 'accepted'
  }

  get snapshotEndOffset(): number {
    return this.#metadata.snapshots.newest?.endOffset ?? 0
  }

  #opening(): MetadataRecord[] {
    const { directoryId } = this.#folder.properties
    return [{ type: 'cluster', clusterId: directoryId, voters: [{ nodeId: 1, directoryId, endpoint: null }] }]
  }
}
