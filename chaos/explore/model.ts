import type { StateHash } from './visited.ts'

/** A state: words, none of them negative, that mean something to the model alone. */
export type State = readonly number[]

/** `make` is the next state; it may throw what is wrong with it. */
export type Visit = (action: number, make: () => State) => void

/** What is explored. Same model, same state, same actions, in the same order. */
export interface Model {
  initial(): State
  /** States with the same hash are the same: whatever comes of one comes of the other. */
  hash(state: State, into: StateHash): void
  /** Calls `visit` for each action that is possible within the bounds, with where it leads. */
  expand(state: State, visit: Visit): void
  /** One step of a way back to health without a fault; undefined: there it is. */
  heal(state: State): { readonly action: number; readonly next: State } | undefined
  /** Where one action leads; throws what is wrong with it. */
  perform(state: State, action: number): State
  /** What the action does, in words. */
  tell(state: State, action: number): string
  /** Where everybody stands, a line each. */
  stand(state: State): string[]
}

/** What a model is made for. */
export interface Scope<Name extends string> {
  readonly nodes: number
  readonly bounds: Readonly<Record<Name, number>>
  /** What one node sends to another arrives in the order it was sent. */
  readonly ordered: boolean
  /** What makes no difference is not told apart. */
  readonly reduced: boolean
}

/** How often what could go on for ever may happen at most. */
export interface BoundTable<Name extends string> {
  readonly names: readonly Name[]
  /** The smallest that is worth a search. */
  readonly smallest: Readonly<Record<Name, number>>
  readonly help: Readonly<Record<Name, string>>
  /** Why bounds make no sense together. */
  objection(bounds: Readonly<Record<Name, number>>, nodes: number): string | undefined
}
