import { crc32c } from '../base/crc32c.ts'
import { type EpochStart, EpochTable } from '../base/epochs.ts'
import type { ProducerSnapshot } from '../replication/producers.ts'

/** Beside a log whose start has moved: what is still known of the records that are gone. Synced before the start moves. */
export const BELOW_START_NOTE = 'below-start'

const CRC_CHARACTERS = 8

/**
 * What outlives the records below a log start: who wrote the last of them, so that logs that end there can be compared (rules R6.2, R5.7), and what
 * producers wrote, so that a retry of it is known (rules R6.8). Neither can be read from the log again.
 */
export interface BelowStart {
  readonly epochs: readonly EpochStart[]
  /** As of its end offset, at or above the start. */
  readonly producers: ProducerSnapshot
}

/** With a CRC-32C: a wrong epoch would let logs pass for equal that are not. */
export function encodeBelowStart(below: BelowStart): string {
  const json = JSON.stringify(below)
  return checksum(json) + json
}

function checksum(json: string): string {
  return crc32c(Buffer.from(json)).toString(16).padStart(CRC_CHARACTERS, '0')
}

/** Undefined: there is none, or it cannot be read. */
export function decodeBelowStart(note: string | undefined): BelowStart | undefined {
  if (note === undefined) return undefined
  const json = note.slice(CRC_CHARACTERS)
  return note.slice(0, CRC_CHARACTERS) === checksum(json) ? (JSON.parse(json) as BelowStart) : undefined
}

/** The epochs of the records in the log, as they were found, behind those of the records that are gone. An empty log has only the latter. */
export function joinEpochs(below: readonly EpochStart[], found: readonly EpochStart[], endOffset: number): readonly EpochStart[] {
  const firstOffset = Math.min(found[0]?.startOffset ?? endOffset, endOffset)
  const table = new EpochTable(below.filter((entry) => entry.startOffset < firstOffset))
  for (const { epoch, startOffset } of found) table.note(epoch, Math.max(0, Math.min(startOffset, endOffset - 1)))
  return table.entries
}
