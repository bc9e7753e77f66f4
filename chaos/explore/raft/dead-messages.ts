import type { Raft } from '../../../src/raft/raft.ts'
import type { RaftMessage } from '../../../src/raft/messages.ts'
import { opened } from './opened-raft.ts'
import type { Voters } from './voters.ts'

/**
 * Whether a message changes nothing for its receiver, now and ever: it is tried that it does not now, and that it never will follows from its
 * term, which the receiver has left behind.
 */
export function isDead(message: number, receiver: number, voters: Voters): boolean {
  const { core } = voters.get(receiver)
  if (core === undefined || !isOfThePast(voters.message(message).message, core)) return false
  const outcome = voters.tryStep(receiver, 'deliver', message)
  return outcome !== undefined && !outcome.isChanged && outcome.happenings === 0
}

function isOfThePast(message: RaftMessage, core: Raft): boolean {
  // A candidate stands once a term. A refused pre-vote counts whatever term it names.
  if (message.type === 'voteReply' && !message.preVote) return message.term < core.term || (message.term === core.term && opened(core)._candidacy === null)
  if (message.type === 'voteReply' && message.granted) return message.term <= core.term
  return message.type !== 'voteReply' && message.term < core.term
}
