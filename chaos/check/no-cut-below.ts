import type { Committed } from './committed.ts'
import type { BatchMark } from './log-mirror.ts'
import { demand } from './violation.ts'

/**
 * I6: nothing below an exposed high watermark is ever cut. A replica outside of the ISR may hold other bytes at such an offset and must
 * cut them; what may never go is a batch that was exposed, unless a leader let it go for good.
 */
export function checkCut(log: string, where: string, committed: Committed, removed: readonly BatchMark[]): void {
  for (const mark of removed) {
    demand(
      mark.lastOffset >= committed.endOffset || mark.lastOffset < committed.startOffset || !committed.holds(mark),
      'I6',
      () => `${log}: ${where} cut offset ${mark.baseOffset} of epoch ${mark.epoch}, which lies below the exposed high watermark ${committed.endOffset}`,
    )
  }
}
