import type { BoundTable } from '../../../chaos/explore/model.ts'

/** All other bounds are 0. */
export function boundsOf<Name extends string>({ names }: BoundTable<Name>, bounds: Partial<Record<Name, number>>): Readonly<Record<Name, number>> {
  return { ...(Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>), ...bounds }
}
