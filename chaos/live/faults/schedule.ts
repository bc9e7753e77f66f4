import type { Random } from '../../../src/base/random.ts'
import { type ClientWorld, type Fault, pickSome, type RunningFault } from './fault.ts'
import { StuckError } from './stuck.ts'

export interface ScheduleOptions<World extends ClientWorld> {
  readonly faults: readonly Fault<World>[]
  readonly world: World
  readonly random: Random
  /** How long faults are in force, and how long all is well then. */
  readonly faultMs: number
  readonly calmMs: number
  /** Milliseconds since the history began. */
  readonly nowMs: () => number
  readonly sleep: (delayMs: number) => Promise<void>
}

/** A fault that was in force, as it was seen. */
export interface FaultRecord {
  readonly name: string
  readonly detail: string
  readonly hurt: readonly number[]
  readonly renewed: readonly number[]
  readonly fromMs: number
  readonly toMs: number
  readonly isSeen: boolean
  readonly observation: string
  /** As in Observation. */
  readonly unsyncedBytes?: number
}

/** Nodes whose files may be other than they wrote them, behind all these in their order. */
export function hurtNodes(records: readonly FaultRecord[]): ReadonlySet<number> {
  const nodes = new Set<number>()
  for (const { hurt, renewed } of records) {
    for (const node of renewed) nodes.delete(node)
    for (const node of hurt) nodes.add(node)
  }
  return nodes
}

/** Of the periods, but the first, so many in four are quiet. */
const QUIET_IN_FOUR = 1
const MOST_AT_ONCE = 3
/** Whether it was stopped. */
const LOOK_EVERY_MS = 100

/**
 * Periods, in each of which some faults are in force at once, at most one of each kind, and then healed: what only breaks on the way back is
 * found, and the cluster is not down for good. A quarter of them is quiet.
 */
export class FaultSchedule<World extends ClientWorld> {
  readonly records: FaultRecord[] = []
  /** Faults that could not be done, undone, or looked at, as sentences. */
  readonly failures: string[] = []
  /** What the cluster did not recover from in time, as sentences. */
  readonly stuck: string[] = []
  readonly #options: ScheduleOptions<World>
  readonly #turns = new Map<Fault<World>, number>()
  #current: readonly string[] = []
  #isStopped = false

  constructor(options: ScheduleOptions<World>) {
    this.#options = options
  }

  /** In force now. */
  get current(): readonly string[] {
    return this.#current
  }

  /** The period that runs is the last one, and it ends soon. */
  stop(): void {
    this.#isStopped = true
  }

  /** Until there is no time left for a whole period. Everything is healed when it is fulfilled. */
  async run(forMs: number): Promise<void> {
    const { random, faults, faultMs, calmMs, nowMs } = this.#options
    const endMs = nowMs() + forMs
    // Topics are made and clients connect before anything breaks.
    await this.#sleep(Math.min(calmMs, forMs / 4))
    for (let period = 0; !this.#isStopped && (period === 0 || endMs - nowMs() > faultMs); period++) {
      const isQuiet = faults.length === 0 || (period > 0 && random.integer(4) < QUIET_IN_FOUR)
      await this.#period(isQuiet ? [] : this.#choose(), Math.min(faultMs, endMs - nowMs()))
      await this.#sleep(Math.min(calmMs, endMs - nowMs()))
    }
    await this.#sleep(endMs - nowMs())
  }

  /** One to three, of different kinds: of each kind one of those that had the fewest turns. */
  #choose(): Fault<World>[] {
    const { faults, random } = this.#options
    const kinds = [...new Set(faults.map(({ kind }) => kind))]
    const chosen = pickSome(
      random,
      kinds.map((_, at) => at),
      1 + random.integer(Math.min(MOST_AT_ONCE, kinds.length)),
    )
    return chosen.map((at) => {
      const ofKind = faults.filter(({ kind }) => kind === kinds[at])
      const fewest = Math.min(...ofKind.map((fault) => this.#turns.get(fault) ?? 0))
      const next = ofKind.filter((fault) => (this.#turns.get(fault) ?? 0) === fewest)
      const fault = next[random.integer(next.length)] as Fault<World>
      this.#turns.set(fault, fewest + 1)
      return fault
    })
  }

  async #period(chosen: readonly Fault<World>[], forMs: number): Promise<void> {
    const { world, nowMs } = this.#options
    const endMs = nowMs() + forMs
    const running: { readonly fault: Fault<World>; readonly fromMs: number; readonly one: RunningFault }[] = []
    this.#current = chosen.map(({ name }) => name)
    // What takes time to begin, as a restart of all nodes, comes first: it would be cut short otherwise.
    for (const fault of [...chosen].sort((left, right) => right.kind.localeCompare(left.kind))) {
      const fromMs = nowMs()
      await this.#guard(`${fault.name} could not be injected`, async () => void running.push({ fault, fromMs, one: await fault.begin(world) }))
    }
    await this.#sleep(endMs - nowMs())
    for (const { fault, fromMs, one } of running.reverse()) {
      await this.#guard(`the effect of ${fault.name} could not be seen`, async () => {
        const { hurt = [], renewed = [] } = one
        const { isSeen, what, ...more } = await one.observe()
        this.records.push({ name: fault.name, detail: one.detail, hurt, renewed, fromMs, toMs: nowMs(), isSeen, observation: what, ...more })
        if (!isSeen) this.failures.push(`${fault.name} (${one.detail}) had no effect: ${what}`)
      })
      await this.#guard(`${fault.name} could not be healed`, () => one.heal())
    }
    // Only now: what one of them waits for, as a node that votes again, may be what another one has kept away.
    for (const { fault, one } of running) await this.#guard(`what ${fault.name} did did not pass`, async () => await one.settle?.())
    this.#current = []
  }

  async #guard(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      const sentences = error instanceof StuckError ? this.stuck : this.failures
      sentences.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  async #sleep(forMs: number): Promise<void> {
    const { nowMs, sleep } = this.#options
    const endMs = nowMs() + forMs
    while (!this.#isStopped && nowMs() < endMs) await sleep(Math.min(LOOK_EVERY_MS, endMs - nowMs()))
  }
}
