import { crc32c } from '../base/crc32c.ts'
import type { Uuid } from '../base/ids.ts'

const FOLDER = 'partitions/'
/** Beside a log: whose partition it is. */
export const PARTITION_NOTE = 'partition.metadata'

/** The folder of one partition's log, below the data folder. */
export function logName(topic: string, partition: number): string {
  return `${FOLDER}${topic}-${partition}`
}

export function parseLogName(name: string): { readonly topic: string; readonly partition: number } | undefined {
  const match = /^partitions\/(.+)-(\d+)$/.exec(name)
  return match === null ? undefined : { topic: match[1] as string, partition: Number(match[2]) }
}

export interface PartitionNote {
  readonly topicId: Uuid
  /** A checksum says that this is the id as it was written; an operator writes the note without one. */
  readonly isSealed: boolean
}

export function formatPartitionNote(topicId: Uuid): string {
  return JSON.stringify({ version: 1, topicId, crc: crc32c(Buffer.from(topicId)) })
}

/** Whose partition a log is, by its note; undefined: the note does not say. */
export function parsePartitionNote(note: string | undefined): PartitionNote | undefined {
  if (note === undefined) return undefined
  try {
    const { topicId, crc } = JSON.parse(note) as { topicId?: unknown; crc?: unknown }
    if (typeof topicId !== 'string' || (crc !== undefined && crc !== crc32c(Buffer.from(topicId)))) return undefined
    return { topicId, isSealed: crc !== undefined }
  } catch {
    return undefined
  }
}
