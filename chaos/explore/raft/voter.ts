import type { PeerIdentity, RaftMessage, VoterSet } from '../../../src/raft/messages.ts'
import { noVoterSet } from '../../../src/raft/messages.ts'
import type { Raft } from '../../../src/raft/raft.ts'
import type { LogOf } from '../abstract-disk.ts'
import { textOf } from '../object-graph.ts'
import { copyRaft } from './opened-raft.ts'

export interface Vote {
  readonly term: number
  readonly votedFor: number | null
}

/** `persisted` to be said, once everything below endOffset is synced. */
export interface Statement {
  readonly term: number
  readonly endOffset: number
}

/** One node: the machine, its disk, and what its driver has under way (src/runtime). */
export interface VoterNode {
  readonly nodeId: number
  /** Undefined: the process is dead. */
  readonly core: Raft | undefined
  /** What the machine believes its log to be. */
  readonly memory: LogOf
  readonly durable: LogOf
  /** What the round of write and sync that is under way will say; a cut overtakes it, and then it says nothing (rules R3.2). */
  readonly round: (Statement & { readonly isOvertaken: boolean }) | undefined
  /** What the next round will say. */
  readonly asked: Statement | undefined
  /** The vote file, and what is being written to it. */
  readonly vote: Vote
  readonly savingVote: Vote | undefined
}

/** On its way. The sender is whoever it was, even if it is dead by now. */
export interface Sent {
  readonly from: number
  readonly to: number
  readonly message: RaftMessage
}

/** What a step adds to what happened so far. */
export type Happening =
  | { readonly type: 'wrote'; readonly offset: number; readonly entry: number }
  | { readonly type: 'leads'; readonly nodeId: number; readonly term: number; readonly log: LogOf }
  | { readonly type: 'committed'; readonly nodeId: number; readonly log: LogOf; readonly term: number; readonly isLeader: boolean }

export interface Outcome {
  readonly node: number
  readonly sends: readonly number[]
  /** Index into the happenings known. */
  readonly happenings: number
  readonly isChanged: boolean
}

export function identityOf(nodeId: number): PeerIdentity {
  return { nodeId, directoryId: `${nodeId}`.repeat(32) }
}

/** The first entry names all voters, and it is the only one that does. */
export function voterSetOf(log: LogOf, nodeIds: readonly number[]): VoterSet {
  return log.length === 0 ? noVoterSet : { voters: nodeIds.map(identityOf), offset: 0, previous: [] }
}

/** The same with a machine of its own, to be changed. */
export function fork(node: VoterNode): VoterNode {
  return node.core === undefined ? node : { ...node, core: copyRaft(node.core) }
}

export function nodeText({ core, ...rest }: VoterNode): string {
  return `${textOf(rest)} ${core === undefined ? 'dead' : textOf(core)}`
}
