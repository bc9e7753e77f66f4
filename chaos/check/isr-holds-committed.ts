import type { Committed } from './committed.ts'
import type { LogMirror } from './log-mirror.ts'
import { demand } from './violation.ts'

/** A replica as I1 judges it. `verifiedEndOffset` is the checker's own note: what was compared before, and has not been cut since. */
export interface HeldReplica {
  readonly where: string
  readonly mirror: LogMirror
  readonly syncedEndOffset: number
  verifiedEndOffset: number
}

/**
 * I1: below the high watermark all of ISR ∪ ELR hold the same bytes, and hold them synced (rules R6.4 counts nothing else).
 * Asked for each member whenever more was exposed, the membership changed, or its log was cut or opened.
 */
export function checkIsrHolds(log: string, committed: Committed, member: HeldReplica): void {
  const { mirror, where } = member
  if (member.verifiedEndOffset < committed.endOffset) {
    const difference = committed.firstDifference(mirror, member.verifiedEndOffset)
    demand(
      difference === undefined,
      'I1',
      () =>
        `${log}: ${where} is in ISR ∪ ELR and does not hold offset ${difference}, below the high watermark ${committed.endOffset} (its log ends at ${mirror.endOffset})`,
    )
    member.verifiedEndOffset = committed.endOffset
  }
  demand(
    member.syncedEndOffset >= committed.endOffset,
    'I1',
    () => `${log}: ${where} is in ISR ∪ ELR and has synced only to ${member.syncedEndOffset}, below the high watermark ${committed.endOffset}`,
  )
}
