import type { State } from '../model.ts'
import { indexOfRaftBound, raftBoundNames, type RaftBoundName } from './bounds.ts'

/** A state of the whole, in numbers that the registers explain. To be changed; `pack` makes it a state. */
export interface RaftWorld {
  /** By place. */
  readonly nodes: number[]
  history: number
  /** What is left of each bound. */
  readonly left: number[]
  /** A set: of two equal ones on their way one may be lost. Where order counts, what goes the same way in the order it was first sent, way by way. */
  messages: number[]
}

export function unpack(state: State, nodes: number): RaftWorld {
  const leftFrom = nodes + 1
  const messagesFrom = leftFrom + raftBoundNames.length
  return { nodes: state.slice(0, nodes), history: state[nodes] as number, left: state.slice(leftFrom, messagesFrom), messages: state.slice(messagesFrom) }
}

export function copyWorld({ nodes, history, left, messages }: RaftWorld): RaftWorld {
  return { nodes: [...nodes], history, left: [...left], messages: [...messages] }
}

/** `place`: messages of the same place keep their order. */
export function pack({ nodes, history, left, messages }: RaftWorld, place: (message: number) => number): State {
  return [...nodes, history, ...left, ...[...new Set(messages)].sort((one, other) => place(one) - place(other))]
}

export function isLeft(world: RaftWorld, name: RaftBoundName): boolean {
  return (world.left[indexOfRaftBound(name)] as number) > 0
}

export function spend(world: RaftWorld, name: RaftBoundName): void {
  world.left[indexOfRaftBound(name)] = (world.left[indexOfRaftBound(name)] as number) - 1
}
