import type { RaftView } from '../../src/broker/surface.ts'
import { demand } from './violation.ts'

/**
 * I9 for decisions: what a Raft leader commits, and so what everybody may act on from now on, is surely on the disks of a majority of the voters,
 * whatever the leader believes of itself and was told by the others. One instance a process.
 */
export class DecidedOnDisk {
  #commitIndex: number | undefined

  /** `durableEndOffset`: of the metadata log on the disks of a node, whether it runs or not. */
  observe(where: string, { role, term, commitIndex, voters }: RaftView, durableEndOffset: (nodeId: number) => number): void {
    const known = this.#commitIndex
    this.#commitIndex = commitIndex
    // What a follower commits, its leader committed before; a voter set that is not known yet is not looked at.
    if (role !== 'leader' || known === undefined || commitIndex <= known) return
    const voterIds = voters.map(({ nodeId }) => nodeId)
    const holders = voterIds.filter((nodeId) => durableEndOffset(nodeId) >= commitIndex)
    demand(
      voterIds.length === 0 || 2 * holders.length > voterIds.length,
      'I9',
      () =>
        `${where} leads in term ${term} and committed up to ${commitIndex}; of the voters ${voterIds.join(', ')} only ${holders.join(', ') || 'none'} surely ${holders.length === 1 ? 'has' : 'have'} that on disk`,
    )
  }
}
