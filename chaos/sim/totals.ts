import { type Situation, situationNames } from './situations.ts'
import type { SeedLine } from './seed-line.ts'

const MS_AN_HOUR = 3_600_000

/** What some seeds came to. */
interface Sums {
  seeds: number
  simulatedMs: number
  steps: number
  cpuMs: number
}

/** The sums over all seeds of a run, and what they come to as text. */
export class Totals {
  readonly #faults = new Map<string, number>()
  readonly #situations = new Map<Situation, number>(situationNames.map((name) => [name, 0]))
  readonly #failures: SeedLine[] = []
  readonly #all: Sums = newSums()
  readonly #byNodes = new Map<number, Sums>()
  readonly #byFaultPhase = new Map<number, Sums>()
  readonly #seedsByCommit = new Map<string, number>()
  #operations = 0
  #acknowledged = 0

  get failed(): boolean {
    return this.#failures.length > 0 || this.#all.seeds === 0
  }

  /** In the order of their seeds. */
  get failures(): readonly SeedLine[] {
    return this.#failures.toSorted((left, right) => left.seed - right.seed)
  }

  /** Situations that no seed met. */
  get unmet(): readonly Situation[] {
    return situationNames.filter((name) => this.#situations.get(name) === 0)
  }

  add(line: SeedLine, commit: string): void {
    for (const sums of [this.#all, sumsOf(this.#byNodes, line.nodes), sumsOf(this.#byFaultPhase, line.faultPhaseMs)]) addTo(sums, line)
    this.#seedsByCommit.set(commit, (this.#seedsByCommit.get(commit) ?? 0) + 1)
    this.#operations += line.operations
    this.#acknowledged += line.acknowledged
    for (const [kind, count] of line.faults) this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count)
    for (const [name, count] of line.situations) this.#situations.set(name, (this.#situations.get(name) ?? 0) + count)
    if (line.violation !== null) this.#failures.push(line)
  }

  /** The same for programs. */
  toJson(): Record<string, unknown> {
    const groups = (name: string, by: ReadonlyMap<number, Sums>): readonly object[] => inOrder(by).map(([key, sums]) => ({ [name]: key, ...sums }))
    return {
      ...this.#all,
      operations: this.#operations,
      acknowledged: this.#acknowledged,
      faults: Object.fromEntries(this.#faults),
      situations: Object.fromEntries(this.#situations),
      byNodes: groups('nodes', this.#byNodes),
      byFaultPhase: groups('faultPhaseMs', this.#byFaultPhase),
      commits: Object.fromEntries(this.#seedsByCommit),
      failures: this.failures.map(({ seed, faultPhaseMs, hash, violation }) => ({ seed, faultPhaseMs, hash, sentence: violation?.sentence.split('\n')[0] })),
    }
  }

  describe(): string {
    const faults = [...this.#faults].sort(([left], [right]) => (left < right ? -1 : 1)).map(([kind, count]) => `${kind} ${count}`)
    const lines = [
      `seeds        ${this.#all.seeds}`,
      `simulated    ${hours(this.#all)} hours`,
      `operations   ${this.#operations} (${this.#acknowledged} records acknowledged)`,
      `faults       ${faults.join(', ')}`,
      `situations   ${[...this.#situations].map(([name, count]) => `${name} ${count}`).join(', ')}`,
      `speed        ${describeSpeed(this.#all)}`,
      ...inOrder(this.#byNodes).map(([nodes, sums]) => `  ${`${nodes} node${nodes === 1 ? '' : 's'}`.padEnd(10)} ${describeGroup(sums)}`),
      ...inOrder(this.#byFaultPhase).map(([ms, sums]) => `  ${`${ms / 1000} s`.padEnd(10)} ${describeGroup(sums)}`),
      `commits      ${[...this.#seedsByCommit].map(([commit, seeds]) => `${commit} (${seeds} seeds)`).join(', ')}`,
      `failures     ${this.#failures.length}`,
    ]
    for (const { seed, faultPhaseMs, violation, hash } of this.failures) {
      lines.push(
        `  seed ${seed} (${hash}): ${violation?.sentence.split('\n')[0]}`,
        `    npm run sim -- --seed ${seed} --fault-phase ${faultPhaseMs / 1000} --trace`,
      )
    }
    return `${lines.join('\n')}\n`
  }
}

function newSums(): Sums {
  return { seeds: 0, simulatedMs: 0, steps: 0, cpuMs: 0 }
}

function sumsOf(groups: Map<number, Sums>, key: number): Sums {
  const sums = groups.get(key) ?? newSums()
  groups.set(key, sums)
  return sums
}

function addTo(sums: Sums, { simulatedMs, steps, cpuMs }: SeedLine): void {
  sums.seeds += 1
  sums.simulatedMs += simulatedMs
  sums.steps += steps
  sums.cpuMs += cpuMs
}

function inOrder(groups: ReadonlyMap<number, Sums>): readonly (readonly [number, Sums])[] {
  return [...groups].sort(([left], [right]) => left - right)
}

function hours({ simulatedMs }: Sums): string {
  return (simulatedMs / MS_AN_HOUR).toFixed(2)
}

/** Of a processor's time, so that it says the same on a busy machine, nearly. */
function describeSpeed({ simulatedMs, steps, cpuMs }: Sums): string {
  const cpuSeconds = Math.max(1, cpuMs) / 1000
  return `${steps} steps, ${Math.round(steps / cpuSeconds)} a processor second, in which ${(simulatedMs / 1000 / cpuSeconds).toFixed(1)} seconds are simulated`
}

function describeGroup(sums: Sums): string {
  return `${sums.seeds} seeds, ${hours(sums)} hours, ${describeSpeed(sums)}`
}
