/** Name of the note beside a damaged log (rules R3.4). */
export const DAMAGED_NOTE = 'damaged'

/** What the note says. Offsets are of the log it lies beside. */
export interface DamagedNote {
  /** Exclusive: the log is known to have held synced batches up to here. Healed only by catching up beyond it (rules R3.4). */
  readonly claimedEndOffset: number
  /** The first offset that was bad or missing. */
  readonly firstBadOffset: number
  /** Where the log begins was lost: what lies before its first segment may be missing. Absent: it was not. */
  readonly isStartLost?: boolean
  readonly reason: string
}

export function formatDamagedNote(note: DamagedNote): string {
  const { claimedEndOffset, firstBadOffset, isStartLost, reason } = note
  return `${JSON.stringify({ claimedEndOffset, firstBadOffset, ...(isStartLost === true ? { isStartLost } : {}), reason })}\n`
}

/** Never fails: the file's being there is the mark. What cannot be read counts as "nothing known, nothing good". */
export function parseDamagedNote(content: string): DamagedNote {
  try {
    const { claimedEndOffset, firstBadOffset, isStartLost, reason } = JSON.parse(content)
    if (Number.isSafeInteger(claimedEndOffset) && Number.isSafeInteger(firstBadOffset))
      return { claimedEndOffset, firstBadOffset, isStartLost: isStartLost === true, reason: String(reason) }
  } catch {
    // Written by hand, or damaged itself.
  }
  return { claimedEndOffset: 0, firstBadOffset: 0, isStartLost: true, reason: 'the note cannot be read' }
}
