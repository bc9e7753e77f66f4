import { HistoryError } from '../../operations/history-error.ts'
import type { Key, Value } from '../../operations/operation.ts'
import type { Call } from './calls.ts'
import { NumberList } from './number-list.ts'

const SHOWN = 10
const NONE = -1

/**
 * What is known of one key. Its version order is what lay at each offset: sends that must have been committed and whose offset is known, and
 * all polls, whatever became of them (who polls must see only what is safe). An index counts the offsets at which something is known: gaps are legal.
 * Each value has a number here, by which all else is kept in columns.
 */
export class KeyLog {
  readonly key: Key
  readonly #calls: readonly Call[]
  readonly #numbers = new Map<Value, number>()
  readonly #values = new NumberList()
  /** The place of the call that sent it. */
  readonly #writers = new NumberList(Int32Array)
  /** The last of its readers in the list of them, each of which names the one before. */
  readonly #lastReaders = new NumberList(Int32Array)
  readonly #readers = new NumberList(Int32Array)
  readonly #readersBefore = new NumberList(Int32Array)
  /** Where it was seen first, so that what is polled again and again is one version. */
  readonly #seenAt = new NumberList()
  readonly #versionOffsets = new NumberList()
  readonly #versionNumbers = new NumberList(Int32Array)
  /** Once ordered: the offsets, the numbers of what lies there, and where those of each index begin. */
  readonly #offsets = new NumberList()
  readonly #ordered = new NumberList(Int32Array)
  readonly #starts = new NumberList(Int32Array)
  readonly #firstIndexes = new NumberList(Int32Array)
  readonly #lastIndexes = new NumberList(Int32Array)

  constructor(key: Key, calls: readonly Call[]) {
    this.key = key
    this.#calls = calls
  }

  addWriter(value: Value, call: Call): void {
    const number = this.#numberOf(value)
    const before = this.#writers.at(number)
    if (before !== NONE) throw new HistoryError(`key ${this.key}: value ${value} is sent by ${this.#calls[before]?.invokedAt} and by ${call.invokedAt}`)
    this.#writers.set(number, call.at)
  }

  /** Of a client's poll that is ok. */
  addReader(value: Value, call: Call): void {
    const number = this.#numberOf(value)
    this.#readersBefore.push(this.#lastReaders.at(number))
    this.#lastReaders.set(number, this.#readers.length)
    this.#readers.push(call.at)
  }

  addVersion(offset: number, value: Value): void {
    const number = this.#numberOf(value)
    if (this.#seenAt.at(number) === offset) return
    if (this.#seenAt.at(number) === NONE) this.#seenAt.set(number, offset)
    this.#versionOffsets.push(offset)
    this.#versionNumbers.push(number)
  }

  /** To be called once, when all versions are known. */
  order(): void {
    const offsets = this.#versionOffsets
    const sorted = Int32Array.from({ length: offsets.length }, (_, at) => at).sort((left, right) => offsets.at(left) - offsets.at(right) || left - right)
    for (let number = 0; number < this.#values.length; number++) {
      this.#firstIndexes.push(NONE)
      this.#lastIndexes.push(NONE)
    }
    for (const at of sorted) {
      const number = this.#versionNumbers.at(at)
      if (this.#offsets.length === 0 || this.#offsets.at(this.#offsets.length - 1) !== offsets.at(at)) {
        this.#offsets.push(offsets.at(at))
        this.#starts.push(this.#ordered.length)
      }
      const index = this.#offsets.length - 1
      // One that lies at two offsets may have been seen at either again and again.
      if (this.#lastIndexes.at(number) === index) continue
      this.#ordered.push(number)
      if (this.#firstIndexes.at(number) === NONE) this.#firstIndexes.set(number, index)
      this.#lastIndexes.set(number, index)
    }
    this.#starts.push(this.#ordered.length)
  }

  /** Of all that was sent or seen, in the order in which it was met. */
  *values(): Generator<Value, void, undefined> {
    for (let number = 0; number < this.#values.length; number++) yield this.#values.at(number)
  }

  /** Undefined: nobody sent it. */
  writerOf(value: Value): Call | undefined {
    return this.#calls[this.#writers.at(this.#numbers.get(value) ?? NONE)]
  }

  /** By polls of clients that are ok, in their order. */
  readersOf(value: Value): Call[] {
    const found: Call[] = []
    for (let reader = this.#lastReaders.at(this.#numbers.get(value) ?? NONE) ?? NONE; reader !== NONE; reader = this.#readersBefore.at(reader)) {
      found.push(this.#calls[this.#readers.at(reader)] as Call)
    }
    return found.reverse()
  }

  /** By a client's poll that is ok. */
  isRead(value: Value): boolean {
    const number = this.#numbers.get(value)
    return number !== undefined && this.#lastReaders.at(number) !== NONE
  }

  /** Offsets at which something is known, ascending: their positions are the indexes. */
  get offsets(): NumberList {
    return this.#offsets
  }

  valuesAt(index: number): Value[] {
    const values: Value[] = []
    for (let at = this.#starts.at(index); at < this.#starts.at(index + 1); at++) values.push(this.#values.at(this.#ordered.at(at)))
    return values
  }

  /** One of the values at an index, the first that was seen there. */
  valueAt(index: number): Value {
    return this.#values.at(this.#ordered.at(this.#starts.at(index)))
  }

  /** By the offset where it is known, so that a value that is there twice has one place here; else by the value. Undefined: unknown. */
  indexOf(offset: number | null, value: Value): number | undefined {
    return (offset === null ? undefined : this.#indexOfOffset(offset)) ?? this.firstIndexOf(value)
  }

  firstIndexOf(value: Value): number | undefined {
    return known(this.#firstIndexes, this.#numbers.get(value))
  }

  lastIndexOf(value: Value): number | undefined {
    return known(this.#lastIndexes, this.#numbers.get(value))
  }

  /** What lies between two indexes, both exclusive, for a sentence. */
  describeBetween(from: number, to: number): string {
    const shown: string[] = []
    for (let index = from + 1; index < to && shown.length < SHOWN; index++) shown.push(`${this.valueAt(index)} at ${this.#offsets.at(index)}`)
    return `${shown.join(', ')}${to - from - 1 > SHOWN ? ', …' : ''}`
  }

  #numberOf(value: Value): number {
    const before = this.#numbers.get(value)
    if (before !== undefined) return before
    const number = this.#values.length
    this.#numbers.set(value, number)
    this.#values.push(value)
    this.#writers.push(NONE)
    this.#lastReaders.push(NONE)
    this.#seenAt.push(NONE)
    return number
  }

  #indexOfOffset(offset: number): number | undefined {
    // Where nothing is missing, it is as far from the first as its index says.
    const guess = offset - (this.#offsets.at(0) ?? 0)
    if (this.#offsets.at(guess) === offset) return guess
    let [low, high] = [0, this.#offsets.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#offsets.at(middle) < offset) low = middle + 1
      else high = middle
    }
    return this.#offsets.at(low) === offset ? low : undefined
  }
}

function known(indexes: NumberList, number: number | undefined): number | undefined {
  const index = number === undefined ? NONE : indexes.at(number)
  return index === NONE ? undefined : index
}
