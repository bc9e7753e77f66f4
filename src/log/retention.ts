import type { Segment } from './segment.ts'
import type { RetentionLimits } from './surface.ts'

/** See Log.retentionOffset. `segments`: from the one that holds the start on; `upTo`: within what is synced. */
export function retentionOffset(
  segments: readonly Segment[],
  log: { readonly startOffset: number; readonly endOffset: number },
  limits: RetentionLimits,
): number {
  const { expiredBeforeMs, retentionBytes } = limits
  let leftBytes = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0)
  let offset = log.startOffset
  for (const [at, segment] of segments.entries()) {
    const endOffset = segments[at + 1]?.baseOffset ?? log.endOffset
    if (endOffset > limits.upTo) break
    leftBytes -= segment.sizeBytes
    const isSurplus = retentionBytes !== null && leftBytes >= retentionBytes
    const isExpired = expiredBeforeMs !== null && segment.maxTimestampMs < expiredBeforeMs
    if (!isSurplus && !isExpired) break
    // What has no time is no older than what follows it: it goes when that does.
    if (isSurplus || segment.maxTimestampMs >= 0) offset = Math.max(offset, endOffset)
  }
  return offset
}
