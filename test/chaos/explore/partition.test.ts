import { expect, it } from 'vitest'
import type { Bounds } from '../../../chaos/explore/partition/bounds.ts'
import { PartitionModel } from '../../../chaos/explore/partition/model.ts'
import { Search } from '../../../chaos/explore/search.ts'
import { tellStory } from '../../../chaos/explore/story.ts'
import { boundsOf } from './bounds-of.ts'

/** `least`: states there are at least, so that nobody makes the exploration smaller unnoticed. */
const explorations: readonly { readonly nodes: number; readonly bounds: Partial<Bounds>; readonly least: number }[] = [
  { nodes: 3, bounds: { records: 1 }, least: 500 },
  { nodes: 3, bounds: { records: 1, losses: 1 }, least: 6_000 },
  { nodes: 3, bounds: { records: 1, duplicates: 1 }, least: 2_000 },
  { nodes: 3, bounds: { records: 1, timeouts: 1 }, least: 4_000 },
  { nodes: 2, bounds: { records: 1, fences: 1 }, least: 14_000 },
  { nodes: 2, bounds: { records: 1, crashes: 1 }, least: 9_000 },
  { nodes: 2, bounds: { records: 1, isrChanges: 1, configChanges: 1 }, least: 19_000 },
]

it.each(explorations)('nothing is wrong in any state of $nodes nodes with $bounds', ({ nodes, bounds, least }) => {
  const model = new PartitionModel(boundsOf(bounds), nodes)
  const { found, isComplete, states } = new Search(model, { maxStates: 1_000_000, heal: true }).run()
  expect(found === undefined ? [] : tellStory(model, found)).toEqual([])
  expect(isComplete).toBe(true)
  expect(states).toBeGreaterThanOrEqual(least)
})
