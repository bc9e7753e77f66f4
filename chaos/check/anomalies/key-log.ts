import { HistoryError } from '../../operations/history-error.ts'
import type { Key, Value } from '../../operations/operation.ts'
import type { Call } from './calls.ts'

const SHOWN = 10

/**
 * What is known of one key. Its version order is what lay at each offset: sends that must have been committed and whose offset is known, and
 * all polls, whatever became of them (who polls must see only what is safe). An index counts the offsets at which something is known: gaps are legal.
 */
export class KeyLog {
  readonly key: Key
  readonly writerOf = new Map<Value, Call>()
  /** Of polls that are ok. */
  readonly readersOf = new Map<Value, Call[]>()
  /** By offset. One value is the rule: a set for each would be most of the memory. */
  readonly #valuesAt = new Map<number, Value | Set<Value>>()
  #offsets: number[] = []
  readonly #indexOfOffset = new Map<number, number>()
  readonly #firstIndex = new Map<Value, number>()
  /** Of values that are at more than one. */
  readonly #lastIndex = new Map<Value, number>()

  constructor(key: Key) {
    this.key = key
  }

  addWriter(value: Value, call: Call): void {
    const before = this.writerOf.get(value)
    if (before !== undefined) throw new HistoryError(`key ${this.key}: value ${value} is sent by ${before.invokedAt} and by ${call.invokedAt}`)
    this.writerOf.set(value, call)
  }

  addReader(value: Value, call: Call): void {
    const readers = this.readersOf.get(value)
    if (readers === undefined) this.readersOf.set(value, [call])
    else readers.push(call)
  }

  addVersion(offset: number, value: Value): void {
    const values = this.#valuesAt.get(offset)
    if (values === undefined) this.#valuesAt.set(offset, value)
    else if (typeof values !== 'number') values.add(value)
    else if (values !== value) this.#valuesAt.set(offset, new Set([values, value]))
  }

  /** To be called once, when all versions are known. */
  order(): void {
    this.#offsets = [...this.#valuesAt.keys()].sort((left, right) => left - right)
    for (const [index, offset] of this.#offsets.entries()) {
      this.#indexOfOffset.set(offset, index)
      for (const value of this.valuesAt(index)) {
        if (!this.writerOf.has(value)) throw new HistoryError(`key ${this.key}: value ${value}, polled at offset ${offset}, was never sent`)
        if (!this.#firstIndex.has(value)) this.#firstIndex.set(value, index)
        else this.#lastIndex.set(value, index)
      }
    }
  }

  /** Offsets at which something is known, ascending: their positions are the indexes. */
  get offsets(): readonly number[] {
    return this.#offsets
  }

  valuesAt(index: number): Iterable<Value> {
    const values = this.#valuesAt.get(this.#offsets[index] as number)
    return typeof values === 'number' ? [values] : (values ?? [])
  }

  /** One of the values at an index, the first that was seen there. */
  valueAt(index: number): Value {
    for (const value of this.valuesAt(index)) return value
    throw new RangeError(`nothing is known at index ${index}`)
  }

  /** By the offset where it is known, so that a value that is there twice has one place here; else by the value. Undefined: unknown. */
  indexOf(offset: number | null, value: Value): number | undefined {
    return (offset === null ? undefined : this.#indexOfOffset.get(offset)) ?? this.#firstIndex.get(value)
  }

  firstIndexOf(value: Value): number | undefined {
    return this.#firstIndex.get(value)
  }

  lastIndexOf(value: Value): number | undefined {
    return this.#lastIndex.get(value) ?? this.#firstIndex.get(value)
  }

  /** By a poll that is ok. */
  isRead(value: Value): boolean {
    return this.readersOf.has(value)
  }

  /** What lies between two indexes, both exclusive, for a sentence. */
  describeBetween(from: number, to: number): string {
    const shown: string[] = []
    for (let index = from + 1; index < to && shown.length < SHOWN; index++) shown.push(`${this.valueAt(index)} at ${this.#offsets[index]}`)
    return `${shown.join(', ')}${to - from - 1 > SHOWN ? ', …' : ''}`
  }
}
