import { didYouMean } from '../../../src/base/did-you-mean.ts'
import { clocks } from './clocks.ts'
import { composites } from './composites.ts'
import { damagedFiles } from './damaged-files.ts'
import { diskFaults } from './disk-faults.ts'
import type { ClientWorld, Fault, FaultFacts } from './fault.ts'
import { lateSyncs } from './late-syncs.ts'
import { moves } from './moves.ts'
import { clientCuts, partitions } from './partitions.ts'
import { processFaults } from './process-faults.ts'
import { slowLinks } from './slow-links.ts'
import { voterChanges } from './voters.ts'

/** All that can be done to a cluster whose processes and disks are somebody else's. */
export const clientFaults: readonly Fault<ClientWorld>[] = [...clientCuts, ...slowLinks, ...moves, ...voterChanges]

/** All that can be done to a cluster. */
export const faults: readonly Fault[] = [
  ...partitions,
  ...clientCuts,
  ...slowLinks,
  ...processFaults,
  ...diskFaults,
  ...lateSyncs,
  ...composites,
  ...damagedFiles,
  ...clocks,
  ...moves,
  ...voterChanges,
]

const NOTHING = 'none'

/** Words that stand for several. */
export const faultGroups: Readonly<Record<string, (fault: FaultFacts) => boolean>> = {
  all: ({ isBeyondPromise }) => isBeyondPromise !== true,
  [NOTHING]: () => false,
  partition: ({ name }) => name.startsWith('partition-'),
  network: ({ kind, isBeyondPromise }) => kind === 'network' && isBeyondPromise !== true,
  process: ({ kind, needs }) => kind === 'process' && needs === undefined,
  disk: ({ needs }) => needs === 'disks',
}

/** A list of faults that names what there is not, or what cannot be with so many nodes. */
export class FaultListError extends Error {
  override readonly name = 'FaultListError'
}

/** Names and groups with commas between them. A group leaves out what needs more nodes; a name does not, and has its turn. Throws a FaultListError. */
export function chooseFaults(list: string, nodes: number): Fault[] {
  return choose(faults, list, nodes)
}

/** The same for nodes in namespaces. */
export function chooseNamespaceFaults(list: string, nodes: number): Fault[] {
  const [possible, impossible] = [faults.filter(({ needsLinks }) => needsLinks !== true), faults.filter(({ needsLinks }) => needsLinks === true)]
  refuseNamed(list, impossible, 'needs links between the nodes, which there are not with --namespaces')
  return choose(possible, list, nodes)
}

/** The same for a cluster whose processes and disks are somebody else's. */
export function chooseClientFaults(list: string, nodes: number): Fault<ClientWorld>[] {
  const ofNodes = faults.filter(({ name }) => !clientFaults.some((one) => one.name === name))
  refuseNamed(list, ofNodes, 'is done to nodes, and those of a cluster that runs already are not ours')
  return choose(clientFaults, list, nodes)
}

function refuseNamed(list: string, refused: readonly FaultFacts[], why: string): void {
  const word = list
    .split(',')
    .map((part) => part.trim())
    .find((one) => refused.some(({ name }) => name === one))
  if (word !== undefined) throw new FaultListError(`${word} ${why}`)
}

function choose<One extends FaultFacts>(faults: readonly One[], list: string, nodes: number): One[] {
  const chosen = new Map<string, One>()
  for (const word of list.split(',').map((part) => part.trim())) {
    const group = Object.hasOwn(faultGroups, word) ? faultGroups[word] : undefined
    const named = faults.find(({ name }) => name === word)
    if (group !== undefined) {
      const possible = faults.filter((fault) => group(fault) && fault.minNodes <= nodes)
      // Nothing done at all would pass for all being well.
      if (possible.length === 0 && word !== NOTHING)
        throw new FaultListError(`no fault of "${word}" can be done here, with ${nodes} node${nodes === 1 ? '' : 's'}`)
      for (const fault of possible) if (!chosen.has(fault.name)) chosen.set(fault.name, fault)
      continue
    }
    if (named === undefined) {
      const meant = didYouMean(word, [...faults.map(({ name }) => name), ...Object.keys(faultGroups)])
      throw new FaultListError(`there is no fault "${word}"${meant === undefined ? '' : `, did you mean ${meant}?`}`)
    }
    if (named.minNodes > nodes) throw new FaultListError(`${word} needs ${named.minNodes} nodes or more, not ${nodes}`)
    chosen.set(word, { ...named, isNamed: true })
  }
  return [...chosen.values()]
}
