import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { SeededRandom } from '../../src/base/random.ts'
import type { OxbowClient } from '../../src/client/client.ts'
import { parseAddress } from '../../src/client/connections.ts'
import type { ProducerOptions } from '../../src/client/producer.ts'
import { HistoryWriter } from '../operations/history-file.ts'
import type { Outcome } from '../operations/operation.ts'
import { Availability } from './availability.ts'
import { ChaosCluster, type Death } from './chaos-cluster.ts'
import { ROOT, sleep, waitFor, waitForBrokers } from './cluster-process.ts'
import type { Fault, FaultWorld } from './faults/fault.ts'
import { type FaultRecord, FaultSchedule } from './faults/schedule.ts'
import { RegisterLoad } from './workload/register-load.ts'
import { Workload } from './workload/workload.ts'

export interface ChaosRunOptions {
  readonly faults: readonly Fault[]
  readonly timeMs: number
  readonly nodes: number
  /** Operations a second. */
  readonly rate: number
  readonly seed: number
  /** Of the history, the logs and the verdict: new, or empty. */
  readonly out: string
  readonly producer: Pick<ProducerOptions, 'acks' | 'idempotent'>
  readonly topicConfigs: Readonly<Record<string, string>>
  /** The build that nodes run; default: this one. */
  readonly dist?: string
}

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
  readonly deaths: readonly Death[]
  readonly availability: Availability
  /** Undefined: all brokers were alive soon after all was healed. */
  readonly notHealed: string | undefined
  readonly isEverythingRead: boolean
}

export const HISTORY = 'history.jsonl'
export const REGISTERS = 'registers.jsonl'
const FAULT_MS = 8_000
const CALM_MS = 4_000
const DELIVERY_TIMEOUT_MS = 10_000
const HEAL_LIMIT_MS = 60_000
const SETTLE_MS = 2_000
const READ_LIMIT_MS = 200_000
const LOOK_EVERY_MS = 1_000
const LEADERS_LIMIT_MS = 10_000
/** Nothing may be deleted: what is gone could not be told from what is lost. */
const KEEP_ALL = { 'log.retention.ms': -1, 'log.retention.bytes': -1 }

/** One experiment, which can be broken off. */
export class ChaosExperiment {
  readonly #options: ChaosRunOptions
  readonly #availability = new Availability()
  #phase: ChaosStatus['phase'] = 'starting'
  #acknowledged = 0
  #startedMs = performance.now()
  #controller: number | null = null
  #cluster: ChaosCluster | undefined
  #workload: Workload | undefined
  #registers: RegisterLoad | undefined
  #schedule: FaultSchedule | undefined
  #direct: OxbowClient | undefined

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

  /** The history is complete in the folder when it is fulfilled, and nothing runs any more. */
  async run(): Promise<ChaosRun> {
    const { out, nodes, seed, faults, dist } = this.#options
    makeFolder(out)
    const random = new SeededRandom(seed)
    const history = new HistoryWriter(join(out, HISTORY))
    try {
      const config = { ...shortTimings(), ...KEEP_ALL }
      const needsOrders = dist !== undefined || faults.some(({ needs }) => needs !== undefined)
      const orderedBuild = needsOrders ? (dist ?? join(ROOT, 'dist')) : undefined
      this.#cluster = await ChaosCluster.create({ nodes, clientHosts: nodes, folder: out, config, random: random.fork('network'), orderedBuild })
      await this.#cluster.start()
      this.#direct = this.#cluster.openDirectClient()
      return await this.#experiment(this.#cluster, this.#direct, history, random)
    } finally {
      await this.#end()
      history.close()
    }
  }

  /** Ends all processes; `run` rejects, or is fulfilled, soon. */
  async breakOff(): Promise<void> {
    this.#schedule?.stop()
    await this.#end()
  }

  async #experiment(cluster: ChaosCluster, direct: OxbowClient, history: HistoryWriter, random: SeededRandom): Promise<ChaosRun> {
    const { timeMs, faults } = this.#options
    const workload = this.#load(cluster, history)
    const registers = this.#loadRegisters(cluster, random)
    const world: FaultWorld = { cluster, random: random.fork('victims'), admin: direct.admin(), leaders: () => findLeaders(direct) }
    this.#schedule = new FaultSchedule({
      faults,
      world,
      random: random.fork('schedule'),
      faultMs: FAULT_MS,
      calmMs: CALM_MS,
      nowMs: () => this.#nowMs(),
      sleep,
    })
    const looking = setInterval(() => void this.#look(direct), LOOK_EVERY_MS)
    const startedAt = Date.now()
    this.#startedMs = performance.now()
    this.#phase = 'running'
    workload.start()
    registers.start()
    try {
      await this.#schedule.run(timeMs)
      await Promise.all([workload.stop(), registers.stop()])
      const loadMs = this.#nowMs()
      this.#availability.end(loadMs)
      this.#phase = 'healing'
      const notHealed = await whyNotHealed(direct, cluster.nodeIds.length)
      await sleep(SETTLE_MS)
      this.#phase = 'reading everything'
      const isEverythingRead = await workload.pollEverything(READ_LIMIT_MS)
      this.#phase = 'checking'
      return {
        startedAt,
        loadMs,
        outcomes: workload.outcomes,
        lives: workload.lives,
        acknowledged: this.#acknowledged,
        faults: this.#schedule.records,
        failures: this.#schedule.failures,
        deaths: cluster.deaths,
        availability: this.#availability,
        notHealed,
        isEverythingRead,
      }
    } finally {
      clearInterval(looking)
    }
  }

  #load(cluster: ChaosCluster, history: HistoryWriter): Workload {
    const { seed, rate, nodes, producer, topicConfigs } = this.#options
    this.#workload = new Workload({
      seed,
      rate,
      threads: 2 * nodes,
      openClient: (thread) => cluster.openClient(thread),
      history,
      topic: { replicationFactor: Math.min(3, nodes), configs: topicConfigs },
      producer: { lingerMs: 0, deliveryTimeoutMs: DELIVERY_TIMEOUT_MS, ...producer },
      onAcknowledged: () => {
        this.#acknowledged++
        this.#availability.acknowledged(this.#nowMs())
      },
    })
    return this.#workload
  }

  #loadRegisters(cluster: ChaosCluster, random: SeededRandom): RegisterLoad {
    const { out, nodes } = this.#options
    this.#registers = new RegisterLoad({
      nodes: cluster.live.bootstrap.map(parseAddress),
      openTransport: (client) => cluster.openTransport(client),
      random: random.fork('registers'),
      replicationFactor: Math.min(3, nodes),
      path: join(out, REGISTERS),
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
    const [workload, registers, direct, cluster] = [this.#workload, this.#registers, this.#direct, this.#cluster]
    this.#workload = this.#registers = this.#direct = this.#cluster = undefined
    // Clients wait for what is under way: the nodes go first only when nobody waits for an answer.
    await Promise.allSettled([workload?.close(), registers?.stop(), direct?.close()])
    await cluster?.close()
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

/** What waits or rolls does so early: those of the cluster file that is made for this. */
function shortTimings(): Record<string, number | string> {
  const file = parse(readFileSync(join(ROOT, 'cluster-configs', 'chaos.yaml'), 'utf8')) as { readonly defaults: { readonly config: Record<string, number> } }
  const { 'min.insync.replicas': _, ...timings } = file.defaults.config
  return timings
}

async function findLeaders(client: OxbowClient): Promise<{ readonly controller: number; readonly broker: number }> {
  return await waitFor('there is an active controller', LEADERS_LIMIT_MS, async () => {
    try {
      const { controllerId, brokers } = await client.admin().describeCluster()
      const [first] = [...brokers].sort((left, right) => right.leaders - left.leaders)
      return controllerId === -1 || first === undefined ? undefined : { controller: controllerId, broker: first.nodeId }
    } catch {
      return undefined
    }
  })
}

async function whyNotHealed(client: OxbowClient, nodes: number): Promise<string | undefined> {
  try {
    await waitForBrokers(client, nodes, HEAL_LIMIT_MS)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
