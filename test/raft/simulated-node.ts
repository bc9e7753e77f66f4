import type { RaftEffect } from '../../src/raft/effects.ts'
import type { Entry } from '../../src/raft/messages.ts'
import type { Raft } from '../../src/raft/raft.ts'

export type DiskOperation =
  | { readonly type: 'vote'; readonly term: number; readonly votedFor: number | null }
  | { readonly type: 'append'; readonly term: number; readonly startOffset: number; readonly entries: readonly Entry[] }
  | { readonly type: 'truncate'; readonly endOffset: number }

export type SendEntries = Extract<RaftEffect, { type: 'sendEntries' }>

/** A node: what dies with its process (raft, memory, operations not performed) and what does not (disk). */
export interface SimulatedNode {
  readonly nodeId: number
  directoryId: string
  canVote: boolean
  damagedBelow: number | null
  /** Null while the process is dead. */
  raft: Raft | null
  memory: Entry[]
  disk: { term: number; votedFor: number | null; entries: Entry[] }
  operations: DiskOperation[]
  timer: { readonly timerId: number; delayMs: number } | null
  holdsReads: boolean
  reads: SendEntries[]
  appliedOffset: number
  known: Map<number, string>
  incarnation: number
}
