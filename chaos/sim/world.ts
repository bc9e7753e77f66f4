import { SeededRandom, type Random } from '../../src/base/random.ts'
import type { Producer } from '../../src/client/producer.ts'
import { METADATA_LOG } from '../../src/log/surface.ts'
import type { MetadataImage } from '../../src/metadata/image.ts'
import { checkBudgets } from '../check/budgets.ts'
import { findUnhealed } from '../check/convergence.ts'
import { checkHistory } from '../check/anomalies/check-history.ts'
import { asOperations } from '../check/as-operations.ts'
import { checkDelivery, type ReadRecord } from '../check/delivery.ts'
import { LeadersGiveUp, type SeenVoter } from '../check/leaders-give-up.ts'
import { partitionKey } from '../check/observed.ts'
import { demand, Violation } from '../check/violation.ts'
import type { FaultKind } from '../faults.ts'
import { History } from '../history.ts'
import { SimCluster } from './cluster.ts'
import { type CoreView, drawAbsent } from './core.ts'
import { Experiment } from './experiment.ts'
import { FaultRunner } from './fault-runner.ts'
import { chooseHolders } from './holders.ts'
import { ALTER_TIMEOUT_MS, Load, PASSING_TOPIC } from './load.ts'
import { LOOSE_BUDGET_BYTES } from './network.ts'
import { Operator } from './operator.ts'
import { withPoison } from './poison.ts'
import { readAll } from './reader.ts'
import { brokerIds } from './settings.ts'
import type { SimNode } from './sim-node.ts'
import type { Situation } from './situations.ts'
import { drawCase, type Given, type SeedCase } from './seed-case.ts'
import { startClients } from './start-clients.ts'

export interface SeedOptions extends Given {
  readonly seed: number
  /** Sentences of the story; null: nobody reads. */
  readonly tell: ((line: string) => void) | null
}

export interface SeedReport extends SeedCase {
  readonly hash: string
  readonly violation: Violation | null
  readonly simulatedMs: number
  readonly steps: number
  readonly operations: number
  readonly acknowledged: number
  readonly faults: ReadonlyMap<FaultKind, number>
  readonly messages: number
  readonly situations: ReadonlyMap<Situation, number>
}

const LEAST_ACKNOWLEDGED = 500
const LEAST_OPERATIONS = 1_000
/** After all faults are over (rules: evidence 6.5), and, a node, for faults that came too late; of slow disks three times as long. */
const HEAL_WITHIN_MS = 60_000
/** On disks whose calls may take longer than this, replicas of small segments are recovered, or fetched anew, for a minute and more: there it is three times as long. */
const USUAL_DISK_MS = 6
const CHECK_EVERY_MS = 250
/** Rules 8, but for connections: a node of a simulation has some dozens, and 2,000 would hide a leak. */
const CONNECTIONS_A_NODE = 200
const CLIENT_BUFFER_BYTES = 32 * 1024 * 1024

/** One seed: a cluster, its clients, its faults, its checkers, from the first event to the verdict. */
export class World {
  readonly #case: SeedCase
  readonly #random: Random
  readonly #cluster: SimCluster
  readonly #history = new History()
  readonly #load: Load
  readonly #faults: FaultRunner
  readonly #operator: Operator
  readonly #experiment: Experiment | undefined
  readonly #producers: Producer[] = []
  readonly #leaders = new LeadersGiveUp()
  /** Partitions for which an operator decided that what the lost ones held is given up. */
  readonly #givenUp = new Set<string>()
  #failure: Violation | undefined

  constructor(options: SeedOptions) {
    this.#case = drawCase(options.seed, options)
    this.#random = new SeededRandom(options.seed)
    this.#cluster = new SimCluster({
      random: this.#random,
      settings: this.#case.settings,
      tell: options.tell,
      nodeFailed: (node, error) => this.#fail(new Violation('assert', `${node.name} ended itself: ${error.message}`)),
      logged: (node, message) => this.#operator.heard(node, message),
    })
    const { queue, network, trace, nodes, checker } = this.#cluster
    this.#load = new Load({
      clock: this.#cluster.addClock('workload'),
      history: this.#history,
      acknowledged: (topicId, partition, offset) => this.#guard(() => checker.acknowledged(topicId, partition, offset)),
      deleted: (topicId, partition, lowWatermark) => this.#guard(() => checker.deleted(topicId, partition, lowWatermark)),
      failed: (error) => this.#fail(error),
    })
    this.#operator = new Operator({ queue, nodes, random: this.#random.fork('operator'), trace })
    this.#experiment = this.#drawnExperiment()
    this.#faults = new FaultRunner(this.#case.plan, {
      queue,
      network,
      nodes,
      random: this.#random.fork('fault runner'),
      trace,
      someLeader: () => this.#someLeader(),
      holders: () => this.#holders(),
      atlas: this.#case.settings.atlas,
      wiped: ({ nodeId }) => this.#giveVoteBack(nodeId),
    })
  }

  /** Runs it to the verdict. Real time and chance throw meanwhile. */
  run(): Promise<SeedReport> {
    return withPoison(async () => {
      try {
        await this.#faultPhase()
        await this.#corePhase()
        await this.#healPhase()
      } catch (error) {
        this.#fail(error)
      }
      return this.#report()
    })
  }

  get #healWithinMs(): number {
    return this.#case.settings.diskLatencyMs.max > USUAL_DISK_MS ? 3 * HEAL_WITHIN_MS : HEAL_WITHIN_MS
  }

  #report(): SeedReport {
    if (this.#failure !== undefined) this.#cluster.trace.tell('world', `VIOLATION ${this.#failure.message}`)
    return {
      ...this.#case,
      hash: this.#cluster.trace.hash,
      violation: this.#failure ?? null,
      simulatedMs: this.#cluster.queue.nowMs,
      steps: this.#cluster.queue.steps,
      operations: this.#history.operations + (this.#experiment?.operations ?? 0),
      acknowledged: this.#history.acknowledged,
      faults: this.#faults.observedByKind(),
      messages: this.#cluster.network.messages,
      situations: this.#cluster.situations.counts,
    }
  }

  async #faultPhase(): Promise<void> {
    const { faultPhaseMs } = this.#case.settings
    for (const node of this.#cluster.nodes) node.start()
    const options = { cluster: this.#cluster, load: this.#load, history: this.#history, settings: this.#case.settings }
    this.#producers.push(...startClients({ ...options, watch: (running) => this.#watch(running) }))
    this.#experiment?.start()
    // The last faults of a plan may have to wait for their targets: a rolling restart for all nodes to be up, before each of them.
    const untilMs = faultPhaseMs + this.#cluster.nodes.length * this.#healWithinMs
    await this.#runUntil(() => this.#cluster.queue.nowMs >= faultPhaseMs && (this.#faults.settled || this.#cluster.queue.nowMs >= untilMs))
  }

  /** Only a core heals, and has to acknowledge a record in each partition that there is. */
  async #corePhase(): Promise<void> {
    // Who may be away hangs on who votes, and on the minimum of each topic: neither may change behind it.
    this.#load.letOperatorsRest(true)
    const untilMs = this.#cluster.queue.nowMs + ALTER_TIMEOUT_MS
    await this.#runUntil(() => this.#load.operations === 0 || this.#cluster.queue.nowMs > untilMs)
    await this.#serveWithCore()
    this.#load.letOperatorsRest(false)
  }

  async #serveWithCore(): Promise<void> {
    const image = this.#cluster.checker.newestImage
    const nodeIds = this.#cluster.nodes.map(({ nodeId }) => nodeId)
    const absent = image === undefined ? new Map() : drawAbsent(this.#random.fork('core'), { nodeIds, image, ...this.#coreView(image) })
    this.#faults.healCore(absent)
    if (image === undefined || absent.size === 0) return
    this.#cluster.situations.met('core without some nodes')
    const deadlineMs = this.#cluster.queue.nowMs + this.#healWithinMs
    const random = this.#random.fork('core records')
    const producer = this.#cluster.addClient('prober').client.producer({ deliveryTimeoutMs: 2 * this.#healWithinMs })
    this.#producers.push(producer)
    // What is acknowledged has to be read in the end: not of a topic that goes again. And what an experiment reads is all its own.
    const staying = [...image.topics.values()].filter(({ name }) => name !== PASSING_TOPIC && !Experiment.owns(name))
    const probes = staying.flatMap((topic) =>
      topic.partitions.map(({ partition }) => ({
        name: `${topic.name}-${partition}`,
        sendId: this.#load.send(producer, 'prober', topic, partition, random),
      })),
    )
    const unheard = (): readonly string[] => probes.filter(({ sendId }) => this.#history.sends.get(sendId)?.outcome !== 'ok').map(({ name }) => name)
    await this.#runUntil(() => unheard().length === 0 || this.#cluster.queue.nowMs >= deadlineMs)
    const away = [...absent.keys()].join(', ')
    demand(
      unheard().length === 0,
      'convergence',
      () => `${this.#healWithinMs / 1000} s without nodes ${away}: no record acknowledged in ${unheard().join(', ')}`,
    )
  }

  /** Who was harmed may not be what it should be yet, nor lead for long. */
  #coreView(image: MetadataImage): Pick<CoreView, 'leads' | 'votes' | 'isSettled'> {
    const logName = (topicId: string, partition: number): string => `partitions/${image.topics.get(topicId)?.name}-${partition}`
    return {
      leads: (nodeId, topicId, partition) => {
        const node = this.#cluster.node(nodeId)
        return node.leads(topicId, partition) && !node.isHarmed(logName(topicId, partition))
      },
      isSettled: this.#cluster.nodes.some(({ running }) => {
        const raft = running?.raft()
        return raft?.role === 'leader' && raft.commitIndex === raft.endOffset && image.offset >= raft.commitIndex - 1
      }),
      votes: (nodeId) => !this.#cluster.node(nodeId).isHarmed(METADATA_LOG),
    }
  }

  async #healPhase(): Promise<void> {
    this.#faults.heal()
    await this.#enoughDone()
    this.#load.stop()
    this.#experiment?.stop()
    const deadlineMs = this.#cluster.queue.nowMs + this.#healWithinMs
    const inTime = (): boolean => this.#cluster.queue.nowMs < deadlineMs
    let unhealed: string | undefined
    await this.#runUntil(() => {
      this.#giveUpLost()
      return (unhealed = this.#unhealed()) === undefined || !inTime()
    })
    demand(unhealed === undefined, 'convergence', () => `${this.#healWithinMs / 1000} s after all faults: ${unhealed}`)
    for (const { topicId, partitions } of this.#cluster.checker.newestImage?.topics.values() ?? []) this.#load.grown(topicId, partitions.length)
    this.#cluster.trace.tell('world', 'every ISR is full again; one more record to every partition')
    this.#sendOneEach()
    const unsettled = (): number => this.#load.unsettled + (this.#experiment?.isUnsettled === true ? 1 : 0)
    await this.#runUntil(() => unsettled() === 0 || !inTime())
    demand(unsettled() === 0, 'convergence', () => `${this.#healWithinMs / 1000} s after all faults: ${unsettled()} client calls have no outcome`)
    const records = await this.#readBack(inTime)
    this.#guard(() => this.#checkDelivery(records))
    if (this.#experiment !== undefined) await this.#judge(this.#experiment)
    this.#checkRun()
  }

  /** Where little is sent, and nobody led for long, what is missing comes now. */
  async #enoughDone(): Promise<void> {
    const deadlineMs = this.#cluster.queue.nowMs + this.#healWithinMs
    const isEnough = (): boolean => this.#history.acknowledged >= LEAST_ACKNOWLEDGED && this.#history.operations >= LEAST_OPERATIONS
    await this.#runUntil(() => isEnough() || this.#cluster.queue.nowMs >= deadlineMs)
  }

  #checkRun(): void {
    const given = this.#uncleanTopics
    for (const { topicId, name, partitions } of this.#cluster.checker.newestImage?.topics.values() ?? []) {
      for (const { partition } of partitions) {
        const isAllowed = given.includes(name) || this.#givenUp.has(partitionKey(topicId, partition)) || !this.#cluster.checker.hasGivenUp(topicId, partition)
        demand(isAllowed, 'I6', () => `${name}-${partition} had an unclean election, which its topic does not allow`)
      }
    }
    const { unobserved } = this.#faults
    demand(unobserved.length === 0, 'run', () => `not observed: ${unobserved.join('; ')}`)
    demand(this.#history.acknowledged >= LEAST_ACKNOWLEDGED, 'run', () => `only ${this.#history.acknowledged} records were acknowledged`)
    demand(this.#history.operations >= LEAST_OPERATIONS, 'run', () => `only ${this.#history.operations} client operations`)
  }

  /** Everything, by a client that knows nothing yet, up to the last acknowledged record of each partition. */
  async #readBack(inTime: () => boolean): Promise<readonly ReadRecord[]> {
    const records: ReadRecord[] = []
    const left = this.#acknowledgedEnds()
    let stopped = false
    const record = (read: ReadRecord): void => {
      records.push(read)
      const key = partitionKey(read.topicId, read.partition)
      if (read.offset >= (left.get(key) ?? Number.POSITIVE_INFINITY)) left.delete(key)
    }
    const { client, clock } = this.#cluster.addClient('reader')
    this.#watch(readAll(client, { clock, topics: () => this.#load.topics, record, stopped: () => stopped }))
    await this.#runUntil(() => {
      this.#forgetDeleted(left)
      return left.size === 0 || !inTime()
    })
    stopped = true
    demand(
      left.size === 0,
      'convergence',
      () => `not read back ${this.#healWithinMs / 1000} s after all faults: ${[...left].map(([key, offset]) => `${key} to offset ${offset}`).join(', ')}`,
    )
    return records
  }

  #checkDelivery(records: readonly ReadRecord[]): void {
    const { checker } = this.#cluster
    const startOffset = (topicId: string, partition: number): number => checker.startOffset(topicId, partition)
    const hasGivenUp = (topicId: string, partition: number): boolean => checker.hasGivenUp(topicId, partition)
    checkDelivery(this.#history, records, startOffset, hasGivenUp)
    // As live runs are judged: there nothing is let go.
    const isLeftOut = (topicId: string, partition: number): boolean => startOffset(topicId, partition) > 0 || hasGivenUp(topicId, partition)
    const { anomalies } = checkHistory(asOperations(this.#history, records, isLeftOut))
    demand(anomalies.length === 0, 'delivery', () => anomalies.map(({ name, sentence }) => `${name}: ${sentence}`).join('; '))
  }

  /** As a live one ends: each of its clients polls everything, and what they all saw is judged. */
  async #judge(experiment: Experiment): Promise<void> {
    const end: { unread?: readonly string[] } = {}
    this.#watch(
      experiment.pollEverything(this.#healWithinMs).then((unread) => {
        end.unread = unread
      }),
    )
    await this.#runUntil(() => end.unread !== undefined)
    const { unread = [] } = end
    demand(unread.length === 0, 'convergence', () => `the experiment did not come to the end of ${unread.join(', ')}`)
    experiment.judge()
  }

  /** Nobody can read any more what a leader let go. */
  #forgetDeleted(left: Map<string, number>): void {
    for (const [key, offset] of left) {
      const [topicId = '', partition] = key.split('/')
      const { checker } = this.#cluster
      if (offset < checker.startOffset(topicId, Number(partition)) || checker.hasGivenUp(topicId, Number(partition))) left.delete(key)
    }
  }

  /** The last acknowledged offset of each partition. */
  #acknowledgedEnds(): Map<string, number> {
    const ends = new Map<string, number>()
    for (const { outcome, topicId, partition, offset } of this.#history.sends.values()) {
      if (outcome !== 'ok') continue
      const key = partitionKey(topicId, partition)
      ends.set(key, Math.max(ends.get(key) ?? -1, offset))
    }
    return ends
  }

  #unhealed(): string | undefined {
    const down = this.#cluster.nodes.find(({ state }) => state !== 'up')
    if (down !== undefined) return `${down.name} is ${down.state}`
    const image = this.#cluster.checker.newestImage
    return image === undefined ? 'nothing is committed' : findUnhealed(image, brokerIds(this.#case.settings))
  }

  #sendOneEach(): void {
    const random = this.#random.fork('last records')
    for (const [at, producer] of this.#producers.entries()) {
      for (const topic of this.#load.topics) {
        for (let partition = 0; partition < topic.partitions; partition++) this.#load.send(producer, `p${at}`, topic, partition, random)
      }
    }
  }

  /** Events one by one, invariants after each; asks `until` every quarter of a simulated second. */
  async #runUntil(until: () => boolean): Promise<void> {
    let nextCheckMs = this.#cluster.queue.nowMs
    while (this.#failure === undefined) {
      if (this.#cluster.queue.nowMs >= nextCheckMs) {
        this.#checkBudgets()
        this.#leaders.look(this.#cluster.queue.nowMs, this.#cluster.nodes.map(seenVoter))
        if (until()) return
        nextCheckMs = this.#cluster.queue.nowMs + CHECK_EVERY_MS
      }
      const clientsGoOn = this.#cluster.step()
      if (clientsGoOn !== undefined) await clientsGoOn
    }
    throw this.#failure
  }

  #checkBudgets(): void {
    for (const node of this.#cluster.nodes) {
      const counters = node.running?.counters
      checkBudgets(node.name, [
        { name: 'unsent to one peer, bytes', held: this.#cluster.network.unsentBytes(node.host), limit: LOOSE_BUDGET_BYTES },
        { name: 'connections', held: this.#cluster.network.openEnds(node.host), limit: CONNECTIONS_A_NODE },
        { name: 'produce without an answer, bytes', ...node.unansweredProduce },
        { name: 'copies of what was appended, bytes', held: counters?.copiedBytes ?? 0, limit: counters?.appendedBytes ?? 0 },
      ])
    }
    for (const [at, { stats }] of this.#producers.entries()) {
      checkBudgets(`producer ${at}`, [{ name: 'buffer, bytes', held: stats.bufferedBytes, limit: CLIENT_BUFFER_BYTES }])
    }
  }

  #drawnExperiment(): Experiment | undefined {
    const { experimentRate, topics, faultPhaseMs } = this.#case.settings
    const [first] = topics
    if (experimentRate === null || first === undefined) return undefined
    return new Experiment({
      addMachine: (name) => this.#cluster.addMachine(name),
      random: this.#random.fork('experiment'),
      rate: experimentRate,
      replicationFactor: first.replicationFactor,
      forMs: faultPhaseMs,
      failed: (error) => this.#fail(error),
    })
  }

  /** A partition whose only replica in sync stood on a disk that was replaced has nobody left that may lead, until an operator decides (rules R5.3, R5.7). */
  #giveUpLost(): void {
    for (const { topicId, name, partitions } of this.#cluster.checker.newestImage?.topics.values() ?? []) {
      for (const { partition, leader, isr, elr, replicas } of partitions) {
        const key = partitionKey(topicId, partition)
        const isLost = leader === -1 && isr.length + elr.length === 0 && replicas.some((nodeId) => this.#cluster.node(nodeId).wasReplaced)
        if (!isLost || this.#givenUp.has(key)) continue
        this.#givenUp.add(key)
        this.#experiment?.gaveUp(name, partition)
        this.#watch(this.#load.electUnclean(this.#cluster.addClient(`operator of ${name}-${partition}`).client, { topic: name, partition }))
      }
    }
  }

  #holders(): readonly SimNode[] | undefined {
    const image = this.#cluster.checker.newestImage
    return image && chooseHolders(image, this.#uncleanTopics)?.map((nodeId) => this.#cluster.node(nodeId))
  }

  /** Names of topics that allow unclean elections. */
  get #uncleanTopics(): readonly string[] {
    return this.#case.settings.topics.filter(({ mayElectUnclean }) => mayElectUnclean === true).map(({ name }) => name)
  }

  /** A voter is an id and a folder: with an empty one it is none, until an operator says so (rules R2.2). */
  #giveVoteBack(nodeId: number): void {
    const isVoter = this.#cluster.checker.newestImage?.voters.some((voter) => voter.nodeId === nodeId)
    if (isVoter === true) this.#watch(this.#load.addVoter(this.#cluster.addClient(`operator of the wiped node ${nodeId}`).client, nodeId))
  }

  #someLeader(): number | undefined {
    for (const topic of this.#cluster.checker.newestImage?.topics.values() ?? []) {
      for (const { leader } of topic.partitions) if (leader !== -1) return leader
    }
    return undefined
  }

  /** For what runs in promises of clients: its failure ends the run. */
  #watch(running: Promise<void>): void {
    running.catch((error: unknown) => this.#fail(error))
  }

  #guard(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = error instanceof Violation ? error : new Violation('assert', error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
}

function seenVoter(node: SimNode): SeenVoter {
  // One that stops has handed over, and ticks no more: it takes its time with its disk.
  const raft = node.paused || node.state === 'stopping' ? undefined : node.running?.raft()
  return { nodeId: node.nodeId, leadsTerm: raft?.role === 'leader' ? raft.term : null }
}
