import { type BoundName, type Bounds, boundNames, indexOfBound } from './bounds.ts'
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
  readonly left: number[]
  readonly images: number[]
  /** A multiset, or, where order counts, what goes the same way in the order it was sent, way by way. */
  messages: number[]
}

export function unpack(state: State, nodes: number): World {
  let at = 0
  const take = (count: number): number[] => state.slice(at, (at += count))
  const replicas = take(nodes)
  const pending = take(nodes)
  const [control, history] = take(2) as [number, number]
  const left = take(boundNames.length)
  const [imageCount] = take(1) as [number]
  const images = take(imageCount)
  return { replicas, pending, control, history, left, images, messages: state.slice(at) }
}

export function copyWorld(world: World): World {
  const { replicas, pending, control, history, left, images, messages } = world
  return { replicas: [...replicas], pending: [...pending], control, history, left: [...left], images: [...images], messages: [...messages] }
}

/** Images that all have applied are forgotten. `place`: messages of the same place keep their order. */
export function pack({ replicas, pending, control, history, left, images, messages }: World, place: (message: number) => number): State {
  const needed = images.slice(images.length - Math.max(...pending))
  return [...replicas, ...pending, control, history, ...left, needed.length, ...needed, ...messages.sort((one, other) => place(one) - place(other))]
}

export function isLeft(world: World, name: BoundName): boolean {
  return (world.left[indexOfBound(name)] as number) > 0
}

export function spend(world: World, name: BoundName): void {
  world.left[indexOfBound(name)] = (world.left[indexOfBound(name)] as number) - 1
}

/** Records are sent in their order. */
export function sentRecords(world: World, bounds: Bounds): number {
  return bounds.records - (world.left[indexOfBound('records')] as number)
}
