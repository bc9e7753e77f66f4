import { SimDisk } from '../../chaos/sim/disk.ts'
import type { Uuid } from '../../src/base/ids.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { runTask } from '../../src/base/task.ts'
import { openFolder, type OpenedFolder } from '../../src/broker/node-open.ts'
import { makeRaft, type NodeRaft } from '../../src/broker/node-raft.ts'
import type { NodeOptions, NodeSeams } from '../../src/broker/surface.ts'
import { METADATA_LOG } from '../../src/log/surface.ts'
import { applyEntries } from '../../src/metadata/apply.ts'
import { hashImage } from '../../src/metadata/hash.ts'
import { emptyImage, type MetadataImage } from '../../src/metadata/image.ts'
import type { MetadataRecord } from '../../src/metadata/records.ts'
import type { RaftMessage } from '../../src/raft/messages.ts'
import { decodeEntry, encodeEntry } from '../../src/runtime/decision-entry.ts'
import type { CommittedEntry } from '../../src/runtime/raft-node.ts'
import { type LogLine, TestClock, testLogger } from '../log/world.ts'
import { topicId } from '../metadata/fixtures.ts'

const MIB = 1_048_576
const TICK_MS = 50

/** Node 1, the only voter, and observers: the metadata of nodes alone, on simulated disks, with every committed entry remembered. */
export class MetadataQuorum {
  readonly clock = new TestClock()
  readonly random: SeededRandom
  /** Batches by offset; whoever commits another one at an offset is found. */
  readonly #entries: Buffer[] = []
  readonly #nodes = new Map<number, MetadataNode>()
  /** What the wires make of a message. */
  carry = (message: RaftMessage): RaftMessage => message

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
  }

  add(nodeId: number, settings: NodeSettings = {}): MetadataNode {
    const node = new MetadataNode(this, nodeId, settings)
    this.#nodes.set(nodeId, node)
    return node
  }

  others(than: MetadataNode): MetadataNode[] {
    return [...this.#nodes.values()].filter((node) => node !== than && node.isUp)
  }

  committed({ offset, batch }: CommittedEntry): void {
    const known = this.#entries[offset]
    if (known === undefined) this.#entries[offset] = batch
    else if (!known.equals(batch)) throw new Error(`another entry was committed at offset ${offset}`)
  }

  /** What the naive way makes of every entry below `endOffset`, from the first one on. */
  hashAt(endOffset: number): number {
    let image = emptyImage
    for (let offset = 0; offset < endOffset; offset++) {
      const batch = this.#entries[offset]
      if (batch === undefined) throw new Error(`nobody committed offset ${offset}`)
      image = applyEntries(image, [{ offset, records: decodeEntry(batch) }]).image
    }
    return hashImage(image)
  }

  /** Steps until it holds. */
  until(holds: () => boolean, what: string): void {
    const endMs = this.clock.monotonicMs() + 60_000
    while (!holds()) if (this.clock.monotonicMs() > endMs || !this.clock.step()) throw new Error(`not within a minute: ${what}`)
  }
}

export interface NodeSettings {
  readonly snapshotBytes?: number
  readonly snapshotMs?: number
}

export class MetadataNode {
  readonly nodeId: number
  readonly lines: LogLine[] = []
  readonly #quorum: MetadataQuorum
  readonly #settings: NodeSettings
  disk: SimDisk
  image: MetadataImage = emptyImage
  failure: Error | undefined
  #folder: OpenedFolder | undefined
  #raft: NodeRaft | undefined
  #proposed = 0
  #starts = 0

  constructor(quorum: MetadataQuorum, nodeId: number, settings: NodeSettings) {
    this.nodeId = nodeId
    this.#quorum = quorum
    this.#settings = settings
    this.disk = new SimDisk({ clock: quorum.clock, random: quorum.random.fork(`disk ${nodeId}`), minLatencyMs: 0.1, maxLatencyMs: 2 })
  }

  get isUp(): boolean {
    return this.#raft !== undefined
  }

  get raft(): NodeRaft {
    if (this.#raft === undefined) throw new Error('the node is down')
    return this.#raft
  }

  get folder(): OpenedFolder {
    if (this.#folder === undefined) throw new Error('the node is down')
    return this.#folder
  }

  get directoryId(): Uuid {
    return this.folder.properties.directoryId
  }

  get isLeader(): boolean {
    return this.raft.raft.core.role === 'leader'
  }

  /** Files of the metadata log's folder. */
  files(): string[] {
    return this.disk
      .files()
      .map(([path]) => path)
      .filter((path) => path.startsWith(`${METADATA_LOG}/`))
      .map((path) => path.slice(METADATA_LOG.length + 1))
  }

  /** A new process on the disk, which begins as a node does. */
  start(): void {
    const { clock } = this.#quorum
    this.lines.length = 0
    this.image = emptyImage
    this.failure = undefined
    this.#folder = clock.wait<OpenedFolder>((done) => runTask(openFolder(this.#options(), this.#seams(), this.#events()), done))
    const { loaded } = this.#folder.metadata
    if (loaded !== null) this.image = loaded.image
    const made = makeRaft(this.#options(), this.#seams(), this.#folder, {
      committed: (entries) => this.#committed(entries),
      installed: (image) => {
        this.image = image
      },
      role: () => undefined,
      transfer: () => undefined,
      opening: ({ offset }) => encodeEntry(this.#opening(offset), clock.wallMs()),
      status: () => null,
    })
    this.#raft = made
    if (loaded !== null) made.snapshots.start(loaded)
    const tick = (): void => {
      if (this.#raft !== made) return
      made.raft.feed({ type: 'tick' })
      made.snapshots.tick()
      clock.after(TICK_MS, tick)
    }
    clock.after(TICK_MS, tick)
    for (const other of this.#quorum.others(this)) {
      this.meet(other)
      other.meet(this)
    }
  }

  /** The process ends with what reached the disk. */
  crash(fate: 'kill' | 'powerLoss'): void {
    this.#raft?.raft.stop()
    this.#raft = undefined
    this.#folder = undefined
    this.disk[fate]()
    this.disk = this.disk.reopen()
  }

  meet(other: MetadataNode): void {
    this.raft.raft.feed({ type: 'peerUp', peer: { nodeId: other.nodeId, directoryId: other.directoryId } })
  }

  /** One more decision; it is committed when the image has it. */
  propose(): void {
    const nextProducerId = Math.max(this.image.nextProducerId, this.#proposed) + 1
    const result = this.raft.raft.propose(encodeEntry([{ type: 'producerIds', nextProducerId }], this.#quorum.clock.wallMs()))
    if (result.type === 'accepted') this.#proposed = nextProducerId
  }

  #committed(entries: readonly CommittedEntry[]): void {
    for (const entry of entries) this.#quorum.committed(entry)
    this.image = applyEntries(
      this.image,
      entries.map(({ offset, batch }) => ({ offset, records: decodeEntry(batch) })),
    ).image
    const sizeBytes = entries.reduce((total, { batch }) => total + batch.length, 0)
    this.raft.snapshots.applied(this.image, { lastTerm: entries.at(-1)!.term, sizeBytes })
  }

  #opening(offset: number): MetadataRecord[] {
    if (offset > 0) return [{ type: 'leaderChange', leaderId: this.nodeId }]
    return [{ type: 'cluster', clusterId: topicId(7), voters: [{ nodeId: this.nodeId, directoryId: this.directoryId, endpoint: null }] }]
  }

  #options(): NodeOptions {
    const config = {
      segmentBytes: MIB,
      indexIntervalBytes: 4096,
      tailCacheBytes: MIB,
      metadataSnapshotBytes: this.#settings.snapshotBytes ?? MIB,
      metadataSnapshotMs: this.#settings.snapshotMs ?? 3_600_000,
      leaderBalanceMs: 0,
      electionTimeoutMs: 1000,
    }
    const roles = { controller: this.nodeId === 1, broker: false }
    return { nodeId: this.nodeId, roles, voterIds: [1], config } as unknown as NodeOptions
  }

  #seams(): NodeSeams {
    const { clock, random } = this.#quorum
    return {
      disk: this.disk,
      clock,
      logger: testLogger(this.lines),
      random: random.fork(`node ${this.nodeId} start ${++this.#starts}`),
      transport: { send: (to: number, message: { readonly message: RaftMessage }) => this.#send(to, message.message) },
      fatal: (error: Error) => {
        this.failure ??= error
      },
    } as unknown as NodeSeams
  }

  #send(to: number, message: RaftMessage): void {
    const from = { nodeId: this.nodeId, directoryId: this.directoryId }
    this.#quorum.clock.after(1, () => {
      for (const other of this.#quorum.others(this)) if (other.nodeId === to) other.raft.raft.receive(from, this.#quorum.carry(message))
    })
  }

  #events(): { synced: (log: { readonly name: string }, endOffset: number, cutCount: number) => void; failed: () => void; folderFailed: () => void } {
    return {
      synced: (log, endOffset, cutCount) => {
        if (log.name === METADATA_LOG) this.#raft?.raft.logSynced(endOffset, cutCount)
      },
      failed: () => undefined,
      folderFailed: () => undefined,
    }
  }
}
