import { randomBytes } from 'node:crypto'
import type { Random } from '../base/random.ts'

const WORD_BYTES = 4
const BLOCK_BYTES = 4096
const TWO_32 = 0x1_0000_0000

/** Unpredictable integers: topic ids are drawn from it, and two clients must never draw the same. */
export class CryptoRandom implements Random {
  #block = Buffer.alloc(0)
  #at = 0

  integer(exclusiveMax: number): number {
    if (this.#at + WORD_BYTES > this.#block.length) {
      this.#block = randomBytes(BLOCK_BYTES)
      this.#at = 0
    }
    const word = this.#block.readUInt32BE(this.#at)
    this.#at += WORD_BYTES
    return Math.floor((word / TWO_32) * exclusiveMax)
  }

  /** Streams of true randomness are independent without a label. */
  fork(): Random {
    return new CryptoRandom()
  }
}
