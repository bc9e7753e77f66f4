import { chooseFaults } from '../live/faults/catalogue.ts'
import type { Fault } from '../live/faults/fault.ts'

/** Of each experiment: with five nodes all of them are two hours and a bit under load. */
export const DEFAULT_SECONDS = 135

/** One experiment of the matrix. */
export interface Cell {
  /** As `--faults` of `oxbow chaos run` has it. */
  readonly name: string
  readonly faults: readonly Fault[]
}

/** Nothing; each fault alone; each fault of processes and disks together with one of the network, all of which come by turns; everything. */
export function cellsOf(nodes: number): Cell[] {
  const all = chooseFaults('all', nodes)
  const network = all.filter(({ kind }) => kind === 'network')
  const pairs = all
    .filter(({ kind }) => kind !== 'network')
    .flatMap((fault, at) => {
      const beside = network[at % network.length]
      return beside === undefined ? [] : [[fault, beside]]
    })
  const chosen = [[], ...all.map((fault) => [fault]), ...pairs].map((cell) => cell.map((fault): Fault => ({ ...fault, isNamed: true })))
  const named = chosen.map((faults) => ({ name: faults.length === 0 ? 'none' : faults.map(({ name }) => name).join(','), faults }))
  return [...named, { name: 'all', faults: all }]
}
