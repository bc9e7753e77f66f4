import type { Clock } from '../base/clock.ts'
import type { Checkpoints } from '../base/checkpoints.ts'
import type { DoneVoid } from '../base/done.ts'
import { BrokerError, codeOf } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import type { Logger } from '../base/log-line.ts'
import { runTask } from '../base/task.ts'
import type { PartitionRef } from '../controller/commands.ts'
import { effectiveMinInSyncReplicas } from '../controller/configs.ts'
import { refOf } from '../controller/partition-ref.ts'
import type { LeaderlessReport } from '../controller/status.ts'
import type { Log } from '../log/surface.ts'
import { findPartition, type MetadataDelta, type MetadataImage, type TopicImage } from '../metadata/image.ts'
import { isBeingAdded, type PartitionState, replicationFactorOf } from '../metadata/records.ts'
import type { LogReset, PartitionEffect } from '../replication/effects.ts'
import type { ControllerClient } from '../runtime/controller-client.ts'
import { CheckpointWriter } from './checkpoint-writer.ts'
import { DamageMarks } from './damage-marks.ts'
import type { DataFolder, DataFolders } from './data-folders.ts'
import { FolderMoves } from './folder-moves.ts'
import { FetchPace } from './fetch-pace.ts'
import type { FetchServer } from './fetch-server.ts'
import type { Fetchers } from './fetchers.ts'
import { IsrProposals } from './isr-proposals.ts'
import { logName, parseLogName } from './log-name.ts'
import { LogStarts } from './log-starts.ts'
import { isInIsr, type Replica, type ReplicaOutlets } from './replica.ts'
import { ChangeLines, type ReplicaChange } from './change-lines.ts'
import { LeaderlessReports } from './leaderless-reports.ts'
import { onlyBrokersChanged, replicaBrokers } from './replica-brokers.ts'
import { openReplica } from './replica-open.ts'
import { checkpointKey } from './replica-marks.ts'
import { Retention } from './retention.ts'
import type { LiveReplica, NodeConfig, NodeLimits } from './surface.ts'
import { topicLimits } from './topic-limits.ts'
import { UnopenedLogs } from './unopened-logs.ts'

export interface PartitionsOptions {
  readonly nodeId: number
  readonly folders: DataFolders
  readonly checkpoints: Checkpoints
  readonly clock: Clock
  readonly logger: Logger
  readonly config: NodeConfig
  readonly limits: NodeLimits
  readonly controllerClient: ControllerClient
  readonly fetchServer: () => FetchServer
  readonly fetchers: () => Fetchers
}

/**
 * The replicas of this node: opens their logs, tells each what the applied metadata says of it, notes their marks, and sets aside
 * what was deleted. Nothing is assigned before this process is registered in the applied image: what older entries say was granted
 * to an incarnation that is gone (rules R5.4).
 */
export class Partitions implements ReplicaOutlets {
  readonly #options: PartitionsOptions
  readonly #logger: Logger
  readonly #byTopic = new Map<Uuid, Map<number, Replica>>()
  readonly #byLogName = new Map<string, Replica>()
  /** Logs that are being opened, made or set aside: their names are busy. */
  readonly #busy = new Set<string>()
  readonly #proposals: IsrProposals
  /** Replicas that are offline in this process. */
  readonly #dead = new Set<Replica>()
  readonly unopened: UnopenedLogs
  readonly #leaderless = new LeaderlessReports()
  readonly #lines: ChangeLines
  readonly #checkpoints: CheckpointWriter
  readonly #pace: FetchPace
  readonly #logStarts: LogStarts
  readonly #damageMarks: DamageMarks
  readonly #retention: Retention
  /** Between the data folders of this node. */
  readonly folderMoves: FolderMoves
  #nextFetchId = 1
  #image: MetadataImage | undefined
  #brokerEpoch = -1
  #stopped = false
  /** Waits for the last busy name. */
  #idle: (() => void) | undefined

  constructor(options: PartitionsOptions) {
    this.#options = options
    this.#logger = options.logger
    const { clock, config, folders } = options
    this.unopened = new UnopenedLogs(clock)
    this.#pace = new FetchPace({
      clock,
      isLow: (replica) => folders.isLow(replica.log.name),
      moveBytesPerSecond: (replica) => this.#moveBytesPerSecond(replica),
      send: (replica, to, fetch) => options.fetchers().send(replica, to, fetch),
    })
    const { nodeId, controllerClient, logger } = options
    this.#lines = new ChangeLines({ clock, logger })
    this.#proposals = new IsrProposals({ nodeId, brokerEpoch: () => this.#brokerEpoch, controllerClient, clock, logger })
    this.#retention = new Retention({ clock, config, configs: (topicId) => this.#image?.topics.get(topicId)?.configs, replicas: () => this.all() })
    this.#logStarts = new LogStarts({
      directoryOf: (replica) => this.#directoryOf(replica),
      isCurrent: (replica) => replica.core.role !== 'offline' && this.find(replica.topicId, replica.partition) === replica,
      failed: (replica, error) => this.readFailed(replica, error),
    })
    this.#damageMarks = new DamageMarks({ directoryOf: (replica) => this.#directoryOf(replica), logger })
    this.#checkpoints = new CheckpointWriter(options)
    this.folderMoves = this.#makeFolderMoves()
  }

  #makeFolderMoves(): FolderMoves {
    const { folders, clock, logger } = this.#options
    return new FolderMoves({
      folders,
      clock,
      logger,
      segmentLimits: ({ topicId }) => topicLimits(this.#image?.topics.get(topicId)?.configs ?? new Map(), this.#options.config).segments,
      isStartIdle: (replica) => this.#logStarts.isIdle(replica),
      readFailed: (replica, error) => this.readFailed(replica, error),
      kill: (replica, reason) => this.#kill(replica, reason),
    })
  }

  *all(): IterableIterator<Replica> {
    for (const replicas of this.#byTopic.values()) yield* replicas.values()
  }

  /** The same as they are at any moment, by the names of their logs. */
  get live(): Iterable<LiveReplica> {
    return this.#byLogName.values()
  }

  find(topicId: Uuid, partition: number): Replica | undefined {
    return this.#byTopic.get(topicId)?.get(partition)
  }

  /** Recovers every log of the folder, before the node meets its cluster. */
  openAll(done: DoneVoid): void {
    this.folderMoves.start()
    const names = this.#options.folders.names
    let left = names.length
    if (left === 0) {
      this.#options.clock.defer(() => done(undefined))
      return
    }
    for (const name of names) {
      this.#open(name, undefined, () => {
        if (--left === 0) done(undefined)
      })
    }
  }

  /**
   * Metadata was applied. `brokerEpoch`: −1 as long as the applied image shows another process, or none, under this node id; it is another
   * one after this process was replaced and registered again. `deletedIds`: of the topics whose deletion was committed.
   */
  applied(options: { readonly image: MetadataImage; readonly delta: MetadataDelta; readonly brokerEpoch: number; readonly deletedIds: readonly Uuid[] }): void {
    const { image, delta, brokerEpoch } = options
    this.#image = image
    for (const topicId of options.deletedIds) this.#deleted(topicId)
    const isReplaced = this.#brokerEpoch !== -1 && brokerEpoch === -1
    const isNew = brokerEpoch !== -1 && this.#brokerEpoch !== brokerEpoch
    this.#brokerEpoch = brokerEpoch
    if (isReplaced) this.#assignAll(image)
    if (isNew) for (const topic of image.topics.values()) for (const state of topic.partitions) this.#reconcile(topic, state)
    if (brokerEpoch === -1 || isNew) return
    for (const [topicId, partitions] of delta.topics) {
      const topic = image.topics.get(topicId)
      if (topic === undefined) continue
      const all = delta.configs.has(topicId)
      for (const state of topic.partitions) if (all || partitions.has(state.partition)) this.#reconcile(topic, state)
    }
    if (delta.brokers.size > 0) this.#assignAll(image, (state) => onlyBrokersChanged(state, delta))
  }

  tick(): void {
    for (const replicas of this.#byTopic.values()) for (const replica of replicas.values()) replica.tick()
  }

  synced(log: Log, endOffset: number, cutCount: number): void {
    const replica = this.#byLogName.get(log.name)
    if (replica?.log === log) replica.step({ type: 'synced', endOffset, cutCount })
    else this.folderMoves.synced(log)
  }

  failed(log: Log, error: Error): void {
    const replica = this.#byLogName.get(log.name)
    if (replica?.log !== log) {
      this.folderMoves.failed(log, error)
      return
    }
    this.#kill(replica, `its log failed: ${error.message}`)
    this.folderFailed(this.#options.folders.of(log.name), error)
  }

  /** What stands on a folder goes offline with it (rules R3.5). Nothing changes for the first one, and for one that has failed before. */
  folderFailed(folder: DataFolder, error: Error): void {
    const { folders } = this.#options
    if (!folders.fail(folder, error)) return
    this.folderMoves.folderFailed(folder)
    for (const name of folders.namesOn(folder)) {
      const replica = this.#byLogName.get(name)
      if (replica !== undefined) this.#kill(replica, `data folder ${folder.path} failed: ${error.message}`)
    }
  }

  /** What stands on the folders of this node, whole or not, usable now or not; null: it has only ever had one folder (rules R5.3). */
  standing(): PartitionRef[] | null {
    const offline = this.#options.folders.offlineRefs()
    return offline === null ? null : [...offline, ...[...this.all()].map(refOf)]
  }

  /** The stream on which that follower asks (we lead), or the one on which we ask that leader (we follow), ended: the other one lives on. */
  disconnected(nodeId: number, as: 'follower' | 'leader'): void {
    const role = as === 'follower' ? 'leader' : 'follower'
    for (const replica of this.all()) if (replica.core.role === role) replica.step({ type: 'disconnected', nodeId })
  }

  /** Of what is being moved here, and not there yet (KIP-73); undefined: it may take what it can. */
  #moveBytesPerSecond({ topicId, partition }: Replica): number | undefined {
    const { nodeId } = this.#options
    const state = this.#image === undefined ? undefined : findPartition(this.#image, topicId, partition)
    if (state === undefined || !isBeingAdded(state, nodeId) || isInIsr(state.isr, nodeId, this.#brokerEpoch)) return undefined
    return state.reassignment?.bytesPerSecond ?? undefined
  }

  /** A batch on our own disk failed its checksum: the replica stops serving at once and says so (rules R3.3). */
  readFailed(replica: Replica, error: Error): void {
    // A log that was stopped under its readers is no bad disk.
    if (this.#stopped || this.find(replica.topicId, replica.partition) !== replica) return
    // Nor is one whose start moved on meanwhile, or that was closed because another one took its place.
    if (['OFFSET_OUT_OF_RANGE', 'KAFKA_STORAGE_ERROR'].includes(codeOf(error))) return
    if (codeOf(error) === 'CORRUPT_MESSAGE') this.quarantine(replica, `a batch on disk failed its checksum: ${error.message}`)
    else this.#kill(replica, `its log could not be read: ${error.message}`)
  }

  deadLogs(): PartitionRef[] {
    return [...[...this.#dead].map(refOf), ...this.unopened.refs(), ...(this.#options.folders.offlineRefs() ?? [])]
  }

  damaged(): PartitionRef[] {
    return [...this.all()].filter(({ damaged }) => damaged).map(refOf)
  }

  /** The next chunk of what this node knows of partitions without a leader (rules R5.2, R5.7). */
  leaderlessReports(): LeaderlessReport[] {
    return this.#leaderless.next()
  }

  isTold(change: ReplicaChange): boolean {
    return this.#lines.isTold(change)
  }

  answerFetch(replica: Replica, effect: Extract<PartitionEffect, { type: 'answerFetch' }>): void {
    this.#options.fetchServer().answer(replica, effect)
  }

  sendFetch(replica: Replica, effect: Extract<PartitionEffect, { type: 'sendFetch' }>): void {
    if (replica.leaving === 0) this.#pace.send(replica, effect.to, effect.fetch)
  }

  fetched(replica: Replica, bytes: number): void {
    this.#pace.fetched(replica, bytes)
  }

  advanceStart(replica: Replica): void {
    this.#logStarts.advance(replica)
  }

  prepareReset(replica: Replica, reset: LogReset, done: () => void): void {
    this.#logStarts.prepareReset(replica, reset, done)
  }

  proposeIsr(replica: Replica, effect: Extract<PartitionEffect, { type: 'proposeIsr' }>): void {
    this.#proposals.propose(replica, effect)
  }

  /** A cut below the own high watermark was due (rules R6.3), or a batch is bad: the replica is set aside, marked damaged for its next start. */
  quarantine(replica: Replica, reason: string): void {
    if (replica.damaged && replica.dead) return
    this.#damageMarks.set(replica, reason)
    this.#kill(replica, reason)
  }

  checkpoint(options: { readonly cleanEnds: ReadonlyMap<string, number> | null }, done: DoneVoid): void {
    if (options.cleanEnds === null) this.#logStarts.noteOwed()
    this.#checkpoints.write(this.#byLogName, options.cleanEnds, done)
  }

  /**
   * Nothing is appended, answered as done or asked for from now on: what waits is indefinite. `done`: no log is being opened, made or set aside
   * any more, so the folder may be closed.
   */
  stop(done: DoneVoid): void {
    this.#stopped = true
    this.#retention.stop()
    this.#proposals.stop()
    // Busy like the name of a log, as long as moves between folders write.
    this.#busy.add('moves')
    this.folderMoves.stop(() => this.#free('moves'))
    for (const replica of this.all()) replica.step({ type: 'offline', reason: 'the node is stopping' })
    this.#idle = () => done(undefined)
    this.#reportIdle()
  }

  #free(name: string): void {
    this.#busy.delete(name)
    this.#reportIdle()
  }

  #reportIdle(): void {
    if (this.#busy.size > 0 || this.#idle === undefined) return
    this.#options.clock.defer(this.#idle)
    this.#idle = undefined
  }

  #directoryOf(replica: Replica): DataFolder['directory'] {
    return this.#options.folders.of(replica.log.name).directory
  }

  #kill(replica: Replica, reason: string): void {
    if (this.find(replica.topicId, replica.partition) === replica) this.#dead.add(replica)
    replica.kill({ reason, sinceMs: this.#options.clock.wallMs() })
    this.folderMoves.killed(replica)
  }

  /** Brings one partition of the image and the replica here together: opens, assigns, or leaves it alone. */
  #reconcile(topic: TopicImage, state: PartitionState): void {
    if (this.#stopped) return
    const replica = this.find(topic.topicId, state.partition)
    if (!state.replicas.includes(this.#options.nodeId)) {
      if (replica !== undefined) this.#movedAway(replica)
      else this.#dropUnmade(topic.topicId, state.partition)
      return
    }
    if (replica !== undefined) {
      this.#assign(replica, topic, state)
      return
    }
    const name = logName(topic.name, state.partition)
    if (this.#busy.has(name) || this.#options.folders.isOffline(name, topic.topicId)) return // It is reconciled again when the name is free.
    if (this.unopened.has(name)) {
      this.unopened.identify(name, { topicId: topic.topicId, partition: state.partition })
      return
    }
    const other = this.#byLogName.get(name)
    if (other !== undefined) this.#taken(other, { topicId: topic.topicId, partition: state.partition })
    else this.#open(name, { topic: topic.name, topicId: topic.topicId }, () => this.#opened(topic, state.partition))
  }

  /**
   * The log of another topic has this name, which one topic has at a time, and the image is newer than that log: it shows this process. Where it lacks that
   * topic, the deletion was committed while this node was away, and a snapshot does not tell of it. Else the note is wrong, and nothing goes (rules R3.4).
   */
  #taken(other: Replica, ref: PartitionRef): void {
    if (other.isIdentified && this.#image?.topics.has(other.topicId) === false) {
      this.#setAside(other, 'its topic was deleted while this node was away')
      return
    }
    const name = other.log.name
    const reason = `the partition.metadata of ${name} names another topic: the log is kept, and the replica is offline until that is corrected`
    this.unopened.add(name, ref, reason)
    this.#logger.error({ log: name, notedTopicId: other.topicId, topicId: ref.topicId }, reason)
  }

  /** While the log was made its topic may have been deleted, and another one may have taken the name. */
  #opened({ topicId, name }: TopicImage, partition: number): void {
    const replica = this.find(topicId, partition)
    // The image held the topic when the log was begun: what is missing now was deleted by a committed decision.
    if (replica !== undefined && this.#image?.topics.has(topicId) === false) this.#setAside(replica, 'its topic was deleted')
    else this.#reconcileName(this.#image?.topicIds.get(name) ?? topicId, partition)
  }

  /** Of the topic that has the name now, if any. */
  #reconcileHolder({ topic, partition }: { readonly topic: string; readonly partition: number }): void {
    const topicId = this.#image?.topicIds.get(topic)
    if (topicId !== undefined) this.#reconcileName(topicId, partition)
  }

  #reconcileName(topicId: Uuid, partition: number): void {
    const topic = this.#image?.topics.get(topicId)
    const state = topic?.partitions[partition]
    if (topic !== undefined && state !== undefined && this.#brokerEpoch !== -1) this.#reconcile(topic, state)
  }

  #assign(replica: Replica, topic: TopicImage, state: PartitionState): void {
    const image = this.#image as MetadataImage
    const brokers = replicaBrokers(image, state, { nodeId: this.#options.nodeId, brokerEpoch: this.#brokerEpoch })
    const minInSyncReplicas = effectiveMinInSyncReplicas(topic.configs, replicationFactorOf(state))
    const { maxMessageBytes, segments, timestamps } = topicLimits(topic.configs, this.#options.config)
    replica.log.limitSegments(segments)
    replica.step({ type: 'assign', state, brokers, minInSyncReplicas, maxMessageBytes, timestamps })
    this.#leaderless.note(replica, state.leader === -1)
    if (isInIsr(state.isr, this.#options.nodeId, this.#brokerEpoch)) this.#clear(replica)
  }

  /** A decision names our own broker epoch in the ISR: what the replica holds is known to be whole (rules R3.4). */
  #clear(replica: Replica): void {
    if (replica.dead) return
    replica.suspect = false
    replica.trouble = null
    if (replica.damaged) this.#damageMarks.clear(replica)
  }

  /** Tells the replicas that are meant what the image says of them. */
  #assignAll(image: MetadataImage, isMeant = (_state: PartitionState): boolean => true): void {
    for (const replica of this.all()) {
      const topic = image.topics.get(replica.topicId)
      const state = topic?.partitions[replica.partition]
      if (topic !== undefined && state !== undefined && isMeant(state)) this.#assign(replica, topic, state)
    }
  }

  #open(name: string, create: { readonly topic: string; readonly topicId: Uuid } | undefined, done: DoneVoid): void {
    this.#busy.add(name)
    const fetchIds = { next: () => this.#nextFetchId++ }
    const isStopping = (): boolean => this.#stopped
    const nowMs = this.#options.clock.wallMs()
    runTask(openReplica({ ...this.#options, name, create, fetchIds, outlets: this, isStopping, nowMs }), (error, replica) => {
      this.#free(name)
      if (error !== undefined && !(error instanceof BrokerError)) throw error
      if (error !== undefined) {
        this.unopened.add(name, null, error.message, create?.topicId)
        if (error.code === 'DISK_FAILED') this.folderFailed(this.#options.folders.of(name), error)
        this.#logger.error({ log: name, error: error.message }, `log ${name} could not be opened: the replica is offline until the next start`)
      } else if (replica !== undefined && !this.#stopped) this.#add(replica)
      done(undefined)
    })
  }

  #add(replica: Replica): void {
    const replicas = this.#byTopic.get(replica.topicId) ?? new Map<number, Replica>()
    replicas.set(replica.partition, replica)
    this.#byTopic.set(replica.topicId, replicas)
    this.#byLogName.set(replica.log.name, replica)
    this.folderMoves.opened(replica)
  }

  #deleted(topicId: Uuid): void {
    this.#options.folders.forgetOffline(topicId)
    for (const replica of [...(this.#byTopic.get(topicId)?.values() ?? [])]) this.#setAside(replica, 'its topic was deleted')
    this.#dropUnmade(topicId)
  }

  /** What could not be made holds nothing: who comes under that name is another one. */
  #dropUnmade(topicId: Uuid, partition?: number): void {
    for (const name of this.unopened.madeFor(topicId, partition)) {
      if (this.#busy.has(name) || !this.#options.folders.knows(name)) continue
      this.#busy.add(name)
      this.unopened.remove(name, this.#options.folders, (error) => {
        this.#free(name)
        if (error !== undefined) this.#logger.error({ log: name, error: error.message }, 'what was left of a log that could not be made could not be removed')
        const place = parseLogName(name)
        if (place !== undefined) this.#reconcileHolder(place)
      })
    }
  }

  /**
   * A committed decision took this replica off: others hold what it holds. The checkpoint goes first, for what it says of this log would be held against
   * an empty one, should the partition come back; one that rolls back all the same costs that replica a repair, not a record (rules R3.7).
   */
  #movedAway(replica: Replica): void {
    const { name } = replica.log
    this.#options.checkpoints.write([{ type: 'delete', key: checkpointKey(name) }], { sync: true }, (error) => {
      if (error !== undefined) this.#logger.warn({ log: name, error: error.message }, 'the checkpoint of a replica that was moved away could not be removed')
    })
    this.#setAside(replica, 'it was moved to other brokers')
  }

  /** Only for a topic id whose deletion is committed, or a replica that was taken off: the folder goes to quarantine, then away (rules R3.4). */
  #setAside(replica: Replica, why: string): void {
    const name = replica.log.name
    const { topicId, partition } = replica
    this.#byTopic.get(topicId)?.delete(partition)
    if (this.#byTopic.get(topicId)?.size === 0) this.#byTopic.delete(topicId)
    this.#byLogName.delete(name)
    this.#leaderless.note(replica, false)
    this.#dead.delete(replica)
    this.#proposals.cancel(replica)
    this.#checkpoints.forget(name)
    this.#busy.add(name)
    replica.step({ type: 'offline', reason: why })
    this.folderMoves.abandon(replica, () => this.#quarantineLog(replica, why))
  }

  #quarantineLog({ topic, topicId, partition, log: { name } }: Replica, why: string): void {
    const { folders } = this.#options
    const folder = folders.of(name)
    folder.directory.quarantine(name, (error) => {
      this.#free(name)
      if (error !== undefined) {
        if (folders.isFailed(folder)) folders.abandon(name)
        else this.unopened.add(name, null, `its folder could not be set aside: ${error.message}`)
        this.#logger.error({ log: name, error: error.message }, `the folder could not be set aside: ${why}`)
      } else {
        folders.forget(name)
        this.#logger.info({ topic, partition, topicId }, `replica set aside, its folder is in quarantine: ${why}`)
      }
      this.#reconcileHolder({ topic, partition })
    })
  }
}
