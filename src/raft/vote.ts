import type { Membership } from './membership.ts'
import type { PeerIdentity, VoteRequest } from './messages.ts'
import type { RaftLog } from './raft-log.ts'

/**
 * What pre-votes and votes have in common: who may ask, who may answer, and what log deserves it. An observer answers too: perhaps it is a
 * voter by an entry that only the candidate has. With {1}, 1 appends the set {1, 2} and dies before 2 has it: then 1 needs this vote.
 */
export function deservesVote(from: PeerIdentity, request: VoteRequest, membership: Membership, log: RaftLog): boolean {
  if (!membership.canVote || !membership.mayBeVotedFor(from)) return false
  // Empty log, no voter set known: perhaps a wiped disk of an old majority (rules R2.2).
  if (log.endOffset === 0 && !membership.isKnown && request.endOffset > 0) return false
  return log.isUpToDate(request)
}
