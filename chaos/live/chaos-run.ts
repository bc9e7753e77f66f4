import { existsSync, mkdirSync, readdirSync } from 'node:fs'
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
import type { FaultRecord } from './faults/schedule.ts'
import { untilAllInSync } from './faults/settled.ts'
import type { ChaosRunOptions } from './run-options.ts'
import { openStage, type Schedule, type Stage } from './stage.ts'
import type { Death, TargetCluster } from './target-cluster.ts'

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

/** One experiment, which can be broken off. */
export class ChaosExperiment {
  readonly #options: ChaosRunOptions
  readonly #availability = new Availability()
  readonly #clock = new SystemClock()
  #phase: ChaosStatus['phase'] = 'starting'
  #acknowledged = 0
  #startedMs = performance.now()
  #controller: number | null = null
  #target: TargetCluster | undefined
  #workload: Workload | undefined
  #registers: RegisterLoad | undefined
  #schedule: Schedule | undefined
  #direct: OxbowClient | undefined
  #history: HistoryWriter | undefined

  constructor(options: ChaosRunOptions) {
    this.#options = options
    this.#target = options.attached
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

  /** The history is complete in the folder when it is fulfilled, and nothing runs any more. */
  async run(): Promise<ChaosRun> {
    const { out, seed } = this.#options
    try {
      makeFolder(out)
      const random = new SeededRandom(seed)
      const history = new HistoryWriter(join(out, HISTORY))
      this.#history = history
      const stage = await openStage(this.#options, random)
      this.#target = stage.target
      await stage.target.start()
      this.#direct = stage.target.openDirectClient()
      return await this.#experiment(stage, this.#direct, history, random)
    } finally {
      await this.#end()
      this.#history?.close()
    }
  }

  /** Ends all processes; `run` rejects, or is fulfilled, soon. */
  async breakOff(): Promise<void> {
    this.#schedule?.stop()
    await this.#end()
  }

  async #experiment(stage: Stage, direct: OxbowClient, history: HistoryWriter, random: SeededRandom): Promise<ChaosRun> {
    const { target } = stage
    await this.#tryTopic(stage, direct)
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
      await schedule.run(this.#options.timeMs)
      target.recover()
      await Promise.all([workload.stop(), registers.stop()])
      const loadMs = this.#nowMs()
      this.#availability.end(loadMs)
      this.#phase = 'healing'
      const notHealed = await whyNotHealed(direct, target.nodeIds.length, stage.topicPrefix)
      await sleep(SETTLE_MS)
      this.#phase = 'reading everything'
      const unread = await workload.pollEverything(READ_LIMIT_MS)
      // A replica that is not in sync may hold what was never committed.
      const hurt = new Set(schedule.records.flatMap((one) => one.hurt))
      // The history is complete without either: what fails here takes no verdict away.
      const failures: string[] = []
      const copies = notHealed === undefined ? await stage.copies(direct, hurt).catch(unlessFailed('the disks were not looked at', failures)) : undefined
      const copyCounts = copies === undefined ? undefined : workload.noteCopies(copies)
      await stage.clear(direct).catch(unlessFailed('topics of the load are left', failures))
      this.#phase = 'checking'
      return {
        startedAt,
        loadMs,
        outcomes: workload.outcomes,
        lives: workload.lives,
        acknowledged: this.#acknowledged,
        faults: schedule.records,
        failures: [...schedule.failures, ...failures],
        stuck: schedule.stuck,
        deaths: target.deaths,
        availability: this.#availability,
        notHealed,
        unread,
        copies: copyCounts,
      }
    } finally {
      clearInterval(looking)
    }
  }

  /** Rejects when no topic of the load could be: nothing would be acknowledged, and nobody told why. */
  async #tryTopic({ topicPrefix, topicConfigs }: Stage, direct: OxbowClient): Promise<void> {
    const replicationFactor = replicationFactorOf(this.#options)
    await direct.admin().createTopic({ name: `${topicPrefix}t0`, partitions: 1, replicationFactor, configs: topicConfigs, validateOnly: true })
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

  async #end(): Promise<void> {
    const [workload, registers, direct, target] = [this.#workload, this.#registers, this.#direct, this.#target]
    this.#workload = this.#registers = this.#direct = this.#target = undefined
    // Clients wait for what is under way: the nodes go first only when nobody waits for an answer.
    await Promise.allSettled([workload?.close(), registers?.stop(), direct?.close()])
    await target?.close()
  }
}

function replicationFactorOf({ nodes }: ChaosRunOptions): number {
  return Math.min(3, nodes)
}

/** What no client may say goes on. */
function unlessFailed(what: string, failures: string[]): (error: unknown) => undefined {
  return (error) => {
    if (!(error instanceof BrokerError)) throw error
    failures.push(`${what}: ${error.message}`)
    return undefined
  }
}

/** Throws a sentence when something is there already. */
function makeFolder(path: string): void {
  if (existsSync(path) && readdirSync(path).length > 0) throw new FolderInUseError(`there is something in ${path} already`)
  mkdirSync(path, { recursive: true })
}

export class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError'
}

async function whyNotHealed(client: OxbowClient, nodes: number, topicPrefix: string): Promise<string | undefined> {
  try {
    await waitForBrokers(client, nodes, HEAL_LIMIT_MS)
    await untilAllInSync(client.admin(), (topic) => topic.startsWith(topicPrefix))
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
