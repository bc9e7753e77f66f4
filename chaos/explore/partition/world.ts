import type { State } from '../model.ts'

/** A state of the whole, in numbers that the registers of replicas, controls, images, messages and histories explain. To be changed; `pack` makes it a state. */
export interface World {
  /** By place of the node. */
  readonly replicas: number[]
  /** Images that each has yet to apply, the last ones of `images`. */
  readonly pending: number[]
  control: number
  history: number
  /** What is left of each bound. */
  left: number
  readonly images: number[]
  /** A multiset, or, where order counts, what goes the same way in the order it was sent, way by way. */
  messages: number[]
}

export function unpack(state: State, nodes: number): World {
  let at = 0
  const take = (count: number): number[] => state.slice(at, (at += count))
  const replicas = take(nodes)
  const pending = take(nodes)
  const [control, history, left] = take(3) as [number, number, number]
  const [imageCount] = take(1) as [number]
  const images = take(imageCount)
  return { replicas, pending, control, history, left, images, messages: state.slice(at) }
}

export function copyWorld(world: World): World {
  const { replicas, pending, control, history, left, images, messages } = world
  return { replicas: [...replicas], pending: [...pending], control, history, left, images: [...images], messages: [...messages] }
}

/** Images that all have applied are forgotten. */
export function pack({ replicas, pending, control, history, left, images, messages }: World): State {
  const needed = images.slice(images.length - Math.max(...pending))
  return [...replicas, ...pending, control, history, left, needed.length, ...needed, ...messages]
}

/** In place; those of the same place keep their order. Nearly all are where they belong. */
export function sortMessages(messages: number[], placeOf: (message: number) => number): void {
  for (let at = 1; at < messages.length; at++) {
    const message = messages[at] as number
    const place = placeOf(message)
    let to = at
    for (; to > 0 && placeOf(messages[to - 1] as number) > place; to--) messages[to] = messages[to - 1] as number
    messages[to] = message
  }
}
