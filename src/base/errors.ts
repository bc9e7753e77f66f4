/**
 * Every expected error of Oxbow, in one table. Callers branch on `code`, never on text.
 * `number` is Kafka's error code (org.apache.kafka.common.protocol.Errors); −1 where Kafka has none.
 * `definite` is a default: true means "it surely did not happen". The raiser may lower it, never raise it (rules R1.3).
 */
interface ErrorRow {
  readonly number: number
  readonly grpc: GrpcStatus
  readonly retriable: boolean
  readonly definite: boolean
  readonly sentence: string
}

/** The gRPC status names in use, by their number (google.rpc.Code). */
export const grpcStatus = {
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
} as const
export type GrpcStatus = keyof typeof grpcStatus

function row(number: number, grpc: GrpcStatus, retriable: boolean, definite: boolean, sentence: string): ErrorRow {
  return { number, grpc, retriable, definite, sentence }
}

export const errorTable = {
  UNKNOWN_SERVER_ERROR: row(-1, 'INTERNAL', false, false, 'the server met an unexpected condition'),
  OFFSET_OUT_OF_RANGE: row(1, 'OUT_OF_RANGE', false, true, 'the offset is outside of the log'),
  CORRUPT_MESSAGE: row(2, 'DATA_LOSS', true, true, 'the batch failed its checksum or is malformed'),
  UNKNOWN_TOPIC_OR_PARTITION: row(3, 'NOT_FOUND', true, true, 'no such topic or partition'),
  LEADER_NOT_AVAILABLE: row(5, 'UNAVAILABLE', true, true, 'the partition has no leader now'),
  NOT_LEADER_OR_FOLLOWER: row(6, 'FAILED_PRECONDITION', true, true, 'this node does not lead the partition'),
  REQUEST_TIMED_OUT: row(7, 'DEADLINE_EXCEEDED', true, false, 'no answer in time'),
  MESSAGE_TOO_LARGE: row(10, 'INVALID_ARGUMENT', false, true, 'the batch is larger than max.message.bytes'),
  NETWORK_EXCEPTION: row(13, 'UNAVAILABLE', true, false, 'the connection was lost'),
  INVALID_TIMESTAMP: row(32, 'INVALID_ARGUMENT', false, true, 'the timestamp of a record is too far from the clock of the leader'),
  INVALID_TOPIC_EXCEPTION: row(17, 'INVALID_ARGUMENT', false, true, 'the topic name is not valid'),
  NOT_ENOUGH_REPLICAS: row(19, 'UNAVAILABLE', true, true, 'fewer in-sync replicas than min.insync.replicas'),
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: row(20, 'UNAVAILABLE', true, false, 'appended, then the in-sync replicas fell below min.insync.replicas'),
  INVALID_REQUIRED_ACKS: row(21, 'INVALID_ARGUMENT', false, true, 'acks must be all, 1 or 0'),
  TOPIC_ALREADY_EXISTS: row(36, 'ALREADY_EXISTS', false, true, 'the topic exists already'),
  INVALID_PARTITIONS: row(37, 'INVALID_ARGUMENT', false, true, 'the number of partitions is not valid'),
  INVALID_REPLICATION_FACTOR: row(38, 'INVALID_ARGUMENT', false, true, 'the replication factor is not valid'),
  INVALID_REPLICA_ASSIGNMENT: row(39, 'INVALID_ARGUMENT', false, true, 'the replica assignment is not valid'),
  INVALID_CONFIG: row(40, 'INVALID_ARGUMENT', false, true, 'a config value is not valid'),
  NOT_CONTROLLER: row(41, 'UNAVAILABLE', true, true, 'this node is not the active controller'),
  INVALID_REQUEST: row(42, 'INVALID_ARGUMENT', false, true, 'the request is not valid'),
  OUT_OF_ORDER_SEQUENCE_NUMBER: row(45, 'FAILED_PRECONDITION', false, true, 'a gap in the sequence of the producer'),
  DUPLICATE_SEQUENCE_NUMBER: row(46, 'ALREADY_EXISTS', false, true, 'appended before, too long ago to say at which offset'),
  INVALID_PRODUCER_EPOCH: row(47, 'FAILED_PRECONDITION', false, true, 'a newer producer with this id exists'),
  KAFKA_STORAGE_ERROR: row(56, 'UNAVAILABLE', true, true, 'the log of the partition is offline on this node'),
  LOG_DIR_NOT_FOUND: row(57, 'NOT_FOUND', false, true, 'the node has no such data folder'),
  FENCED_LEADER_EPOCH: row(74, 'FAILED_PRECONDITION', true, true, 'the leader epoch is older than the current one'),
  UNKNOWN_LEADER_EPOCH: row(75, 'FAILED_PRECONDITION', true, true, 'the leader epoch is newer than known here'),
  UNSUPPORTED_COMPRESSION_TYPE: row(76, 'FAILED_PRECONDITION', false, true, 'the codec is not known or cannot be loaded here'),
  STALE_BROKER_EPOCH: row(77, 'FAILED_PRECONDITION', false, true, 'the broker epoch is not the current one'),
  OFFSET_NOT_AVAILABLE: row(78, 'UNAVAILABLE', true, true, 'the new leader does not know its high watermark yet'),
  PREFERRED_LEADER_NOT_AVAILABLE: row(80, 'UNAVAILABLE', true, true, 'the preferred leader is not alive or not in sync'),
  ELIGIBLE_LEADERS_NOT_AVAILABLE: row(83, 'UNAVAILABLE', true, true, 'no replica that may lead is alive'),
  ELECTION_NOT_NEEDED: row(84, 'FAILED_PRECONDITION', false, true, 'the partition has the leader that was asked for'),
  NO_REASSIGNMENT_IN_PROGRESS: row(85, 'FAILED_PRECONDITION', false, true, 'the partition is not being moved'),
  THROTTLING_QUOTA_EXCEEDED: row(89, 'RESOURCE_EXHAUSTED', true, true, 'a limit is reached, try again later'),
  INVALID_RECORD: row(87, 'INVALID_ARGUMENT', false, true, 'a record is malformed'),
  INVALID_UPDATE_VERSION: row(95, 'ABORTED', false, true, 'the partition epoch is not the current one'),
  UNKNOWN_TOPIC_ID: row(100, 'NOT_FOUND', true, true, 'no topic with this id'),
  DUPLICATE_BROKER_REGISTRATION: row(101, 'ALREADY_EXISTS', false, true, 'another live process has this node id'),
  BROKER_ID_NOT_REGISTERED: row(102, 'FAILED_PRECONDITION', true, true, 'the broker is not registered'),
  BROKER_IN_USE: row(-1, 'FAILED_PRECONDITION', false, true, 'the broker runs, holds replicas or is a voter'),
  INCONSISTENT_CLUSTER_ID: row(104, 'FAILED_PRECONDITION', false, true, 'the node belongs to another cluster'),
  INELIGIBLE_REPLICA: row(107, 'FAILED_PRECONDITION', false, true, 'a replica may not join the in-sync replicas'),
  VOTER_NOT_FOUND: row(127, 'NOT_FOUND', false, true, 'no such voter in the metadata quorum'),
  VOTER_NOT_READY: row(-1, 'UNAVAILABLE', true, true, 'the node cannot become a voter yet, or another change of the voters is under way'),
  VOTER_NOT_CONNECTED: row(-1, 'FAILED_PRECONDITION', false, true, 'the node to become a voter is not connected to the active controller'),
  UNSAFE_VOTER_SET: row(-1, 'FAILED_PRECONDITION', false, true, 'the metadata quorum could decide nothing with these voters'),
  UNSUPPORTED_VERSION: row(35, 'FAILED_PRECONDITION', false, true, 'the protocol version is not spoken here'),
  DISK_LOW: row(-1, 'RESOURCE_EXHAUSTED', true, true, 'the disk is nearly full, nothing is accepted until space is freed'),
  DISK_FULL: row(-1, 'RESOURCE_EXHAUSTED', true, false, 'a disk call found no room'),
  DISK_FAILED: row(-1, 'INTERNAL', false, false, 'a disk call failed'),
  WRONG_NODE: row(-1, 'FAILED_PRECONDITION', false, true, 'the peer is not the node it should be'),
  DATA_FOLDER_IN_USE: row(-1, 'FAILED_PRECONDITION', false, true, 'another process uses the data folder'),
  DATA_FOLDER_MISMATCH: row(-1, 'FAILED_PRECONDITION', false, true, 'the data folder is of another node, cluster or format'),
  BUFFER_EXHAUSTED: row(-1, 'RESOURCE_EXHAUSTED', true, true, 'the buffer of the producer stayed full'),
  CLIENT_CLOSED: row(-1, 'FAILED_PRECONDITION', false, true, 'the client is closed'),
} as const satisfies Record<string, ErrorRow>

export type Code = keyof typeof errorTable

/** Who to ask instead: the leader of the partition, or the active controller, as the node that refused knows it. */
export interface LeaderHint {
  readonly nodeId: number
  readonly host: string
  readonly grpcPort: number
  /** Of the partition; of the controller: its Raft term. */
  readonly leaderEpoch: number
}

/** An expected failure. `definite` true: what was asked for surely did not happen (rules R1.3). */
export class BrokerError extends Error {
  override readonly name = 'BrokerError'
  readonly code: Code
  readonly detail: string
  readonly definite: boolean
  /** No node said this: none was reached, or its answer did not come. */
  readonly unanswered: boolean
  readonly leader: LeaderHint | undefined

  constructor(code: Code, detail: string, options: { readonly definite?: false; readonly unanswered?: true; readonly leader?: LeaderHint | undefined } = {}) {
    super(`${code}: ${detail}`)
    this.code = code
    this.detail = detail
    this.unanswered = options.unanswered === true
    this.leader = options.leader
    this.definite = options.definite ?? errorTable[code].definite
  }

  get retriable(): boolean {
    return errorTable[this.code].retriable
  }
}

/** The code of any thrown value; what is not a BrokerError is UNKNOWN_SERVER_ERROR. */
export function codeOf(error: unknown): Code {
  return error instanceof BrokerError ? error.code : 'UNKNOWN_SERVER_ERROR'
}
