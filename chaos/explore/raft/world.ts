import type { State } from '../model.ts'

/** A state of the whole, in numbers that the registers explain. To be changed; `pack` makes it a state. */
export interface RaftWorld {
  /** By place. */
  readonly nodes: number[]
  history: number
  /** What is left of each bound. */
  left: number
  /** A set: of two equal ones on their way one may be lost. Where order counts, what goes the same way in the order it was first sent, way by way. */
  messages: number[]
}

export function unpack(state: State, nodes: number): RaftWorld {
  return { nodes: state.slice(0, nodes), history: state[nodes] as number, left: state[nodes + 1] as number, messages: state.slice(nodes + 2) }
}

export function copyWorld({ nodes, history, left, messages }: RaftWorld): RaftWorld {
  return { nodes: nodes.slice(), history, left, messages: messages.slice() }
}

export function pack({ nodes, history, left, messages }: RaftWorld): State {
  const state = nodes.slice()
  state.push(history, left)
  for (let at = 0; at < messages.length; at++) state.push(messages[at] as number)
  return state
}

/** Sends a message: behind those of the same place, unless it is on its way already. */
export function addMessage(world: RaftWorld, message: number, placeOf: (message: number) => number): void {
  const { messages } = world
  const place = placeOf(message)
  let at = messages.length
  for (; at > 0 && placeOf(messages[at - 1] as number) > place; at--);
  for (let before = at - 1; before >= 0 && placeOf(messages[before] as number) === place; before--) if (messages[before] === message) return
  messages.splice(at, 0, message)
}
