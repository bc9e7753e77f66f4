/** The seam to randomness. Production: seeded by crypto. Simulation: one seed, one stream a purpose. */
export interface Random {
  /** A uniformly drawn integer in [0, exclusiveMax); exclusiveMax in [1, 2^32]. */
  integer(exclusiveMax: number): number
  /** An independent stream: drawing from it does not shift this one. Equal labels give equal streams. */
  fork(label: string): Random
}

/** An integer in [min, max], both inclusive. */
export function between(random: Random, min: number, max: number): number {
  return min + random.integer(max - min + 1)
}

const MULTIPLIER_A = 0x85ebca6b
const MULTIPLIER_B = 0xc2b2ae35

function hashLabel(seed: number, label: string): number {
  let hash = seed ^ 0x9e3779b9
  for (let at = 0; at < label.length; at++) {
    hash = Math.imul(hash ^ label.charCodeAt(at), MULTIPLIER_A)
    hash = (hash << 13) | (hash >>> 19)
  }
  hash ^= hash >>> 16
  hash = Math.imul(hash, MULTIPLIER_B)
  return (hash ^ (hash >>> 15)) >>> 0
}

/** A seeded generator on integers only, so that a seed means the same on every machine. Source: sfc32, PractRand. */
export class SeededRandom implements Random {
  readonly #seed: number
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** `seed`: any integer; its low 32 bits and the next 21 count. */
  constructor(seed: number) {
    this.#seed = (seed ^ Math.floor(seed / 0x1_0000_0000)) >>> 0
    this.#a = hashLabel(this.#seed, 'a')
    this.#b = hashLabel(this.#seed, 'b')
    this.#c = hashLabel(this.#seed, 'c')
    for (let round = 0; round < 12; round++) this.#next()
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    this.#c |= 0
    return sum >>> 0
  }

  integer(exclusiveMax: number): number {
    return Math.floor((this.#next() / 0x1_0000_0000) * exclusiveMax)
  }

  fork(label: string): Random {
    return new SeededRandom(hashLabel(this.#seed, label))
  }
}
