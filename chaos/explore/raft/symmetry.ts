import type { State } from '../model.ts'
import type { StateHash } from '../visited.ts'
import { Renaming } from './renaming.ts'
import type { RaftRegisters } from './registers.ts'

const HISTORY = 1
const LEFT = 2
const MESSAGES = 3

/**
 * Voters differ in their names alone, and all that is checked is the same under any names. So of the states that are one another's images under names that
 * leave the beginning as it is (the leader keeps its own), one is explored: whatever comes of another comes of it, under other names. It rests on this, that
 * steps lead to the same under other names, which is checked of every step that is tried (`Renaming.check`).
 *
 * The hash is a sum over all namings of a hash of the state under that naming: it is the same for all images, and which of them is met first is kept.
 */
export class Symmetry {
  readonly #registers: RaftRegisters
  readonly #renamings: readonly Renaming[]

  constructor(registers: RaftRegisters, initial: State) {
    this.#registers = registers
    const places = registers.nodeIds.map((_, place) => place)
    const others = permutations(places).filter((order) => order.some((place, at) => place !== at))
    const renamings = others.map((order) => new Renaming(registers, order))
    const [one, other] = [newSum(), newSum()]
    this.#add(initial, undefined, one)
    this.#renamings = renamings.filter((renaming) => {
      this.#add(initial, renaming, Object.assign(other, newSum()))
      return one.low === other.low && one.high === other.high
    })
    registers.voters.listen((...step) => {
      for (const renaming of this.#renamings) renaming.check(...step)
    })
  }

  /** How many namings there are, the one in use included. */
  get size(): number {
    return this.#renamings.length + 1
  }

  hash(state: State, into: StateHash): void {
    into.low = 0
    into.high = 0
    this.#add(state, undefined, into)
    for (const renaming of this.#renamings) this.#add(state, renaming, into)
    into.low >>>= 0
    into.high >>>= 0
  }

  /** What a state is made of adds up, whatever the order, so that nothing has to be sorted anew under other names. */
  #add(state: State, renaming: Renaming | undefined, into: StateHash): void {
    const { nodeIds, voters, ordered } = this.#registers
    const nodes = nodeIds.length
    sum.low = 0
    sum.high = 0
    for (let at = 0; at < nodes; at++) addWord(0, renaming?.node(state[at] as number) ?? (state[at] as number))
    addWord(HISTORY, renaming?.history(state[nodes] as number) ?? (state[nodes] as number))
    addWord(LEFT, state[nodes + 1] as number)
    let place = MESSAGES
    for (let at = nodes + 2; at < state.length; at++) {
      const message = state[at] as number
      place = ordered && at > nodes + 2 && voters.wayOf(message) === voters.wayOf(state[at - 1] as number) ? place + 1 : MESSAGES
      addWord(place, renaming?.message(message) ?? message)
    }
    const low = Math.imul(sum.low ^ (sum.low >>> 15), 0x2c1b3c6d)
    const high = Math.imul(sum.high ^ (sum.high >>> 14) ^ low, 0x297a2d39)
    into.low = (into.low + (low ^ (low >>> 13))) | 0
    into.high = (into.high + (high ^ (high >>> 15))) | 0
  }
}

function newSum(): StateHash {
  return { low: 0, high: 0 }
}

const sum = newSum()

function addWord(place: number, word: number): void {
  let low = Math.imul(word + 1, 0x9e3779b1) ^ Math.imul(place + 1, 0x85ebca6b)
  low = Math.imul(low ^ (low >>> 16), 0x21f0aaad)
  low = Math.imul(low ^ (low >>> 15), 0x735a2d97)
  let high = Math.imul(word + 0x3c6ef372, 0xcc9e2d51) ^ Math.imul(place + 1, 0x1b873593)
  high = Math.imul(high ^ (high >>> 15), 0x7feb352d)
  high = Math.imul(high ^ (high >>> 13), 0x846ca68b)
  sum.low = (sum.low + (low ^ (low >>> 15))) | 0
  sum.high = (sum.high + (high ^ (high >>> 16))) | 0
}

function permutations(places: readonly number[]): number[][] {
  if (places.length <= 1) return [[...places]]
  return places.flatMap((first) => permutations(places.filter((place) => place !== first)).map((rest) => [first, ...rest]))
}
