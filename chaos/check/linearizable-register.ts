import { HistoryError } from '../operations/history-error.ts'

/** One client call on a register, in any clock that all clients share; a call that returns at the time another begins overlaps it. */
export interface RegisterOperation {
  readonly type: 'read' | 'write'
  /** What was read, or written; null: nothing was written yet. */
  readonly value: string | null
  readonly calledAt: number
  /** Infinity: the outcome never came. Such a write may have happened at any time since, or never; such a read says nothing. */
  readonly returnedAt: number
}

/** What the calls of one value say of the time in which it is what the register holds. */
interface Life {
  readonly writtenFrom: number
  /** The first return of a call of this value: it has been there by then. */
  knownBy: number
  /** The call that began last: the value is still there when it begins, or later. */
  lastCall: RegisterOperation
}

/**
 * Whether each call can be given one moment between its begin and its return, so that every read sees the write before it. Returns undefined
 * when it can; else a read that finds no moment, whatever began later. Throws a HistoryError when a value is written twice, or is the initial one:
 * only of unique values is it known which write a read saw.
 *
 * The method of Gibbons and Korach (Testing Shared Memories, 1997), in n log n. No other value may come between a write and the reads of
 * its value, so the lives of values follow each other, and one has to come before another when a call of it returns before a call of the other
 * begins. Such an order exists exactly when no two lives each have to come before the other: in a circle of more than two, the one whose last call
 * begins last and the one behind it are two such already.
 */
export function findUnlinearizable(history: readonly RegisterOperation[], initial: string | null = null): RegisterOperation | undefined {
  const lives = livesOf(history, initial)
  for (const operation of history) {
    const { type, value, calledAt, returnedAt } = operation
    if (type === 'write' || returnedAt === Infinity) continue
    const life = lives.get(value)
    if (life === undefined || returnedAt < life.writtenFrom) return operation
    life.knownBy = Math.min(life.knownBy, returnedAt)
    if (calledAt >= life.lastCall.calledAt) life.lastCall = operation
  }
  return findOverlap([...lives.values()])
}

/** By value, as its write says alone. */
function livesOf(history: readonly RegisterOperation[], initial: string | null): Map<string | null, Life> {
  const beginning: RegisterOperation = { type: 'write', value: initial, calledAt: -Infinity, returnedAt: -Infinity }
  const lives = new Map<string | null, Life>([[initial, { writtenFrom: -Infinity, knownBy: -Infinity, lastCall: beginning }]])
  for (const operation of history) {
    const { type, value, calledAt, returnedAt } = operation
    if (type === 'read') continue
    const first = lives.get(value)
    if (first !== undefined) {
      const before =
        first.writtenFrom === -Infinity
          ? 'is there from the beginning and is written by the call'
          : `is written by the call at ${first.writtenFrom} and by the one`
      throw new HistoryError(`${JSON.stringify(value)} ${before} at ${calledAt}: give every write a value of its own, or nobody can say which one a read saw`)
    }
    lives.set(value, { writtenFrom: calledAt, knownBy: returnedAt, lastCall: operation })
  }
  return lives
}

/**
 * Of two lives each of which has to come before the other: the call that began last. One of the two lasts, from `knownBy` to the begin of its last
 * call. All are passed in the order of the begin of what they last, or could; at equal times those that need not last first: they may be over then.
 */
function findOverlap(lives: Life[]): RegisterOperation | undefined {
  lives.sort((left, right) => beginOf(left) - beginOf(right) || Number(lasts(left)) - Number(lasts(right)))
  let longest: Life | undefined
  for (const life of lives) {
    if (longest !== undefined && life.knownBy < longest.lastCall.calledAt)
      return longest.lastCall.calledAt > life.lastCall.calledAt ? longest.lastCall : life.lastCall
    if (lasts(life) && life.lastCall.calledAt > (longest?.lastCall.calledAt ?? -Infinity)) longest = life
  }
  return undefined
}

function lasts({ knownBy, lastCall }: Life): boolean {
  return knownBy < lastCall.calledAt
}

function beginOf({ knownBy, lastCall }: Life): number {
  return Math.min(knownBy, lastCall.calledAt)
}
