import type { Membership } from './membership.ts'
import type { PeerIdentity, VoteRequest } from './messages.ts'
import type { RaftLog } from './raft-log.ts'

/** empty: the candidate would have the vote if this log were not empty; and has it once all voters were heard. */
export type VoteVerdict = 'granted' | 'empty' | 'refused'

/**
 * What pre-votes and votes have in common: who may ask, who may answer, and what log deserves it. An observer answers too: perhaps it is a
 * voter by an entry that only the candidate has. With {1}, 1 appends the set {1, 2} and dies before 2 has it: then 1 needs this vote.
 *
 * An empty log and no voter set known may be the wiped disk of an old majority, so that it votes for nobody whose log is not empty too (rules R2.2).
 * Unless the candidate heard every voter: then no log is ahead of its own, and there is nothing left that this vote could lose. Without that
 * a first leader that dies while half of an even number of voters have its first entry would leave two halves that refuse each other for ever.
 */
export function judgeVote(from: PeerIdentity, request: VoteRequest, membership: Membership, log: RaftLog): VoteVerdict {
  if (!membership.canVote || !membership.mayBeVotedFor(from)) return 'refused'
  if (log.endOffset === 0 && !membership.isKnown && request.endOffset > 0) return request.heardAll ? 'granted' : 'empty'
  return log.isUpToDate(request) ? 'granted' : 'refused'
}
