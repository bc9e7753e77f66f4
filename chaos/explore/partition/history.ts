import { demand } from '../../check/violation.ts'
import { type Batches, nameOf } from './batches.ts'
import { Numbered, textOf } from '../object-graph.ts'
import { PairTable } from '../pair-table.ts'
import type { Happening } from './replica.ts'
import { commonLength, type LogOf } from '../abstract-disk.ts'

/** What happened that nobody may contradict. */
export interface History {
  /** Below the greatest high watermark that any leader ever had. */
  readonly committed: LogOf
  /** Offset of each record that was acknowledged. */
  readonly acknowledged: ReadonlyMap<number, number>
  readonly written: readonly number[]
  /** What leaders of earlier epochs said is given up: an operator had somebody elected who may not have it (rules R6.3). */
  readonly sinceEpoch: number
  /** By leader epoch. */
  readonly leaders: ReadonlyMap<number, string>
}

/** All histories that come up, by number, and what follows which. */
export class Histories {
  readonly #histories = new Numbered<History>()
  readonly #next = new PairTable()
  readonly #batches: Batches

  constructor(batches: Batches) {
    this.#batches = batches
    this.#number({ committed: [], acknowledged: new Map(), written: [], sinceEpoch: 0, leaders: new Map() })
  }

  get(number: number): History {
    return this.#histories.get(number)
  }

  /** Throws what the happenings contradict. */
  after(number: number, happeningsNumber: number, happenings: readonly Happening[]): number {
    if (happenings.length === 0) return number
    const known = this.#next.get(number, happeningsNumber)
    if (known >= 0) return known
    let history = this.get(number)
    for (const happening of happenings) history = this.#add(history, happening)
    const next = this.#number(history)
    this.#next.set(number, happeningsNumber, next)
    return next
  }

  /** Nothing that was promised counts any more, bar what leaders promise from this epoch on. */
  giveUp(number: number, sinceEpoch: number): number {
    return this.#number({ ...this.get(number), committed: [], acknowledged: new Map(), sinceEpoch })
  }

  #number(history: History): number {
    return this.#histories.number(textOf(history), () => history)
  }

  #add(history: History, happening: Happening): History {
    switch (happening.type) {
      case 'wrote':
        return this.#wrote(history, happening.batch)
      case 'exposed':
        return happening.epoch < history.sinceEpoch ? history : this.#exposed(history, happening.batches)
      case 'acknowledged':
        return happening.epoch < history.sinceEpoch ? history : this.#acknowledged(history, happening.record, happening.offset)
      case 'leads':
        return leads(history, happening.epoch, happening.process)
      default:
        for (const batch of happening.batches) {
          demand(!history.committed.includes(batch), 'I6', () => `node ${happening.nodeId} cut ${this.#describe(batch)}, which was below a high watermark`)
        }
        return history
    }
  }

  #wrote(history: History, batch: number): History {
    const { offset, epoch } = this.#batches.get(batch)
    for (const known of history.written) {
      const other = this.#batches.get(known)
      const isSame = known === batch || other.offset !== offset || other.epoch !== epoch
      demand(isSame, 'I2', () => `offset ${offset} of epoch ${epoch} is ${this.#describe(known)} and ${this.#describe(batch)}`)
    }
    return history.written.includes(batch) ? history : { ...history, written: [...history.written, batch].sort((left, right) => left - right) }
  }

  #exposed(history: History, batches: LogOf): History {
    const { committed } = history
    const common = commonLength(committed, batches)
    demand(
      common === Math.min(committed.length, batches.length),
      'I6',
      () => `${this.#batches.describe(committed)} was committed, and now ${this.#batches.describe(batches)} is`,
    )
    return batches.length > committed.length ? { ...history, committed: batches } : history
  }

  #acknowledged(history: History, record: number, offset: number): History {
    const batch = history.committed[offset]
    const { acknowledged } = history
    const before = acknowledged.get(record)
    demand(
      batch !== undefined && this.#batches.get(batch).record === record,
      'I4',
      () => `${nameOf(record)} was acknowledged at ${offset}, and committed is ${this.#batches.describe(history.committed)}`,
    )
    demand(before === undefined || before === offset, 'delivery', () => `${nameOf(record)} was acknowledged at ${before} and at ${offset}`)
    return before === undefined
      ? { ...history, acknowledged: new Map([...acknowledged, [record, offset] as const].sort(([left], [right]) => left - right)) }
      : history
  }

  #describe(batch: number): string {
    return `${this.#batches.describe([batch])} at ${this.#batches.get(batch).offset}`
  }
}

function leads(history: History, epoch: number, process: string): History {
  const known = history.leaders.get(epoch)
  demand(known === undefined || known === process, 'I3', () => `leader epoch ${epoch} is led by node ${process} and was led by node ${known}`)
  return known === undefined
    ? { ...history, leaders: new Map([...history.leaders, [epoch, process] as const].sort(([left], [right]) => left - right)) }
    : history
}
