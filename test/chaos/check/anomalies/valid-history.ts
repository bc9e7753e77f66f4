import type { Key, MicroOperation, Operation, Value } from '../../../../chaos/operations/operation.ts'
import { between, type Random, SeededRandom } from '../../../../src/base/random.ts'
import { Script } from './script.ts'

const KEYS: readonly Key[] = [0, 1, 2]
const NODES: readonly number[] = [1, 2, 3]

/** It goes to the beginning of every key when all is over. */
export const LAST_READER = 102

interface Running {
  readonly keys: readonly Key[]
  readonly values: readonly Value[]
  readonly end: ReturnType<Script['begin']>
  offsets?: readonly number[]
}

/**
 * What a log that keeps its promises could show: producers that overlap, with transactions, failures and unknowns; gaps between offsets;
 * consumers that poll on the way and everything in the end, one of them from the beginning once more until nothing comes; and what each node holds.
 */
export class ValidHistory {
  readonly #random: Random
  readonly #script = new Script()
  readonly #logs = new Map<Key, [number, Value][]>(KEYS.map((key) => [key, []]))
  readonly #running = new Map<number, Running>()
  readonly #positions = new Map<string, number>()
  #nextValue = 1
  #nextProcess = 10
  #producers = [0, 1, 2]

  constructor(seed: number, steps = 120) {
    this.#random = new SeededRandom(seed)
    for (let step = 0; step < steps; step++) this.#step()
    while (this.#running.size > 0) this.#step()
    for (const process of [100, 101]) this.#poll(process, Infinity)
    this.#script.assign(LAST_READER, KEYS, { seekToBeginning: true })
    for (const _ of ['all', 'nothing more']) this.#poll(LAST_READER, Infinity)
    for (const node of NODES) this.#poll(200 + node, Infinity, node)
  }

  get operations(): Operation[] {
    // No two polls share a list: each can be damaged alone.
    return JSON.parse(JSON.stringify(this.#script.operations)) as Operation[]
  }

  #step(): void {
    const one = this.#random.integer(this.#producers.length + 2)
    const process = this.#producers[one]
    if (process === undefined) {
      this.#poll(100 + one - this.#producers.length, between(this.#random, 0, 4))
      return
    }
    const running = this.#running.get(process)
    if (running === undefined) this.#running.set(process, this.#begin(process))
    else if (running.offsets === undefined) this.#append(process, running)
    else this.#end(process, running)
  }

  #begin(process: number): Running {
    const keys = Array.from({ length: this.#random.integer(4) === 0 ? 2 : 1 }, () => this.#random.integer(KEYS.length))
    const values = keys.map(() => this.#nextValue++)
    const value = keys.map((key, at): MicroOperation => ['send', key, values[at]!])
    return { keys, values, end: this.#script.begin(process, keys.length > 1 ? 'txn' : 'send', value) }
  }

  #append(process: number, running: Running): void {
    if (this.#random.integer(8) === 0) {
      this.#running.delete(process)
      running.end('fail')
      return
    }
    running.offsets = running.keys.map((key, at) => {
      const log = this.#logs.get(key)!
      const offset = (log.at(-1)?.[0] ?? -1) + between(this.#random, 1, 2)
      log.push([offset, running.values[at]!])
      return offset
    })
  }

  #end(process: number, { keys, values, offsets, end }: Running): void {
    this.#running.delete(process)
    if (this.#random.integer(8) > 0) {
      const value = keys.map((key, at): MicroOperation => ['send', key, [offsets![at]!, values[at]!]])
      end('ok', value)
      return
    }
    end('info')
    this.#producers = this.#producers.map((one) => (one === process ? this.#nextProcess++ : one))
  }

  #poll(process: number, atMost: number, node?: number): void {
    const end = this.#script.begin(process, 'poll', [['poll']])
    const polled = KEYS.map((key) => {
      const position = this.#positions.get(`${process} ${key}`) ?? 0
      const pairs = this.#logs.get(key)!.slice(position, position + atMost)
      this.#positions.set(`${process} ${key}`, position + pairs.length)
      return [key, pairs] as const
    })
    end('ok', [['poll', Object.fromEntries(polled)]], node === undefined ? {} : { node })
  }
}
