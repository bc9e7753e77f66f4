import { type Bounds, partitionBounds } from '../../../chaos/explore/partition/bounds.ts'

/** All other bounds are 0. */
export function boundsOf(bounds: Partial<Bounds>): Bounds {
  return { ...(Object.fromEntries(partitionBounds.names.map((name) => [name, 0])) as Bounds), ...bounds }
}
