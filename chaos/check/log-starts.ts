import type { ReplicaView } from '../../src/broker/surface.ts'
import type { Committed } from './committed.ts'
import { demand } from './violation.ts'

/**
 * A log start is decided by a leader, never above its high watermark; a follower goes no further than a leader went, and no further than its own high
 * watermark. Only a log that is dropped to begin anew claims nothing until that is durable, and a damaged one may have lost its beginning. Feeds `committed` with what leaders decide.
 * `led`: it led when it was last seen, and may have decided on its start as its last deed.
 */
export function checkLogStart(log: string, where: string, committed: Committed, view: ReplicaView, led = false): void {
  const { logStartOffset, highWatermark } = view
  const isReset = view.role !== 'leader' && view.log.syncedEndOffset < logStartOffset
  demand(
    logStartOffset <= highWatermark || isReset,
    'start',
    () => `${log}: the log of ${where} begins at ${logStartOffset}, above its high watermark ${highWatermark}`,
  )
  if (view.role === 'leader' || led) committed.decided(logStartOffset)
  demand(
    logStartOffset <= committed.startOffset || view.damaged,
    'start',
    () => `${log}: the log of ${where} begins at ${logStartOffset}, and no leader ever let go of what lies beyond ${committed.startOffset}`,
  )
}

/** DeleteRecords answered: the disks of all in-sync replicas have that start, so a leader decided it. */
export function checkDeleted(log: string, lowWatermark: number, committed: Committed): void {
  demand(
    lowWatermark <= committed.startOffset && lowWatermark <= committed.endOffset,
    'start',
    () =>
      `${log}: records below ${lowWatermark} were said to be deleted, a leader deleted those below ${committed.startOffset} of ${committed.endOffset} committed`,
  )
}
