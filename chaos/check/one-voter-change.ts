import type { MetadataImage } from '../../src/metadata/image.ts'
import type { VoterRecord } from '../../src/metadata/records.ts'
import { demand } from './violation.ts'

/** The voters of one metadata entry and those of the next differ by one: who came, who went, or whose folder became known (rules R4.4). */
export class OneVoterChange {
  readonly #byOffset = new Map<number, readonly VoterRecord[]>()

  /** Each image of each node; those right before and right after it may have been another node's. */
  observe(where: string, { offset, voters }: MetadataImage): void {
    if (this.#byOffset.has(offset)) return
    this.#byOffset.set(offset, voters)
    this.#compare(where, offset, this.#byOffset.get(offset - 1), voters)
    this.#compare(where, offset + 1, voters, this.#byOffset.get(offset + 1))
  }

  #compare(where: string, offset: number, before: readonly VoterRecord[] | undefined, after: readonly VoterRecord[] | undefined): void {
    // The first entry of a cluster names them all.
    if (before === undefined || after === undefined || before === after || before.length === 0) return
    const changes = changesBetween(before, after)
    demand(
      changes <= 1,
      'voters',
      () => `the voters went from ${listed(before)} to ${listed(after)} in the entry before metadata offset ${offset}, seen on ${where}`,
    )
  }
}

function changesBetween(before: readonly VoterRecord[], after: readonly VoterRecord[]): number {
  let changes = 0
  for (const voter of after) {
    const known = before.find(({ nodeId }) => nodeId === voter.nodeId)
    if (known === undefined) changes++
    else if (known.directoryId !== voter.directoryId) changes += known.directoryId === null ? 1 : 2
  }
  for (const { nodeId } of before) if (!after.some((voter) => voter.nodeId === nodeId)) changes++
  return changes
}

function listed(voters: readonly VoterRecord[]): string {
  return voters.map(({ nodeId, directoryId }) => `${nodeId}=${directoryId ?? '?'}`).join(', ')
}
