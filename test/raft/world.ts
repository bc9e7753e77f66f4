import { assert, unreachable } from '../../src/base/assert.ts'
import type { EpochStart } from '../../src/base/epochs.ts'
import { SeededRandom } from '../../src/base/random.ts'
import type { RaftEffect, RaftInput } from '../../src/raft/effects.ts'
import {
  type Entry,
  noVoterSet,
  type PeerIdentity,
  type RaftMessage,
  type Snapshot,
  type SnapshotId,
  type Voter,
  type VoterSet,
} from '../../src/raft/messages.ts'
import { Raft } from '../../src/raft/raft.ts'
import { describeEffect, describeMessage, describeSnapshot } from './describe.ts'
import { Judge } from './judge.ts'
import type { DiskOperation, SendEntries, SimulatedDisk, SimulatedNode, StoredSnapshot } from './simulated-node.ts'
import { makeSnapshot, readChunk, readSnapshot } from './snapshots.ts'

export interface Packet {
  readonly from: PeerIdentity
  readonly to: number
  readonly message: RaftMessage
}

export interface WorldOptions {
  readonly seed: number
  readonly firstVoterIds: readonly number[]
  /** Told one line for each thing that happens. */
  readonly tell: (line: string) => void
  /** Sees what a node is asked for, and what its core answers with. */
  readonly watch?: Watcher
}

export interface Watcher {
  input(node: SimulatedNode, input: RaftInput): void
  effect(node: SimulatedNode, effect: RaftEffect): void
}

/** Nodes, their disks and the network between them; nothing moves unless it is told to. Every step is judged by the invariants. */
export class World {
  readonly nodes = new Map<number, SimulatedNode>()
  readonly judge = new Judge()
  packets: Packet[] = []
  readonly cuts = new Set<string>()
  readonly #options: WorldOptions
  readonly #random: SeededRandom
  #proposals = 0
  #reads = 0

  constructor(options: WorldOptions) {
    this.#options = options
    this.#random = new SeededRandom(options.seed)
  }

  addNode(
    nodeId: number,
    options: { readonly canVote?: boolean; readonly term?: number; readonly entries?: readonly Entry[]; readonly damagedBelow?: number } = {},
  ): void {
    const entries = [...(options.entries ?? [])]
    this.nodes.set(nodeId, {
      nodeId,
      directoryId: `d${nodeId}`,
      canVote: options.canVote ?? true,
      damagedBelow: options.damagedBelow ?? null,
      raft: null,
      memory: [],
      startOffset: 0,
      disk: { ...emptyDisk(), term: options.term ?? 0, entries },
      operations: [],
      timer: null,
      holdsReads: false,
      reads: [],
      appliedOffset: 0,
      known: new Map(),
      incarnation: 0,
    })
    this.start(nodeId)
  }

  node(nodeId: number): SimulatedNode {
    const node = this.nodes.get(nodeId)
    assert(node !== undefined, `node ${nodeId} exists`)
    return node
  }

  /** A new process on what the disk holds. */
  start(nodeId: number): void {
    const node = this.node(nodeId)
    const { disk } = node
    const [newest] = disk.snapshots
    node.memory = [...disk.entries]
    node.startOffset = disk.startOffset
    node.appliedOffset = newest?.endOffset ?? 0
    node.incarnation++
    node.raft = new Raft({
      self: { nodeId, directoryId: node.directoryId },
      canVote: node.canVote,
      firstVoterIds: this.#options.firstVoterIds,
      random: this.#random.fork(`${nodeId} ${node.incarnation}`),
      term: disk.term,
      votedFor: disk.votedFor,
      epochs: epochsOf(disk.entries).filter(({ startOffset }) => startOffset >= disk.startOffset),
      startOffset: disk.startOffset,
      startTerm: disk.entries[disk.startOffset - 1]?.term ?? -1,
      endOffset: disk.entries.length,
      persistedEndOffset: disk.entries.length,
      voterSet: voterSetIn(disk.entries),
      damagedBelow: node.damagedBelow,
    })
    if (newest !== undefined) this.feed(nodeId, storedInput(newest))
  }

  /** Begins a snapshot of what the node has applied. */
  takeSnapshot(nodeId: number): void {
    const node = this.node(nodeId)
    const endOffset = node.appliedOffset
    const last = node.memory[endOffset - 1]
    if (last === undefined || node.disk.snapshots.some((snapshot) => snapshot.endOffset >= endOffset)) return
    node.operations.push({ type: 'take', endOffset, lastTerm: last.term })
  }

  /** The process dies; what its disk did not hold is gone. */
  crash(nodeId: number): void {
    const node = this.node(nodeId)
    node.raft = null
    node.operations = []
    node.reads = []
    node.timer = null
    node.known.clear()
  }

  /** Another disk under the same id. */
  wipe(nodeId: number): void {
    const node = this.node(nodeId)
    assert(node.raft === null, 'a disk is changed while the process is down')
    node.directoryId += `'`
    node.disk = emptyDisk()
  }

  /** Feeds one input and performs the effects, and the inputs that they lead to at once. */
  feed(nodeId: number, input: RaftInput): void {
    const node = this.node(nodeId)
    const inputs = [input]
    for (let next = inputs.shift(); next !== undefined && node.raft !== null; next = inputs.shift()) {
      this.#options.watch?.input(node, next)
      for (const effect of node.raft.step(next)) inputs.push(...this.#perform(node, effect))
      node.damagedBelow = node.raft.damagedBelow
      this.judge.state(node)
    }
  }

  /** Changes the set that counts at `nodeId`: `add` and `fill` with the folder that a node has now. */
  proposeVoters(nodeId: number, change: { readonly add?: readonly number[]; readonly remove?: readonly number[]; readonly fill?: readonly number[] }): void {
    const kept = voterSetIn(this.node(nodeId).memory)
      .voters.filter((voter) => change.remove?.includes(voter.nodeId) !== true)
      .map((voter) => (change.fill?.includes(voter.nodeId) === true ? { ...voter, directoryId: this.node(voter.nodeId).directoryId } : voter))
    const added = (change.add ?? []).map((id) => ({ nodeId: id, directoryId: this.node(id).directoryId }))
    const voters = [...kept, ...added]
    const text = `voters,${voters.map((voter) => `${voter.nodeId}=${voter.directoryId ?? '-'}`).join(',')}`
    this.feed(nodeId, { type: 'proposeVoters', proposalId: ++this.#proposals, voters, entry: Buffer.from(text) })
  }

  propose(nodeId: number, texts: readonly string[]): void {
    this.feed(nodeId, { type: 'propose', proposalId: ++this.#proposals, entries: texts.map((text) => Buffer.from(text)) })
  }

  readIndex(nodeId: number): void {
    this.judge.asks(++this.#reads)
    this.feed(nodeId, { type: 'readIndex', readId: this.#reads })
  }

  /** `nodeId` learns that its stream to `peerId` is open. */
  peerUp(nodeId: number, peerId: number): void {
    const { directoryId } = this.node(peerId)
    this.node(nodeId).known.set(peerId, directoryId)
    this.feed(nodeId, { type: 'peerUp', peer: { nodeId: peerId, directoryId } })
  }

  deliver(packet: Packet): void {
    const node = this.node(packet.to)
    if (node.raft === null) return
    this.#options.tell(`${packet.from.nodeId} -> ${packet.to}  ${describeMessage(packet.message)}`)
    node.known.set(packet.from.nodeId, packet.from.directoryId)
    this.feed(packet.to, { type: 'message', from: packet.from, message: packet.message })
  }

  /** Performs the oldest operation of a node's disk (of its vote file, when that is asked for) and tells the core. False when there is none. */
  persist(nodeId: number, file: 'vote' | 'any' = 'any'): boolean {
    const node = this.node(nodeId)
    const at = node.operations.findIndex((waiting) => file === 'any' || waiting.type === 'vote')
    const [operation] = at < 0 ? [] : node.operations.splice(at, 1)
    if (operation === undefined) return false
    const { disk } = node
    switch (operation.type) {
      case 'vote':
        disk.term = operation.term
        disk.votedFor = operation.votedFor
        this.#options.tell(`${nodeId} disk  term ${operation.term}, vote ${operation.votedFor ?? 'none'}`)
        this.feed(nodeId, { type: 'voteSaved', term: operation.term, votedFor: operation.votedFor })
        return true
      case 'append': {
        const endOffset = operation.startOffset + operation.entries.length
        disk.entries.splice(operation.startOffset, disk.entries.length, ...operation.entries)
        this.#options.tell(`${nodeId} disk  log to ${endOffset}, as of term ${operation.term}`)
        this.feed(nodeId, { type: 'persisted', term: operation.term, endOffset })
        return true
      }
      case 'truncate':
        disk.entries.length = Math.min(disk.entries.length, operation.endOffset)
        this.#options.tell(`${nodeId} disk  cut to ${operation.endOffset}`)
        return true
      case 'cutStart':
        disk.startOffset = operation.startOffset
        this.#options.tell(`${nodeId} disk  begins at ${operation.startOffset}`)
        return true
      case 'write':
        disk.incoming = Buffer.concat([disk.incoming.subarray(0, operation.position), operation.bytes])
        this.feed(nodeId, { ...operation, type: 'snapshotWritten', position: operation.position + operation.bytes.length })
        return true
      default:
        this.#persistSnapshot(node, operation)
        return true
    }
  }

  #persistSnapshot(node: SimulatedNode, operation: Extract<DiskOperation, { type: 'take' | 'store' | 'install' }>): void {
    const { nodeId, disk } = node
    switch (operation.type) {
      case 'take': {
        const snapshot = makeSnapshot(operation, node.memory)
        this.#keepSnapshot(node, snapshot)
        this.feed(nodeId, { type: 'snapshotTaken', snapshot: describedOf(snapshot) })
        return
      }
      case 'store': {
        const snapshot = readSnapshot(operation, disk.incoming)
        disk.incoming = Buffer.alloc(0)
        if (snapshot === undefined) this.#options.tell(`${nodeId} disk  snapshot ${describeSnapshot(operation)} is not whole`)
        else this.#keepSnapshot(node, snapshot)
        this.feed(nodeId, snapshot === undefined ? { ...operation, type: 'snapshotInvalid' } : storedInput(snapshot))
        return
      }
      case 'install': {
        disk.entries = [...findSnapshot(node, operation).entries]
        disk.startOffset = operation.endOffset
        this.#options.tell(`${nodeId} disk  log anew from ${operation.endOffset}, as of term ${operation.term}`)
        this.feed(nodeId, { type: 'persisted', term: operation.term, endOffset: operation.endOffset })
        return
      }
      default:
        unreachable(operation)
    }
  }

  #keepSnapshot({ nodeId, disk }: SimulatedNode, snapshot: StoredSnapshot): void {
    this.#options.tell(`${nodeId} disk  snapshot ${describeSnapshot(snapshot)}`)
    disk.snapshots = [snapshot, ...disk.snapshots].sort((left, right) => right.endOffset - left.endOffset).slice(0, 2)
  }

  /** Performs the reads that were held, of at most `maxEntries` each; 0: the log cannot be read now. */
  read(nodeId: number, maxEntries: number): void {
    const node = this.node(nodeId)
    for (const effect of node.reads.splice(0)) this.feed(nodeId, this.#sendEntries(node, effect, maxEntries))
  }

  #perform(node: SimulatedNode, effect: RaftEffect): RaftInput[] {
    const line = describeEffect(effect)
    if (line !== undefined) this.#options.tell(`${node.nodeId} ${line}`)
    switch (effect.type) {
      case 'saveVote':
        node.operations.push({ type: 'vote', term: effect.term, votedFor: effect.votedFor })
        return []
      case 'append':
        return this.#append(node, effect.term, effect.startOffset, effect.entries)
      case 'appendOpening':
        return this.#append(node, effect.term, effect.startOffset, [{ term: effect.term, bytes: Buffer.from(this.#opening(node, effect.startOffset)) }])
      case 'truncate':
        assert(effect.endOffset >= node.appliedOffset, 'what was applied is never cut')
        return this.#truncate(node, effect.endOffset)
      case 'send':
        this.#send(node, effect.to, effect.message)
        return []
      case 'sendEntries':
        assert(!node.reads.some((read) => read.to === effect.to && read.term === effect.term), 'one read a peer in a term')
        if (!node.holdsReads) return [this.#sendEntries(node, effect, effect.endOffset - effect.startOffset)]
        node.reads.push(effect)
        return []
      case 'sendSnapshot':
        return [this.#sendSnapshot(node, effect)]
      case 'writeSnapshot':
        node.operations.push({ ...effect, type: 'write' })
        return []
      case 'storeSnapshot':
        node.operations.push({ ...effect, type: 'store' })
        return []
      case 'installSnapshot':
        node.memory = [...findSnapshot(node, effect).entries]
        node.startOffset = effect.endOffset
        node.appliedOffset = effect.endOffset
        this.judge.committed(node, effect.endOffset)
        node.operations.push({ ...effect, type: 'install' })
        return []
      case 'cutLog':
        assert(effect.startOffset <= node.appliedOffset, 'what is not applied yet is not let go')
        node.startOffset = effect.startOffset
        node.operations.push({ type: 'cutStart', startOffset: effect.startOffset })
        return []
      case 'committed':
        this.judge.committed(node, effect.commitIndex)
        node.appliedOffset = effect.commitIndex
        this.#options.watch?.effect(node, effect)
        return []
      case 'startTimer':
        node.timer = { timerId: effect.timerId, delayMs: effect.delayMs }
        return []
      case 'role':
        this.judge.role(node, effect)
        return []
      case 'readable':
        this.judge.readable(effect)
        this.#options.watch?.effect(node, effect)
        return []
      case 'accepted':
        this.#options.watch?.effect(node, effect)
        return []
      case 'refused':
      case 'votersRefused':
      case 'transfer':
        return []
      default:
        return unreachable(effect)
    }
  }

  #append(node: SimulatedNode, term: number, startOffset: number, entries: readonly Entry[]): RaftInput[] {
    assert(startOffset === node.memory.length, 'entries are appended where the log ends')
    const before = voterSetIn(node.memory)
    node.memory.push(...entries)
    node.operations.push({ type: 'append', term, startOffset, entries })
    return voterSetInput(before, node.memory)
  }

  #truncate(node: SimulatedNode, endOffset: number): RaftInput[] {
    const before = voterSetIn(node.memory)
    node.memory.length = endOffset
    node.operations.push({ type: 'truncate', endOffset })
    return voterSetInput(before, node.memory)
  }

  /** The bootstrap entry names those that the first leader has heard of. */
  #opening(node: SimulatedNode, startOffset: number): string {
    if (startOffset > 0) return `leader=${node.nodeId}`
    const voters = this.#options.firstVoterIds.map((id) => `${id}=${id === node.nodeId ? node.directoryId : (node.known.get(id) ?? '-')}`)
    return `voters,${voters.join(',')}`
  }

  #send(node: SimulatedNode, to: number, message: RaftMessage): void {
    this.judge.sent(node, to, message)
    if (!this.cuts.has(`${node.nodeId}->${to}`)) this.packets.push({ from: { nodeId: node.nodeId, directoryId: node.directoryId }, to, message })
  }

  #sendEntries(node: SimulatedNode, effect: SendEntries, maxEntries: number): RaftInput {
    const { to, term, startOffset, previousTerm, commitIndex } = effect
    const entries: Entry[] = []
    let sizeBytes = 0
    const isReadable = node.raft?.term === term && startOffset >= node.startOffset
    for (const entry of isReadable ? node.memory.slice(startOffset, Math.min(effect.endOffset, startOffset + maxEntries)) : []) {
      if (entries.length > 0 && sizeBytes + entry.bytes.length > effect.maxBytes) break
      entries.push(entry)
      sizeBytes += entry.bytes.length
    }
    if (entries.length > 0) this.#send(node, to, { type: 'append', term, startOffset, previousTerm, commitIndex, entries })
    return { type: 'entriesSent', to, term, startOffset, endOffset: startOffset + entries.length, sizeBytes }
  }

  #sendSnapshot(node: SimulatedNode, effect: SendSnapshot): RaftInput {
    const { to, term, endOffset, lastTerm, sizeBytes, position } = effect
    const snapshot = node.disk.snapshots.find((held) => held.endOffset === endOffset && held.lastTerm === lastTerm)
    const bytes = snapshot === undefined || node.raft?.term !== term ? Buffer.alloc(0) : readChunk(snapshot, position, effect.maxBytes)
    if (bytes.length > 0) this.#send(node, to, { type: 'snapshotChunk', term, endOffset, lastTerm, sizeBytes, position, bytes })
    return { type: 'snapshotSent', to, term, endOffset, lastTerm, position, endPosition: position + bytes.length }
  }
}

type SendSnapshot = Extract<RaftEffect, { type: 'sendSnapshot' }>

function emptyDisk(): SimulatedDisk {
  return { term: 0, votedFor: null, entries: [], startOffset: 0, snapshots: [], incoming: Buffer.alloc(0) }
}

function findSnapshot({ disk }: SimulatedNode, id: SnapshotId): StoredSnapshot {
  const found = disk.snapshots.find((snapshot) => snapshot.endOffset === id.endOffset && snapshot.lastTerm === id.lastTerm)
  assert(found !== undefined, 'what is installed is on disk')
  return found
}

function describedOf({ endOffset, lastTerm, bytes }: StoredSnapshot): Snapshot {
  return { endOffset, lastTerm, sizeBytes: bytes.length }
}

function storedInput(snapshot: StoredSnapshot): RaftInput {
  return { type: 'snapshotStored', snapshot: describedOf(snapshot), voters: voterSetIn(snapshot.entries).voters }
}

function epochsOf(entries: readonly Entry[]): EpochStart[] {
  const epochs: EpochStart[] = []
  entries.forEach(({ term }, startOffset) => {
    if (epochs.at(-1)?.epoch !== term) epochs.push({ epoch: term, startOffset })
  })
  return epochs
}

/** Effective on append, back with a cut (rules R4.4). */
function voterSetInput(before: VoterSet, entries: readonly Entry[]): RaftInput[] {
  const set = voterSetIn(entries)
  return set.offset === before.offset && set.voters.length === before.voters.length ? [] : [{ type: 'voterSet', set }]
}

/** The set of the newest voter record: `voters,1=d1,2=d2,3=-`. */
function voterSetIn(entries: readonly Entry[]): VoterSet {
  const records = entries.flatMap(({ bytes }, offset) => (bytes.subarray(0, 7).toString() === 'voters,' ? [{ offset, text: bytes.toString() }] : []))
  const [newest, before] = [records.at(-1), records.at(-2)]
  if (newest === undefined) return noVoterSet
  return { voters: parseVoters(newest.text), offset: newest.offset, previous: before === undefined ? [] : parseVoters(before.text) }
}

function parseVoters(text: string): readonly Voter[] {
  return text
    .split(',')
    .slice(1)
    .map((voter) => {
      const [nodeId, directoryId] = voter.split('=')
      return { nodeId: Number(nodeId), directoryId: directoryId === '-' || directoryId === undefined ? null : directoryId }
    })
}
