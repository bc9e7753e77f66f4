import type { BrokerError } from '../base/errors.ts'
import type { PartitionQuestion } from './leader-call.ts'

export interface CreateTopicOptions {
  readonly name: string
  /** Default 6; with an assignment its length. */
  readonly partitions?: number
  /** Default 3; with an assignment its width. */
  readonly replicationFactor?: number
  /** Node ids a partition, preferred leader first. */
  readonly assignment?: readonly (readonly number[])[]
  readonly configs?: ReadonlyMap<string, string> | Readonly<Record<string, string>>
  /** Answers with the topic as it is when the name is taken. */
  readonly ifNotExists?: boolean
  /** Checks, creates nothing. */
  readonly validateOnly?: boolean
  readonly timeoutMs?: number
}

export interface AlterTopicOptions {
  readonly name: string
  /** The total wanted; default: as it is. */
  readonly partitions?: number
  /** Node ids an added partition, preferred leader first; default: the cluster places them. */
  readonly assignment?: readonly (readonly number[])[]
  readonly set?: ReadonlyMap<string, string> | Readonly<Record<string, string>>
  /** Configs that go back to their default. */
  readonly delete?: readonly string[]
  /** Resolves to the topic as it would be; changes nothing. */
  readonly validateOnly?: boolean
  readonly timeoutMs?: number
}

export interface ElectLeadersOptions {
  readonly partitions?: readonly PartitionQuestion[]
  readonly unclean?: boolean
  /** Says what would be, and elects nobody. */
  readonly validateOnly?: boolean
  /** Of an unclean election: that of the answer by which it was decided. Of leaders lost since nothing is given up (LEADER_NOT_AVAILABLE); default: since this call. */
  readonly metadataOffset?: number
  readonly timeoutMs?: number
}

export interface ElectedPartition {
  readonly topic: string
  readonly partition: number
  /**
   * Who leads now, or would; null with an error. Of an unclean election, where its log ends (exclusive) and in which epoch; −1: nothing is lost, or an
   * earlier attempt elected it, and what that cost is not known here.
   */
  readonly elected: { readonly nodeId: number; readonly lastEpoch: number; readonly logEndOffset: number } | null
  readonly error: BrokerError | null
  /** Exclusive end of the metadata that this was judged by; null: the node does not say. */
  readonly metadataOffset: number | null
}

export interface RecordsToDelete {
  readonly topic: string
  readonly partition: number
  /** The first offset to keep; −1: the high watermark. */
  readonly beforeOffset: number
}

export interface DeletedPartition {
  readonly topic: string
  readonly partition: number
  /** The first offset kept by now; −1 with an error. */
  readonly lowWatermark: number
  readonly error: BrokerError | null
}

export interface VoterOptions {
  readonly nodeId: number
  /** Default: the data folder that the node has. */
  readonly directoryId?: string
  /** Checks; changes nothing. */
  readonly validateOnly?: boolean
  readonly timeoutMs?: number
}

export interface UnregisterBrokerOptions {
  readonly nodeId: number
  /** Checks; changes nothing. */
  readonly validateOnly?: boolean
  readonly timeoutMs?: number
}

export interface AlterReplicaLogDirsOptions {
  readonly nodeId: number
  readonly partitions: readonly PartitionQuestion[]
  /** A data folder of that node, as it names it; null: they stay where they are, what is under way ends. */
  readonly path: string | null
  /** What each copies at most, 1,024 or more; default: what the disks can. */
  readonly bytesPerSecond?: number
  /** Checks, moves nothing. */
  readonly validateOnly?: boolean
}

export interface AdminOptions {
  /** For all calls together, from now on. Default: each call has the client's requestTimeoutMs. */
  readonly totalTimeoutMs?: number
}

export function toMap(configs: ReadonlyMap<string, string> | Readonly<Record<string, string>> | undefined): ReadonlyMap<string, string> {
  return configs instanceof Map ? configs : new Map(Object.entries(configs ?? {}))
}
