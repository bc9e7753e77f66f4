import type { Random } from '../../src/base/random.ts'
import type { Key, Value } from '../operations/operation.ts'
import type { KeyPool } from './key-pool.ts'
import type { Seen } from './seen.ts'

/** What a client is asked to do. */
export type ClientRequest =
  | { readonly f: 'send'; readonly key: Key; readonly value: Value }
  | { readonly f: 'poll' }
  | { readonly f: 'assign'; readonly keys: readonly Key[]; readonly seekToBeginning: boolean }
  | { readonly f: 'crash' }
  | { readonly f: 'debug-topic-partitions'; readonly keys: readonly Key[] }

/** One in so many operations assigns instead. */
const ASSIGN_ONE_IN = 64
/** An assignment is of the keys that so many operations would have touched. */
const ASSIGNED_KEYS = 4
/** One in so many assignments adds all that was acknowledged and not polled yet. */
const CHASE_ONE_IN = 3

export interface RequestsOptions {
  readonly pool: KeyPool
  readonly seen: Seen
  /** One in so many operations is the crash of a client. */
  readonly crashOneIn: number
}

/** Draws the operations of all clients. Source: jepsen.tests.kafka, its generator without transactions. */
export class Requests {
  readonly #random: Random
  readonly #options: RequestsOptions

  constructor(random: Random, options: RequestsOptions) {
    this.#random = random
    this.#options = options
  }

  /** `assigned`: by the client that is to do it; who has nothing assigned cannot poll. */
  next(assigned: number): ClientRequest {
    const { pool, crashOneIn } = this.#options
    if (this.#random.integer(crashOneIn) === 0) return { f: 'crash' }
    if (this.#random.integer(ASSIGN_ONE_IN) === 0) return this.#assign()
    if (this.#random.integer(2) === 0) return { f: 'send', ...pool.nextWrite() }
    return assigned === 0 ? this.#assign() : { f: 'poll' }
  }

  #assign(): ClientRequest {
    const { pool, seen } = this.#options
    const keys = new Set(Array.from({ length: 1 + this.#random.integer(ASSIGNED_KEYS) }, () => pool.pick()))
    if (this.#random.integer(CHASE_ONE_IN) === 0) for (const key of seen.unpolled()) keys.add(key)
    return { f: 'assign', keys: [...keys].sort((left, right) => left - right), seekToBeginning: false }
  }
}
