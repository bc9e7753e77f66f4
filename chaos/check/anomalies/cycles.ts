import type { Anomaly, AnomalyName } from './anomaly.ts'
import { DependencyGraph, type EdgeKind } from './dependency-graph.ts'
import type { Facts } from './facts.ts'
import { cycleWithin, stronglyConnected } from './strongly-connected.ts'

/** From the strongest to the weakest: each set of calls is named by the first that accuses one of them. */
const levels: readonly { readonly name: AnomalyName; readonly edges: readonly EdgeKind[] }[] = [
  { name: 'G0', edges: ['ww'] },
  { name: 'G1c', edges: ['ww', 'wr'] },
  { name: 'G0-process', edges: ['ww', 'process'] },
  { name: 'G1c-process', edges: ['ww', 'wr', 'process'] },
  { name: 'G0-realtime', edges: ['ww', 'process', 'realtime'] },
  { name: 'G1c-realtime', edges: ['ww', 'wr', 'process', 'realtime'] },
]

/** Calls each of which must have come before the other. Source of the names: Adya 1999, Elle. */
export function findCycles(facts: Facts): Anomaly[] {
  const graph = new DependencyGraph(facts)
  const found: Anomaly[] = []
  const accused = new Set<number>()
  // The last level has all edges: where it has no cycle, none has.
  if (stronglyConnected(graph.only(levels.at(-1)?.edges ?? [])).length === 0) return []
  for (const { name, edges } of levels) {
    const part = graph.only(edges)
    const withoutWrites = name.startsWith('G1c') ? new Set(stronglyConnected(graph.only(edges.filter((kind) => kind !== 'ww'))).flat()) : new Set<number>()
    for (const members of stronglyConnected(part)) {
      const isKnown = members.some((node) => accused.has(node))
      for (const node of members) if (graph.callOf(node) !== undefined) accused.add(node)
      if (isKnown) continue
      const operations = cycleWithin(part, members).flatMap((node) => graph.callOf(node)?.invokedAt ?? [])
      const sentence = `a cycle of ${edges.join(', ')}: ${[...operations, operations[0]].join(' → ')}`
      found.push({ name, sentence, operations, ...(members.some((node) => withoutWrites.has(node)) ? { isWithoutWrites: true } : {}) })
    }
  }
  return found
}
