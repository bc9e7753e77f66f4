import type { Entry } from '../../../src/raft/messages.ts'
import type { LogOf } from '../abstract-disk.ts'
import { Numbered } from '../object-graph.ts'

/** What an entry holds: the n-th proposal, or what a leader begins its term with. */
export const OPENING = -1
const OPENING_NAME = 'opening'
const FIRST_LETTER = 97

/** All entries that come up, by number: logs and disks are lists of numbers. */
export class Entries {
  readonly #entries = new Numbered<Entry>()

  get(number: number): Entry {
    return this.#entries.get(number)
  }

  number({ term, bytes }: Entry): number {
    return this.#entries.number(`${term} ${bytes.toString()}`, () => Object.freeze({ term, bytes }))
  }

  numberOf(record: number, term: number): number {
    return this.number({ term, bytes: Buffer.from(record === OPENING ? OPENING_NAME : String.fromCharCode(FIRST_LETTER + record)) })
  }

  describe(log: LogOf): string {
    return `[${log.map((number) => `${this.get(number).bytes.toString()}@${this.get(number).term}`).join(' ')}]`
  }
}
