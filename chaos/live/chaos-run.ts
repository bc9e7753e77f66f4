import { join } from 'node:path'
import { BrokerError } from '../../src/base/errors.ts'
import { SeededRandom } from '../../src/base/random.ts'
import type { OxbowClient } from '../../src/client/client.ts'
import { SystemClock } from '../../src/client/system-clock.ts'
import { HistoryWriter } from '../operations/history-file.ts'
import type { Outcome } from '../operations/operation.ts'
import { RegisterWriter } from '../operations/register-file.ts'
import { RegisterLoad } from '../workload/register-load.ts'
import { type CopyCounts, Workload } from '../workload/workload.ts'
import { Availability } from './availability.ts'
import { sleep, waitForBrokers } from './cluster-process.ts'
import { type FaultRecord, hurtNodes } from './faults/schedule.ts'
import { untilAllInSync } from './faults/settled.ts'
import { inTime } from './in-time.ts'
import { notBegun, NotBegunError, RefusedTopicError } from './not-begun.ts'
import { emptyOutFolder, makeOutFolder } from './out-folder.ts'
import type { ChaosRunOptions } from './run-options.ts'
import { openStage, type Schedule, type Stage } from './stage.ts'
import type { Death } from './target-cluster.ts'

/** What is shown while it runs. */
export interface ChaosStatus {
  readonly phase: 'starting' | 'running' | 'healing' | 'reading everything' | 'checking'
  readonly elapsedMs: number
  readonly faults: readonly string[]
  readonly outcomes: Readonly<Record<Outcome, number>>
  readonly controller: number | null
}

/** What came of a run, before the history is checked. */
export interface ChaosRun {
  readonly startedAt: number
  readonly loadMs: number
  readonly outcomes: Readonly<Record<Outcome, number>>
  readonly acknowledged: number
  /** How often a topic was deleted, to be made again by the same name. */
  readonly lives: number
  readonly faults: readonly FaultRecord[]
  readonly failures: readonly string[]
  /** What the cluster did not recover from in time, though it was healed. */
  readonly stuck: readonly string[]
  readonly deaths: readonly Death[]
  readonly availability: Availability
  /** Undefined: all brokers were alive, and all replicas in sync, soon after all was healed. */
  readonly notHealed: string | undefined
  /** Partitions that could not be read to the end of what was acknowledged or seen. */
  readonly unread: readonly string[]
  /** What clients never came to the end of, as sentences. */
  readonly hung: readonly string[]
  /** Undefined: the disks of the nodes are not ours to look at. */
  readonly copies: CopyCounts | undefined
}

export const HISTORY = 'history.jsonl'
export const REGISTERS = 'registers.jsonl'
const FAULT_MS = 8_000
const CALM_MS = 4_000
const DELIVERY_TIMEOUT_MS = 10_000
const HEAL_LIMIT_MS = 60_000
const SETTLE_MS = 2_000
/** Readers give up once nothing comes for a while; this is for those to whom something always does. */
const READ_LIMIT_MS = 30 * 60_000
const LOOK_EVERY_MS = 1_000
/** Beyond the delivery timeout: whatever else a client does ends within seconds. */
const LOAD_MARGIN_MS = 60_000
/** Three faults settle one after the other, a minute each at most. */
const LEAVE_LIMIT_MS = 240_000
const CLEAR_LIMIT_MS = 60_000

/** One experiment, which can be broken off. */
export class ChaosExperiment {
  readonly #options: ChaosRunOptions
  readonly #availability = new Availability()
  readonly #clock = new SystemClock()
  #phase: ChaosStatus['phase'] = 'starting'
  #acknowledged = 0
  #startedMs = performance.now()
  #controller: number | null = null
  #opening: Promise<Stage> | undefined
  #workload: Workload | undefined
  #registers: RegisterLoad | undefined
  #schedule: Schedule | undefined
  #scheduled: Promise<unknown> = Promise.resolve()
  #direct: OxbowClient | undefined
  #clearing: Promise<void> | undefined
  #ending: Promise<void> | undefined
  #isBrokenOff = false
  readonly #hung: string[] = []
  /** What takes no verdict away: the history is complete without it. */
  readonly #failures: string[] = []

  constructor(options: ChaosRunOptions) {
    this.#options = options
  }

  get status(): ChaosStatus {
    return {
      phase: this.#phase,
      elapsedMs: this.#nowMs(),
      faults: this.#schedule?.current ?? [],
      outcomes: this.#workload?.outcomes ?? { ok: 0, fail: 0, info: 0 },
      controller: this.#controller,
    }
  }

  /**
   * The history is complete in the folder when it is fulfilled, and nothing runs any more. Rejects with an OutFolderError, a NamespacesError or a
   * RefusedTopicError where what was asked for cannot be, and with a NotBegunError where there was no cluster to begin with.
   */
  async run(): Promise<ChaosRun> {
    const { out, seed } = this.#options
    let history: HistoryWriter | undefined
    try {
      makeOutFolder(out)
      const random = new SeededRandom(seed)
      const { stage, direct } = await this.#begin(random)
      // Only now: where nothing was begun, the folder is as good as new.
      history = new HistoryWriter(join(out, HISTORY))
      return await this.#experiment(stage, direct, history, random)
    } catch (error) {
      if (error instanceof RefusedTopicError) {
        await this.#end()
        emptyOutFolder(out)
      }
      throw error
    } finally {
      await this.#end()
      history?.close()
    }
  }

  /**
   * Undoes what was done to a cluster that runs already, and ends everything else; `run` rejects, or is fulfilled, soon. However often it is called, all
   * wait for the same. Answers what could not be undone, as sentences.
   */
  async breakOff(): Promise<readonly string[]> {
    this.#isBrokenOff = true
    this.#schedule?.stop()
    await this.#end()
    return this.#options.attached === undefined ? [] : [...(this.#schedule?.stuck ?? []), ...this.#failures]
  }

  async #begin(random: SeededRandom): Promise<{ readonly stage: Stage; readonly direct: OxbowClient }> {
    try {
      this.#goOn()
      this.#opening = openStage(this.#options, random)
      const stage = await this.#opening
      this.#goOn()
      await stage.target.start()
      this.#goOn()
      const direct = stage.target.openDirectClient()
      this.#direct = direct
      await this.#tryTopic(stage, direct)
      this.#goOn()
      return { stage, direct }
    } catch (error) {
      throw notBegun(error, this.#options)
    }
  }

  /** Throws once it is broken off: what would come next is on its way out. */
  #goOn(): void {
    if (this.#isBrokenOff) throw new NotBegunError('it was broken off')
  }

  async #experiment(stage: Stage, direct: OxbowClient, history: HistoryWriter, random: SeededRandom): Promise<ChaosRun> {
    const { target } = stage
    const workload = this.#load(stage, history)
    const registers = this.#loadRegisters(stage, random)
    const schedule = stage.schedule(direct, { faultMs: FAULT_MS, calmMs: CALM_MS, nowMs: () => this.#nowMs(), sleep })
    this.#schedule = schedule
    const looking = setInterval(() => void this.#look(direct), LOOK_EVERY_MS)
    const startedAt = Date.now()
    this.#startedMs = performance.now()
    this.#phase = 'running'
    workload.start()
    registers.start()
    try {
      this.#scheduled = schedule.run(this.#options.timeMs)
      await this.#scheduled
      this.#goOn()
      target.recover()
      await this.#untilOver('what they did when the load was stopped', Promise.all([workload.stop(), registers.stop()]), this.#loadLimitMs)
      const loadMs = this.#nowMs()
      this.#availability.end(loadMs)
      const found = await this.#readEverything(stage, direct, workload)
      await this.#clear(stage, direct)
      this.#phase = 'checking'
      return {
        startedAt,
        loadMs,
        outcomes: workload.outcomes,
        lives: workload.lives,
        acknowledged: this.#acknowledged,
        faults: schedule.records,
        failures: [...schedule.failures, ...this.#failures],
        stuck: schedule.stuck,
        deaths: target.deaths,
        availability: this.#availability,
        hung: this.#hung,
        ...found,
      }
    } finally {
      clearInterval(looking)
    }
  }

  /** Once all is healed. After what clients never came to the end of, nothing more is asked of them. */
  async #readEverything(stage: Stage, direct: OxbowClient, workload: Workload): Promise<Pick<ChaosRun, 'notHealed' | 'unread' | 'copies'>> {
    this.#phase = 'healing'
    const notHealed = await whyNotHealed(direct, stage)
    await sleep(SETTLE_MS)
    this.#goOn()
    let unread: readonly string[] = []
    if (this.#hung.length > 0) return { notHealed, unread, copies: undefined }
    this.#phase = 'reading everything'
    const reading = workload.pollEverything(READ_LIMIT_MS).then((left) => {
      unread = left
    })
    await this.#untilOver('reading everything', reading, READ_LIMIT_MS + LOAD_MARGIN_MS)
    // A replica that is not in sync, or not any more, may hold what was never committed.
    const notInSync = notHealed ?? (await whyNotHealed(direct, stage))
    if (notInSync !== undefined || this.#hung.length > 0) return { notHealed: notInSync, unread, copies: undefined }
    const hurt = hurtNodes(this.#schedule?.records ?? [])
    const copies = await stage.copies(direct, hurt).catch((error) => this.#failed('the disks were not looked at', error))
    return { notHealed, unread, copies: copies && workload.noteCopies(copies) }
  }

  /** Every client answers in time: one that does not is at fault, and is not waited for. */
  async #untilOver(what: string, work: Promise<unknown>, limitMs: number): Promise<void> {
    if (!(await inTime(work, limitMs))) this.#hung.push(`${what}: not within ${Math.round(limitMs / 1000)} s`)
  }

  get #loadLimitMs(): number {
    return (this.#options.producer.deliveryTimeoutMs ?? DELIVERY_TIMEOUT_MS) + LOAD_MARGIN_MS
  }

  /** Rejects with a RefusedTopicError when no topic of the load could be: nothing would be acknowledged, and nobody told why. */
  async #tryTopic({ topicPrefix, topicConfigs }: Stage, direct: OxbowClient): Promise<void> {
    const replicationFactor = replicationFactorOf(this.#options)
    try {
      await direct.admin().createTopic({ name: `${topicPrefix}t0`, partitions: 1, replicationFactor, configs: topicConfigs, validateOnly: true })
    } catch (error) {
      if (error instanceof BrokerError && error.definite && !error.retriable) throw new RefusedTopicError(`no topic can be as asked: ${error.detail}`)
      throw error
    }
  }

  #load({ target, topicPrefix, topicConfigs }: Stage, history: HistoryWriter): Workload {
    const { seed, rate, nodes, producer } = this.#options
    this.#workload = new Workload({
      clock: this.#clock,
      seed,
      rate,
      threads: 2 * nodes,
      openClient: (thread) => target.openClient(thread),
      history,
      topic: { replicationFactor: replicationFactorOf(this.#options), configs: topicConfigs },
      topicPrefix,
      producer: { lingerMs: 0, deliveryTimeoutMs: DELIVERY_TIMEOUT_MS, ...producer },
      onAcknowledged: () => {
        this.#acknowledged++
        this.#availability.acknowledged(this.#nowMs())
      },
    })
    return this.#workload
  }

  #loadRegisters({ target, topicPrefix }: Stage, random: SeededRandom): RegisterLoad {
    const { out } = this.#options
    this.#registers = new RegisterLoad({
      clock: this.#clock,
      nodes: target.addresses,
      openTransport: (client) => target.openTransport(client),
      topicPrefix,
      random: random.fork('registers'),
      replicationFactor: replicationFactorOf(this.#options),
      history: new RegisterWriter(join(out, REGISTERS)),
      nowMs: () => this.#nowMs(),
    })
    return this.#registers
  }

  #nowMs(): number {
    return performance.now() - this.#startedMs
  }

  /** For the status alone: nobody is told of a failure. */
  async #look(client: OxbowClient): Promise<void> {
    try {
      const { controllerId } = await client.admin().describeCluster()
      this.#controller = controllerId === -1 ? null : controllerId
    } catch {
      this.#controller = null
    }
  }

  /** Leaves nothing where it is not at home; at most once. */
  #clear(stage: Stage, direct: OxbowClient): Promise<void> {
    this.#clearing ??= stage.clear(direct).catch((error) => this.#failed('topics of the load are left', error))
    return this.#clearing
  }

  /** What no client may say goes on. */
  #failed(what: string, error: unknown): undefined {
    if (!(error instanceof BrokerError)) throw error
    this.#failures.push(`${what}: ${error.message}`)
    return undefined
  }

  #end(): Promise<void> {
    this.#ending ??= this.#endAll()
    return this.#ending
  }

  /** Whatever does not come to its end is left behind: a second interrupt must find nothing to wait for but this, and this ends. */
  async #endAll(): Promise<void> {
    const { attached } = this.#options
    const stage = await this.#opening?.catch(() => undefined)
    const direct = this.#direct
    // Nodes of its own go with all that was done to them.
    const healing = attached === undefined ? Promise.resolve() : this.#scheduled
    if (!(await inTime(Promise.allSettled([healing]), LEAVE_LIMIT_MS))) this.#failures.push('faults were not healed in time')
    // Clients wait for what is under way: the nodes go first only when nobody waits for an answer.
    await inTime(Promise.allSettled([this.#workload?.close(), this.#registers?.stop()]), this.#loadLimitMs)
    if (stage !== undefined && direct !== undefined) {
      const clearing = Promise.allSettled([this.#clear(stage, direct)])
      if (!(await inTime(clearing, CLEAR_LIMIT_MS))) this.#failures.push('topics of the load are left')
      await inTime(Promise.allSettled([direct.close()]), CLEAR_LIMIT_MS)
    }
    await (stage?.target ?? attached)?.close()
  }
}

function replicationFactorOf({ nodes }: ChaosRunOptions): number {
  return Math.min(3, nodes)
}

async function whyNotHealed(client: OxbowClient, { target, topicPrefix }: Stage): Promise<string | undefined> {
  try {
    await waitForBrokers(client, target.nodeIds.length, HEAL_LIMIT_MS)
    await untilAllInSync(client.admin(), (topic) => topic.startsWith(topicPrefix))
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
