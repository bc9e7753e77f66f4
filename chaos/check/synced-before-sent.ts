import { METADATA_LOG } from '../../src/log/surface.ts'
import type { FetchRequestMessage, PeerMessage } from '../../src/wire/peer.ts'
import type { DurableLogs } from './durable-logs.ts'
import { demand } from './violation.ts'

/** What a machine's disks hold for sure. */
type Durable = Pick<DurableLogs, 'vote' | 'endOffset'>

/**
 * I9: no message left before what it depends on was synced. Judged not by what a node believes of itself, but by the write and sync
 * calls that completed at its disk.
 */
export function checkPeerMessage(where: string, to: number, message: PeerMessage, durable: Durable): void {
  if (message.type !== 'raft') return
  const raft = message.message
  const { vote } = durable
  if (raft.type === 'voteReply' && raft.granted && !raft.preVote) {
    demand(
      vote.term === raft.term && vote.votedFor === to,
      'I9',
      () => `${where} granted its vote of term ${raft.term} to node ${to}, its disk holds for sure: term ${vote.term}, vote for ${vote.votedFor}`,
    )
  }
  if (raft.type !== 'appendReply' || raft.result.type !== 'accepted') return
  const { persistedEndOffset } = raft.result
  const endOffset = durable.endOffset(METADATA_LOG)
  demand(
    persistedEndOffset <= endOffset,
    'I9',
    () => `${where} said that its metadata log is persisted to ${persistedEndOffset}, its disk holds ${endOffset} for sure`,
  )
  demand(vote.term >= raft.term, 'I9', () => `${where} accepted entries in term ${raft.term}, its disk holds for sure: term ${vote.term}`)
}

/** A follower's fetches: each says how far its log is synced. `logName` names a partition's log. */
export function checkFetchRequest(
  where: string,
  message: FetchRequestMessage,
  logName: (topicId: string, partition: number) => string | undefined,
  durable: Pick<Durable, 'endOffset'>,
): void {
  for (const { topicId, partition, fetch } of message.fetches) {
    const name = logName(topicId, partition)
    if (name === undefined) continue
    const endOffset = durable.endOffset(name)
    demand(
      fetch.syncedEndOffset <= endOffset,
      'I9',
      () => `${where} said that ${name} is synced to ${fetch.syncedEndOffset}, its disk holds ${endOffset} for sure`,
    )
  }
}
