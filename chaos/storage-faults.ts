import { between, type Random } from '../src/base/random.ts'
import { type Atlas, mayWipe } from './atlas.ts'
import type { Fault, FaultPlanOptions, FaultTarget, StorageFaultKind } from './faults.ts'

export interface StorageFaultOptions extends FaultPlanOptions {
  readonly atlas: Atlas
}

/** How often a kind is drawn, of the sum. */
const weights: Readonly<Record<StorageFaultKind, number>> = {
  syncedLost: 3,
  syncedLostAll: 2,
  damage: 4,
  wipe: 2,
  ioErrors: 3,
  diskFull: 2,
  diskSlow: 1,
  diskStall: 2,
}

const MOST_FAULTS = 4

/** Draws what disks do in a seed, as further entries of its plan. */
export function drawStorageFaults(random: Random, options: StorageFaultOptions): readonly Omit<Fault, 'id'>[] {
  const count = between(random, 1, MOST_FAULTS)
  return Array.from({ length: count }, () => {
    const kind = drawKind(random, options)
    const atMs = between(random, options.startMs, options.endMs - 1)
    return { atMs, kind, target: drawTarget(random, kind, options.nodeIds), durationMs: between(random, 300, mostMs(kind)) }
  })
}

function isPossible(kind: StorageFaultKind, { atlas, nodeIds }: StorageFaultOptions): boolean {
  if (kind === 'wipe') return nodeIds.some((nodeId) => mayWipe(atlas, nodeId))
  return (kind !== 'syncedLost' && kind !== 'syncedLostAll' && kind !== 'damage') || atlas.partitions.type !== 'none' || atlas.metadataOf.length > 0
}

function drawKind(random: Random, options: StorageFaultOptions): StorageFaultKind {
  const possible = Object.entries(weights).filter(([kind]) => isPossible(kind as StorageFaultKind, options)) as [StorageFaultKind, number][]
  let ticket = random.integer(possible.reduce((total, [, weight]) => total + weight, 0))
  for (const [kind, weight] of possible) {
    if (ticket < weight) return kind
    ticket -= weight
  }
  throw new Error('a ticket is below the sum of the weights')
}

function drawTarget(random: Random, kind: StorageFaultKind, nodeIds: readonly number[]): FaultTarget {
  const nodeId = nodeIds[random.integer(nodeIds.length)] as number
  const ticket = random.integer(4)
  if (kind === 'syncedLostAll') return { type: 'all' }
  if (kind === 'syncedLost' || kind === 'damage' || kind === 'wipe') return { type: 'victim' }
  if (ticket === 0) return { type: 'controller' }
  return ticket === 1 ? { type: 'leader' } : { type: 'node', nodeId }
}

/** How long a node is down, or its disk is not what it should be. */
function mostMs(kind: StorageFaultKind): number {
  return kind === 'diskFull' || kind === 'diskSlow' ? 10_000 : 6_000
}
