import type { Model, State, Visit } from './model.ts'
import { hashState, type StateHash } from './visited.ts'

/** What a model is made of. A world is a state unpacked: to be read by many, and to be changed by one action. */
export interface WorldParts<World> {
  readonly begin: (model: Pick<Model, 'heal' | 'perform'>) => State
  /** Without it two states are the same when their words are. */
  readonly hasherFor?: (initial: State) => (state: State, into: StateHash) => void
  readonly unpack: (state: State) => World
  readonly copy: (world: World) => World
  /** What may happen next within the bounds; some of it may turn out to change nothing. */
  readonly possibleActions: (world: World) => readonly number[]
  readonly isWorthwhile: (world: World, action: number) => boolean
  /** Changes the world; the state that it is then. Throws what is wrong with it. */
  readonly perform: (world: World, action: number) => State
  /** Undefined: nothing is left to happen. */
  readonly healingAction: (world: World) => number | undefined
  /** Throws what is missing when nothing is left to happen. */
  readonly checkHealthy: (world: World) => void
  readonly tell: (world: World, action: number) => string
  readonly stand: (world: World) => string[]
}

/** Steps of worlds, for a search that knows only states. */
export class WorldModel<World> implements Model {
  readonly #parts: WorldParts<World>
  readonly #initial: State
  readonly #hash: (state: State, into: StateHash) => void

  constructor(parts: WorldParts<World>) {
    this.#parts = parts
    this.#initial = parts.begin(this)
    this.#hash = parts.hasherFor?.(this.#initial) ?? hashState
  }

  initial(): State {
    return this.#initial
  }

  hash(state: State, into: StateHash): void {
    this.#hash(state, into)
  }

  expand(state: State, visit: Visit): void {
    const { copy, isWorthwhile, perform, possibleActions, unpack } = this.#parts
    const world = unpack(state)
    for (const action of possibleActions(world)) if (isWorthwhile(world, action)) visit(action, () => perform(copy(world), action))
  }

  heal(state: State): { readonly action: number; readonly next: State } | undefined {
    const { checkHealthy, healingAction, perform, unpack } = this.#parts
    const world = unpack(state)
    const action = healingAction(world)
    if (action !== undefined) return { action, next: perform(world, action) }
    checkHealthy(world)
    return undefined
  }

  perform(state: State, action: number): State {
    return this.#parts.perform(this.#parts.unpack(state), action)
  }

  tell(state: State, action: number): string {
    return this.#parts.tell(this.#parts.unpack(state), action)
  }

  stand(state: State): string[] {
    return this.#parts.stand(this.#parts.unpack(state))
  }
}
