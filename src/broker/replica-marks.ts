import { crc32c } from '../base/crc32c.ts'
import type { Uuid } from '../base/ids.ts'
import type { EpochStart } from '../base/epochs.ts'
import type { ProducerSnapshot } from '../replication/producers.ts'
import type { DataFolder } from './data-folders.ts'
import type { Replica } from './replica.ts'

/** What `checkpoints/` keeps of one replica. All of it can be rebuilt; losing it costs time or makes the replica suspect (rules R3.7). */
export interface ReplicaCheckpoint {
  readonly topicId: Uuid
  /** The folder that the log stands on. */
  readonly directoryId: Uuid
  readonly highWatermark: number
  /** Never more than min(high watermark, own synced end) (rules R3.3). */
  readonly safeEndOffset: number
  /** The synced end at a clean stop, −1 while running. */
  readonly cleanEndOffset: number
  /** Number of the start of the folder whose process noted this (rules R3.4). */
  readonly startNumber: number
  readonly suspect: boolean
  readonly producers: ProducerSnapshot
  /** The newest of the log: no checksum covers what a batch says of its epoch, and a greater one would make this log seem to have most (rules R5.7). */
  readonly epochs: readonly EpochStart[]
}

/** Elections that a checkpoint remembers, of each replica. */
const MAX_EPOCHS = 16

const KEY_PREFIX = 'replica/'
const CRC_CHARACTERS = 8

export function checkpointKey(logName: string): string {
  return `${KEY_PREFIX}${logName}`
}

export function checkpointOf(replica: Replica, { directory, directoryId }: DataFolder, cleanEndOffset: number): ReplicaCheckpoint {
  const { core, topicId } = replica
  return {
    topicId,
    directoryId,
    highWatermark: core.highWatermark,
    safeEndOffset: Math.min(core.highWatermark, core.syncedEndOffset),
    cleanEndOffset: replica.dead ? -1 : cleanEndOffset,
    startNumber: directory.start.number,
    suspect: replica.suspect,
    producers: core.producerSnapshot(),
    epochs: core.epochs.slice(-MAX_EPOCHS),
  }
}

/** The store has been seen to flip bytes (rules R3.7), and a high watermark that is too high is no mere loss of time: so it carries a CRC-32C. */
export function encodeCheckpoint(checkpoint: ReplicaCheckpoint): Buffer {
  const json = Buffer.from(JSON.stringify(checkpoint))
  return Buffer.concat([Buffer.from(checksum(json)), json])
}

function checksum(json: Buffer): string {
  return crc32c(json).toString(16).padStart(CRC_CHARACTERS, '0')
}

/** Undefined for anything that does not look right: it is only a cache. */
export function decodeCheckpoint(bytes: Buffer | undefined): ReplicaCheckpoint | undefined {
  if (bytes === undefined) return undefined
  const json = bytes.subarray(CRC_CHARACTERS)
  if (bytes.toString('latin1', 0, CRC_CHARACTERS) !== checksum(json)) return undefined
  try {
    const value = JSON.parse(json.toString()) as Partial<ReplicaCheckpoint>
    const numbers = [value.highWatermark, value.safeEndOffset, value.cleanEndOffset, value.startNumber]
    if (
      typeof value.topicId !== 'string' ||
      typeof value.directoryId !== 'string' ||
      !numbers.every(Number.isSafeInteger) ||
      typeof value.suspect !== 'boolean' ||
      typeof value.producers !== 'object' ||
      value.producers === null ||
      !Array.isArray(value.epochs)
    )
      return undefined
    return value as ReplicaCheckpoint
  } catch {
    return undefined
  }
}
