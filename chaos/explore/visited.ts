import { assert } from '../../src/base/assert.ts'

/** A pair of 32-bit hashes of a state: 64 bits, so that among 100 million states two are mistaken for each other with a chance of 1 in 3,700. */
export interface StateHash {
  low: number
  high: number
}

/** Hashes a state in place, without an allocation. */
export function hashState(state: readonly number[], into: StateHash): void {
  let low = 0x9e3779b9 ^ state.length
  let high = 0x85ebca6b
  for (let at = 0; at < state.length; at++) {
    const word = state[at] as number
    low = Math.imul(low ^ word, 0xcc9e2d51)
    low ^= low >>> 15
    high = Math.imul((high << 13) | (high >>> 19), 0x1b873593) ^ Math.imul(word, 0xe6546b64)
    high = Math.imul(high ^ (high >>> 16), 0x7feb352d)
  }
  low = Math.imul(low ^ (low >>> 13), 0xc2b2ae35)
  into.low = (low ^ (low >>> 16)) >>> 0
  into.high = (high ^ (high >>> 15)) >>> 0
}

const CHUNK_BITS = 18
const CHUNK = 1 << CHUNK_BITS

/** Words by number, from 0 on without a gap; grows by a chunk at a time, so that no more is held than is used. */
class WordList {
  readonly #chunks: Uint32Array<ArrayBuffer>[] = []

  get bytes(): number {
    return 4 * CHUNK * this.#chunks.length
  }

  get(at: number): number {
    return (this.#chunks[at >>> CHUNK_BITS] as Uint32Array)[at & (CHUNK - 1)] as number
  }

  set(at: number, word: number): void {
    while (at >>> CHUNK_BITS >= this.#chunks.length) this.#chunks.push(new Uint32Array(CHUNK))
    ;(this.#chunks[at >>> CHUNK_BITS] as Uint32Array)[at & (CHUNK - 1)] = word
  }
}

const FIRST_CAPACITY = 1 << 17
/** Of the table, before it grows. */
const MAX_LOAD = 0.7

/** The hashes that were met, in the order they were met: 14 to 20 bytes each. */
export class HashList {
  readonly #low = new WordList()
  readonly #high = new WordList()
  /** Number of the hash plus one; 0: free. */
  #table = new Uint32Array(FIRST_CAPACITY)
  #size = 0

  get size(): number {
    return this.#size
  }

  get bytes(): number {
    return this.#low.bytes + this.#high.bytes + 4 * this.#table.length
  }

  /** The number of a hash that was met; −1: it was not. */
  numberOf(hash: StateHash): number {
    return (this.#table[this.#find(hash.low, hash.high)] as number) - 1
  }

  has(hash: StateHash): boolean {
    return this.numberOf(hash) >= 0
  }

  /** The number of a new hash; −1: it is known. */
  add(hash: StateHash): number {
    const place = this.#find(hash.low, hash.high)
    if ((this.#table[place] as number) > 0) return -1
    this.#low.set(this.#size, hash.low)
    this.#high.set(this.#size, hash.high)
    this.#size += 1
    this.#table[place] = this.#size
    if (this.#size > this.#table.length * MAX_LOAD) this.#rebuild()
    return this.#size - 1
  }

  #find(low: number, high: number): number {
    const mask = this.#table.length - 1
    for (let place = low & mask; ; place = (place + 1) & mask) {
      const number = this.#table[place] as number
      if (number === 0 || (this.#low.get(number - 1) === low && this.#high.get(number - 1) === high)) return place
    }
  }

  #rebuild(): void {
    this.#table = new Uint32Array(this.#table.length * 2)
    for (let number = 0; number < this.#size; number++) this.#table[this.#find(this.#low.get(number), this.#high.get(number))] = number + 1
  }
}

/** From where each state was first reached, and by which action: the shortest way back to the beginning, 8 bytes a state. */
export class Ways {
  readonly #parents = new WordList()
  readonly #actions = new WordList()

  get bytes(): number {
    return this.#parents.bytes + this.#actions.bytes
  }

  note(state: number, parent: number, action: number): void {
    this.#parents.set(state, parent)
    this.#actions.set(state, action)
  }

  /** The actions that lead from state 0 to `state`. */
  actionsTo(state: number): number[] {
    const actions: number[] = []
    for (let at = state; at !== 0; at = this.#parents.get(at)) actions.push(this.#actions.get(at))
    return actions.reverse()
  }
}

const QUEUE_CHUNK_BYTES = 1 << 20
/** Of a word that is written seven bits a byte. */
const MOST_BYTES_OF_A_WORD = 5

/** States that wait for their turn, first in, first out: small words are short. */
export class StateQueue {
  readonly #chunks: Uint8Array<ArrayBuffer>[] = []
  #read = 0
  #written = QUEUE_CHUNK_BYTES
  #size = 0
  /** Where each chunk ends, all but the last. */
  readonly #ends: number[] = []

  get size(): number {
    return this.#size
  }

  get bytes(): number {
    return QUEUE_CHUNK_BYTES * this.#chunks.length
  }

  push(state: readonly number[]): void {
    if (this.#written + (state.length + 1) * MOST_BYTES_OF_A_WORD > QUEUE_CHUNK_BYTES) {
      if (this.#chunks.length > 0) this.#ends.push(this.#written)
      this.#chunks.push(new Uint8Array(QUEUE_CHUNK_BYTES))
      this.#written = 0
    }
    this.#write(state.length)
    for (let at = 0; at < state.length; at++) this.#write(state[at] as number)
    this.#size += 1
  }

  shift(): number[] | undefined {
    if (this.#size === 0) return undefined
    if (this.#read === this.#ends[0]) {
      this.#chunks.shift()
      this.#ends.shift()
      this.#read = 0
    }
    const state: number[] = []
    for (let left = this.#readWord(); left > 0; left--) state.push(this.#readWord())
    this.#size -= 1
    return state
  }

  #write(word: number): void {
    assert(word >= 0, 'a state is made of numbers from 0 on')
    const chunk = this.#chunks.at(-1) as Uint8Array
    let left = word
    for (; left > 0x7f; left >>>= 7) chunk[this.#written++] = (left & 0x7f) | 0x80
    chunk[this.#written++] = left
  }

  #readWord(): number {
    const chunk = this.#chunks[0] as Uint8Array
    let word = 0
    for (let shift = 0; ; shift += 7) {
      const byte = chunk[this.#read++] as number
      word |= (byte & 0x7f) << shift
      if (byte < 0x80) return word
    }
  }
}
