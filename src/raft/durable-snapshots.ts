import { assert } from '../base/assert.ts'
import type { RaftEffect } from './effects.ts'
import type { Snapshot } from './messages.ts'
import type { RaftLog } from './raft-log.ts'

/**
 * This node wrote a snapshot. The log is kept from the one before it on: for peers that are slow, and for a start that finds the newest one damaged.
 * True: the log begins later now.
 */
export function noteTaken(log: RaftLog, snapshot: Snapshot, emit: (effect: RaftEffect) => void): boolean {
  assert(snapshot.endOffset <= log.commitIndex, 'a snapshot holds what is committed')
  const startOffset = log.snapshot?.endOffset ?? 0
  if (!log.noteSnapshot(snapshot) || startOffset <= log.startOffset || startOffset > log.persistedEndOffset) return false
  log.cutStart(startOffset)
  emit({ type: 'cutLog', startOffset })
  return true
}

/**
 * A leader's snapshot is durable here: all in it is committed, in whatever term it came. Where the own log leads to its end the commit index moves there;
 * else the log is begun anew behind it (rules R4.5). `equalBelow`: the own log is known to equal the present leader's up to there.
 */
export function noteStored(
  log: RaftLog,
  snapshot: Snapshot,
  options: { readonly term: number; readonly equalBelow: number; readonly emit: (effect: RaftEffect) => void },
): 'known' | 'committed' | 'installed' {
  const { endOffset, lastTerm } = snapshot
  const { term, equalBelow, emit } = options
  log.noteSnapshot(snapshot)
  if (endOffset <= log.commitIndex) return 'known'
  if (log.leadsTo(snapshot)) {
    log.commit(endOffset)
    emit({ type: 'committed', commitIndex: endOffset })
    return 'committed'
  }
  log.install(snapshot, { statedTerm: term, equalBelow })
  emit({ type: 'installSnapshot', term, endOffset, lastTerm })
  return 'installed'
}
