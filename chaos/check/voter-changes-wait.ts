import type { RaftView } from '../../src/broker/surface.ts'
import { demand } from './violation.ts'

interface Term {
  readonly term: number
  /** Exclusive end of the log when the leader was first seen: its opening entry lies below. */
  readonly openingEndOffset: number
}

/**
 * Rules R4.4, when a leader takes up another voter set, and not only when others hear of it: an entry of its own term was committed before, and so was the
 * change before this one. One instance a process.
 */
export class VoterChangesWait {
  #leads: Term | undefined
  #endOffset = 0
  #seen: RaftView['voters'] | undefined
  /** At or behind it the last change was appended. */
  #changedOffset = -1

  /** After every step. */
  observe(where: string, { role, term, commitIndex, endOffset, voters }: RaftView): void {
    const before = this.#endOffset
    this.#endOffset = endOffset
    if (role !== 'leader') {
      this.#leads = undefined
      return
    }
    if (this.#leads?.term !== term) {
      this.#leads = { term, openingEndOffset: endOffset }
      this.#changedOffset = -1
      this.#seen = undefined
    }
    if (voters === this.#seen) return
    const changes = this.#seen === undefined || this.#seen.length === 0 ? 0 : differences(this.#seen, voters)
    this.#seen = voters
    if (changes > 0) {
      const { openingEndOffset } = this.#leads
      demand(changes === 1, 'voters', () => `${where} leads in term ${term} and made ${changes} changes of the voters at once, from ${before} on`)
      demand(commitIndex >= openingEndOffset, 'voters', () => `${where} leads in term ${term} and changes the voters before an entry of its own is committed`)
      demand(
        commitIndex > this.#changedOffset,
        'voters',
        () => `${where} leads in term ${term} and changes the voters at ${before}, with the change at ${this.#changedOffset} not committed`,
      )
      this.#changedOffset = before
    }
  }
}

/** Voters that came, went or got another folder. */
function differences(before: RaftView['voters'], after: RaftView['voters']): number {
  const known = new Map(before.map(({ nodeId, directoryId }) => [nodeId, directoryId]))
  const changed = after.filter(({ nodeId, directoryId }) => known.get(nodeId) !== directoryId).length
  return changed + before.filter(({ nodeId }) => after.every((voter) => voter.nodeId !== nodeId)).length
}
