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

/** Whose partition a log is, by its note; undefined: the note does not say. */
export function parseTopicId(note: string | undefined): Uuid | undefined {
  if (note === undefined) return undefined
  try {
    const { topicId } = JSON.parse(note) as { topicId?: unknown }
    return typeof topicId === 'string' ? topicId : undefined
  } catch {
    return undefined
  }
}
