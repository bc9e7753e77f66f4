const FIRST_CAPACITY = 8

/** A list of numbers that only grows, at eight bytes each, or at four as an Int32Array: as objects they would take ten times that. */
export class NumberList {
  #items: Float64Array | Int32Array
  #length = 0

  constructor(Kind: Float64ArrayConstructor | Int32ArrayConstructor = Float64Array) {
    this.#items = new Kind(FIRST_CAPACITY)
  }

  get length(): number {
    return this.#length
  }

  push(value: number): void {
    if (this.#length === this.#items.length) {
      const larger = this.#items instanceof Int32Array ? new Int32Array(this.#length * 2) : new Float64Array(this.#length * 2)
      larger.set(this.#items)
      this.#items = larger
    }
    this.#items[this.#length++] = value
  }

  at(index: number): number {
    return this.#items[index] as number
  }

  set(index: number, value: number): void {
    this.#items[index] = value
  }
}
