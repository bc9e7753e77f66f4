import type { LiveReplica, RaftView, ReplicaView } from '../../src/broker/surface.ts'
import { type Log, METADATA_LOG } from '../../src/log/surface.ts'
import { findPartition, type MetadataImage } from '../../src/metadata/image.ts'
import type { PartitionState } from '../../src/metadata/records.ts'
import { checkAcknowledged } from './acknowledged-committed.ts'
import { Committed } from './committed.ts'
import { checkDamage } from './damage-has-a-cause.ts'
import { DecidedOnDisk } from './decided-on-disk.ts'
import { checkEligible } from './eligible-kept.ts'
import { EqualBytes } from './equal-bytes.ts'
import { ImageHashes } from './image-hashes.ts'
import { checkDamagedMember, checkIsrMembers } from './isr-members.ts'
import { checkIsrHolds, type HeldReplica } from './isr-holds-committed.ts'
import { LogMirror, type LogPeek, markBatches } from './log-mirror.ts'
import { checkDeleted, checkLogStart } from './log-starts.ts'
import { NeverBack } from './never-back.ts'
import { checkCut } from './no-cut-below.ts'
import { type ObservedNode, partitionKey } from './observed.ts'
import { OneLeader } from './one-leader.ts'
import { OneVoterChange } from './one-voter-change.ts'
import { OwnTermCommit } from './own-term-commit.ts'
import { demand } from './violation.ts'
import { VoterChangesWait } from './voter-changes-wait.ts'
import { checkVoters } from './voters-of-the-log.ts'

interface WatchedReplica {
  readonly key: string
  readonly held: HeldReplica & { syncedEndOffset: number }
  readonly neverBack: NeverBack
  view: ReplicaView
  startOffset: number
  endOffset: number
  cutCount: number
  readable: boolean
}

interface WatchedNode {
  readonly node: ObservedNode
  readonly where: string
  readonly replicas: Map<string, WatchedReplica>
  /** The same by the log that the process opened for it: what is looked up after every step. */
  readonly byLog: Map<Log, WatchedReplica>
  readonly raft: NeverBack
  readonly commit: OwnTermCommit
  readonly decided: DecidedOnDisk
  readonly voterChanges: VoterChangesWait
  /** Its Raft when it was looked at last. */
  last: RaftView | undefined
  image: MetadataImage | undefined
}

/**
 * The invariants of rules 7 over a whole cluster, brought up to date with each step of one node: only what that step changed is
 * looked at again. Membership (I1) is judged by the newest image that any node has ever applied: a leader counts without a member only
 * once it has applied that it left, so no high watermark can know more than that image.
 */
export class ClusterChecker {
  readonly #peek: (nodeId: number) => LogPeek
  readonly #isHarmed: (nodeId: number, logName: string) => boolean
  readonly #mayBeDamaged: (nodeId: number, logName: string) => boolean
  readonly #durableDecisions: (nodeId: number) => number
  readonly #nodes = new Map<number, WatchedNode>()
  readonly #committed = new Map<string, Committed>()
  readonly #equalBytes = new EqualBytes()
  readonly #oneLeader = new OneLeader()
  readonly #hashes = new ImageHashes()
  readonly #voters = new OneVoterChange()
  readonly #dirty = new Set<string>()
  /** Replicas that were ever damaged: "key nodeId". */
  readonly #damaged = new Set<string>()
  /** For sentences, by key. */
  readonly #names = new Map<string, string>()
  #newest: MetadataImage | undefined
  #exposedRecords = 0

  /**
   * `isHarmed`: the disk of that node lost or changed what it had synced of that log. Default: no disk does.
   * `mayBeDamaged`: it may say so of that log, since its disk was harmed, is another one by now, or was away. Default: as `isHarmed`.
   * `durableDecisions`: the exclusive end of what the disks of a node surely hold, or held before they were harmed, of the metadata log.
   */
  constructor(options: {
    readonly peek: (nodeId: number) => LogPeek
    readonly isHarmed?: (nodeId: number, logName: string) => boolean
    readonly mayBeDamaged?: (nodeId: number, logName: string) => boolean
    readonly durableDecisions: (nodeId: number) => number
  }) {
    this.#peek = options.peek
    this.#isHarmed = options.isHarmed ?? (() => false)
    this.#mayBeDamaged = options.mayBeDamaged ?? this.#isHarmed
    this.#durableDecisions = options.durableDecisions
  }

  /** The newest image that any node has applied. */
  get newestImage(): MetadataImage | undefined {
    return this.#newest
  }

  /** Records below high watermarks, all partitions. */
  get exposedRecords(): number {
    return this.#exposedRecords
  }

  /** The greatest high watermark ever of a partition. */
  exposedEndOffset(topicId: string, partition: number): number {
    return this.#committed.get(partitionKey(topicId, partition))?.endOffset ?? 0
  }

  /** The greatest log start that a leader ever decided: records below may be gone. */
  startOffset(topicId: string, partition: number): number {
    return this.#committed.get(partitionKey(topicId, partition))?.startOffset ?? 0
  }

  /** Whether the process of that node that runs, if one does, does not count on what its replica holds (rules R3.4). */
  isSuspect(nodeId: number, topicId: string, partition: number): boolean {
    return this.#nodes.get(nodeId)?.replicas.get(partitionKey(topicId, partition))?.view.suspect === true
  }

  /** Whether records of it may be gone by an unclean election: from then on nothing that was committed counts there. */
  hasGivenUp(topicId: string, partition: number): boolean {
    return this.#committed.get(partitionKey(topicId, partition))?.hasGivenUp === true
  }

  /** The process is gone: nothing is asked of it until its successor is seen. */
  died(nodeId: number): void {
    this.#nodes.delete(nodeId)
  }

  acknowledged(topicId: string, partition: number, offset: number): void {
    const key = partitionKey(topicId, partition)
    const committed = this.#committed.get(key)
    if (committed?.hasGivenUp !== true) checkAcknowledged(this.#describe(key), offset, committed?.endOffset ?? 0)
  }

  /** DeleteRecords was answered with this. */
  deleted(topicId: string, partition: number, lowWatermark: number): void {
    const key = partitionKey(topicId, partition)
    const committed = this.#committedOf(key)
    if (!committed.hasGivenUp) checkDeleted(this.#describe(key), lowWatermark, committed)
  }

  /** Entries of the metadata log, as one node sends them to another. */
  entriesSent(nodeId: number, entries: readonly Buffer[]): void {
    this.#equalBytes.appeared(METADATA_LOG, `node ${nodeId}`, markBatches(entries))
  }

  /** After every step of a node. */
  observe(node: ObservedNode): void {
    const watched = this.#watch(node)
    this.#observeImage(watched)
    this.#observeRaft(watched)
    for (const replica of node.liveReplicas) this.#observeReplica(watched, replica)
    if (this.#dirty.size > 0) for (const key of this.#dirty) this.#checkMembers(key)
  }

  #watch(node: ObservedNode): WatchedNode {
    const known = this.#nodes.get(node.nodeId)
    if (known !== undefined && known.node.incarnation === node.incarnation) return known
    const watched: WatchedNode = {
      node,
      where: `node ${node.nodeId}`,
      replicas: new Map(),
      byLog: new Map(),
      raft: new NeverBack(),
      commit: new OwnTermCommit(),
      decided: new DecidedOnDisk(),
      voterChanges: new VoterChangesWait(),
      last: undefined,
      image: undefined,
    }
    this.#nodes.set(node.nodeId, watched)
    return watched
  }

  #observeImage(watched: WatchedNode): void {
    const { image } = watched.node
    if (image === watched.image) return
    const { where } = watched
    const before = watched.image
    watched.image = image
    demand(
      before === undefined || image.offset >= before.offset,
      'I5',
      () => `the metadata offset applied on ${where} went from ${before?.offset} to ${image.offset}`,
    )
    this.#hashes.observe(where, image)
    this.#voters.observe(where, image)
    checkVoters(where, watched.node.raft(), image)
    if (this.#newest !== undefined && image.offset <= this.#newest.offset) return
    checkIsrMembers(image)
    this.#markChanged(this.#newest, image)
    this.#newest = image
  }

  #markChanged(before: MetadataImage | undefined, image: MetadataImage): void {
    for (const topic of image.topics.values()) {
      for (const state of topic.partitions) {
        const previous = before === undefined ? undefined : findPartition(before, topic.topicId, state.partition)
        if (previous === state) continue
        const key = partitionKey(topic.topicId, state.partition)
        this.#dirty.add(key)
        if (state.unclean) this.#committedOf(key).giveUp()
        if (before === undefined || previous === undefined) continue
        const backwards = state.leaderEpoch < previous.leaderEpoch || state.partitionEpoch < previous.partitionEpoch
        demand(!backwards, 'I5', () => `${this.#describe(key)}: the epochs went back at metadata offset ${image.offset}`)
        const wasDamaged = (nodeId: number): boolean => this.#damaged.has(`${key} ${nodeId}`)
        checkEligible(this.#describe(key), { before: previous, after: state, images: { before, after: image }, wasDamaged })
      }
    }
  }

  #checkDamage({ node, where }: WatchedNode, log: string, logName: string): void {
    checkDamage(log, where, this.#mayBeDamaged(node.nodeId, logName))
  }

  #observeRaft(watched: WatchedNode): void {
    const raft = watched.node.raft()
    watched.voterChanges.observe(watched.where, raft)
    if (raft.damagedBelow !== null) this.#checkDamage(watched, METADATA_LOG, METADATA_LOG)
    const { last } = watched
    if (last?.role === raft.role && last.term === raft.term && last.commitIndex === raft.commitIndex) return
    watched.last = raft
    watched.raft.observe(METADATA_LOG, watched.where, { leaderEpoch: raft.term, partitionEpoch: 0, logStartOffset: 0, highWatermark: raft.commitIndex })
    if (raft.role === 'leader') this.#oneLeader.leads(METADATA_LOG, raft.term, watched.node.nodeId, watched.node.incarnation)
    watched.commit.observe(watched.where, raft, watched.node.metadataLog)
    watched.decided.observe(watched.where, raft, this.#durableDecisions)
  }

  #observeReplica(watched: WatchedNode, live: LiveReplica): void {
    const known = watched.byLog.get(live.log)
    if (known?.readable === true && isUnchanged(known, live)) return
    const view = live.view()
    // While a replica is held, by a move to another folder and so another log, what comes waits, and happens at one stroke: it leads, and resigns.
    const led = (known ?? watched.replicas.get(partitionKey(view.topicId, view.partition)))?.view.role === 'leader'
    const replica = known ?? this.#meet(watched, view)
    const { held, key } = replica
    if (replica.view.suspect !== view.suspect || replica.view.damaged !== view.damaged || isUnassigned(replica.view) !== isUnassigned(view))
      this.#dirty.add(key)
    replica.view = view
    replica.startOffset = view.log.startOffset
    replica.endOffset = view.log.endOffset
    replica.cutCount = view.log.cutCount
    held.syncedEndOffset = view.log.syncedEndOffset
    if (view.damaged) this.#damaged.add(`${key} ${watched.node.nodeId}`)
    // A copy of a topic that is deleted may turn up with a folder that was away: nobody misses it, and nobody knows any more where it belongs.
    const isMissed = !this.#committedOf(key).hasGivenUp && this.#state(key) !== undefined
    if (view.damaged && isMissed) this.#checkDamage(watched, this.#describe(key), view.log.name)
    this.#observeLog(watched, replica)
    if (view.role === 'offline') return
    const committed = this.#committedOf(key)
    if (!committed.hasGivenUp) {
      replica.neverBack.observe(key, watched.where, view)
      checkLogStart(this.#describe(key), watched.where, committed, view, led)
    }
    if (view.role === 'leader') this.#oneLeader.leads(key, view.leaderEpoch, watched.node.nodeId, watched.node.incarnation)
    if (view.role === 'leader' || led) this.#observeExposure(watched, replica)
  }

  #observeLog(watched: WatchedNode, replica: WatchedReplica): void {
    const { held, key, view } = replica
    const { added, removed } = held.mirror.look(view.log, this.#peek(watched.node.nodeId), this.#isHarmed(watched.node.nodeId, view.log.name))
    const readable = held.mirror.endOffset >= view.log.endOffset
    if (!replica.readable && readable) this.#dirty.add(key)
    replica.readable = readable
    if (added.length > 0) this.#equalBytes.appeared(key, watched.where, added)
    if (removed.length === 0) return
    if (!view.damaged && !this.#committedOf(key).hasGivenUp) checkCut(this.#describe(key), watched.where, this.#committedOf(key), removed)
    held.verifiedEndOffset = Math.min(held.verifiedEndOffset, removed[0]?.baseOffset ?? 0)
    this.#dirty.add(key)
  }

  #observeExposure(watched: WatchedNode, { key, view, held }: WatchedReplica): void {
    const committed = this.#committedOf(key)
    if (view.highWatermark <= committed.endOffset || committed.hasGivenUp) return
    demand(
      view.log.endOffset >= view.highWatermark,
      'I1',
      () => `${this.#describe(key)}: ${watched.where} leads with high watermark ${view.highWatermark} and its log ends at ${view.log.endOffset}`,
    )
    const before = committed.endOffset
    if (!committed.exposed(view.highWatermark, held.mirror)) return
    this.#exposedRecords += view.highWatermark - before
    this.#dirty.add(key)
  }

  /** A replica that this process had not opened before. */
  #meet(watched: WatchedNode, view: ReplicaView): WatchedReplica {
    const key = partitionKey(view.topicId, view.partition)
    const held = { where: watched.where, mirror: new LogMirror(), syncedEndOffset: 0, verifiedEndOffset: 0 }
    const replica: WatchedReplica = { key, held, neverBack: new NeverBack(), view, startOffset: -1, endOffset: -1, cutCount: -1, readable: false }
    watched.replicas.set(key, replica)
    watched.byLog.set(view.log, replica)
    this.#dirty.add(key)
    return replica
  }

  #checkMembers(key: string): void {
    this.#dirty.delete(key)
    const committed = this.#committedOf(key)
    const state = this.#state(key)
    if (state === undefined || committed.hasGivenUp) return
    const members = new Set([...state.isr.map(({ nodeId }) => nodeId), ...state.elr])
    for (const nodeId of members) {
      const watched = this.#nodes.get(nodeId)
      const replica = watched?.replicas.get(key)
      if (watched === undefined || replica === undefined || !replica.readable || replica.view.role === 'offline') continue
      const { view } = replica
      const brokerEpoch = watched.node.image.brokers.get(nodeId)?.brokerEpoch
      const namedInIsr = view.role === 'leader' && view.isr.some((member) => member.nodeId === nodeId && member.brokerEpoch === brokerEpoch)
      checkDamagedMember(this.#describe(key), watched.where, { damaged: view.damaged, namedInIsr })
      // What a disk lost is known to be missing, or may be: such a replica is judged once it counts again (rules R3.4, R5.7). And which leader epochs
      // were granted, by which one that was changed is told, a process learns with its registration, before which it is no candidate (R5.4).
      const isExcused = (view.suspect || isUnassigned(view)) && this.#isHarmed(nodeId, view.log.name)
      if (!view.damaged && !isExcused) checkIsrHolds(this.#describe(key), committed, replica.held)
    }
  }

  #state(key: string): PartitionState | undefined {
    const [topicId, partition] = key.split('/')
    return this.#newest === undefined || topicId === undefined ? undefined : findPartition(this.#newest, topicId, Number(partition))
  }

  #committedOf(key: string): Committed {
    const known = this.#committed.get(key)
    if (known !== undefined) return known
    const committed = new Committed()
    this.#committed.set(key, committed)
    return committed
  }

  #describe(key: string): string {
    const known = this.#names.get(key)
    if (known !== undefined) return known
    const [topicId = '', partition] = key.split('/')
    const topic = this.#newest?.topics.get(topicId)?.name
    const name = `${topic ?? topicId}-${partition}`
    if (topic !== undefined) this.#names.set(key, name)
    return name
  }
}

/** Whether this process has not applied yet what the replica is. */
function isUnassigned({ partitionEpoch }: ReplicaView): boolean {
  return partitionEpoch < 0
}

/** Whether the step left this replica as it was when it was looked at last. */
function isUnchanged({ view: before, held, startOffset, endOffset, cutCount }: WatchedReplica, { log, core, damaged, suspect }: LiveReplica): boolean {
  return (
    log.startOffset === startOffset &&
    log.endOffset === endOffset &&
    log.syncedEndOffset === held.syncedEndOffset &&
    log.cutCount === cutCount &&
    core.logStartOffset === before.logStartOffset &&
    core.highWatermark === before.highWatermark &&
    core.partitionEpoch === before.partitionEpoch &&
    core.leaderEpoch === before.leaderEpoch &&
    core.role === before.role &&
    damaged === before.damaged &&
    suspect === before.suspect
  )
}
