import type { Code } from '../base/errors.ts'
import type { PartitionState } from '../metadata/records.ts'
import type { BatchHeader } from '../record/batch.ts'
import type { IsrMember } from '../metadata/records.ts'
import type { ProducerState } from './producers.ts'

/** Whose clock the records of a topic are timed by, and how far a producer's may be from the leader's, in ms. */
export interface TimestampRule {
  readonly type: 'CreateTime' | 'LogAppendTime'
  readonly beforeMaxMs: number
  readonly afterMaxMs: number
}

/** What a leader must know of the brokers that hold replicas (rules R6.5). */
export interface ReplicaBroker {
  readonly brokerEpoch: number
  readonly fenced: boolean
  readonly draining: boolean
}

/** A follower's fetch (rules R6.1). `lastFetchedEpoch`: epoch of fetchOffset − 1, −1 at the start. maxBytes 0: a report only. */
export interface FollowerFetch {
  readonly fetchId: number
  readonly currentLeaderEpoch: number
  readonly fetchOffset: number
  readonly lastFetchedEpoch: number
  /** Exclusive: all below is synced on the follower. The only thing that counts. */
  readonly syncedEndOffset: number
  readonly brokerEpoch: number
  /** As it is on the follower's disk. */
  readonly logStartOffset: number
  readonly maxBytes: number
}

/** Where a log goes on whose end lies below the start of its leader's. What the leader knows of the records before comes with it. */
export interface LogReset {
  /** A batch begins here. */
  readonly offset: number
  /** Of the record before `offset`; −1: unknown. */
  readonly epoch: number
  /** Producers with batches below `offset` among those kept, the least recently used first (rules R6.8). */
  readonly producers: readonly ProducerState[]
}

/** The head of an answer to a follower's fetch; batches travel behind it. It names what it answers (style S5). */
export interface FetchAnswer {
  readonly fetchId: number
  readonly leaderEpoch: number
  readonly fetchOffset: number
  readonly lastFetchedEpoch: number
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly result: /** Batches from fetchOffset on, maybe none. */
    | { readonly type: 'data' }
    /** The logs part: the leader's epoch ≤ lastFetchedEpoch and where it ends there (rules R6.2). */
    | { readonly type: 'diverging'; readonly epoch: number; readonly endOffset: number }
    /** The leader keeps nothing of what follows the follower's log. */
    | ({ readonly type: 'reset' } & LogReset)
    | { readonly type: 'error'; readonly code: Code }
}

export type PartitionInput =
  /**
   * The partition's metadata, or that of a broker of its replicas, as applied. The own entry of `brokers` is there only once the registration of
   * this process is applied: before that the replica neither leads nor follows (rules R5.4).
   */
  | {
      readonly type: 'assign'
      readonly state: PartitionState
      readonly brokers: ReadonlyMap<number, ReplicaBroker>
      readonly minInSyncReplicas: number
      readonly maxMessageBytes: number
      readonly timestamps: TimestampRule
    }
  /** One batch; its CRC was checked. produceId: never used again here. acks −1: all. currentLeaderEpoch −1: the client does not know it. nowMs: wall clock. */
  | {
      readonly type: 'produce'
      readonly produceId: number
      readonly nowMs: number
      readonly acks: -1 | 0 | 1
      readonly currentLeaderEpoch: number
      readonly header: BatchHeader
      readonly bytes: Buffer
    }
  /** These produces waited for as long as they may: each that is still unanswered is answered now, indefinite (rules R1.3). */
  | { readonly type: 'expire'; readonly produceIds: readonly number[] }
  | { readonly type: 'fetch'; readonly from: number; readonly fetch: FollowerFetch }
  /** A leader's answer. `bytes`: whole batches, CRC checked, headers in order; empty when none. */
  | { readonly type: 'answer'; readonly from: number; readonly answer: FetchAnswer; readonly headers: readonly BatchHeader[]; readonly bytes: Buffer }
  /** The fetch stream to or from that node ended: what is outstanding there will not be answered. */
  | { readonly type: 'disconnected'; readonly nodeId: number }
  | { readonly type: 'synced'; readonly cutCount: number; readonly endOffset: number }
  /** For a leader, which alone decides it: records below `offset` go, as far as they are below the high watermark. */
  | { readonly type: 'advanceStart'; readonly offset: number }
  /** The disk has the start that an `advanceStart` effect named. batchOffset: where the batch begins that holds it; the start itself if it is the end. */
  | { readonly type: 'startSynced'; readonly offset: number; readonly batchOffset: number }
  | { readonly type: 'isrAnswer'; readonly leaderEpoch: number; readonly partitionEpoch: number; readonly code: Code | null }
  /** The replica's log is dead or damaged (rules R3.3, R3.5): it stops serving. */
  | { readonly type: 'offline'; readonly reason: string }
  /** `ticks`: 1, unless those before were quiet (Partition.quietTicks). */
  | { readonly type: 'tick'; readonly ticks?: number }

export type PartitionEffect =
  /** Append one batch as leader: stamp it, copy it. Answered by `synced`. logAppendTimeMs: the time of all its records; null: they keep their own. */
  | {
      readonly type: 'append'
      readonly bytes: Buffer
      readonly baseOffset: number
      readonly leaderEpoch: number
      readonly logAppendTimeMs: number | null
    }
  /** Append fetched batches unchanged. Answered by `synced`. */
  | { readonly type: 'appendFetched'; readonly bytes: Buffer; readonly headers: readonly BatchHeader[] }
  /** Cut to endOffset; the cut count grows by one; answered by `synced` with that count. */
  | { readonly type: 'truncate'; readonly endOffset: number; readonly cutCount: number }
  /** The log begins at `offset`, for readers at once. Answered by `startSynced`. */
  | { readonly type: 'advanceStart'; readonly offset: number }
  /** Drop all, go on at `offset`, which is above the end, or 0; the cut count grows by one; answered by `synced` with that count. */
  | { readonly type: 'resetLog'; readonly offset: number; readonly cutCount: number }
  /** baseOffset −1 with a code. */
  | {
      readonly type: 'produceReply'
      readonly produceId: number
      readonly baseOffset: number
      readonly code: Code | null
      readonly definite: boolean
      readonly detail: string
    }
  /** Answer with batches from answer.fetchOffset, at most maxBytes; maxBytes 0: the head alone. */
  | { readonly type: 'answerFetch'; readonly to: number; readonly answer: FetchAnswer; readonly maxBytes: number }
  | { readonly type: 'sendFetch'; readonly to: number; readonly fetch: FollowerFetch }
  /** Propose this ISR to the active controller, again and again until an isrAnswer was fed or a newer proposal came. */
  | { readonly type: 'proposeIsr'; readonly leaderEpoch: number; readonly partitionEpoch: number; readonly isr: readonly IsrMember[] }
  /** The high watermark of this replica moved: waiting consumers may be answered. */
  | { readonly type: 'highWatermark'; readonly offset: number }
  /** The log start that every in-sync replica has on its disk moved: who waits for deletions may be answered. */
  | { readonly type: 'lowWatermark'; readonly offset: number }
  /** A cut below the own high watermark was due: set the replica aside and report it (rules R6.3). */
  | { readonly type: 'quarantine'; readonly reason: string }
  /** For the operator's log. */
  | { readonly type: 'event'; readonly event: PartitionEvent }

export type PartitionEvent =
  | { readonly type: 'becameLeader'; readonly leaderEpoch: number; readonly startOffset: number }
  | { readonly type: 'becameFollower'; readonly leaderEpoch: number; readonly leader: number }
  | { readonly type: 'isrChanged'; readonly isr: readonly number[]; readonly partitionEpoch: number }
  | { readonly type: 'cut'; readonly from: number; readonly to: number; readonly leaderEpoch: number }
  | { readonly type: 'reset'; readonly from: number; readonly to: number; readonly leaderEpoch: number }
  /** The log from startOffset to endOffset was dropped whole; it begins anew at 0. */
  | { readonly type: 'restarted'; readonly startOffset: number; readonly endOffset: number; readonly leaderEpoch: number }
