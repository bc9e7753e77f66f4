import { BrokerError, type Code } from '../../src/base/errors.ts'
import type { Clock } from '../../src/base/clock.ts'
import { between, type Random } from '../../src/base/random.ts'
import type { AlterTopicOptions } from '../../src/client/admin-options.ts'
import type { AlterReassignmentsOptions } from '../../src/client/reassignments.ts'
import type { OxbowClient } from '../../src/client/client.ts'
import type { Producer } from '../../src/client/producer.ts'
import type { TopicInfo } from '../../src/wire/api.ts'
import type { History } from '../history.ts'
import { sleep } from '../sleep.ts'

/** A topic that the load made. */
export interface LoadTopic {
  readonly name: string
  readonly topicId: string
  readonly partitions: number
}

/** A topic to be. */
export interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  /** Where nobody that had everything is left, whoever is there leads. */
  readonly mayElectUnclean?: boolean
}

export interface LoadOptions {
  readonly clock: Clock
  readonly history: History
  /** A record was acknowledged: checked at once. */
  readonly acknowledged: (topicId: string, partition: number, offset: number) => void
  /** Records were deleted: checked at once. */
  readonly deleted: (topicId: string, partition: number, lowWatermark: number) => void
  /** What no client may answer with: a bug. */
  readonly failed: (error: unknown) => void
}

/** Records of a burst. */
const LEAST_BURST = 2
const MOST_BURST = 12
export const MEAN_BURST = (LEAST_BURST + MOST_BURST) / 2

const CREATE_TIMEOUT_MS = 10_000
const DELETE_TIMEOUT_MS = 5_000
export const ALTER_TIMEOUT_MS = 10_000
const ADD_AGAIN_MS = 1_000
const ELECT_TRIES = 20
/** The name of a topic that comes and goes. */
export const PASSING_TOPIC = 'passing'
/** A topic grows no further. */
const MAX_PARTITIONS = 8
const MOST_PASSING_PARTITIONS = 2
const REPLICATION_FACTOR = 3
const FILLER = 'the river cuts its own bend off and the bend stays, a lake that remembers the stream it was part of for as long as there is rain '

/**
 * Clients that wait for no outcome before they go on, and operators: topics are made, each producer sends unique values to partitions that it picks,
 * and everything goes into the history.
 */
export class Load {
  readonly #options: LoadOptions
  readonly #topics: LoadTopic[] = []
  /** The last acknowledged of each partition, by topic name and partition. */
  readonly #lastOffsets = new Map<string, number>()
  #lastSendId = 0
  #unsettled = 0
  /** For all who change the voters: those that there are for sure, without those on their way out. */
  #voters: Set<number> | undefined
  #operations = 0
  #operatorsRest = false
  #stopped = false

  constructor(options: LoadOptions) {
    this.#options = options
  }

  /** Topics so far. */
  get topics(): readonly LoadTopic[] {
    return this.#topics
  }

  /** The topic has so many partitions: the answer that it grew may have been lost. */
  grown(topicId: string, partitions: number): void {
    const at = this.#topics.findIndex((topic) => topic.topicId === topicId)
    const topic = this.#topics[at]
    if (topic !== undefined && topic.partitions < partitions) this.#topics[at] = { ...topic, partitions }
  }

  /** Sends and admin calls without an outcome. */
  get unsettled(): number {
    return this.#unsettled
  }

  /** What operators have asked for and have no answer to. */
  get operations(): number {
    return this.#operations
  }

  /** Meanwhile no operator begins to change anything. */
  letOperatorsRest(rest: boolean): void {
    this.#operatorsRest = rest
  }

  stop(): void {
    this.#stopped = true
  }

  /** Deletes below some offset of some partition every gapMs or so, until the load is stopped: all that is committed, or as far as something was acknowledged. */
  async deleteRecords(client: OxbowClient, options: { readonly gapMs: number; readonly random: Random }): Promise<void> {
    const { clock, history, deleted } = this.#options
    const { random, gapMs } = options
    const admin = client.admin()
    while (!this.#stopped) {
      await sleep(clock, between(random, 1, 2 * gapMs))
      const topic = this.#topics[random.integer(Math.max(1, this.#topics.length))]
      if (topic === undefined || this.#stopped) continue
      const partition = random.integer(topic.partitions)
      const acknowledged = this.#lastOffsets.get(`${topic.name} ${partition}`) ?? 0
      const beforeOffset = random.integer(3) === 0 ? -1 : random.integer(acknowledged + 1)
      const what = `delete ${topic.name}-${partition} below ${beforeOffset}`
      this.#unsettled += 1
      try {
        for (const { lowWatermark, error } of await admin.deleteRecords([{ topic: topic.name, partition, beforeOffset }], { timeoutMs: DELETE_TIMEOUT_MS })) {
          history.add({ type: 'admin', atMs: clock.monotonicMs(), what, code: error?.code ?? null })
          if (error === null) deleted(topic.topicId, partition, lowWatermark)
        }
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error
        history.add({ type: 'admin', atMs: clock.monotonicMs(), what, code: error.code })
      }
      this.#unsettled -= 1
    }
  }

  /** Tries until it is there: a cluster without a controller comes back. */
  async createTopic(client: OxbowClient, topic: NewTopic): Promise<void> {
    const { name, partitions, replicationFactor } = topic
    const configs: Record<string, string> = topic.mayElectUnclean === true ? { 'unclean.leader.election.enable': 'true' } : {}
    const { clock, history } = this.#options
    const admin = client.admin()
    this.#unsettled += 1
    for (;;) {
      try {
        const { topicId } = await admin.createTopic({ name, partitions, replicationFactor, configs, ifNotExists: true, timeoutMs: CREATE_TIMEOUT_MS })
        history.add({ type: 'admin', atMs: clock.monotonicMs(), what: `create ${name}`, code: null })
        this.#topics.push({ name, topicId, partitions })
        this.#unsettled -= 1
        return
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error
        history.add({ type: 'admin', atMs: clock.monotonicMs(), what: `create ${name}`, code: error.code })
        await sleep(clock, 100)
      }
    }
  }

  /**
   * Now and then a topic grows, asks for another min.insync.replicas, is moved to other brokers or back, or leaders go back to where they belong,
   * until the load is stopped.
   */
  async alter(client: OxbowClient, options: { readonly gapMs: number; readonly brokers: readonly number[]; readonly random: Random }): Promise<void> {
    const { clock } = this.#options
    const { random, gapMs, brokers } = options
    const admin = client.admin()
    while (!this.#stopped) {
      await sleep(clock, between(random, 1, 2 * gapMs))
      const at = random.integer(Math.max(1, this.#topics.length))
      const topic = this.#topics[at]
      if (topic === undefined || this.#stopped || this.#operatorsRest) continue
      const change = drawChange(random, topic, brokers)
      await this.#operate(change.what, async () => {
        if (change.type === 'elect') {
          await admin.electLeaders({ timeoutMs: ALTER_TIMEOUT_MS })
          return null
        }
        if (change.type === 'move') {
          const [moved] = await admin.alterReassignments({ ...change.options, timeoutMs: ALTER_TIMEOUT_MS })
          return moved?.error ?? null
        }
        const { partitions } = await admin.alterTopic({ name: topic.name, ...change.options, timeoutMs: ALTER_TIMEOUT_MS })
        this.#topics[at] = { ...topic, partitions: partitions.length }
        return null
      })
    }
  }

  /** Now and then a node becomes a voter or is none any longer, never with fewer than `least` of them left, until the load is stopped. */
  async changeVoters(
    client: OxbowClient,
    options: { readonly gapMs: number; readonly controllers: readonly number[]; readonly voters: number; readonly least: number; readonly random: Random },
  ): Promise<void> {
    const { clock } = this.#options
    const { random, gapMs, controllers, least } = options
    const admin = client.admin()
    this.#voters ??= new Set(controllers.slice(0, options.voters))
    const voters = this.#voters
    while (!this.#stopped) {
      await sleep(clock, between(random, 1, 2 * gapMs))
      const nodeId = controllers[random.integer(controllers.length)] as number
      const isVoter = voters.has(nodeId)
      if (this.#stopped || this.#operatorsRest || (isVoter && voters.size <= least)) continue
      if (isVoter) voters.delete(nodeId)
      const change = { nodeId, timeoutMs: ALTER_TIMEOUT_MS }
      const error = await this.#operate(`${isVoter ? 'remove' : 'add'} voter ${nodeId}`, async () => {
        await (isVoter ? admin.removeVoter(change) : admin.addVoter(change))
        return null
      })
      // What is not known to have failed may have been done all the same.
      const votes = isVoter ? error?.definite === true && error.code !== 'VOTER_NOT_FOUND' : error === null
      if (votes) voters.add(nodeId)
    }
  }

  /** A voter whose disk was wiped is made one again, as soon as it is there and a leader will. */
  async addVoter(client: OxbowClient, nodeId: number): Promise<void> {
    const { clock, history } = this.#options
    const admin = client.admin()
    while (!this.#stopped) {
      await sleep(clock, ADD_AGAIN_MS)
      let code: Code | null = null
      try {
        await admin.addVoter({ nodeId, timeoutMs: ALTER_TIMEOUT_MS })
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error
        code = error.code
      }
      history.add({ type: 'admin', atMs: clock.monotonicMs(), what: `add the wiped voter ${nodeId}`, code })
      if (code === null) return
    }
  }

  /** All that may lead are gone for good, and an operator says so: whoever is left leads (rules R5.7). Tries a few times. */
  async electUnclean(client: OxbowClient, partition: { readonly topic: string; readonly partition: number }): Promise<void> {
    const { clock, history } = this.#options
    const admin = client.admin()
    const what = `elect ${partition.topic}-${partition.partition} uncleanly`
    for (let tries = 0; tries < ELECT_TRIES; tries++) {
      let code: Code | null = null
      try {
        const [elected] = await admin.electLeaders({ partitions: [partition], unclean: true, timeoutMs: ALTER_TIMEOUT_MS })
        code = elected?.error?.code ?? null
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error
        code = error.code
      }
      history.add({ type: 'admin', atMs: clock.monotonicMs(), what, code })
      if (code === null) return
      await sleep(clock, ADD_AGAIN_MS)
    }
  }

  /**
   * Now and then a topic is made, given some records and deleted again, always under the same name, until the load is stopped. Nobody reads it: what
   * was acknowledged goes with it.
   */
  async passTopics(
    client: OxbowClient,
    producer: Producer,
    options: { readonly gapMs: number; readonly replicationFactor: number; readonly random: Random },
  ): Promise<void> {
    const { clock } = this.#options
    const { random, gapMs, replicationFactor } = options
    const admin = client.admin()
    while (!this.#stopped) {
      await sleep(clock, between(random, 1, 2 * gapMs))
      if (this.#stopped || this.#operatorsRest) continue
      const partitions = between(random, 1, MOST_PASSING_PARTITIONS)
      await this.#operate(`create ${PASSING_TOPIC}`, async () => {
        await admin.createTopic({ name: PASSING_TOPIC, partitions, replicationFactor, ifNotExists: true, timeoutMs: CREATE_TIMEOUT_MS })
        return null
      })
      for (let left = random.integer(MOST_BURST); left > 0; left--) this.#sendUnread(producer, random.integer(partitions), random)
      await sleep(clock, between(random, 1, gapMs))
      if (this.#stopped || this.#operatorsRest) continue
      await this.#operate(`delete ${PASSING_TOPIC}`, async () => {
        await admin.deleteTopic(PASSING_TOPIC)
        return null
      })
    }
  }

  #sendUnread(producer: Producer, partition: number, random: Random): void {
    this.#unsettled += 1
    const value = FILLER.slice(0, random.integer(FILLER.length))
    producer.send({ topic: PASSING_TOPIC, partition, value }).then(
      () => {
        this.#unsettled -= 1
      },
      (error: unknown) => {
        this.#unsettled -= 1
        if (!(error instanceof BrokerError)) this.#options.failed(error)
      },
    )
  }

  /** Now and then a broker goes into maintenance, comes out of it, or is emptied where there are others, until the load is stopped. */
  async maintain(client: OxbowClient, options: { readonly gapMs: number; readonly brokers: readonly number[]; readonly random: Random }): Promise<void> {
    const { clock } = this.#options
    const { random, gapMs, brokers } = options
    const admin = client.admin()
    const maintained = new Set<number>()
    while (!this.#stopped) {
      await sleep(clock, between(random, 1, 2 * gapMs))
      if (this.#stopped || this.#operatorsRest) continue
      const nodeId = brokers[random.integer(brokers.length)] as number
      if (random.integer(4) === 0) {
        await this.#operate(`empty broker ${nodeId}`, async () => {
          const moves = movesOff(await admin.listTopics(), nodeId, brokers)
          if (moves.length > 0) await admin.alterReassignments({ moves, timeoutMs: ALTER_TIMEOUT_MS })
          return null
        })
        continue
      }
      const maintenance = !maintained.has(nodeId)
      await this.#operate(`broker ${nodeId} ${maintenance ? 'into' : 'out of'} maintenance`, async () => {
        await admin.alterMaintenance({ nodeId, maintenance, timeoutMs: ALTER_TIMEOUT_MS })
        return null
      })
      if (maintenance) maintained.add(nodeId)
      else maintained.delete(nodeId)
    }
  }

  /** Now and then replicas of a node move to one of its data folders, at whatever pace, or stay where they are after all, until the load is stopped. */
  async moveFolders(
    client: OxbowClient,
    options: { readonly gapMs: number; readonly brokers: readonly number[]; readonly paths: readonly string[]; readonly random: Random },
  ): Promise<void> {
    const { clock } = this.#options
    const { random, gapMs, brokers, paths } = options
    const admin = client.admin()
    while (!this.#stopped) {
      await sleep(clock, between(random, 1, 2 * gapMs))
      const topic = this.#topics[random.integer(Math.max(1, this.#topics.length))]
      if (topic === undefined || this.#stopped || this.#operatorsRest) continue
      const where = { topic: topic.name, partition: random.integer(topic.partitions) }
      const nodeId = brokers[random.integer(brokers.length)] as number
      const path = random.integer(6) === 0 ? null : (paths[random.integer(paths.length)] as string)
      const limit = random.integer(3) === 0 ? { bytesPerSecond: 1_024 * between(random, 1, 200) } : {}
      await this.#operate(`${where.topic}-${where.partition} of node ${nodeId} ${path === null ? 'stays' : `to ${path}`}`, async () => {
        const [moved] = await admin.alterReplicaLogDirs({ nodeId, partitions: [where], path, ...limit })
        return moved?.error ?? null
      })
    }
  }

  /** One call of an operator, with its outcome in the history: what it failed of, if it did. */
  async #operate(what: string, act: () => Promise<BrokerError | null>): Promise<BrokerError | null> {
    this.#unsettled += 1
    this.#operations += 1
    const failed = await act().catch((error: unknown) => {
      if (!(error instanceof BrokerError)) throw error
      return error
    })
    this.#unsettled -= 1
    this.#operations -= 1
    this.#options.history.add({ type: 'admin', atMs: this.#options.clock.monotonicMs(), what, code: failed?.code ?? null })
    return failed
  }

  /** Sends a record every gapMs or so, one time in `burstOneIn` a burst, until the load is stopped. */
  async produce(producer: Producer, name: string, options: { readonly gapMs: number; readonly burstOneIn: number; readonly random: Random }): Promise<void> {
    const { clock } = this.#options
    const { random, gapMs, burstOneIn } = options
    while (!this.#stopped) {
      await sleep(clock, between(random, 1, 2 * gapMs))
      const topic = this.#topics[random.integer(Math.max(1, this.#topics.length))]
      if (topic === undefined || this.#stopped) continue
      const burst = random.integer(burstOneIn) === 0 ? between(random, LEAST_BURST, MOST_BURST) : 1
      for (let sent = 0; sent < burst; sent++) this.send(producer, name, topic, random.integer(topic.partitions), random)
    }
  }

  /** One send; its outcome goes into the history when it comes. Returns its id. */
  send(producer: Producer, name: string, topic: Pick<LoadTopic, 'name' | 'topicId'>, partition: number, random: Random): number {
    const { clock, history, acknowledged, failed } = this.#options
    this.#lastSendId += 1
    const sendId = this.#lastSendId
    const value = `${sendId} ${FILLER.slice(0, random.integer(FILLER.length))}`
    history.add({ type: 'send', atMs: clock.monotonicMs(), sendId, producer: name, topicId: topic.topicId, partition, value })
    this.#unsettled += 1
    producer
      .send({ topic: topic.name, partition, value })
      .then(({ offset }) => {
        this.#unsettled -= 1
        if (offset < 0) {
          history.add({ type: 'info', atMs: clock.monotonicMs(), sendId, code: 'DUPLICATE_SEQUENCE_NUMBER' })
          return
        }
        history.add({ type: 'ok', atMs: clock.monotonicMs(), sendId, partition, offset })
        const key = `${topic.name} ${partition}`
        this.#lastOffsets.set(key, Math.max(offset, this.#lastOffsets.get(key) ?? 0))
        acknowledged(topic.topicId, partition, offset)
      })
      .catch((error: unknown) => {
        if (!(error instanceof BrokerError)) {
          failed(error)
          return
        }
        this.#unsettled -= 1
        history.add({ type: error.definite ? 'fail' : 'info', atMs: clock.monotonicMs(), sendId, code: error.code })
      })
    return sendId
  }
}

type Change = { readonly what: string } & (
  | { readonly type: 'elect' }
  | { readonly type: 'move'; readonly options: AlterReassignmentsOptions }
  | { readonly type: 'alter'; readonly options: Pick<AlterTopicOptions, 'partitions' | 'set' | 'delete'> }
)

/** Never a minimum of 1: then one disk that forgets may lose what was acknowledged, and rightly so (rules R1.1). */
function drawChange(random: Random, { name, partitions }: LoadTopic, brokers: readonly number[]): Change {
  const roll = random.integer(brokers.length > REPLICATION_FACTOR ? 8 : 5)
  if (roll >= 4) return drawMove(random, { topic: name, partition: random.integer(partitions) }, brokers)
  if (roll === 0) return { type: 'elect', what: 'elect preferred leaders' }
  if (roll === 1 && partitions < MAX_PARTITIONS)
    return { type: 'alter', what: `grow ${name} to ${partitions + 1} partitions`, options: { partitions: partitions + 1 } }
  if (roll === 2) return { type: 'alter', what: `min.insync.replicas of ${name} is the default`, options: { delete: ['min.insync.replicas'] } }
  const minimum = String(between(random, 2, 3))
  return { type: 'alter', what: `min.insync.replicas of ${name} is ${minimum}`, options: { set: { 'min.insync.replicas': minimum } } }
}

/** Each partition of that broker goes to one that does not hold it, as `broker decommission` has it. */
function movesOff(topics: readonly TopicInfo[], nodeId: number, brokers: readonly number[]): AlterReassignmentsOptions['moves'] {
  return topics.flatMap(({ name, partitions }) =>
    partitions.flatMap(({ partition, replicas }) => {
      const other = brokers.find((broker) => !replicas.includes(broker))
      if (!replicas.includes(nodeId) || other === undefined) return []
      return [{ topic: name, partition, replicas: replicas.map((replica) => (replica === nodeId ? other : replica)) }]
    }),
  )
}

/** Limits are such that a move ends well within the bound of a run (at a few KiB/s seed 76 needed 84 s for its last). */
function drawMove(random: Random, where: { readonly topic: string; readonly partition: number }, brokers: readonly number[]): Change {
  const left = [...brokers]
  const to = Array.from({ length: REPLICATION_FACTOR }, () => left.splice(random.integer(left.length), 1)[0] as number)
  const replicas = random.integer(5) === 0 ? null : to
  const limit = random.integer(3) === 0 ? { bytesPerSecond: 1_024 * between(random, 20, 200) } : {}
  const what = `move ${where.topic}-${where.partition} ${replicas === null ? 'back' : `to ${replicas}`}`
  return { type: 'move', what, options: { moves: [{ ...where, replicas }], ...limit } }
}
