import type { Place } from './places.ts'

/** What one node has of a partition on its own disk. */
export interface NodeCopy {
  readonly node: number
  readonly records: readonly (readonly [offset: number, value: Buffer | null])[]
  /** Where it cannot be read further: what lies behind that, nobody knows. `isExplained`: somebody did it on purpose. */
  readonly damage: { readonly text: string; readonly isExplained: boolean } | undefined
}

/** The copies of partitions, as they are on the disks of their nodes. */
export interface Copies {
  /** Of all nodes that are to have one. */
  of(place: Place): readonly NodeCopy[]
}
