import { Violation } from '../../chaos/check/violation.ts'
import { History } from '../../chaos/history.ts'
import { readAll } from '../../chaos/sim/reader.ts'
import { SimCluster, type ClusterSettings } from '../../chaos/sim/cluster.ts'
import { drainPromises } from '../../chaos/sim/poison.ts'
import type { SimNode } from '../../chaos/sim/sim-node.ts'
import type { LoadTopic } from '../../chaos/sim/load.ts'
import type { ReadRecord } from '../../chaos/check/delivery.ts'
import { SeededRandom } from '../../src/base/random.ts'
import type { NodeConfig, ReplicaView } from '../../src/broker/surface.ts'
import type { Admin, OxbowClient } from '../../src/client/client.ts'
import type { ProducerOptions } from '../../src/client/producer-options.ts'
import { type BrokerImage, findPartition } from '../../src/metadata/image.ts'
import type { PartitionState } from '../../src/metadata/records.ts'
import { config } from './config.ts'
import { ask, type Asked, type Batch, describeOutcome, isSettled, ranges, SendIds, StoryConsumer, StoryProducer } from './clients.ts'
import { are, isrOf, named, Narrator } from './narrator.ts'
import { checkReadBack, missing, unhealed } from './read-back.ts'
import { Wires } from './wires.ts'

export interface StoryOptions {
  /** Default 3. */
  readonly nodes?: number
  /** The first so many; the others could be. Default: all. */
  readonly voters?: number
  /** Who leads the quorum at first; default: the last voter. */
  readonly controller?: number
  readonly seed?: number
  readonly config?: Partial<NodeConfig>
  readonly diskLatencyMs?: ClusterSettings['diskLatencyMs']
  /** Of each node, each on a disk of its own; default: 1. */
  readonly folders?: number
}

interface Load {
  readonly batches: Batch[]
  isOver: boolean
}

export interface TopicOptions {
  /** Preferred leader first; default: 1 2 3. */
  readonly replicas?: readonly number[]
  readonly minIsr?: number
  /** Replicas that cannot hear of it yet. */
  readonly away?: readonly number[]
}

const TOPIC = 'orders'
const WITHIN_MS = 60_000
const SHORT_MS = 5_000
const READ_MS = 1_500
/** Within it a high watermark has reached every follower (rules R6.7). */
const HIGH_WATERMARK_MS = 300

/**
 * A simulated cluster and its clients, steered step by step. Each step says in a sentence what it does; what the cluster decides meanwhile is told
 * between them, indented. Nothing happens but within a step.
 */
export class Story {
  readonly cluster: SimCluster
  readonly history = new History()
  readonly net: Wires
  readonly #lines: (line: string) => void
  readonly #narrator: Narrator
  readonly #options: StoryOptions
  readonly #ids = new SendIds()
  readonly #topics: LoadTopic[] = []
  readonly #admin: OxbowClient
  readonly #producer: StoryProducer
  #isNarrating = false
  /** By a load, whose records nobody counted. */
  #isLoaded = false
  #failure: Error | undefined

  constructor(tell: (line: string) => void, options: StoryOptions) {
    this.#lines = tell
    this.#options = options
    this.#narrator = new Narrator((line) => {
      if (this.#isNarrating) tell(`    ${line}`)
    })
    const { nodes = 3 } = options
    const settings: ClusterSettings = {
      voters: options.voters ?? nodes,
      observers: nodes - (options.voters ?? nodes),
      controllers: nodes,
      config: { ...config, ...options.config },
      conditions: { baseDelayUs: 100, jitterUs: 100, reorder: false },
      diskLatencyMs: options.diskLatencyMs ?? { min: 0.2, max: 0.8 },
      folders: options.folders ?? 1,
      throughWire: false,
    }
    const random = new SeededRandom(options.seed ?? 1)
    this.cluster = new SimCluster({ random, settings, tell: storyLog(), nodeFailed: (node, error) => this.#nodeFailed(node, error) })
    this.net = new Wires(this.cluster, tell)
    this.#admin = this.cluster.addClient('admin').client
    this.#producer = this.producer('a producer')
  }

  // The beginning and the end.

  async begin(): Promise<void> {
    const controller = this.#options.controller ?? this.#options.voters ?? this.cluster.nodes.length
    await this.electController(controller, () => {
      for (const node of this.cluster.nodes) node.start()
    })
    await this.#until('every node is in service', () => unhealed(this.cluster) === undefined)
    this.#isNarrating = true
    this.says(`${this.cluster.nodes.length} nodes are up; node ${controller} is the active controller`)
  }

  /** Everything heals, a record goes to every partition, and whoever knows nothing reads everything back. */
  async end(): Promise<void> {
    this.#heal()
    await this.#until('every ISR is full', () => unhealed(this.cluster) === undefined)
    const last = this.#topics.map((topic) => this.#producer.send(topic, 0, 1))
    await this.#until('every send has an outcome', () => last.every(isSettled))
    checkReadBack(this.history, await this.#readBack(), this.cluster)
    const acknowledged = this.#isLoaded ? 'all records that were' : `${this.history.acknowledged} records that were`
    this.says(`every ISR is full again; of ${acknowledged} acknowledged, not one is lost`)
  }

  // What is told.

  says(sentence: string): void {
    this.#lines(sentence)
  }

  /** Fails the story, unless it is so. */
  claim(sentence: string, holds: boolean): void {
    if (!holds) throw new Violation('run', `it is not so: ${sentence}`)
    this.#lines(`    indeed: ${sentence}`)
  }

  /** What each replica of a partition holds. */
  async show(topic = TOPIC): Promise<void> {
    await this.pass(HIGH_WATERMARK_MS)
    for (const replica of this.state(topic).replicas) this.#lines(`    ${this.#describeReplica(replica, topic)}`)
  }

  /** Folders of partitions on a disk, in service and in quarantine. */
  showFolders(nodeId: number): void {
    const { disk } = this.cluster.node(nodeId)
    const names = (folder: string): string =>
      disk
        .durableNames(folder)
        .toSorted()
        .map((name) => name.replace(/\.\d+$/, ''))
        .join(', ') || 'nothing'
    this.#lines(`    on the disk of node ${nodeId}: ${names('partitions')}; in quarantine: ${names('quarantine')}`)
  }

  // What is so.

  get controller(): number {
    const leaders = this.cluster.nodes.filter((node) => !node.paused && node.running?.raft().role === 'leader')
    return leaders.sort((left, right) => left.raft().term - right.raft().term).at(-1)?.nodeId ?? -1
  }

  get term(): number {
    return Math.max(...this.cluster.nodes.map((node) => node.running?.raft().term ?? 0))
  }

  state(topic = TOPIC): PartitionState {
    const { topicId } = this.#topic(topic)
    const image = this.cluster.checker.newestImage
    const state = image === undefined ? undefined : findPartition(image, topicId, 0)
    if (state === undefined) throw new Error(`there is no ${topic}-0`)
    return state
  }

  broker(nodeId: number): BrokerImage | undefined {
    return this.cluster.checker.newestImage?.brokers.get(nodeId)
  }

  /** As the newest applied metadata has them. */
  voters(): number[] {
    return (this.cluster.checker.newestImage?.voters ?? []).map(({ nodeId }) => nodeId)
  }

  topicNames(): string[] {
    return [...(this.cluster.checker.newestImage?.topics.values() ?? [])].map(({ name }) => name).toSorted()
  }

  replica(nodeId: number, topic = TOPIC): ReplicaView | undefined {
    const { topicId } = this.#topic(topic)
    return this.cluster
      .node(nodeId)
      .running?.replicas()
      .find((view) => view.topicId === topicId)
  }

  // Time.

  async wait(ms: number): Promise<void> {
    this.says(`${ms / 1000} s pass`)
    await this.pass(ms)
  }

  /** Time passes and nobody speaks of it. */
  async pass(ms: number): Promise<void> {
    const endMs = this.cluster.queue.nowMs + ms
    await this.#until('time passes', () => this.cluster.queue.nowMs >= endMs, ms + 1_000)
  }

  /** As `until`, and nobody speaks of it. */
  goOn(sentence: string, isSo: () => boolean): Promise<void> {
    return this.#until(sentence, isSo)
  }

  /** Goes on until it is so; the story fails when that takes longer than a minute, or as long as is said. */
  async until(sentence: string, isSo: () => boolean, withinMs = WITHIN_MS): Promise<void> {
    this.says(`until ${sentence}`)
    await this.#until(sentence, isSo, withinMs)
  }

  /** Goes on until there is a leader of a later epoch than now. */
  async untilNewLeader(topic = TOPIC): Promise<void> {
    const { leaderEpoch } = this.state(topic)
    await this.#until('there is a new leader', () => {
      const state = this.state(topic)
      return state.leaderEpoch > leaderEpoch && state.leader !== -1 && this.replica(state.leader, topic)?.role === 'leader'
    })
  }

  untilIsr(isr: readonly number[], topic = TOPIC): Promise<void> {
    return this.#until(`the ISR is ${isr}`, () => isrOf(this.state(topic)).join() === isr.join())
  }

  untilLeader(nodeId: number, topic = TOPIC): Promise<void> {
    return this.#until(`node ${nodeId} leads`, () => this.state(topic).leader === nodeId && (nodeId === -1 || this.replica(nodeId, topic)?.role === 'leader'))
  }

  // Clients.

  async topic(name = TOPIC, { replicas = [1, 2, 3], minIsr, away = [] }: TopicOptions = {}): Promise<void> {
    this.says(`topic ${name} is created on nodes ${replicas.join(' ')}${minIsr === undefined ? '' : `, min.insync.replicas ${minIsr}`}`)
    const configs = minIsr === undefined ? {} : { 'min.insync.replicas': String(minIsr) }
    const { topicId } = await this.#call(this.#admin.admin().createTopic({ name, assignment: [replicas], configs }))
    this.#topics.push({ name, topicId, partitions: 1 })
    const isThere = (nodeId: number): boolean => ['leader', 'follower'].includes(this.replica(nodeId, name)?.role ?? '')
    await this.#until('all replicas know their leader', () => replicas.every((nodeId) => away.includes(nodeId) || isThere(nodeId)))
  }

  /** An operator asks for something and the story goes on; `onlyNode`: there is no other in reach, and patience for a few seconds. */
  asks(what: string, call: (admin: Admin, timeoutMs: number) => Promise<unknown>, onlyNode?: number): Asked {
    const client = this.cluster.addClient(`who asks for ${what}`, onlyNode === undefined ? undefined : [onlyNode])
    if (onlyNode !== undefined) this.net.confine({ name: 'an operator', hostId: client.hostId }, onlyNode)
    this.says(`an operator asks for ${what}`)
    return ask(call(client.client.admin(), onlyNode === undefined ? WITHIN_MS : SHORT_MS))
  }

  /** Decisions that nobody speaks of, until the metadata log begins behind all that there is now: who is down needs a snapshot. */
  async outgrowMetadata(): Promise<void> {
    this.#isNarrating = false
    const { metadataLog } = this.cluster.node(this.controller)
    const { endOffset } = metadataLog
    const admin = this.#admin.admin()
    while (metadataLog.startOffset < endOffset) {
      await this.#call(admin.createTopic({ name: 'ballast', partitions: 12, replicationFactor: 1 }))
      await this.#call(admin.deleteTopic('ballast'))
    }
    this.#isNarrating = true
  }

  async deleteTopic(name = TOPIC): Promise<void> {
    this.says(`an operator deletes topic ${name}`)
    await this.#call(this.#admin.admin().deleteTopic(name))
    const at = this.#topics.findIndex((topic) => topic.name === name)
    this.#topics.splice(at, 1)
  }

  async electPreferred(): Promise<void> {
    this.says('an operator asks for the preferred leaders')
    await this.#call(this.#admin.admin().electLeaders())
  }

  producer(name: string, producer: ProducerOptions = {}): StoryProducer {
    return new StoryProducer(name, this.cluster.addClient(name), { history: this.history, checker: this.cluster.checker, ids: this.#ids, producer })
  }

  /** A batch a record, all at once; goes on without an answer. */
  submit(count: number, producer = this.#producer, topic = TOPIC): Batch {
    this.says(`${producer.name} sends ${records(count)} to ${topic}`)
    return producer.send(this.#topic(topic), 0, count)
  }

  /** Goes on until each has its outcome. */
  async settle(batch: Batch): Promise<void> {
    await this.#until('every send has an outcome', () => isSettled(batch), 150_000)
    this.report(batch)
  }

  report(batch: Batch): void {
    this.#lines(`    of ${records(batch.count)}: ${describeOutcome(batch)}`)
  }

  async send(count: number, producer = this.#producer, topic = TOPIC): Promise<void> {
    await this.settle(this.submit(count, producer, topic))
  }

  /** A record every `gapMs`, until `endLoad`. */
  load(gapMs: number, producer = this.#producer, topic = TOPIC): Load {
    this.says(`${producer.name} sends a record to ${topic} every ${gapMs} ms`)
    this.#isLoaded = true
    const load: Load = { batches: [], isOver: false }
    const clock = this.cluster.addClock('load')
    const next = (): void => {
      if (load.isOver) return
      load.batches.push(producer.send(this.#topic(topic), 0, 1))
      clock.after(gapMs, next)
    }
    next()
    return load
  }

  /** Goes on until each has its outcome. How many there were is no part of a story: each was acknowledged, or it says what failed. */
  async endLoad(load: Load): Promise<void> {
    load.isOver = true
    await this.#until('every send has an outcome', () => load.batches.every(isSettled), 150_000)
    const failed = load.batches.filter(({ outcomes }) => typeof outcomes[0] !== 'number')
    for (const batch of failed) this.report(batch)
    this.says(`the load is over: ${failed.length === 0 ? 'not one send failed' : `${failed.length} sends failed`}`)
  }

  /** What a consumer that knows nothing sees from the start, within a second or so. */
  async read(name: string, topic = TOPIC): Promise<void> {
    const consumer = this.consumer(name, topic)
    await this.pass(READ_MS)
    consumer.stop()
    this.seen(consumer)
  }

  /** Reads along from the start until it is stopped. `client`: of somebody who has done other things before. */
  consumer(name: string, topic = TOPIC, client = this.cluster.addClient(name)): StoryConsumer {
    const consumer = new StoryConsumer(name, client)
    this.#watch(consumer.readAlong(topic))
    return consumer
  }

  seen({ name, offsets, error }: StoryConsumer): void {
    this.says(`${name} has read records ${ranges(offsets)}${error === null ? '' : `, and was refused with ${error.code}`}`)
  }

  // Nodes.

  kill(...nodeIds: readonly number[]): void {
    this.#crash('kill', nodeIds)
  }

  powerLoss(...nodeIds: readonly number[]): void {
    this.#crash('powerLoss', nodeIds)
  }

  async start(...nodeIds: readonly number[]): Promise<void> {
    this.says(`${named(nodeIds)} ${are(nodeIds)} started`)
    for (const nodeId of nodeIds) this.cluster.node(nodeId).start()
    await this.#until('they are up', () => nodeIds.every((nodeId) => this.cluster.node(nodeId).state === 'up'))
  }

  /** Down, and with disks that were never used. */
  wipe(nodeId: number): void {
    this.says(`the disk of node ${nodeId} is replaced by an empty one`)
    this.cluster.node(nodeId).wipe()
  }

  /** Of a node that is down. */
  loseCheckpoints(nodeId: number): void {
    this.says(`the checkpoints of node ${nodeId} are lost`)
    this.cluster.node(nodeId).loseCheckpoints('lose')
  }

  async stop(nodeId: number): Promise<void> {
    this.says(`node ${nodeId} is told to stop`)
    let isStopped = false
    this.cluster.node(nodeId).stop(() => {
      isStopped = true
    })
    await this.#until('it has stopped', () => isStopped)
    this.says(`node ${nodeId} has stopped by itself`)
  }

  pause(...nodeIds: readonly number[]): void {
    this.says(`${named(nodeIds)} ${are(nodeIds)} paused`)
    for (const nodeId of nodeIds) this.cluster.node(nodeId).pause()
  }

  resume(...nodeIds: readonly number[]): void {
    this.says(`${named(nodeIds)} ${are(nodeIds)} resumed`)
    for (const nodeId of nodeIds) this.cluster.node(nodeId).resume()
  }

  fillDisks(freeBytes: number): void {
    this.says(`all disks are almost full: ${freeBytes / 1024} KiB are left on each`)
    for (const { disk } of this.cluster.nodes) disk.leave(freeBytes)
  }

  freeDisks(): void {
    this.says('all disks have room again')
    for (const { disk } of this.cluster.nodes) disk.clearFaults()
  }

  /** Whatever `after` brings about, no node but this one stands for election; goes on until it leads. */
  async electController(nodeId: number, after: () => void = () => {}): Promise<void> {
    const hold = this.net.keepBack(
      (from, _to, message) => from !== nodeId && 'type' in message && message.type === 'raft' && message.message.type === 'voteRequest',
    )
    after()
    await this.#until(`node ${nodeId} leads the quorum`, () => this.controller === nodeId)
    this.net.forget(hold)
  }

  // Inside.

  #heal(): void {
    this.net.mend('all faults are over')
    for (const node of this.cluster.nodes) {
      if (node.paused) node.resume()
      node.disk.clearFaults()
      if (node.state === 'down') node.start()
    }
  }

  async #until(sentence: string, isSo: () => boolean, withinMs = WITHIN_MS): Promise<void> {
    const { queue, checker } = this.cluster
    const deadlineMs = queue.nowMs + withinMs
    await drainPromises()
    while (!isSo()) {
      if (queue.nowMs > deadlineMs) throw new Violation('run', `in vain for ${withinMs / 1000} s: ${sentence}`)
      await this.cluster.step()
      if (this.#failure !== undefined) throw this.#failure
      this.#narrator.look(checker.newestImage)
    }
  }

  async #call<T>(promise: Promise<T>): Promise<T> {
    let isDone = false
    const settled = promise.finally(() => {
      isDone = true
    })
    settled.catch(() => {})
    await this.#until('the call is answered', () => isDone)
    return settled
  }

  async #readBack(): Promise<readonly ReadRecord[]> {
    const { clock, client } = this.cluster.addClient('reader')
    const read: ReadRecord[] = []
    let stopped = false
    this.#watch(readAll(client, { clock, topics: () => this.#topics, record: (record) => read.push(record), stopped: () => stopped }))
    await this.#until('all is read back', () => missing(this.history, read, this.cluster) === 0)
    stopped = true
    return read
  }

  #watch(running: Promise<void>): void {
    running.catch((error: unknown) => {
      this.#failure = error instanceof Error ? error : new Error(String(error))
    })
  }

  #crash(how: 'kill' | 'powerLoss', nodeIds: readonly number[]): void {
    this.says(how === 'kill' ? `${named(nodeIds)} ${are(nodeIds)} killed` : `${named(nodeIds)} ${nodeIds.length > 1 ? 'lose' : 'loses'} power`)
    for (const nodeId of nodeIds) this.cluster.node(nodeId).crash(how)
  }

  /** Ended by itself: part of the story, as a crash. */
  #nodeFailed(node: SimNode, error: Error): void {
    this.#lines(`    node ${node.nodeId} ends itself: ${error.message}`)
    const owner = node.process
    this.cluster.queue.schedule(0, null, () => {
      if (owner !== undefined && node.process === owner) node.crash('kill')
    })
  }

  #topic(name: string): LoadTopic {
    const topic = this.#topics.find((one) => one.name === name)
    if (topic === undefined) throw new Error(`there is no topic ${name}`)
    return topic
  }

  #describeReplica(nodeId: number, topic: string): string {
    const view = this.replica(nodeId, topic)
    if (view === undefined) return `node ${nodeId} ${this.cluster.node(nodeId).state === 'down' ? 'is down' : 'has no replica'}`
    const { role, leaderEpoch, log, highWatermark, suspect, damaged } = view
    const state = `${suspect ? ', suspect' : ''}${damaged ? ', damaged' : ''}`
    return `node ${nodeId}: ${role} of epoch ${leaderEpoch}, log ends at ${log.endOffset}, synced ${log.syncedEndOffset}, high watermark ${highWatermark}${state}`
  }
}

function records(count: number): string {
  return count === 1 ? '1 record' : `${count} records`
}

/** OXBOW_STORY=1: all that the nodes log meanwhile. */
function storyLog(): ((line: string) => void) | null {
  return process.env.OXBOW_STORY === '1' ? (line) => process.stderr.write(`${line}\n`) : null
}
