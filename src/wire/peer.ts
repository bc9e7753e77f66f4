import type { Uuid } from '../base/ids.ts'
import type { ControllerCommand, ControllerReply } from '../controller/commands.ts'
import type { BrokerStatus } from '../controller/status.ts'
import type { VoterEndpoint } from '../metadata/records.ts'
import type { RaftMessage } from '../raft/messages.ts'
import type { FetchAnswer, FollowerFetch } from '../replication/effects.ts'
import type { QuorumDescription } from './api.ts'

export const PEER_PROTOCOL_VERSION = 1

/** Opens every stream between nodes (rules R2.1). clusterId null: before bootstrap. */
export interface Hello {
  readonly clusterId: Uuid | null
  readonly nodeId: number
  readonly directoryId: Uuid
  readonly incarnationId: Uuid
  readonly protocolVersion: number
  /** Where it is dialled; null: as the cluster file says. */
  readonly endpoint: VoterEndpoint | null
  /** It runs with the controller role. */
  readonly isController: boolean
}

/** What travels on control streams; any of it may be lost, and nothing is retried by the transport. */
export type PeerMessage =
  /** `status` rides on append replies of brokers (rules R5.2). */
  | { readonly type: 'raft'; readonly message: RaftMessage; readonly status: BrokerStatus | null }
  /** To the active controller; requestId is unique in the sender's process. */
  | { readonly type: 'command'; readonly requestId: number; readonly command: ControllerCommand }
  | { readonly type: 'commandReply'; readonly requestId: number; readonly reply: ControllerReply }
  | QuorumMessage

/** How the leader of the quorum sees it, asked by a node that does not lead; null: that one does not lead either. requestId as in commands. */
export type QuorumMessage =
  | { readonly type: 'describeQuorum'; readonly requestId: number }
  | { readonly type: 'quorumDescription'; readonly requestId: number; readonly quorum: QuorumDescription | null }

/** One partition's fetch on a fetch stream. */
export interface PartitionFetch {
  readonly topicId: Uuid
  readonly partition: number
  readonly fetch: FollowerFetch
}

export interface PartitionAnswer {
  readonly topicId: Uuid
  readonly partition: number
  readonly answer: FetchAnswer
  /** Whole batches, one behind the other in the log, in as many slices as it takes. */
  readonly batches: readonly Buffer[]
}

/** One message of a fetch stream, follower to leader: all that one turn has to ask and report. */
export interface FetchRequestMessage {
  readonly fetches: readonly PartitionFetch[]
}

/** One message of a fetch stream, leader to follower: at most 8 MiB (rules 8). */
export interface FetchAnswerMessage {
  readonly answers: readonly PartitionAnswer[]
}
