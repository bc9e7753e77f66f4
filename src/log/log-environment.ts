import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { GroupCommit } from './group-commit.ts'
import type { Slabs } from './slabs.ts'
import type { LogDirectoryEvents } from './surface.ts'

/** What all logs of a folder share. */
export interface LogEnvironment {
  readonly disk: Disk
  readonly clock: Pick<Clock, 'defer'>
  readonly slabs: Slabs
  readonly rounds: GroupCommit<FlushResult | undefined>
  readonly counters: { appendedBytes: number; copiedBytes: number; writeCalls: number; syncCalls: number; rounds: number }
  readonly events: LogDirectoryEvents
  /** Of a log that was given no other limit. */
  readonly segmentBytes: number
  readonly indexIntervalBytes: number
  /** Most bytes of one log in one round (or one batch): how far unsynced bytes can reach, for the recovery. */
  readonly roundBytes: number
}

/** Where a flush left the disk: all below endOffset is durable, judged by the cut count it began with. */
export interface FlushResult {
  readonly endOffset: number
  readonly cutCount: number
}
