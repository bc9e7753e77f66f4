import { UsageError } from './failure.ts'

export interface PartitionName {
  readonly topic: string
  /** Undefined: all of them. */
  readonly partition: number | undefined
}

/** `orders` or `orders:0`. */
export function parsePartitionName(text: string, example: string): PartitionName {
  const parts = /^([^:]+)(?::(\d{1,9}))?$/.exec(text)
  if (parts === null) throw new UsageError(`"${text}" is neither TOPIC nor TOPIC:PARTITION`, `for example: ${example}`)
  return { topic: parts[1] as string, partition: parts[2] === undefined ? undefined : Number(parts[2]) }
}
