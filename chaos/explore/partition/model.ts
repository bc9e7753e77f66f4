import type { Model, Scope, State } from '../model.ts'
import { WorldModel } from '../world-model.ts'
import { partitionActions, possibleActions } from './actions.ts'
import type { BoundName } from './bounds.ts'
import { checkHealthy, healingAction } from './healing.ts'
import { Moves } from './moves.ts'
import { Registers } from './registers.ts'
import { tellAction, tellWorld } from './telling.ts'
import { copyWorld, pack, unpack, type World } from './world.ts'

/** The machines of one partition, the controller, a disk each and a network: rules 5 and 6, in the code that runs. */
export function partitionModel(scope: Scope<BoundName>): Model {
  const registers = new Registers(scope)
  const moves = new Moves(registers)
  const isWorthwhile = (world: World, action: number): boolean => moves.isWorthwhile(world, action)
  return new WorldModel<World>({
    begin: (model) => begin(model, registers),
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

/** All in sync; each follower's fetch waits for a record. What the beginning leaves on its way arrives. */
function begin(model: Pick<Model, 'perform'>, { bounds, controls, left, nodeIds, replicas }: Registers): State {
  const control = controls.begin(nodeIds)
  const numbers = nodeIds.map((nodeId) => {
    const empty = { nodeId, core: undefined, memory: [], durable: [], round: undefined, incarnation: 0, directory: 0, brokerEpoch: -1 } as const
    const number = replicas.number({ ...empty, suspect: false, damaged: false, harmed: false, proposal: -1, mark: 0 })
    return replicas.start(number, { mark: 0, damaged: false })
  })
  const images = [controls.imageNumber(controls.get(control).image)]
  const begun = { replicas: numbers, pending: nodeIds.map(() => 1), control, history: 0, left: left.number(bounds), images, messages: [] }
  for (let state = pack(begun); ; ) {
    const { messages, pending } = unpack(state, nodeIds.length)
    const behind = pending.findLastIndex((count) => count > 0)
    if (behind < 0 && messages.length === 0) return state
    state = model.perform(state, behind >= 0 ? partitionActions.code('apply', behind, 1) : partitionActions.code('deliver', 0, 0))
  }
}
