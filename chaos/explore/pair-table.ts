const FIRST_CAPACITY = 1 << 12
/** Of the table, before it grows. */
const MAX_LOAD = 0.6

/** Whole numbers from 0 on by pairs of such: what is looked up at every step, without a key to be made for it. */
export class PairTable {
  #ones = new Int32Array(FIRST_CAPACITY)
  #others = new Int32Array(FIRST_CAPACITY)
  /** Plus one; 0: free. */
  #values = new Int32Array(FIRST_CAPACITY)
  #size = 0

  /** −1: nothing is known of this pair. */
  get(one: number, other: number): number {
    return (this.#values[this.#find(one, other)] as number) - 1
  }

  set(one: number, other: number, value: number): void {
    const place = this.#find(one, other)
    if (this.#values[place] === 0) this.#size += 1
    this.#ones[place] = one
    this.#others[place] = other
    this.#values[place] = value + 1
    if (this.#size > this.#values.length * MAX_LOAD) this.#grow()
  }

  #find(one: number, other: number): number {
    const mask = this.#values.length - 1
    let hash = Math.imul(one, 0x9e3779b1) ^ Math.imul(other, 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    for (let place = (hash ^ (hash >>> 13)) & mask; ; place = (place + 1) & mask) {
      if (this.#values[place] === 0 || (this.#ones[place] === one && this.#others[place] === other)) return place
    }
  }

  #grow(): void {
    const [ones, others, values] = [this.#ones, this.#others, this.#values]
    this.#ones = new Int32Array(ones.length * 2)
    this.#others = new Int32Array(ones.length * 2)
    this.#values = new Int32Array(ones.length * 2)
    for (let at = 0; at < values.length; at++) {
      if (values[at] === 0) continue
      const place = this.#find(ones[at] as number, others[at] as number)
      this.#ones[place] = ones[at] as number
      this.#others[place] = others[at] as number
      this.#values[place] = values[at] as number
    }
  }
}
