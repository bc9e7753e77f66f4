import { actionOf, possibleActions } from './actions.ts'
import { type BoundName, boundNames } from './bounds.ts'
import { checkHealthy, healingAction } from './healing.ts'
import { Moves } from './moves.ts'
import { Registers } from './registers.ts'
import type { Model, Scope, State, Visit } from '../model.ts'
import { tellAction, tellWorld } from './telling.ts'
import { copyWorld, unpack, type World } from './world.ts'

/** The machines of one partition, the controller, a disk each and a network: rules 5 and 6, in the code that runs. */
export class PartitionModel implements Model {
  readonly registers: Registers
  readonly #moves: Moves

  constructor(scope: Scope<BoundName>) {
    this.registers = new Registers(scope)
    this.#moves = new Moves(this.registers)
  }

  /** All in sync; each follower's fetch waits for a record. */
  initial(): State {
    const { nodeIds, replicas, controls, bounds } = this.registers
    const control = controls.begin(nodeIds)
    const { image } = controls.get(control)
    const numbers = nodeIds.map((nodeId) => {
      const empty = { nodeId, core: undefined, memory: [], durable: [], round: undefined, incarnation: 0, directory: 0, brokerEpoch: -1 } as const
      const number = replicas.number({ ...empty, suspect: false, damaged: false, harmed: false, proposal: -1, mark: 0 })
      return replicas.start(number, { mark: 0, damaged: false })
    })
    const left = boundNames.map((name) => bounds[name])
    const images = [controls.imageNumber(image)]
    return this.#settle({ replicas: numbers, pending: nodeIds.map(() => 1), control, history: 0, left, images, messages: [] })
  }

  expand(state: State, visit: Visit): void {
    const world = this.#unpack(state)
    for (const action of possibleActions(world, this.registers)) {
      if (this.#moves.isWorthwhile(world, action)) visit(action, () => this.#moves.perform(copyWorld(world), action))
    }
  }

  heal(state: State): { readonly action: number; readonly next: State } | undefined {
    const world = this.#unpack(state)
    const action = healingAction(world, this.registers, (one) => this.#moves.isWorthwhile(world, one))
    if (action !== undefined) return { action, next: this.#moves.perform(world, action) }
    checkHealthy(world, this.registers)
    return undefined
  }

  perform(state: State, action: number): State {
    return this.#moves.perform(this.#unpack(state), action)
  }

  tell(state: State, action: number): string {
    return tellAction(this.#unpack(state), action, this.registers)
  }

  stand(state: State): string[] {
    return tellWorld(this.#unpack(state), this.registers)
  }

  #unpack(state: State): World {
    return unpack(state, this.registers.nodeIds.length)
  }

  /** What the beginning leaves on its way arrives. */
  #settle(begun: World): State {
    let state: State = []
    for (let world = begun; ; world = this.#unpack(state)) {
      const behind = world.pending.findLastIndex((count) => count > 0)
      if (behind < 0 && world.messages.length === 0) return state
      state = this.#moves.perform(world, behind >= 0 ? actionOf('apply', behind, 1) : actionOf('deliver', 0, 0))
    }
  }
}
