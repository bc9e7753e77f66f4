import type { ControllerCommand, ControllerReply, ElectedReplica, Election, IsrProposal, PartitionOutcome, PartitionRef } from '../controller/commands.ts'
import type { BrokerStatus, LeaderlessReport } from '../controller/status.ts'
import type { AppendReply, Entry, RaftMessage } from '../raft/messages.ts'
import { code } from './error-codec.ts'
import {
  boolean,
  type Codec,
  int32,
  int32List,
  int64,
  int64OrNull,
  list,
  message,
  nested,
  nestedOrNull,
  sint32,
  sint64,
  string,
  stringList,
  stringMap,
  union,
  uuid,
  uuidList,
  uuidOrNull,
  view,
} from './proto-message.ts'
import { brokerAddressCodec, isrMemberCodec, voterCodec } from './records-codec.ts'

/** peer.proto: Raft messages, brokers' status, and commands to the active controller. */
const entryCodec = message<Entry>({ term: int64(1), bytes: view(2) })

const appendResultCodec = union<AppendReply['result']>('an append result', {
  accepted: [1, message({ persistedEndOffset: int64(1), counts: boolean(2) })],
  rejected: [2, message({ hintTerm: sint64(1), hintEndOffset: int64(2) })],
})

export const raftMessageCodec = union<RaftMessage>('a Raft message', {
  voteRequest: [1, message({ preVote: boolean(1), term: int64(2), lastTerm: sint64(3), endOffset: int64(4), heardAll: boolean(5) })],
  voteReply: [2, message({ preVote: boolean(1), term: int64(2), granted: boolean(3), empty: boolean(4) })],
  append: [3, message({ term: int64(1), startOffset: int64(2), previousTerm: sint64(3), commitIndex: int64(4), entries: list(5, entryCodec) })],
  appendReply: [4, message({ term: int64(1), startOffset: int64(2), result: nested(3, appendResultCodec) })],
  snapshotChunk: [8, message({ term: int64(1), endOffset: int64(2), lastTerm: int64(3), sizeBytes: int64(4), position: int64(5), bytes: view(6) })],
  snapshotReply: [9, message({ term: int64(1), endOffset: int64(2), lastTerm: int64(3), position: int64(4) })],
  timeoutNow: [5, message({ term: int64(1) })],
  readProbe: [6, message({ term: int64(1), round: int64(2) })],
  readProbeReply: [7, message({ term: int64(1), round: int64(2) })],
})

export const partitionRefCodec = message<PartitionRef>({ topicId: uuid(1), partition: int32(2) })

/** A list of partitions as a message, so that none at all and no list differ. */
const partitionRefsFields = message<{ readonly partitions: readonly PartitionRef[] }>({ partitions: list(1, partitionRefCodec) })
export const partitionRefsCodec: Codec<readonly PartitionRef[]> = {
  write: (writer, partitions) => partitionRefsFields.write(writer, { partitions }),
  read: (reader) => partitionRefsFields.read(reader).partitions,
}

const leaderlessCodec = message<LeaderlessReport>({
  topicId: uuid(1),
  partition: int32(2),
  partitionEpoch: int32(3),
  lastEpoch: sint32(4),
  syncedEndOffset: int64(5),
  suspect: boolean(6),
  damaged: boolean(7),
})

export const brokerStatusCodec = message<BrokerStatus>({
  incarnationId: uuid(1),
  brokerEpoch: sint64(2),
  appliedOffset: int64(3),
  wantsShutdown: boolean(4),
  diskLow: boolean(5),
  deadLogs: list(6, partitionRefCodec),
  leaderless: list(7, leaderlessCodec),
})

const proposalCodec = message<IsrProposal>({
  topicId: uuid(1),
  partition: int32(2),
  leaderEpoch: int32(3),
  partitionEpoch: int32(4),
  isr: list(5, isrMemberCodec),
})

/** A list of numbers as a message, since protobuf has no list of lists. */
const replicaListFields = message<{ readonly replicas: readonly number[] }>({ replicas: int32List(1) })
export const replicaListCodec: Codec<readonly number[]> = {
  write: (writer, replicas) => replicaListFields.write(writer, { replicas }),
  read: (reader) => replicaListFields.read(reader).replicas,
}

const assignmentFields = message<{ readonly partitions: readonly (readonly number[])[] }>({ partitions: list(1, replicaListCodec) })
export const assignmentCodec: Codec<readonly (readonly number[])[]> = {
  write: (writer, partitions) => assignmentFields.write(writer, { partitions }),
  read: (reader) => assignmentFields.read(reader).partitions,
}

const outcomeErrorCodec = message<NonNullable<PartitionOutcome['error']>>({ code: code(1), message: string(2) })

const partitionOutcomeCodec = message<PartitionOutcome>({ topicId: uuid(1), partition: int32(2), error: nestedOrNull(3, outcomeErrorCodec) })

export const electedReplicaCodec = message<ElectedReplica>({ nodeId: int32(1), lastEpoch: sint32(2), logEndOffset: sint64(3) })

const electionCodec = message<Election>({
  topicId: uuid(1),
  partition: int32(2),
  error: nestedOrNull(3, outcomeErrorCodec),
  elected: nestedOrNull(4, electedReplicaCodec),
})

type Move = Extract<ControllerCommand, { readonly type: 'alterReassignments' }>['moves'][number]
const moveCodec = message<Move>({ topicId: uuid(1), partition: int32(2), replicas: nestedOrNull(3, replicaListCodec) })

export const commandCodec = union<ControllerCommand>('a command', {
  register: [
    1,
    message({
      nodeId: int32(1),
      incarnationId: uuid(2),
      directoryIds: uuidList(3),
      address: nested(4, brokerAddressCodec),
      damaged: list(5, partitionRefCodec),
      standing: nestedOrNull(6, partitionRefsCodec),
    }),
  ],
  alterPartition: [2, message({ nodeId: int32(1), brokerEpoch: int64(2), proposal: nested(3, proposalCodec) })],
  createTopic: [
    3,
    message({
      name: string(1),
      partitions: int32(2),
      replicationFactor: int32(3),
      assignment: nestedOrNull(4, assignmentCodec),
      configs: stringMap(5),
      topicId: uuid(6),
      validateOnly: boolean(7),
    }),
  ],
  deleteTopic: [4, message({ topicId: uuid(1) })],
  allocateProducerIds: [5, message({ count: int32(1) })],
  alterTopic: [
    6,
    message({
      topicId: uuid(1),
      partitions: int32(2),
      assignment: nestedOrNull(3, assignmentCodec),
      set: stringMap(4),
      delete: stringList(5),
      validateOnly: boolean(6),
    }),
  ],
  electLeaders: [
    7,
    message({ partitions: nestedOrNull(1, partitionRefsCodec), unclean: boolean(2), validateOnly: boolean(3), metadataOffset: int64OrNull(4) }),
  ],
  alterReassignments: [8, message({ moves: list(1, moveCodec), bytesPerSecond: int64OrNull(2), validateOnly: boolean(3) })],
  addVoter: [9, message({ nodeId: int32(1), directoryId: uuidOrNull(2), validateOnly: boolean(3) })],
  removeVoter: [10, message({ nodeId: int32(1), directoryId: uuidOrNull(2), validateOnly: boolean(3) })],
  alterMaintenance: [11, message({ nodeId: int32(1), maintenance: boolean(2) })],
  unregisterBroker: [12, message({ nodeId: int32(1), validateOnly: boolean(2) })],
  leaveIsr: [13, message({ nodeId: int32(1), brokerEpoch: int64(2), topicId: uuid(3), partition: int32(4) })],
})

export const replyCodec = union<ControllerReply>('a reply', {
  registered: [1, message({ brokerEpoch: int64(1) })],
  topicCreated: [2, message({ topicId: uuid(1), partitions: int32(2), replicationFactor: int32(3), assignment: list(4, replicaListCodec) })],
  producerIds: [3, message({ firstProducerId: int64(1), count: int32(2) })],
  done: [4, message({})],
  error: [5, message({ code: code(1), message: string(2), definite: boolean(3) })],
  topicAltered: [6, message({ metadataOffset: int64(1), added: list(2, replicaListCodec), configs: stringMap(3) })],
  leadersElected: [7, message({ metadataOffset: int64(1), partitions: list(2, electionCodec) })],
  reassignmentsAltered: [8, message({ metadataOffset: int64(1), partitions: list(2, partitionOutcomeCodec) })],
  votersChanged: [
    9,
    message({ metadataOffset: int64(1), isChanged: boolean(2), isComplete: boolean(3), voters: list(4, voterCodec), warnings: stringList(5) }),
  ],
  maintenanceAltered: [10, message({ metadataOffset: int64(1) })],
  brokerUnregistered: [11, message({ metadataOffset: int64(1) })],
})
