import type { Entry, PeerIdentity, RaftMessage, Snapshot, SnapshotId, Voter, VoterSet } from './messages.ts'
import type { VoterRefusal } from './voter-change.ts'

export type RaftRole = 'follower' | 'preCandidate' | 'candidate' | 'leader' | 'observer'

/** What a driver tells the core. Completions name the term they belong to; one of another term is ignored (rules R4.1). */
export type RaftInput =
  /** 50 ms that the node really ran (rules R5.5). */
  | { readonly type: 'tick' }
  | { readonly type: 'message'; readonly from: PeerIdentity; readonly message: RaftMessage }
  /** Sealed batches, unstamped. Refused whole, or appended whole. */
  | { readonly type: 'propose'; readonly proposalId: number; readonly entries: readonly Buffer[] }
  /** One sealed batch that makes `voters` the voter set: one voter comes, or goes, or gets its folder (rules R4.4). Refused by votersRefused. */
  | { readonly type: 'proposeVoters'; readonly proposalId: number; readonly voters: readonly Voter[]; readonly entry: Buffer }
  /** Hand leadership to this voter; null: to the one that has most. Answered by `transfer`. */
  | { readonly type: 'transfer'; readonly to: number | null }
  /** Answered by `readable`, once what is committed now is known to be all that was (rules R4.6). */
  | { readonly type: 'readIndex'; readonly readId: number }
  /**
   * Everything below endOffset is synced (and so is the mark of rules R3.6). `term` is that of the last append or appendOpening effect
   * performed when the driver asked for that sync; a completion that a cut overtook is not fed at all (rules R3.2).
   */
  | { readonly type: 'persisted'; readonly term: number; readonly endOffset: number }
  | { readonly type: 'voteSaved'; readonly term: number; readonly votedFor: number | null }
  /** A sendEntries effect was performed: [startOffset, endOffset) left; endOffset = startOffset when nothing could be read. */
  | {
      readonly type: 'entriesSent'
      readonly to: number
      readonly term: number
      readonly startOffset: number
      readonly endOffset: number
      readonly sizeBytes: number
    }
  | { readonly type: 'peerUp'; readonly peer: PeerIdentity }
  /** `refused`: the process is gone by the evidence of rules R5.5 (a); `closed`: only the stream ended. */
  | { readonly type: 'peerDown'; readonly nodeId: number; readonly reason: 'closed' | 'refused' }
  /** An append or a cut made this the newest voter set in the log. Fed before anything else. */
  | { readonly type: 'voterSet'; readonly set: VoterSet }
  | { readonly type: 'timer'; readonly timerId: number }
  /** This node wrote a snapshot of what it had applied; it is durable. */
  | { readonly type: 'snapshotTaken'; readonly snapshot: Snapshot }
  /** A snapshot of a leader is durable here, and whole: asked for by storeSnapshot, in whatever term, or found at the start. `voters`: as it holds them. */
  | { readonly type: 'snapshotStored'; readonly snapshot: Snapshot; readonly voters: readonly Voter[] }
  /** What storeSnapshot asked for failed: the bytes are no whole snapshot, and were thrown away. */
  | ({ readonly type: 'snapshotInvalid'; readonly term: number } & SnapshotId)
  /** A writeSnapshot effect was performed: everything below `position` was written, synced or not. */
  | ({ readonly type: 'snapshotWritten'; readonly term: number; readonly position: number } & SnapshotId)
  /** A sendSnapshot effect was performed: [position, endPosition) left; endPosition = position when nothing could be read. */
  | ({ readonly type: 'snapshotSent'; readonly to: number; readonly term: number; readonly position: number; readonly endPosition: number } & SnapshotId)

/** What the core asks for. Effects are performed in order, at once; what must wait for a disk is not among them yet. */
export type RaftEffect =
  | { readonly type: 'saveVote'; readonly term: number; readonly votedFor: number | null }
  /**
   * Answered by `persisted` with this term. A follower's entries: stamped batches. A leader's: to be stamped (offset startOffset + i, epoch term).
   * No entries: the core wants `persisted` said again, in this term, once everything below startOffset is synced (rules R4.1).
   */
  | { readonly type: 'append'; readonly startOffset: number; readonly term: number; readonly entries: readonly Entry[] }
  /** A leader's first entry in its term, whose content the driver makes: the bootstrap entry at offset 0, else a leader change. */
  | { readonly type: 'appendOpening'; readonly startOffset: number; readonly term: number }
  | { readonly type: 'truncate'; readonly endOffset: number }
  | { readonly type: 'send'; readonly to: number; readonly message: RaftMessage }
  /** Read entries from startOffset, at most maxEntries and maxBytes (at least one), send them as an append, answer entriesSent. */
  | {
      readonly type: 'sendEntries'
      readonly to: number
      readonly term: number
      readonly startOffset: number
      readonly endOffset: number
      readonly maxBytes: number
      readonly previousTerm: number
      readonly commitIndex: number
    }
  /** Read the snapshot's file from `position`, at most maxBytes and at least one batch, send that as a snapshotChunk, answer snapshotSent. */
  | ({ readonly type: 'sendSnapshot'; readonly to: number; readonly term: number; readonly position: number; readonly maxBytes: number } & Snapshot)
  /** Write these bytes beside the snapshots that are whole, at position 0 as a new file, answer snapshotWritten. */
  | ({ readonly type: 'writeSnapshot'; readonly term: number; readonly position: number; readonly bytes: Buffer } & SnapshotId)
  /** All of it is written: check it, sync it, give it its name, sync the folder; answered by snapshotStored or snapshotInvalid. */
  | ({ readonly type: 'storeSnapshot'; readonly term: number } & SnapshotId)
  /** The log goes on behind a stored snapshot, which takes the place of what was applied. Nothing of the log before it counts. Answered by `persisted`, as an append. */
  | ({ readonly type: 'installSnapshot'; readonly term: number } & SnapshotId)
  /** Entries below startOffset are needed no more: snapshots hold them. */
  | { readonly type: 'cutLog'; readonly startOffset: number }
  /** Entries below commitIndex may be applied. */
  | { readonly type: 'committed'; readonly commitIndex: number }
  /** A proposal was appended from startOffset on; it is decided when the commit index passes it within this term. */
  | { readonly type: 'accepted'; readonly proposalId: number; readonly term: number; readonly startOffset: number }
  | { readonly type: 'refused'; readonly proposalId: number; readonly code: 'NOT_CONTROLLER' | 'THROTTLING_QUOTA_EXCEEDED' }
  | { readonly type: 'votersRefused'; readonly proposalId: number; readonly refusal: VoterRefusal }
  /** began: proposals are refused meanwhile; ends with another role, or over: the target did not take it in time. refused: nobody can. */
  | { readonly type: 'transfer'; readonly outcome: 'began' | 'refused' | 'over'; readonly to: number | null }
  /** A state that has applied all below commitIndex holds all that was decided before the question. null: ask the present leader. */
  | { readonly type: 'readable'; readonly readId: number; readonly commitIndex: number | null }
  | { readonly type: 'role'; readonly role: RaftRole; readonly term: number; readonly leaderId: number | null }
  /** Feed `timer` with this id after delayMs. A newer timer replaces an older one. */
  | { readonly type: 'startTimer'; readonly timerId: number; readonly delayMs: number }

/** One peer as the leader sees it; for `quorum status|replication`. */
export interface PeerProgress {
  readonly nodeId: number
  readonly directoryId: string | null
  readonly voter: boolean
  /** False while its log is damaged, and until it answered (rules R3.4). */
  readonly counts: boolean
  /** Known persisted end on that peer, exclusive. */
  readonly persistedEndOffset: number
  /** Ticks since it last answered; 0 for the leader itself. */
  readonly silentTicks: number
  /** Ticks since it last had everything that the leader had then. */
  readonly laggingTicks: number
  /** It had, within an election timeout, all that the leader had then. */
  readonly isCaughtUp: boolean
}
