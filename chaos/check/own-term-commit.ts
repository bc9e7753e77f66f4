import type { RaftView } from '../../src/broker/surface.ts'
import type { Log } from '../../src/log/surface.ts'
import { readBatchHeader } from '../../src/record/batch.ts'
import { demand } from './violation.ts'

/**
 * I6 for the metadata log, before the harm is done: a leader moves its commit index only to the end of an entry of its own term, since
 * what it counts of older terms may still be cut by a leader to come (Raft paper 5.4.2, figure 8). One instance a process.
 */
export class OwnTermCommit {
  #last: Pick<RaftView, 'role' | 'term' | 'commitIndex'> | undefined

  observe(where: string, raft: RaftView, log: Log): void {
    const last = this.#last
    if (last !== undefined && last.commitIndex === raft.commitIndex && last.term === raft.term && last.role === raft.role) return
    this.#last = raft
    if (last === undefined || raft.role !== 'leader' || last.role !== 'leader' || last.term !== raft.term || raft.commitIndex > log.endOffset) return
    const batch = log.readCached(raft.commitIndex - 1, 1)?.[0]
    if (batch === undefined) return
    const entryTerm = readBatchHeader(batch, 0).leaderEpoch
    demand(
      entryTerm === raft.term,
      'I6',
      () => `${where} leads in term ${raft.term} and committed up to ${raft.commitIndex}, through an entry of term ${entryTerm}: a leader to come may cut it`,
    )
  }
}
