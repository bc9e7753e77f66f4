import { demand } from '../../check/violation.ts'
import { commonLength, type LogOf } from '../abstract-disk.ts'
import { Numbered, textOf } from '../object-graph.ts'
import { PairTable } from '../pair-table.ts'
import type { Entries } from './entries.ts'
import type { Happening } from './voter.ts'

/** What happened that nobody may contradict. */
export interface RaftHistory {
  /** The longest that anybody knew to be committed. */
  readonly committed: LogOf
  readonly written: readonly { readonly offset: number; readonly entry: number }[]
  /** By term. */
  readonly leaders: ReadonlyMap<number, number>
}

/** All histories that come up, by number, and what follows which. */
export class RaftHistories {
  readonly #histories = new Numbered<RaftHistory>()
  readonly #next = new PairTable()
  readonly #entries: Entries

  constructor(entries: Entries) {
    this.#entries = entries
    this.#number({ committed: [], written: [], leaders: new Map() })
  }

  get(number: number): RaftHistory {
    return this.#histories.get(number)
  }

  /** Throws what the happenings contradict. */
  after(number: number, happeningsNumber: number, happenings: readonly Happening[]): number {
    if (happenings.length === 0) return number
    const known = this.#next.get(number, happeningsNumber)
    if (known >= 0) return known
    const next = this.#number(happenings.reduce((history, happening) => this.#add(history, happening), this.get(number)))
    this.#next.set(number, happeningsNumber, next)
    return next
  }

  /** The same under other names. */
  renamed(number: number, rename: (nodeId: number) => number): number {
    const { leaders, ...history } = this.get(number)
    return this.#number({ ...history, leaders: new Map([...leaders].map(([term, nodeId]) => [term, rename(nodeId)])) })
  }

  #number(history: RaftHistory): number {
    return this.#histories.number(textOf(history), () => history)
  }

  #add(history: RaftHistory, happening: Happening): RaftHistory {
    switch (happening.type) {
      case 'wrote':
        return this.#wrote(history, happening)
      case 'leads':
        return this.#leads(history, happening)
      default:
        return this.#committed(history, happening)
    }
  }

  /** I2: equal offset and term, equal entry. */
  #wrote(history: RaftHistory, { offset, entry }: Extract<Happening, { type: 'wrote' }>): RaftHistory {
    const { term } = this.#entries.get(entry)
    for (const known of history.written) {
      const isOther = known.offset === offset && known.entry !== entry && this.#entries.get(known.entry).term === term
      demand(!isOther, 'I2', () => `offset ${offset} of term ${term} is ${this.#entries.describe([known.entry])} and ${this.#entries.describe([entry])}`)
    }
    if (history.written.some((known) => known.offset === offset && known.entry === entry)) return history
    const written = [...history.written, { offset, entry }].sort((left, right) => left.offset - right.offset || left.entry - right.entry)
    return { ...history, written }
  }

  /** I3: one leader a term; it holds all that is committed (Raft paper 5.4.3). */
  #leads(history: RaftHistory, { nodeId, term, log }: Extract<Happening, { type: 'leads' }>): RaftHistory {
    const { committed, leaders } = history
    const known = leaders.get(term)
    demand(known === undefined || known === nodeId, 'I3', () => `node ${nodeId} leads term ${term}, which node ${known} led`)
    demand(
      commonLength(committed, log) === committed.length,
      'I6',
      () => `node ${nodeId} leads term ${term} with ${this.#entries.describe(log)}, and ${this.#entries.describe(committed)} is committed`,
    )
    return known === undefined ? { ...history, leaders: new Map([...leaders, [term, nodeId] as const].sort(([left], [right]) => left - right)) } : history
  }

  /** I6: one order for all; a leader commits only through an entry of its own term (rules R4.2). */
  #committed(history: RaftHistory, { nodeId, log, term, isLeader }: Extract<Happening, { type: 'committed' }>): RaftHistory {
    const { committed } = history
    const describe = (one: LogOf): string => this.#entries.describe(one)
    demand(
      commonLength(committed, log) === Math.min(committed.length, log.length),
      'I6',
      () => `node ${nodeId} takes ${describe(log)} for committed, and ${describe(committed)} is`,
    )
    const last = log.at(-1)
    const isOwnTerm = last !== undefined && this.#entries.get(last).term === term
    demand(!isLeader || isOwnTerm, 'I6', () => `node ${nodeId} commits ${describe(log)} by counting, in term ${term}`)
    return log.length > committed.length ? { ...history, committed: log } : history
  }
}
