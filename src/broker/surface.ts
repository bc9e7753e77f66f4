import type { Checkpoints } from '../base/checkpoints.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Fatal } from '../base/fatal.ts'
import type { Uuid } from '../base/ids.ts'
import type { LogLevelControl } from '../base/log-level.ts'
import type { Logger } from '../base/log-line.ts'
import type { Random } from '../base/random.ts'
import type { Log } from '../log/surface.ts'
import type { BrokerAddress, IsrMember } from '../metadata/records.ts'
import type { PeerProgress, RaftRole } from '../raft/effects.ts'
import type { RaftLimits } from '../raft/limits.ts'
import type { Voter } from '../raft/messages.ts'
import type { SnapshotView } from '../runtime/metadata-snapshots.ts'
import type { Transport } from '../runtime/transport.ts'
import type { ConfigEntry } from '../wire/api.ts'
import type { ChangeTotals } from './change-counts.ts'

/** Everything a node touches of the world. The code above is the same in production and in simulation. */
export interface NodeSeams {
  readonly clock: Clock
  readonly random: Random
  /** Rooted at the node's data folder: the first, where there are several. */
  readonly disk: Disk
  /** All data folders, that of `disk` first. Undefined: it is the only one. */
  readonly dataDisks?: readonly DataDisk[]
  readonly checkpoints: Checkpoints
  readonly transport: Transport
  readonly logger: Logger
  /** Absent where the level is not the node's to change (embedded, simulated). */
  readonly logLevel?: LogLevelControl
  readonly fatal: Fatal
}

/** One data folder. `path`: as an operator knows it. */
export interface DataDisk {
  readonly path: string
  readonly disk: Disk
}

export interface PeerAddress {
  readonly nodeId: number
  readonly host: string
  readonly grpcPort: number
}

/** What one node is, from its config (cli.md, Files). */
export interface NodeOptions {
  readonly nodeId: number
  readonly roles: { readonly controller: boolean; readonly broker: boolean }
  readonly address: BrokerAddress
  /** All nodes of the cluster file but this one. */
  readonly peers: readonly PeerAddress[]
  /** Ids of the first voters: the nodes with the controller role in the file, but those with firstVoter: false. */
  readonly voterIds: readonly number[]
  readonly clusterName: string
  readonly config: NodeConfig
  /** The same as an operator reads it: DescribeConfigs of this broker. Absent: nobody asks (simulated). */
  readonly configEntries?: readonly ConfigEntry[]
  /** Absent: as in rules 8. */
  readonly limits?: Partial<NodeLimits>
}

/** How much goes at once. With small ones everything is as right as with large ones, and more often in between. */
export interface NodeLimits extends RaftLimits {
  /** That a follower asks for of one partition. */
  readonly followerFetchBytes: number
  /** Of one partition, fetched and not synced yet: above this a follower fetches no more. */
  readonly followerUnsyncedBytes: number
  /** Of a metadata snapshot, in one message. */
  readonly snapshotChunkBytes: number
  /** Of one log, between two syncs. Never to be lowered on a used folder. */
  readonly roundBytes: number
  /** Of the committed metadata log, handed to the state machine in one turn. */
  readonly applyBytes: number
}

/** Numbers of rules 8, in Kafka's names in the cluster file. */
export interface NodeConfig {
  readonly minInSyncReplicas: number | null
  readonly maxMessageBytes: number
  readonly segmentBytes: number
  readonly indexIntervalBytes: number
  readonly replicaLagTimeMaxMs: number
  readonly tailCacheBytes: number
  readonly produceInFlightBytes: number
  readonly checkpointIntervalMs: number
  readonly producerIdExpirationMs: number
  readonly quarantineMs: number
  /** For topics that do not say it themselves, these seven. −1: kept whatever their age, or size. */
  readonly retentionMs: number
  readonly retentionBytes: number
  readonly segmentMs: number
  readonly timestampType: TimestampType
  readonly timestampBeforeMaxMs: number
  readonly timestampAfterMaxMs: number
  readonly retentionCheckIntervalMs: number
  /** The metadata is written down whole once so many bytes of its log were applied since, or the last time is so long ago and any were. */
  readonly metadataSnapshotBytes: number
  readonly metadataSnapshotMs: number
  /** Between looks of the active controller whether leaderships should move back to the first of their replicas; 0: never. */
  readonly leaderBalanceMs: number
  /** Silence after which a broker is fenced, and the shortest election timeout (rules R5.5, 8). */
  readonly sessionTimeoutMs: number
  readonly electionTimeoutMs: number
}

/** Whose clock a record's timestamp is of: the producer's, or the leader's when it appends. */
export type TimestampType = 'CreateTime' | 'LogAppendTime'

/** What a checker or a metrics page may see of one replica; values are of this turn. */
export interface ReplicaView {
  readonly topic: string
  readonly topicId: Uuid
  readonly partition: number
  readonly log: Log
  readonly role: 'leader' | 'follower' | 'none' | 'offline'
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  /** As it counts; the log on the disk follows. */
  readonly logStartOffset: number
  readonly highWatermark: number
  readonly isr: readonly IsrMember[]
  readonly suspect: boolean
  readonly damaged: boolean
}

/** A replica as it is at any moment: for whoever asks after every step whether anything changed. */
export interface LiveReplica {
  readonly log: Log
  readonly suspect: boolean
  readonly damaged: boolean
  readonly core: Pick<ReplicaView, 'role' | 'leaderEpoch' | 'partitionEpoch' | 'logStartOffset' | 'highWatermark'>
  /** What it is now, to keep. */
  view(): ReplicaView
}

export interface RaftView {
  readonly role: RaftRole
  readonly term: number
  readonly leaderId: number | null
  /** The newest set in its log, committed or not: that majorities are made of. Empty when none is known. */
  readonly voters: readonly Voter[]
  readonly commitIndex: number
  /** Of the metadata log; below it snapshots hold what was decided. */
  readonly startOffset: number
  readonly endOffset: number
  /** That log is damaged: no vote until it is whole beyond this offset again; null: it is not (rules R3.4). */
  readonly damagedBelow: number | null
  /** The newest one on the disk; null: none yet. */
  readonly snapshot: SnapshotView | null
}

/** What readiness and metrics are judged by, besides Raft and replicas; values are of this turn. */
export interface NodeView {
  /** −1 until the applied image shows this process. */
  readonly brokerEpoch: number
  /** Why the active controller does not register this process. */
  readonly lastRefusal: string | null
  readonly isStopping: boolean
  readonly isDiskLow: boolean
  /** Data folders that failed. */
  readonly offlineFolders: number
  /** Node ids of the peers with a control stream. */
  readonly connected: readonly number[]
  /** Every node, this one among them; empty when it does not lead the quorum. */
  readonly followers: readonly PeerProgress[]
  readonly changes: ChangeTotals
}
