import type { PartitionRef } from './commands.ts'

/** A partition as the key of a map. */
export function refKey(ref: PartitionRef): string {
  return `${ref.topicId}/${ref.partition}`
}
