import { randomInt } from 'node:crypto'
import type { Random } from '../base/random.ts'

/** Chance from the operating system: ids must differ between machines that started in the same millisecond. Each fork is a stream of its own by nature. */
export class CryptoRandom implements Random {
  integer(exclusiveMax: number): number {
    return exclusiveMax <= 1 ? 0 : randomInt(exclusiveMax)
  }

  fork(_label: string): Random {
    return this
  }
}
