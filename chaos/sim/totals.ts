import { type Situation, situationNames } from './situations.ts'
import type { SeedLine } from './seed-line.ts'

const MS_AN_HOUR = 3_600_000

/** The sums over all seeds of a run, and what they come to as text. */
export class Totals {
  readonly #faults = new Map<string, number>()
  readonly #situations = new Map<Situation, number>(situationNames.map((name) => [name, 0]))
  readonly #failures: SeedLine[] = []
  #seeds = 0
  #simulatedMs = 0
  #operations = 0
  #acknowledged = 0
  #steps = 0
  #realMs = 0

  get failed(): boolean {
    return this.#failures.length > 0 || this.#seeds === 0
  }

  /** In the order of their seeds. */
  get failures(): readonly SeedLine[] {
    return this.#failures.toSorted((left, right) => left.seed - right.seed)
  }

  /** Situations that no seed met. */
  get unmet(): readonly Situation[] {
    return situationNames.filter((name) => this.#situations.get(name) === 0)
  }

  add(line: SeedLine): void {
    this.#seeds += 1
    this.#simulatedMs += line.simulatedMs
    this.#operations += line.operations
    this.#acknowledged += line.acknowledged
    this.#steps += line.steps
    this.#realMs += line.realMs
    for (const [kind, count] of line.faults) this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count)
    for (const [name, count] of line.situations) this.#situations.set(name, (this.#situations.get(name) ?? 0) + count)
    if (line.violation !== null) this.#failures.push(line)
  }

  describe(): string {
    const faults = [...this.#faults].sort(([left], [right]) => (left < right ? -1 : 1)).map(([kind, count]) => `${kind} ${count}`)
    const lines = [
      `seeds        ${this.#seeds}`,
      `simulated    ${(this.#simulatedMs / MS_AN_HOUR).toFixed(2)} hours`,
      `operations   ${this.#operations} (${this.#acknowledged} records acknowledged)`,
      `faults       ${faults.join(', ')}`,
      `situations   ${[...this.#situations].map(([name, count]) => `${name} ${count}`).join(', ')}`,
      `steps        ${this.#steps}, ${Math.round(this.#steps / Math.max(1, this.#realMs / 1000))} a second and process, ${(this.#simulatedMs / Math.max(1, this.#realMs)).toFixed(1)} simulated seconds a second`,
      `failures     ${this.#failures.length}`,
    ]
    for (const { seed, violation, hash } of this.failures) {
      lines.push(`  seed ${seed} (${hash}): ${violation?.sentence.split('\n')[0]}`, `    npm run sim -- --seed ${seed} --trace`)
    }
    return `${lines.join('\n')}\n`
  }
}
