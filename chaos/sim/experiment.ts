import type { Clock } from '../../src/base/clock.ts'
import { between, type Random } from '../../src/base/random.ts'
import type { OxbowClient } from '../../src/client/client.ts'
import type { ClientTransport, NodeAddress } from '../../src/client/transport.ts'
import { checkHistory } from '../check/anomalies/check-history.ts'
import { judgeRegisters } from '../check/registers.ts'
import { demand } from '../check/violation.ts'
import { isMicroOperations, type Key, type MicroOperation, type Operation } from '../operations/operation.ts'
import { type RegisterEvent, registersOf } from '../operations/register-file.ts'
import { RegisterLoad } from '../workload/register-load.ts'
import { KEEP_TOPIC } from '../workload/topics.ts'
import { Workload } from '../workload/workload.ts'

/** Where clients run (ClientMachine). */
export interface Machine {
  readonly clock: Clock
  readonly nodes: readonly NodeAddress[]
  openTransport(): ClientTransport
  openClient(random: Random): OxbowClient
}

export interface ExperimentOptions {
  readonly addMachine: (name: string) => Machine
  readonly random: Random
  /** Operations a second. */
  readonly rate: number
  readonly replicationFactor: number
  /** How long faults go on: in more than a minute keys live as much longer, so that there are no more of them. */
  readonly forMs: number
  /** What no client may answer with: a bug. */
  readonly failed: (error: unknown) => void
}

/** Before the names of all its topics. */
const PREFIX = 'experiment-'
const THREADS = 3
/** Few at a time: each topic costs every step of a simulation something. */
const ACTIVE_KEYS = 4
const WRITES_A_KEY = 64
/** Then nothing new comes of it: each register is a topic more. */
const REGISTERS_FOR_MS = 60_000
const REGISTERS_EVERY_MS = 500
const MINUTE_MS = 60_000

/** What `oxbow chaos run` does with real processes: the same clients and registers in simulated time, judged by the same checkers. */
export class Experiment {
  readonly #options: ExperimentOptions
  readonly #operations: Operation[] = []
  readonly #registerEvents: RegisterEvent[] = []
  readonly #workload: Workload
  readonly #registers: RegisterLoad
  /** Partitions for which an operator decided that what the lost ones held is given up. */
  readonly #givenUp = new Set<string>()
  #unsettled = 0

  constructor(options: ExperimentOptions) {
    const { addMachine, random, rate, replicationFactor, forMs } = options
    this.#options = options
    const machine = addMachine('experiment')
    const { clock } = machine
    const machines = Array.from({ length: THREADS + 1 }, (_, thread) => addMachine(`thread ${thread}`))
    const clients = random.fork('clients')
    let opened = 0
    this.#workload = new Workload({
      clock,
      seed: random.integer(2 ** 30),
      rate,
      threads: THREADS,
      keys: { activeKeys: ACTIVE_KEYS, maxWritesPerKey: Math.ceil(WRITES_A_KEY * Math.max(1, forMs / MINUTE_MS)) },
      openClient: (thread) => (machines[thread] as Machine).openClient(clients.fork(`${++opened}`)),
      history: { add: (one) => this.#operations.push({ index: this.#operations.length, ...one }) },
      topic: { replicationFactor, configs: KEEP_TOPIC },
      topicPrefix: PREFIX,
      producer: { lingerMs: 0, deliveryTimeoutMs: between(random, 3_000, 20_000) },
    })
    this.#registers = new RegisterLoad({
      clock,
      nodes: machine.nodes,
      openTransport: (client) => (machines[client % machines.length] as Machine).openTransport(),
      random: random.fork('registers'),
      replicationFactor,
      topicPrefix: PREFIX,
      everyMs: REGISTERS_EVERY_MS,
      history: { add: (event) => this.#registerEvents.push(event), close: () => undefined },
      nowMs: () => clock.monotonicMs(),
    })
    clock.after(REGISTERS_FOR_MS, () => this.#settle(this.#registers.stop()))
  }

  /** Whether a topic is of an experiment: nothing else may be sent to it. */
  static owns(topic: string): boolean {
    return topic.startsWith(PREFIX)
  }

  /** Operations so far. */
  get operations(): number {
    return this.#operations.filter(({ type }) => type === 'invoke').length + this.#registerEvents.filter(({ type }) => type === 'call').length
  }

  /** Something is still under way though it was stopped. */
  get isUnsettled(): boolean {
    return this.#unsettled > 0
  }

  start(): void {
    this.#workload.start()
    this.#registers.start()
  }

  stop(): void {
    this.#settle(this.#workload.stop())
    this.#settle(this.#registers.stop())
  }

  gaveUp(topic: string, partition: number): void {
    this.#givenUp.add(`${topic}-${partition}`)
  }

  /** Each client reads all that was ever acknowledged or seen. Answers the partitions of which one of them did not come to the end in time. */
  async pollEverything(limitMs: number): Promise<readonly string[]> {
    const unread = await this.#workload.pollEverything(limitMs)
    return unread.filter((name) => !this.#givenUp.has(name))
  }

  /** Throws a Violation. */
  judge(): void {
    const isLeftOut = (key: Key): boolean => this.#givenUp.has(this.#workload.nameOf(key))
    const { anomalies } = checkHistory(withoutKeys(this.#operations, isLeftOut))
    demand(anomalies.length === 0, 'delivery', () => anomalies.map(({ name, sentence }) => `${name}: ${sentence}`).join('; '))
    const { findings } = judgeRegisters(registersOf(this.#registerEvents))
    demand(findings.length === 0, 'register', () => findings.join('; '))
  }

  #settle(stopping: Promise<void>): void {
    this.#unsettled++
    stopping.then(
      () => {
        this.#unsettled--
      },
      (error: unknown) => this.#options.failed(error),
    )
  }
}

/** What clients did and saw, but for some keys. */
export function* withoutKeys(operations: Iterable<Operation>, isLeftOut: (key: Key) => boolean): Generator<Operation, void, undefined> {
  let index = 0
  for (const operation of operations) {
    const value = isMicroOperations(operation.value)
      ? operation.value.flatMap((one) => remaining(one, isLeftOut))
      : operation.value.filter((key) => !isLeftOut(key))
    const isSendOfNothing = operation.f === 'send' && value.length === 0
    if (!isSendOfNothing) yield { ...operation, index: index++, value: value as Operation['value'] }
  }
}

function remaining(one: MicroOperation, isLeftOut: (key: Key) => boolean): MicroOperation[] {
  if (one[0] === 'send') return isLeftOut(one[1]) ? [] : [one]
  const polled = one[1]
  if (polled === undefined) return [one]
  return [['poll', Object.fromEntries(Object.entries(polled).filter(([key]) => !isLeftOut(Number(key))))]]
}
