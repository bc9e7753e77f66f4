import type { AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, ElectLeadersRequest } from '../../src/wire/api.ts'
import type { ControllerCommand, ControllerReply } from '../../src/controller/commands.ts'
import type { BrokerStatus } from '../../src/controller/status.ts'
import type { MetadataRecord } from '../../src/metadata/records.ts'
import type { RaftMessage } from '../../src/raft/messages.ts'
import type { FetchAnswer } from '../../src/replication/effects.ts'
import type { QuorumDescription } from '../../src/wire/api.ts'
import type { Hello, PeerMessage } from '../../src/wire/peer.ts'

/** Ids, and numbers at their edges: the greatest safe integer, −1 where it means "none", 0 where proto3 leaves it out. */
export const idA = '00112233445566778899aabbccddeeff'
export const idB = 'ffeeddccbbaa99887766554433221100'
export const zeroId = '0'.repeat(32)
export const MAX = Number.MAX_SAFE_INTEGER

export const bytes = (size: number, seed = 7): Buffer => Buffer.from(Array.from({ length: size }, (_, at) => (at * 31 + seed) & 0xff))

const address = { host: '127.0.0.1', grpcPort: 9192, kafkaPort: null, httpPort: 9292, rack: null }

export const records: readonly MetadataRecord[] = [
  {
    type: 'cluster',
    clusterId: idA,
    voters: [
      { nodeId: 1, directoryId: idB, endpoint: { host: 'n1', grpcPort: 65_535 } },
      { nodeId: 2, directoryId: null, endpoint: null },
    ],
  },
  { type: 'voters', voters: [] },
  { type: 'leaderChange', leaderId: 3 },
  { type: 'broker', nodeId: 1, incarnationId: idA, directoryIds: [idB, zeroId], address },
  { type: 'broker', nodeId: 0, incarnationId: idA, directoryIds: [], address: { ...address, kafkaPort: 0, rack: '' } },
  { type: 'brokerState', nodeId: 1, brokerEpoch: MAX, fenced: true, draining: false },
  { type: 'brokerMaintenance', nodeId: 70_000, maintenance: true },
  { type: 'brokerUnregistered', nodeId: 70_000, brokerEpoch: MAX },
  { type: 'topic', topicId: idA, name: 'orders' },
  {
    type: 'partition',
    state: {
      topicId: idA,
      partition: 0,
      replicas: [1, 2, 300],
      isr: [
        { nodeId: 1, brokerEpoch: 12 },
        { nodeId: 300, brokerEpoch: 2 ** 33 },
      ],
      elr: [],
      leader: -1,
      leaderEpoch: 2_147_483_647,
      leaderGrantedOffset: 129,
      partitionEpoch: 4,
      unclean: true,
      reassignment: { from: [1, 2, 3], to: [3, 4, 5], bytesPerSecond: 1_000_000 },
    },
  },
  { type: 'topicDeleted', topicId: idB },
  { type: 'topicConfig', topicId: idB, key: 'retention.ms', value: 'ünïcode €' },
  { type: 'topicConfig', topicId: idB, key: 'x'.repeat(200), value: null },
  { type: 'producerIds', nextProducerId: 1000 },
]

export const raftMessages: readonly RaftMessage[] = [
  { type: 'voteRequest', preVote: true, term: 5, lastTerm: -1, endOffset: 0, heardAll: true },
  { type: 'voteReply', preVote: false, term: 5, granted: true, empty: true },
  { type: 'append', term: 9, startOffset: MAX, previousTerm: 8, commitIndex: 300, entries: [] },
  {
    type: 'append',
    term: 9,
    startOffset: 0,
    previousTerm: -1,
    commitIndex: 0,
    entries: [
      { term: 9, bytes: bytes(70) },
      { term: 9, bytes: bytes(20_000) },
    ],
  },
  { type: 'appendReply', term: 9, startOffset: 4, result: { type: 'accepted', persistedEndOffset: 70_000, counts: true } },
  { type: 'appendReply', term: 9, startOffset: 4, result: { type: 'rejected', hintTerm: -1, hintEndOffset: 0 } },
  { type: 'snapshotChunk', term: 9, endOffset: MAX, lastTerm: 8, sizeBytes: 70_000, position: 0, bytes: bytes(20_000) },
  { type: 'snapshotReply', term: 9, endOffset: 300, lastTerm: 0, position: MAX },
  { type: 'timeoutNow', term: 9 },
  { type: 'readProbe', term: 9, round: MAX },
  { type: 'readProbeReply', term: 10, round: 0 },
]

export const status: BrokerStatus = {
  incarnationId: idA,
  brokerEpoch: -1,
  appliedOffset: 17,
  wantsShutdown: false,
  diskLow: true,
  deadLogs: [{ topicId: idA, partition: 3 }],
  leaderless: [{ topicId: idB, partition: 0, partitionEpoch: 2, lastEpoch: -1, syncedEndOffset: 99, suspect: true, damaged: false }],
}

export const commands: readonly ControllerCommand[] = [
  { type: 'register', nodeId: 2, incarnationId: idA, directoryIds: [idB], address, damaged: [{ topicId: idA, partition: 1 }], standing: null },
  { type: 'register', nodeId: 2, incarnationId: idA, directoryIds: [idA, idB], address, damaged: [], standing: [] },
  { type: 'register', nodeId: 2, incarnationId: idA, directoryIds: [idA, idB], address, damaged: [], standing: [{ topicId: idB, partition: 0 }] },
  {
    type: 'alterPartition',
    nodeId: 2,
    brokerEpoch: 77,
    proposal: { topicId: idA, partition: 5, leaderEpoch: 3, partitionEpoch: 8, isr: [{ nodeId: 2, brokerEpoch: 77 }] },
  },
  {
    type: 'createTopic',
    name: 'orders',
    partitions: 2,
    replicationFactor: 3,
    assignment: [[1, 2, 3], []],
    configs: new Map([
      ['min.insync.replicas', '2'],
      ['empty', ''],
    ]),
    topicId: idA,
    validateOnly: false,
  },
  { type: 'createTopic', name: 'a', partitions: 1, replicationFactor: 1, assignment: null, configs: new Map(), topicId: idB, validateOnly: true },
  { type: 'deleteTopic', topicId: idA },
  { type: 'leaveIsr', nodeId: 70_000, brokerEpoch: 12, topicId: idA, partition: 3 },
  { type: 'alterMaintenance', nodeId: 70_000, maintenance: true },
  { type: 'unregisterBroker', nodeId: 70_000, validateOnly: true },
  { type: 'allocateProducerIds', count: 1000 },
  {
    type: 'alterTopic',
    topicId: idA,
    partitions: 8,
    assignment: [[1, 300], []],
    set: new Map([
      ['retention.ms', '-1'],
      ['ünïcode €', ''],
    ]),
    delete: ['segment.ms', ''],
    validateOnly: true,
  },
  { type: 'alterTopic', topicId: idB, partitions: 0, assignment: null, set: new Map(), delete: [], validateOnly: false },
  { type: 'electLeaders', metadataOffset: 7, unclean: true, partitions: null, validateOnly: true },
  { type: 'electLeaders', metadataOffset: null, unclean: false, partitions: [], validateOnly: false },
  { type: 'addVoter', nodeId: 2 ** 31 - 1, directoryId: null, validateOnly: true },
  { type: 'removeVoter', nodeId: 0, directoryId: idB, validateOnly: false },
  {
    type: 'electLeaders',
    metadataOffset: null,
    unclean: true,
    validateOnly: false,
    partitions: [
      { topicId: idA, partition: 0 },
      { topicId: idB, partition: 70_000 },
    ],
  },
  {
    type: 'alterReassignments',
    moves: [
      { topicId: idA, partition: 0, replicas: [3, 1, 2] },
      { topicId: idB, partition: 300, replicas: null },
    ],
    bytesPerSecond: 2 ** 40,
    validateOnly: true,
  },
  { type: 'alterReassignments', moves: [], bytesPerSecond: null, validateOnly: false },
]

export const replies: readonly ControllerReply[] = [
  { type: 'registered', brokerEpoch: 41 },
  {
    type: 'topicCreated',
    topicId: idA,
    partitions: 2,
    replicationFactor: 3,
    assignment: [
      [1, 2, 3],
      [2, 3, 1],
    ],
  },
  { type: 'producerIds', firstProducerId: 2000, count: 1000 },
  { type: 'done' },
  { type: 'topicAltered', metadataOffset: MAX, added: [[3, 1], []], configs: new Map([['retention.ms', '-1']]) },
  { type: 'topicAltered', metadataOffset: 0, added: [], configs: new Map() },
  {
    type: 'leadersElected',
    metadataOffset: 9,
    partitions: [
      { topicId: idA, partition: 0, elected: { nodeId: 300, lastEpoch: -1, logEndOffset: 2 ** 52 - 1 }, error: null },
      { topicId: idB, partition: 300, elected: null, error: { code: 'PREFERRED_LEADER_NOT_AVAILABLE', message: 'broker 2 is not in sync' } },
    ],
  },
  {
    type: 'reassignmentsAltered',
    metadataOffset: 12,
    partitions: [
      { topicId: idA, partition: 0, error: null },
      { topicId: idB, partition: 300, error: { code: 'NO_REASSIGNMENT_IN_PROGRESS', message: 'the partition is not being moved' } },
    ],
  },
  { type: 'brokerUnregistered', metadataOffset: MAX },
  {
    type: 'votersChanged',
    metadataOffset: MAX,
    isChanged: true,
    isComplete: false,
    voters: [
      { nodeId: 1, directoryId: idB, endpoint: { host: 'a'.repeat(255), grpcPort: 65_535 } },
      { nodeId: 2 ** 31 - 1, directoryId: null, endpoint: null },
    ],
    warnings: ['', 'an even number'],
  },
  { type: 'error', code: 'INVALID_PARTITIONS', message: 'no', definite: true },
]

export const hello: Hello = {
  clusterId: null,
  nodeId: 1,
  directoryId: idA,
  incarnationId: idB,
  protocolVersion: 1,
  endpoint: { host: 'n1', grpcPort: 9192 },
  isController: true,
}

/** Of so many replicas, with each number at its edge. */
export function quorumOf(count: number): QuorumDescription {
  const nodeIds = Array.from({ length: count }, (_, at) => 2 ** 31 - 1 - at)
  return {
    status: {
      clusterId: idA,
      leaderId: 2 ** 31 - 1,
      leaderEpoch: 2 ** 31 - 1,
      highWatermark: MAX,
      maxFollowerLag: MAX,
      maxFollowerLagTimeMs: MAX,
      voters: nodeIds.slice(0, 2),
      observers: nodeIds.slice(2),
      snapshotEndOffset: MAX,
      snapshotTimestamp: -1,
      logStartOffset: MAX,
    },
    replicas: nodeIds.map((nodeId) => ({
      nodeId,
      directoryId: idB,
      logEndOffset: 2 ** 52 - 1,
      lag: MAX,
      lastFetchTimestamp: -1,
      lastCaughtUpTimestamp: 2 ** 52 - 1,
      status: 'Observer' as const,
    })),
  }
}

export const peerMessages: readonly PeerMessage[] = [
  ...raftMessages.map((message, at): PeerMessage => ({ type: 'raft', message, status: at % 2 === 0 ? null : status })),
  ...commands.map((command, requestId): PeerMessage => ({ type: 'command', requestId, command })),
  ...replies.map((reply, requestId): PeerMessage => ({ type: 'commandReply', requestId, reply })),
  { type: 'describeQuorum', requestId: MAX },
  { type: 'quorumDescription', requestId: MAX, quorum: null },
  { type: 'quorumDescription', requestId: MAX, quorum: quorumOf(3) },
]

export const answers: readonly FetchAnswer[] = [
  { fetchId: 1, leaderEpoch: 2, fetchOffset: 3, lastFetchedEpoch: -1, highWatermark: 5, logStartOffset: 0, result: { type: 'data' } },
  {
    fetchId: MAX,
    leaderEpoch: 2,
    fetchOffset: 3,
    lastFetchedEpoch: 1,
    highWatermark: 5,
    logStartOffset: 0,
    result: { type: 'diverging', epoch: -1, endOffset: 9 },
  },
  {
    fetchId: 1,
    leaderEpoch: -1,
    fetchOffset: 3,
    lastFetchedEpoch: 1,
    highWatermark: -1,
    logStartOffset: -1,
    result: { type: 'error', code: 'FENCED_LEADER_EPOCH' },
  },
  {
    fetchId: 2,
    leaderEpoch: 3,
    fetchOffset: 3,
    lastFetchedEpoch: 1,
    highWatermark: 50,
    logStartOffset: 42,
    result: { type: 'reset', offset: 40, epoch: -1, producers: [] },
  },
  {
    fetchId: 2,
    leaderEpoch: 3,
    fetchOffset: 3,
    lastFetchedEpoch: 1,
    highWatermark: 60,
    logStartOffset: 42,
    result: {
      type: 'reset',
      offset: 42,
      epoch: 3,
      producers: [
        { producerId: 7, batches: [], idleTicks: 0 },
        {
          producerId: MAX,
          batches: [
            { producerEpoch: 1, baseSequence: 5, lastSequence: 5, baseOffset: 39, lastOffset: 39 },
            { producerEpoch: 1, baseSequence: 0x7fff_ffff, lastSequence: 0, baseOffset: 40, lastOffset: 41 },
          ],
          idleTicks: 3,
        },
      ],
    },
  },
]

export const electAll: ElectLeadersRequest = { partitions: null, unclean: false, validateOnly: false, metadataOffset: null, timeoutMs: 1 }
export const electOne: ElectLeadersRequest = {
  partitions: [{ topicId: idA, partition: 70_000 }],
  unclean: true,
  validateOnly: true,
  metadataOffset: MAX,
  timeoutMs: 1,
}

export const folderMove: AlterReplicaLogDirsRequest = { partitions: [{ topicId: idA, partition: 3 }], path: '/b', bytesPerSecond: 2 ** 40, validateOnly: true }

const refusedFolder = { code: 'LOG_DIR_NOT_FOUND', message: 'no', retriable: false, definite: true } as const
export const folderMoveOutcome: AlterReplicaLogDirsResponse = { partitions: [{ topicId: idA, partition: 3, error: refusedFolder }] }

export const ill = { isOffline: true, isSuspect: true, isDamaged: true, reason: 'EIO', sinceTimestamp: 2 ** 41, isFuture: true, moveError: 'full' }
export const info = { nodeId: 1, host: 'h', grpcPort: 9192, kafkaPort: 0, httpPort: null, rack: 'r1' }
