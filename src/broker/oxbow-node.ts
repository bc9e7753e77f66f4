import type { DoneVoid } from '../base/done.ts'
import { isDiskError } from '../base/disk.ts'
import type { Uuid } from '../base/ids.ts'
import type { Logger } from '../base/log-line.ts'
import { call, callVoid, runTask, type Task } from '../base/task.ts'
import { DAMAGED_NOTE } from '../log/damaged-note.ts'
import type { ConnectedNode } from '../controller/quorum-view.ts'
import { type Log, METADATA_LOG } from '../log/surface.ts'
import { applyEntries } from '../metadata/apply.ts'
import { differenceBetween } from '../metadata/image-difference.ts'
import { emptyImage, type MetadataDelta, type MetadataImage } from '../metadata/image.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import type { RaftEffect } from '../raft/effects.ts'
import { CommandServer } from '../runtime/command-server.ts'
import { ControllerClient } from '../runtime/controller-client.ts'
import { ControllerHost } from '../runtime/controller-host.ts'
import { decodeEntry, encodeEntry } from '../runtime/decision-entry.ts'
import type { LoadedSnapshot, MetadataSnapshots } from '../runtime/metadata-snapshots.ts'
import { QuorumJudge } from '../runtime/quorum-judge.ts'
import { QuorumClient } from '../runtime/quorum-client.ts'
import type { CommittedEntry, RaftNode } from '../runtime/raft-node.ts'
import { firstRequestId } from '../runtime/request-ids.ts'
import { electionTicksOf, TICK_MS, TickSource } from '../runtime/ticks.ts'
import type { Hello, PeerMessage } from '../wire/peer.ts'
import type { Broker } from './api.ts'
import { BrokerCalls } from './broker-calls.ts'
import { CatchUp } from './catch-up.ts'
import { ChangeCounts } from './change-counts.ts'
import type { DataFolder } from './data-folders.ts'
import { FetchServer } from './fetch-server.ts'
import { Fetchers } from './fetchers.ts'
import { fillVoters } from './fill-voters.ts'
import { hintAt } from './leader-hint.ts'
import { limitsOf } from './limits.ts'
import { describeLogDirs } from './log-dirs.ts'
import { warnOfLostVote } from './lost-vote.ts'
import type { OpenedFolder } from './node-open.ts'
import { makeRaft, type NodeRaft, proposeDecision } from './node-raft.ts'
import { openingEntry } from './opening-entry.ts'
import { Partitions } from './partitions.ts'
import { Peers } from './peers.ts'
import { Registration } from './registration.ts'
import { Shutdown } from './shutdown.ts'
import type { LiveReplica, NodeOptions, NodeSeams, NodeView, RaftView, ReplicaView } from './surface.ts'
import { helloOf, vetHello } from './hello.ts'
import { Housekeeping } from './housekeeping.ts'

/** One node: Raft, the controller, the replicas and what clients may ask, on the seams it was given. */
export class OxbowNode {
  readonly metadataLog: Log
  readonly #options: NodeOptions
  readonly #seams: NodeSeams
  readonly #folder: Omit<OpenedFolder, 'metadata'>
  readonly #incarnationId: Uuid
  readonly #logger: Logger
  readonly #raft: RaftNode
  readonly #snapshots: MetadataSnapshots
  readonly #host: ControllerHost
  readonly #controllerClient: ControllerClient
  readonly #commandServer: CommandServer
  readonly #quorumClient: QuorumClient
  readonly #partitions: Partitions
  readonly #fetchServer: FetchServer
  readonly #fetchers: Fetchers
  readonly #registration: Registration
  readonly #catchUp = new CatchUp()
  readonly #changes: ChangeCounts
  readonly #calls: BrokerCalls
  readonly #ticks: TickSource
  readonly #shutdown: Shutdown
  readonly #housekeeping: Housekeeping
  readonly #peers: Peers
  #image: MetadataImage = emptyImage
  #clusterId: Uuid | null
  #isMetadataDamaged: boolean

  constructor(options: NodeOptions, seams: NodeSeams, folder: OpenedFolder, incarnationId: Uuid) {
    this.#options = options
    this.#seams = seams
    // Without what the metadata starts from, which nobody else is to keep either: an image is large, and soon an old one.
    const { metadata, ...kept } = folder
    this.#folder = kept
    this.metadataLog = metadata.opened.log
    this.#incarnationId = incarnationId
    this.#logger = seams.logger
    this.#clusterId = folder.properties.clusterId
    this.#isMetadataDamaged = folder.damagedBelow !== null
    const { clock, logger, transport, checkpoints } = seams
    const { nodeId, config } = options
    const leaderId = (): number | null => this.#raft.core.leaderId
    this.#changes = new ChangeCounts(nodeId, this.#catchUp)
    this.#peers = new Peers(options, seams)
    const { raft, snapshots } = this.#makeRaft(folder)
    this.#raft = raft
    this.#snapshots = snapshots
    this.#host = this.#makeHost()
    const processOf = (other: number): Uuid | undefined => this.#peers.processOf(other)
    const firstId = firstRequestId(incarnationId)
    this.#controllerClient = new ControllerClient({ transport, host: this.#host, nodeId, leaderId, processOf, firstRequestId: firstId })
    this.#commandServer = new CommandServer({ transport, host: this.#host })
    this.#quorumClient = new QuorumClient({
      transport,
      clock,
      nodeId,
      raft: this.#raft.core,
      readIndex: (done) => this.#raft.readIndex(done),
      clusterId: () => this.#clusterId,
      stored: () => ({ logStartOffset: this.metadataLog.startOffset, snapshot: this.#snapshots.newest }),
      hint: (leader) => hintAt(this.#image, leader, this.#raft.core.term),
      firstRequestId: firstRequestId(incarnationId),
    })
    this.#partitions = new Partitions({
      nodeId,
      folders: folder.folders,
      checkpoints,
      clock,
      logger,
      config,
      limits: limitsOf(options),
      controllerClient: this.#controllerClient,
      fetchServer: () => this.#fetchServer,
      fetchers: () => this.#fetchers,
    })
    const find = (topicId: Uuid, partition: number): ReturnType<Partitions['find']> => this.#partitions.find(topicId, partition)
    const followerGone = (peerId: number): void => this.#partitions.disconnected(peerId, 'follower')
    const leaderGone = (peerId: number): void => this.#partitions.disconnected(peerId, 'leader')
    this.#fetchServer = new FetchServer({
      clock,
      logger,
      find,
      disconnected: followerGone,
      damaged: (replica, error) => this.#partitions.readFailed(replica, error),
    })
    this.#fetchers = new Fetchers({ clock, logger, transport, find, disconnected: leaderGone })
    this.#registration = new Registration({
      node: options,
      incarnationId,
      directoryIds: () => kept.folders.directoryIds,
      controllerClient: this.#controllerClient,
      partitions: this.#partitions,
      isDiskLow: () => kept.folders.isAnyLow,
      logger,
    })
    this.#calls = this.#makeCalls()
    this.#ticks = new TickSource(clock, () => this.#tick())
    this.#shutdown = this.#makeShutdown()
    const isStopping = (): boolean => this.#shutdown.isStopping
    this.#housekeeping = new Housekeeping({ clock, logger, config, opened: kept, partitions: this.#partitions, isStopping })
  }

  /** What clients may ask of this node. */
  get broker(): Broker {
    return this.#calls
  }

  get image(): MetadataImage {
    return this.#image
  }

  get isServing(): boolean {
    return this.#registration.isServing
  }

  get isActiveController(): boolean {
    return this.#host.isActive
  }

  get clusterId(): Uuid | null {
    return this.#clusterId
  }

  raft(): RaftView {
    const { role, term, leaderId, voterSet, commitIndex, endOffset, damagedBelow } = this.#raft.core
    const { startOffset } = this.metadataLog
    return { role, term, leaderId, voters: voterSet, commitIndex, startOffset, endOffset, damagedBelow, snapshot: this.#snapshots.newest }
  }

  replicas(): readonly ReplicaView[] {
    return [...this.#partitions.all()].map((replica) => replica.view())
  }

  /** The same without a copy of each. */
  get liveReplicas(): Iterable<LiveReplica> {
    return this.#partitions.live
  }

  view(): NodeView {
    const { brokerEpoch, lastRefusal } = this.#registration
    return {
      brokerEpoch,
      lastRefusal,
      isStopping: this.#shutdown.isStopping,
      isDiskLow: this.#folder.folders.isAnyLow,
      offlineFolders: this.#folder.folders.offline.length,
      connected: this.#peers.connected.map((hello) => hello.nodeId),
      followers: this.#raft.core.progress(),
      changes: this.#changes.totals,
    }
  }

  get counters(): OpenedFolder['directory']['counters'] {
    return this.#folder.folders.counters
  }

  openReplicas(done: DoneVoid): void {
    this.#partitions.openAll(done)
  }

  /** Meets the peers; time begins. `loaded`: what the metadata starts from. */
  begin(loaded: LoadedSnapshot | null): void {
    const { transport } = this.#seams
    if (loaded !== null) {
      this.#installed(loaded.image, loaded.snapshot.lastTerm)
      this.#snapshots.start(loaded)
    }
    transport.start({
      hello: () => this.#hello(),
      vet: (hello) => this.#vet(hello),
      peerUp: (hello) => this.#peerUp(hello),
      peerDown: (nodeId, reason) => this.#peerDown(nodeId, reason),
      message: (from, message) => this.#message(from, message),
      fetchStream: (from, stream) => this.#fetchServer.accept(from.nodeId, stream),
    })
    this.#peers.dialAll()
    this.#ticks.start()
  }

  logSynced(log: Log, endOffset: number, cutCount: number): void {
    if (log.name === METADATA_LOG) this.#raft.logSynced(endOffset, cutCount)
    else this.#partitions.synced(log, endOffset, cutCount)
  }

  /** R3.5: a dead metadata log ends the node, any other takes its replica offline. */
  logFailed(log: Log, error: Error): void {
    if (log.name === METADATA_LOG) this.#seams.fatal(error)
    else this.#partitions.failed(log, error)
  }

  /** One of the further folders: what stands there goes offline, the node lives (rules R3.5). */
  folderFailed(folder: DataFolder, error: Error): void {
    this.#partitions.folderFailed(folder, error)
  }

  /** A clean stop: leaderships move first (at most 3 s), then everything is synced and noted (rules R3.3, R5.9). */
  stop(done: DoneVoid): void {
    if (!this.#shutdown.isStopping) this.#registration.shutDown()
    this.#shutdown.begin(done)
  }

  *#close(): Task<void> {
    this.#ticks.stop()
    for (const { watch } of this.#folder.members) watch.stop()
    this.#fetchers.stop()
    this.#raft.stop()
    this.#seams.transport.stop()
    yield* callVoid((done) => this.#snapshots.stop(done))
    yield* callVoid((done) => this.#partitions.stop(done))
    const cleanEnds = yield* call<ReadonlyMap<string, number>>((done) => this.#folder.folders.close(done))
    yield* callVoid((done) => this.#partitions.checkpoint({ cleanEnds }, done))
    yield* callVoid((done) => this.#seams.checkpoints.close(done))
    this.#logger.info({}, 'stopped cleanly')
  }

  #makeShutdown(): Shutdown {
    const { clock, logger } = this.#seams
    return new Shutdown({
      clock,
      logger,
      mustDrain: () => this.#options.roles.broker && this.#registration.brokerEpoch !== -1 && !this.#isQuorumGone,
      leadsQuorum: () => this.#raft.core.isLeader && !this.#isQuorumGone,
      isFollowing: () => !this.#raft.core.isLeader && this.#raft.core.leaderId !== null,
      handOver: () => this.#raft.feed({ type: 'transfer', to: null }),
      close: (done) => runTask(this.#close(), (error) => done(error)),
    })
  }

  #makeHost(): ControllerHost {
    const { nodeId, config } = this.#options
    const { clock, logger } = this.#seams
    return new ControllerHost({
      clock,
      logger,
      nodeId,
      defaults: { minInSyncReplicas: config.minInSyncReplicas },
      propose: (records) => proposeDecision(this.#raft, records, clock.wallMs()),
      quorum: new QuorumJudge({ raft: this.#raft.core, electionTicks: electionTicksOf(config), node: (id) => this.#describe(id) }),
      image: emptyImage,
      fenceTicks: Math.ceil(config.sessionTimeoutMs / TICK_MS),
      leaderBalanceMs: config.leaderBalanceMs,
    })
  }

  #makeCalls(): BrokerCalls {
    const { nodeId, config } = this.#options
    const { folders } = this.#folder
    return new BrokerCalls({
      nodeId,
      configEntries: this.#options.configEntries ?? [],
      logLevel: this.#seams.logLevel,
      clock: this.#seams.clock,
      config,
      controllerClient: this.#controllerClient,
      partitions: this.#partitions,
      image: () => this.#image,
      isCaughtUp: () => this.#catchUp.isDone,
      leaderId: () => this.#raft.core.leaderId,
      quorum: this.#quorumClient,
      isConnected: (peerId) => peerId === nodeId || this.#peers.isConnected(peerId),
      isDiskLow: (replica) => folders.isLow(replica.log.name),
      folderOf: (replica) => folders.of(replica.log.name).path,
      describeLogDirs: (done) => done(undefined, describeLogDirs(nodeId, folders, this.#partitions)),
    })
  }

  #makeRaft(folder: OpenedFolder): NodeRaft {
    return makeRaft(this.#options, this.#seams, folder, {
      transfer: ({ outcome }) => (outcome === 'began' ? undefined : this.#shutdown.roleChanged(outcome)),
      committed: (entries) => this.#committed(entries),
      installed: (image, lastTerm) => this.#installed(image, lastTerm),
      role: (effect) => this.#role(effect),
      opening: ({ offset }) => encodeEntry(this.#opening(offset), this.#seams.clock.wallMs()),
      status: () => (this.#options.roles.broker ? this.#registration.status() : null),
    })
  }

  #opening(offset: number): MetadataRecord[] {
    const { nodeId, voterIds } = this.#options
    const folderOf = (id: number): Uuid | undefined => (id === nodeId ? this.#folder.properties.directoryId : this.#peers.folderOf(id))
    return openingEntry(offset, { nodeId, voterIds, random: this.#seams.random, folderOf })
  }

  #hello(): Hello {
    const { directoryId } = this.#folder.properties
    return helloOf(this.#options, { clusterId: this.#clusterId, directoryId, incarnationId: this.#incarnationId })
  }

  #vet(hello: Hello): string | undefined {
    const refusal = vetHello(this.#options, this.#clusterId, hello)
    if (refusal === undefined) this.#peers.met(hello)
    return refusal
  }

  /** A node as a voter to be, this one too. */
  #describe(nodeId: number): ConnectedNode | undefined {
    const { directoryId, endpoint, isController } = this.#hello()
    return nodeId === this.#options.nodeId && endpoint ? { nodeId, directoryId, endpoint, isController } : this.#peers.describe(nodeId)
  }

  #peerUp(hello: Hello): void {
    this.#peers.up(hello)
    this.#logger.info({ peer: hello.nodeId, incarnationId: hello.incarnationId }, `peer ${hello.nodeId}: connected`)
    this.#raft.feed({ type: 'peerUp', peer: { nodeId: hello.nodeId, directoryId: hello.directoryId } })
    fillVoters(this.#host, [hello])
    // What was sent to it before went nowhere.
    if (hello.nodeId === this.#raft.core.leaderId) this.#controllerClient.controllerChanged()
  }

  #peerDown(nodeId: number, reason: 'closed' | 'refused'): void {
    this.#peers.down(nodeId, reason)
    this.#logger.info(
      { peer: nodeId, reason },
      reason === 'refused' ? `peer ${nodeId}: its process is gone (port refused)` : `peer ${nodeId}: connection closed`,
    )
    if (reason === 'refused') this.#host.gone(nodeId)
    this.#raft.feed({ type: 'peerDown', nodeId, reason })
    if (this.#isQuorumGone) this.#shutdown.released()
  }

  /** No decision can release a stopping node any more: most voters have stopped too. */
  get #isQuorumGone(): boolean {
    const { voters } = this.#image
    const voterIds = voters.length > 0 ? voters.map((voter) => voter.nodeId) : this.#options.voterIds
    return voterIds.filter((nodeId) => this.#peers.gone.has(nodeId)).length * 2 >= voterIds.length
  }

  #message(from: Hello, message: PeerMessage): void {
    switch (message.type) {
      case 'raft':
        if (message.message.type === 'append' && this.#catchUp.controllerHeard(message.message, this.#raft.core.term)) this.#calls.applied()
        if (message.status !== null && message.message.type === 'appendReply') this.#host.heard(from.nodeId, message.status)
        this.#raft.receive({ nodeId: from.nodeId, directoryId: from.directoryId }, message.message)
        break
      case 'command':
        this.#commandServer.received(from, message)
        break
      case 'commandReply':
        this.#controllerClient.reply(message.requestId, message.reply)
        break
      case 'describeQuorum':
      case 'quorumDescription':
        this.#quorumClient.received(from.nodeId, message)
        break
    }
  }

  #role(effect: Extract<RaftEffect, { type: 'role' }>): void {
    this.#changes.role(effect)
    this.#shutdown.roleChanged(undefined)
    if (effect.role === 'leader') this.#host.elected(effect.term)
    else this.#host.deposed()
    if (effect.leaderId !== null) this.#seams.clock.defer(() => this.#controllerClient.controllerChanged())
  }

  #committed(entries: readonly CommittedEntry[]): void {
    const decoded = entries.map(({ offset, batch }) => ({ offset, records: decodeEntry(batch) }))
    const { image, delta } = applyEntries(this.#image, decoded)
    const { term } = entries.at(-1) as CommittedEntry
    this.#snapshots.applied(image, { lastTerm: term, sizeBytes: entries.reduce((total, { batch }) => total + batch.length, 0) })
    // Not those of the delta: what one batch both made and deleted may still lie here from an earlier life of this node.
    const deletedIds = decoded.flatMap(({ records }) => records.flatMap((record) => (record.type === 'topicDeleted' ? [record.topicId] : [])))
    this.#follow(image, { delta, deletedIds, lastTerm: term })
  }

  /** A snapshot takes the place of what was applied: of topics that are gone from it, those known here were deleted by what it holds (rules R3.4). */
  #installed(image: MetadataImage, lastTerm: number): void {
    const delta = differenceBetween(this.#image, image)
    this.#follow(image, { delta, deletedIds: delta.deleted.map(({ topicId }) => topicId), lastTerm })
  }

  /** All parts of the node learn what is applied now. */
  #follow(image: MetadataImage, change: { readonly delta: MetadataDelta; readonly deletedIds: readonly Uuid[]; readonly lastTerm: number }): void {
    const wasActive = this.#host.isActive
    const { delta, deletedIds, lastTerm } = change
    this.#changes.applied(this.#image, image, delta)
    this.#catchUp.applied(image.offset, lastTerm)
    this.#image = image
    if (delta.clusterChanged) this.#joinCluster(image.clusterId as Uuid)
    this.#peers.applied(image, delta)
    if (delta.votersChanged) warnOfLostVote(this.#logger, image, { nodeId: this.#options.nodeId, directoryId: this.#folder.properties.directoryId })
    this.#registration.applied(image)
    this.#partitions.applied({ image, delta, brokerEpoch: this.#registration.brokerEpoch, deletedIds })
    this.#host.applied(image, delta, lastTerm)
    this.#calls.applied()
    if (!wasActive && this.#host.isActive) this.#activated()
    else if (delta.votersChanged) this.#seams.clock.defer(() => fillVoters(this.#host, this.#peers.connected))
    if (this.#registration.isReleased) this.#shutdown.released()
  }

  /** What this node saw of others before it became the active controller counts now (rules R5.5). */
  #activated(): void {
    for (const nodeId of this.#peers.gone) this.#host.gone(nodeId)
    fillVoters(this.#host, this.#peers.connected)
    this.#controllerClient.controllerChanged()
  }

  #joinCluster(clusterId: Uuid): void {
    if (this.#clusterId === clusterId) return
    for (const [at, { folder, properties }] of this.#folder.members.entries()) {
      properties.saveClusterId(clusterId, (error) => {
        if (error === undefined) this.#logger.info({ clusterId, folder: folder.path }, `member of cluster ${clusterId}`)
        else if (at > 0 && isDiskError(error)) this.folderFailed(folder, error)
        else this.#seams.fatal(error)
      })
    }
    this.#clusterId = clusterId
  }

  #clearDamage(): void {
    if (!this.#isMetadataDamaged || this.#raft.core.damagedBelow !== null) return
    this.#isMetadataDamaged = false
    this.#logger.info({ appliedOffset: this.#image.offset }, 'metadata log repaired: this voter counts again')
    this.#folder.directory.writeNote(METADATA_LOG, DAMAGED_NOTE, null, (error) => {
      if (error !== undefined) this.#seams.fatal(error)
    })
  }

  #tick(): void {
    this.#raft.feed({ type: 'tick' })
    const isBroker = this.#options.roles.broker
    this.#host.tick(isBroker && this.#host.isActive ? this.#registration.status() : null)
    this.#controllerClient.tick()
    this.#clearDamage()
    this.#snapshots.tick()
    this.#partitions.tick()
    if (isBroker) this.#registration.tick()
    this.#housekeeping.tick()
  }
}
