import { assert } from '../../src/base/assert.ts'

export interface ActionParts<Kind extends string> {
  readonly kind: Kind
  /** The place of a node. */
  readonly at: number
  /** A message, a length, another place, as the kind says. */
  readonly which: number
}

const KIND_FACTOR = 32
const PLACE_FACTOR = 8

/** Actions as numbers. */
export class ActionCodes<Kind extends string> {
  readonly #kinds: readonly Kind[]
  readonly #numbers: Readonly<Record<string, number>>

  constructor(kinds: readonly Kind[]) {
    assert(kinds.length <= KIND_FACTOR, 'each kind has its number')
    this.#kinds = kinds
    this.#numbers = Object.fromEntries(kinds.map((kind, at) => [kind, at]))
  }

  code(kind: Kind, at = 0, which = 0): number {
    return (this.#numbers[kind] as number) + KIND_FACTOR * (at + PLACE_FACTOR * which)
  }

  parts(action: number): ActionParts<Kind> {
    const rest = Math.floor(action / KIND_FACTOR)
    return { kind: this.#kinds[action % KIND_FACTOR] as Kind, at: rest % PLACE_FACTOR, which: Math.floor(rest / PLACE_FACTOR) }
  }
}
