import type { Random } from '../../src/base/random.ts'
import type { Key, Value } from '../operations/operation.ts'

export interface KeyPoolOptions {
  /** Keys that are written to at a time. */
  readonly activeKeys: number
  /** A key retires after so many writes at most, most of them much earlier. */
  readonly maxWritesPerKey: number
}

interface ActiveKey {
  readonly key: Key
  writes: number
  readonly lastWrite: number
}

const UNIT = 2 ** 30

/** Which keys are in use: each is twice as likely as the one before it, so that one is hot and some are cold. One that retires makes place for a new one. */
export class KeyPool {
  readonly #random: Random
  readonly #maxWrites: number
  readonly #active: ActiveKey[]
  #next = 0

  constructor(random: Random, { activeKeys, maxWritesPerKey }: KeyPoolOptions) {
    this.#random = random
    this.#maxWrites = maxWritesPerKey
    this.#active = Array.from({ length: activeKeys }, () => this.#newKey())
  }

  /** Keys so far: all below it were handed out. */
  get count(): number {
    return this.#next
  }

  pick(): Key {
    return this.#pickActive().key
  }

  /** A key, and a value that was never sent to it. */
  nextWrite(): { readonly key: Key; readonly value: Value } {
    const chosen = this.#pickActive()
    chosen.writes++
    if (chosen.writes === chosen.lastWrite) this.#active[this.#active.indexOf(chosen)] = this.#newKey()
    return { key: chosen.key, value: chosen.writes }
  }

  #pickActive(): ActiveKey {
    const total = 2 ** this.#active.length - 1
    // 2^0 of the total fall to the first, 2^1 to the next …
    return this.#active[Math.floor(Math.log2(this.#random.integer(total) + 1))] as ActiveKey
  }

  /** How many writes it lives for is drawn as Zipf has it: once in n times as likely as 1. */
  #newKey(): ActiveKey {
    const lastWrite = Math.max(1, Math.floor(this.#maxWrites ** (this.#random.integer(UNIT) / (UNIT - 1))))
    return { key: this.#next++, writes: 0, lastWrite }
  }
}
