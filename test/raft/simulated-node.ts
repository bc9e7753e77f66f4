import type { RaftEffect } from '../../src/raft/effects.ts'
import type { Entry, SnapshotId } from '../../src/raft/messages.ts'
import type { Raft } from '../../src/raft/raft.ts'

export type DiskOperation =
  | { readonly type: 'vote'; readonly term: number; readonly votedFor: number | null }
  | { readonly type: 'append'; readonly term: number; readonly startOffset: number; readonly entries: readonly Entry[] }
  | { readonly type: 'truncate'; readonly endOffset: number }
  | ({ readonly type: 'write'; readonly term: number; readonly position: number; readonly bytes: Buffer } & SnapshotId)
  | ({ readonly type: 'store'; readonly term: number } & SnapshotId)
  | ({ readonly type: 'take' } & SnapshotId)
  | ({ readonly type: 'install'; readonly term: number } & SnapshotId)
  | { readonly type: 'cutStart'; readonly startOffset: number }

export type SendEntries = Extract<RaftEffect, { type: 'sendEntries' }>

/** A snapshot file: what is in it, whole, and as bytes. */
export interface StoredSnapshot extends SnapshotId {
  readonly entries: readonly Entry[]
  readonly bytes: Buffer
}

export interface SimulatedDisk {
  term: number
  votedFor: number | null
  entries: Entry[]
  startOffset: number
  /** The two newest, newest first. */
  snapshots: StoredSnapshot[]
  /** The file that a leader's snapshot is written to. */
  incoming: Buffer
}

/** A node: what dies with its process (raft, memory, operations not performed) and what does not (disk). */
export interface SimulatedNode {
  readonly nodeId: number
  directoryId: string
  canVote: boolean
  damagedBelow: number | null
  /** Null while the process is dead. */
  raft: Raft | null
  /** From offset 0 on, whatever the log was cut to or begun anew from: for the judge. The core and its peers see what lies at or above startOffset. */
  memory: Entry[]
  startOffset: number
  disk: SimulatedDisk
  operations: DiskOperation[]
  timer: { readonly timerId: number; delayMs: number } | null
  holdsReads: boolean
  reads: SendEntries[]
  appliedOffset: number
  known: Map<number, string>
  incarnation: number
}
