import type { RaftView } from '../../src/broker/surface.ts'
import { demand } from './violation.ts'

/**
 * Rules R4.4: the voter set that counts on a node is the newest one in its log. Judged where the whole log is applied: then it is that of the image, and a
 * set whose entry was cut is gone.
 */
export function checkVoters(where: string, raft: RaftView, image: { readonly offset: number; readonly voters: RaftView['voters'] }): void {
  if (image.offset !== raft.endOffset) return
  const isEqual =
    raft.voters.length === image.voters.length &&
    raft.voters.every((voter, at) => voter.nodeId === image.voters[at]?.nodeId && voter.directoryId === image.voters[at]?.directoryId)
  demand(isEqual, 'voters', () => `${where} counts with the voters ${named(raft.voters)}, in its log they are ${named(image.voters)} up to ${image.offset}`)
}

function named(voters: RaftView['voters']): string {
  return voters.map(({ nodeId, directoryId }) => `${nodeId} (${directoryId?.slice(0, 6) ?? 'folder not known'})`).join(', ')
}
