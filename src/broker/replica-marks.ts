import type { Uuid } from '../base/ids.ts'
import type { ProducerSnapshot } from '../replication/producers.ts'

/** What `checkpoints/` keeps of one replica. All of it can be rebuilt; losing it costs time or makes the replica suspect (rules R3.7). */
export interface ReplicaCheckpoint {
  readonly topicId: Uuid
  readonly highWatermark: number
  /** Never more than min(high watermark, own synced end) (rules R3.3). */
  readonly safeEndOffset: number
  /** The synced end at a clean stop, −1 while running. */
  readonly cleanEndOffset: number
  /** The folder's count of unclean starts that this replica has been cleared for (rules R3.4). */
  readonly clearedUncleanCount: number
  readonly producers: ProducerSnapshot
}

const KEY_PREFIX = 'replica/'

export function checkpointKey(logName: string): string {
  return `${KEY_PREFIX}${logName}`
}

export function encodeCheckpoint(checkpoint: ReplicaCheckpoint): Buffer {
  return Buffer.from(JSON.stringify(checkpoint))
}

/** Undefined for anything that does not look right: it is only a cache. */
export function decodeCheckpoint(bytes: Buffer | undefined): ReplicaCheckpoint | undefined {
  if (bytes === undefined) return undefined
  try {
    const value = JSON.parse(bytes.toString()) as Partial<ReplicaCheckpoint>
    const numbers = [value.highWatermark, value.safeEndOffset, value.cleanEndOffset, value.clearedUncleanCount]
    if (typeof value.topicId !== 'string' || !numbers.every(Number.isSafeInteger) || typeof value.producers !== 'object' || value.producers === null)
      return undefined
    return value as ReplicaCheckpoint
  } catch {
    return undefined
  }
}
