import type { Uuid } from '../base/ids.ts'

/**
 * What voters and observers say to each other. Offsets are Raft indexes, from 0; an end is exclusive, and so is `commitIndex`:
 * every entry below it is committed. `previousTerm` is the term of the entry at startOffset − 1, −1 at the start of the log.
 * Source: Raft paper, figure 2; pre-vote, transfer: Ongaro's dissertation 9.6, 3.10; reject hints, read index: etcd/raft.
 */
export type RaftMessage = VoteRequest | VoteReply | AppendRequest | AppendReply | TimeoutNow | ReadProbe | ReadProbeReply | SnapshotChunk | SnapshotReply

/** `term` is the term asked for: in a pre-vote the sender's term + 1, which changes no term anywhere (rules R4.2). */
export interface VoteRequest {
  readonly type: 'voteRequest'
  readonly preVote: boolean
  readonly term: number
  /** Term of the last entry, −1 when the log is empty. */
  readonly lastTerm: number
  readonly endOffset: number
  /** Of a vote: every voter granted the pre-vote, or has an empty log, so that no log anywhere is ahead of this one (rules R2.2). */
  readonly heardAll: boolean
}

/** `term`: granted → the term asked for; refused → the receiver's term. empty: a pre-vote was refused for an empty log alone (rules R2.2). */
export interface VoteReply {
  readonly type: 'voteReply'
  readonly preVote: boolean
  readonly term: number
  readonly granted: boolean
  readonly empty: boolean
}

/** Entries from `startOffset` on, contiguous; none: a heartbeat, which is always answered at once. */
export interface AppendRequest {
  readonly type: 'append'
  readonly term: number
  readonly startOffset: number
  readonly previousTerm: number
  readonly commitIndex: number
  readonly entries: readonly Entry[]
}

/** One entry: one sealed record batch whose base offset is its Raft index and whose leader epoch is its term (rules R3.1). */
export interface Entry {
  readonly term: number
  readonly bytes: Buffer
}

export interface AppendReply {
  readonly type: 'appendReply'
  readonly term: number
  /** The startOffset of the request that this answers. */
  readonly startOffset: number
  readonly result: /**
   * Everything below `persistedEndOffset` is equal to the leader's log and synced. `counts` false: the sender's log was damaged and has
   * not caught up with a commit beyond its mark: it is fed, and stands in no quorum (rules R3.4).
   */
    | { readonly type: 'accepted'; readonly persistedEndOffset: number; readonly counts: boolean }
    /** The log differs before startOffset: the leader should try from its end of `hintTerm`, at most `hintEndOffset`. */
    | { readonly type: 'rejected'; readonly hintTerm: number; readonly hintEndOffset: number }
}

/** What a snapshot holds: every entry below `endOffset` (exclusive), all of them committed; `lastTerm` is the term of the last of them. */
export interface SnapshotId {
  readonly endOffset: number
  readonly lastTerm: number
}

/** A snapshot on a disk. `sizeBytes`: of its file. */
export interface Snapshot extends SnapshotId {
  readonly sizeBytes: number
}

/**
 * A piece of the leader's snapshot, for a peer whose log ends before the leader's begins: its bytes from `position` on. Pieces of one
 * snapshot go in order; a peer that has what the snapshot holds answers with an `appendReply` that accepts at `endOffset`.
 */
export interface SnapshotChunk extends Snapshot {
  readonly type: 'snapshotChunk'
  readonly term: number
  readonly position: number
  readonly bytes: Buffer
}

/** Of the snapshot with this end everything below `position` was written: the leader goes on from there, and begins anew where it falls. */
export interface SnapshotReply extends SnapshotId {
  readonly type: 'snapshotReply'
  readonly term: number
  readonly position: number
}

/** The leader of `term` hands over: the receiver, which has all of its log, is to stand at once, without a pre-vote (rules R4.2). */
export interface TimeoutNow {
  readonly type: 'timeoutNow'
  readonly term: number
}

/** Does anybody know a later term? Asked by the leader of `term` for the reads that wait for this round (rules R4.6). */
export interface ReadProbe {
  readonly type: 'readProbe'
  readonly term: number
  readonly round: number
}

/** `term` is the receiver's: that of the probe confirms its round, a later one deposes who asked. */
export interface ReadProbeReply {
  readonly type: 'readProbeReply'
  readonly term: number
  readonly round: number
}

/** Who a message is from: a voter is (id, folder), so a wiped disk is another one (rules R2.1, R2.2). */
export interface PeerIdentity {
  readonly nodeId: number
  readonly directoryId: Uuid
}

/** A member of the voter set; directoryId null: known by id only, until its first Hello (rules R2.2). */
export interface Voter {
  readonly nodeId: number
  readonly directoryId: Uuid | null
}

/** The voter set of the newest voter record in a log, committed or not: it counts from its append on (rules R4.4). */
export interface VoterSet {
  readonly voters: readonly Voter[]
  /** Of its entry; −1 when the log holds none. */
  readonly offset: number
  /** The set before it, which counts again when that entry is cut off; [] when there was none. */
  readonly previous: readonly Voter[]
}

export const noVoterSet: VoterSet = { voters: [], offset: -1, previous: [] }
