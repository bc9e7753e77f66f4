import type { Model, Scope, State } from '../model.ts'
import { WorldModel } from '../world-model.ts'
import { possibleActions, raftActions } from './actions.ts'
import type { RaftBoundName } from './bounds.ts'
import { checkHealthy, healingAction } from './healing.ts'
import { RaftMoves } from './moves.ts'
import { RaftRegisters } from './registers.ts'
import { Symmetry } from './symmetry.ts'
import { tellAction, tellWorld } from './telling.ts'
import { copyWorld, pack, type RaftWorld, unpack } from './world.ts'

/** The voters of the metadata log, a disk each and a network: rules 4, in the code that runs. No snapshots, and the voters stay who they are. */
export function raftModel(scope: Scope<RaftBoundName>): Model {
  const registers = new RaftRegisters(scope)
  const moves = new RaftMoves(registers)
  const isWorthwhile = (world: RaftWorld, action: number): boolean => moves.isWorthwhile(world, action)
  return new WorldModel<RaftWorld>({
    begin: (model) => begin(model, registers),
    ...(scope.reduced && {
      hasherFor: (initial) => {
        const symmetry = new Symmetry(registers, initial)
        return (state, into) => symmetry.hash(state, into)
      },
    }),
    unpack: (state) => unpack(state, scope.nodes),
    copy: copyWorld,
    possibleActions: (world) => possibleActions(world, registers),
    isWorthwhile,
    perform: (world, action) => moves.perform(world, action),
    healingAction: (world) => healingAction(world, registers, (action) => isWorthwhile(world, action)),
    checkHealthy: (world) => checkHealthy(world, registers),
    tell: (world, action) => tellAction(world, action, registers),
    stand: (world) => tellWorld(world, registers),
  })
}

/** All have the first entry, in the first term, whose leader knows that it is committed. */
function begin(model: Pick<Model, 'heal' | 'perform'>, { bounds, left, nodeIds, voters }: RaftRegisters): State {
  const vote = { term: 0, votedFor: null }
  const empty = { core: undefined, memory: [], durable: [], round: undefined, asked: undefined, vote, savingVote: undefined } as const
  const nodes = nodeIds.map((nodeId) => voters.number({ nodeId, ...empty }))
  const all = left.number(bounds)
  let state = pack({ nodes, history: 0, left: all, messages: [] })
  const heal = (): void => {
    for (let step = model.heal(state); step !== undefined; step = model.heal(state)) state = step.next
  }
  nodeIds.forEach((_, at) => {
    state = model.perform(state, raftActions.code('start', at))
  })
  heal()
  // A heartbeat for all, so that the followers have come to the same, whichever way each of them took.
  const leader = unpack(state, nodeIds.length).nodes.findIndex((node) => voters.get(node).core?.isLeader === true)
  state = model.perform(state, raftActions.code('heartbeat', leader))
  heal()
  return pack({ ...unpack(state, nodeIds.length), left: all })
}
