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

const FIRST_CAPACITY = 1 << 16
/** Of the table, before it grows. */
const MAX_LOAD = 0.6

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2)
  larger.set(array)
  return larger
}

/** The hashes that were met, in the order they were met: about 20 bytes each. */
export class HashList {
  #low = new Uint32Array(FIRST_CAPACITY)
  #high = new Uint32Array(FIRST_CAPACITY)
  /** Number of the hash plus one; 0: free. */
  #table = new Uint32Array(FIRST_CAPACITY * 2)
  #size = 0

  get size(): number {
    return this.#size
  }

  get bytes(): number {
    return 4 * (this.#low.length + this.#high.length + this.#table.length)
  }

  has(hash: StateHash): boolean {
    return (this.#table[this.#find(hash.low, hash.high)] as number) > 0
  }

  /** The number of a new hash; −1: it is known. */
  add(hash: StateHash): number {
    const place = this.#find(hash.low, hash.high)
    if ((this.#table[place] as number) > 0) return -1
    if (this.#size === this.#low.length) {
      this.#low = grown(this.#low)
      this.#high = grown(this.#high)
    }
    this.#low[this.#size] = hash.low
    this.#high[this.#size] = hash.high
    this.#size += 1
    this.#table[place] = this.#size
    if (this.#size > this.#table.length * MAX_LOAD) this.#rebuild()
    return this.#size - 1
  }

  #find(low: number, high: number): number {
    const mask = this.#table.length - 1
    for (let place = low & mask; ; place = (place + 1) & mask) {
      const number = this.#table[place] as number
      if (number === 0 || (this.#low[number - 1] === low && this.#high[number - 1] === high)) return place
    }
  }

  #rebuild(): void {
    this.#table = new Uint32Array(this.#table.length * 2)
    for (let number = 0; number < this.#size; number++) {
      this.#table[this.#find(this.#low[number] as number, this.#high[number] as number)] = number + 1
    }
  }
}

/** From where each state was first reached, and by which action: the shortest way back to the beginning, 8 bytes a state. */
export class Ways {
  #parents = new Uint32Array(FIRST_CAPACITY)
  #actions = new Uint32Array(FIRST_CAPACITY)

  get bytes(): number {
    return 4 * (this.#parents.length + this.#actions.length)
  }

  note(state: number, parent: number, action: number): void {
    while (state >= this.#parents.length) {
      this.#parents = grown(this.#parents)
      this.#actions = grown(this.#actions)
    }
    this.#parents[state] = parent
    this.#actions[state] = action
  }

  /** The actions that lead from state 0 to `state`. */
  actionsTo(state: number): number[] {
    const actions: number[] = []
    for (let at = state; at !== 0; at = this.#parents[at] as number) actions.push(this.#actions[at] as number)
    return actions.reverse()
  }
}

const CHUNK_WORDS = 1 << 18

/** States that wait for their turn, first in, first out, as bare words. */
export class StateQueue {
  readonly #chunks: Int32Array<ArrayBuffer>[] = []
  #read = 0
  #written = CHUNK_WORDS
  #size = 0

  get size(): number {
    return this.#size
  }

  get bytes(): number {
    return 4 * CHUNK_WORDS * this.#chunks.length
  }

  push(state: readonly number[]): void {
    if (this.#written + state.length + 1 > CHUNK_WORDS) {
      const full = this.#chunks.at(-1)
      if (full !== undefined && this.#written < CHUNK_WORDS) full[this.#written] = -1
      this.#chunks.push(new Int32Array(CHUNK_WORDS))
      this.#written = 0
    }
    const chunk = this.#chunks.at(-1) as Int32Array
    chunk[this.#written] = state.length
    chunk.set(state, this.#written + 1)
    this.#written += state.length + 1
    this.#size += 1
  }

  shift(): number[] | undefined {
    if (this.#size === 0) return undefined
    let chunk = this.#chunks[0] as Int32Array
    if (this.#read === CHUNK_WORDS || chunk[this.#read] === -1) {
      this.#chunks.shift()
      this.#read = 0
      chunk = this.#chunks[0] as Int32Array
    }
    const from = this.#read + 1
    const end = from + (chunk[this.#read] as number)
    this.#read = end
    this.#size -= 1
    return Array.from(chunk.subarray(from, end))
  }
}
