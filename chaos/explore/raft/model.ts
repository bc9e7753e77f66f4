import type { Model, Scope, State, Visit } from '../model.ts'
import { actionOf, possibleActions } from './actions.ts'
import { type RaftBoundName, raftBoundNames } from './bounds.ts'
import { checkHealthy, healingAction } from './healing.ts'
import { RaftMoves } from './moves.ts'
import { RaftRegisters } from './registers.ts'
import { tellAction, tellWorld } from './telling.ts'
import { copyWorld, type RaftWorld, unpack } from './world.ts'

/** The voters of the metadata log, a disk each and a network: rules 4, in the code that runs. No snapshots, and the voters stay who they are. */
export class RaftModel implements Model {
  readonly registers: RaftRegisters
  readonly #moves: RaftMoves

  constructor(scope: Scope<RaftBoundName>) {
    this.registers = new RaftRegisters(scope)
    this.#moves = new RaftMoves(this.registers)
  }

  /** All have the first entry, in the first term, whose leader knows that it is committed. */
  initial(): State {
    const { nodeIds, voters, bounds } = this.registers
    const vote = { term: 0, votedFor: null }
    const empty = { core: undefined, memory: [], durable: [], round: undefined, asked: undefined, vote, savingVote: undefined } as const
    const left = raftBoundNames.map((name) => bounds[name])
    let state = this.#moves.pack({ nodes: nodeIds.map((nodeId) => voters.number({ nodeId, ...empty })), history: 0, left, messages: [] })
    nodeIds.forEach((_, at) => {
      state = this.perform(state, actionOf('start', at))
    })
    for (let next = this.heal(state); next !== undefined; next = this.heal(state)) state = next.next
    return this.#moves.pack({ ...this.#unpack(state), left })
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

  #unpack(state: State): RaftWorld {
    return unpack(state, this.registers.nodeIds.length)
  }
}
