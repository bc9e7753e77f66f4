import { loadSync } from '@grpc/proto-loader'
import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import {
  alterReplicaLogDirsRequestCodec,
  alterReplicaLogDirsResponseCodec,
  alterTopicRequestCodec,
  batchDigestsCodec,
  clusterDescriptionCodec,
  createTopicRequestCodec,
  createTopicResponseCodec,
  deleteRecordsRequestCodec,
  deleteRecordsResponseCodec,
  deleteTopicRequestCodec,
  describeConfigsRequestCodec,
  describeConfigsResponseCodec,
  digestBatchesRequestCodec,
  alterMaintenanceRequestCodec,
  alterReassignmentsRequestCodec,
  alterReassignmentsResponseCodec,
  electLeadersRequestCodec,
  electLeadersResponseCodec,
  logDirsDescriptionCodec,
  logLevelCodec,
  quorumDescriptionCodec,
  unregisterBrokerRequestCodec,
  voterRequestCodec,
  votersChangeCodec,
} from '../../src/wire/admin-codec.ts'
import { apiErrorCodec } from '../../src/wire/error-codec.ts'
import { decodeFetchRequest, decodeFetchResponse, encodeFetchRequest, encodeFetchResponse } from '../../src/wire/fetch-codec.ts'
import type { GatheredMessage } from '../../src/wire/gathered.ts'
import {
  createProducerIdResponseCodec,
  emptyCodec,
  listOffsetsRequestCodec,
  listOffsetsResponseCodec,
  metadataRequestCodec,
  metadataResponseCodec,
  topicInfoCodec,
} from '../../src/wire/metadata-codec.ts'
import {
  decodeFetchAnswerFrame,
  decodeFetchFrame,
  decodePeerFrame,
  encodeFetchAnswerFrame,
  encodeFetchFrame,
  encodePeerFrame,
} from '../../src/wire/peer-codec.ts'
import { decodeProduceReplies, decodeProduceRequest, encodeProduceReplies, encodeProduceRequest } from '../../src/wire/produce-codec.ts'
import { type Codec, decode, encode } from '../../src/wire/proto-message.ts'
import { decodeDecision, encodeDecision } from '../../src/wire/records-codec.ts'
import { adminService, brokerService, peerService } from '../../src/wire/services.ts'
import { folderMove, folderMoveOutcome, answers, electAll, electOne, bytes, hello, idA, idB, ill, info, MAX, peerMessages, records } from './samples.ts'

const folder = fileURLToPath(new URL('../../proto', import.meta.url))
const files = ['broker', 'admin', 'records', 'peer'].map((name) => `oxbow/v1/${name}.proto`)

function loadRoot(): protobuf.Root {
  const root = new protobuf.Root()
  root.resolvePath = (_origin, target) => `${folder}/${target}`
  return root.loadSync(files)
}
const root = loadRoot()

interface Sample {
  readonly name: string
  readonly type: string
  readonly value: unknown
  readonly encode: (value: never) => GatheredMessage | Buffer
  readonly decode: (bytes: Buffer) => unknown
}

function sample<T>(type: string, codec: Codec<T>, value: T, name = type): Sample {
  return { name, type, value, encode: (given: T) => encode(codec, given), decode: (given) => decode(codec, given) }
}

const error = { code: 'NOT_ENOUGH_REPLICAS', message: 'two are needed', retriable: true, definite: true } as const
const configs = new Map([['a', '1']])

const hotSamples: readonly Sample[] = [
  {
    name: 'ProduceRequest',
    type: 'ProduceRequest',
    value: {
      requestId: MAX,
      acks: -1,
      timeoutMs: 30_000,
      partitions: [
        { topicId: idA, partition: 0, leaderEpoch: -1, batch: bytes(61) },
        { topicId: idB, partition: 70_000, leaderEpoch: 3, batch: bytes(17_002) },
      ],
    },
    encode: encodeProduceRequest,
    decode: decodeProduceRequest,
  },
  {
    name: 'ProduceReplies',
    type: 'ProduceReplies',
    value: {
      responses: [
        { requestId: 0, partitions: [{ topicId: idA, partition: 0, baseOffset: -1, error }] },
        { requestId: 1, partitions: [{ topicId: idA, partition: 1, baseOffset: 5_000_000_000, error: null }] },
      ],
    },
    encode: (value: { responses: [] }) => encodeProduceReplies(value.responses),
    decode: (given) => ({ responses: decodeProduceReplies(given) }),
  },
  {
    name: 'FetchRequest',
    type: 'FetchRequest',
    value: {
      requestId: 4,
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 1 << 20,
      partitions: [{ topicId: idA, partition: 2, leaderEpoch: -1, fetchOffset: 2 ** 40, maxBytes: 9 }],
    },
    encode: encodeFetchRequest,
    decode: decodeFetchRequest,
  },
  {
    name: 'FetchResponse',
    type: 'FetchResponse',
    value: {
      requestId: 4,
      partitions: [
        { topicId: idA, partition: 2, highWatermark: -1, logStartOffset: -1, error, batches: [] },
        { topicId: idA, partition: 3, highWatermark: 1, logStartOffset: 0, error: null, batches: [bytes(17_000)] },
      ],
    },
    encode: encodeFetchResponse,
    decode: decodeFetchResponse,
  },
  { name: 'PeerFrame, Hello', type: 'PeerFrame', value: { hello, messages: [] }, encode: encodePeerFrame, decode: decodePeerFrame },
  ...peerMessages.map((message): Sample => {
    const variant =
      message.type === 'raft' ? message.message : message.type === 'command' ? message.command : message.type === 'commandReply' ? message.reply : message
    return {
      name: `PeerFrame, ${variant.type}`,
      type: 'PeerFrame',
      value: { hello: null, messages: [message] },
      encode: encodePeerFrame,
      decode: decodePeerFrame,
    }
  }),
  { name: 'PeerFrame, all at once', type: 'PeerFrame', value: { hello: null, messages: peerMessages }, encode: encodePeerFrame, decode: decodePeerFrame },
  {
    name: 'FetchFrame',
    type: 'FetchFrame',
    value: {
      hello: { ...hello, clusterId: idA },
      fetches: [
        {
          topicId: idA,
          partition: 9,
          fetch: {
            fetchId: 1,
            currentLeaderEpoch: 2,
            fetchOffset: 3,
            lastFetchedEpoch: -1,
            syncedEndOffset: 5,
            brokerEpoch: 6,
            logStartOffset: 7,
            maxBytes: 0,
          },
        },
      ],
    },
    encode: encodeFetchFrame,
    decode: decodeFetchFrame,
  },
  {
    name: 'FetchAnswerFrame',
    type: 'FetchAnswerFrame',
    value: { hello: null, answers: answers.map((answer, at) => ({ topicId: idB, partition: at, answer, batches: at === 0 ? [bytes(17_001)] : [] })) },
    encode: encodeFetchAnswerFrame,
    decode: decodeFetchAnswerFrame,
  },
  {
    name: 'Decision',
    type: 'Decision',
    value: { records },
    encode: (value: { records: [] }) => encodeDecision(value.records),
    decode: (given) => ({ records: decodeDecision(given) }),
  },
]

const unarySamples: readonly Sample[] = [
  sample('ErrorDetail', apiErrorCodec, error),
  sample('ErrorDetail', apiErrorCodec, { ...error, leader: { nodeId: 3, host: 'h', grpcPort: 9192, leaderEpoch: 2 ** 33 } }, 'ErrorDetail, with a leader'),
  sample('MetadataRequest', metadataRequestCodec, { topics: null, minOffset: 0 }, 'MetadataRequest, all topics'),
  sample('MetadataRequest', metadataRequestCodec, { topics: [], minOffset: 3 }, 'MetadataRequest, no topic'),
  sample('MetadataRequest', metadataRequestCodec, { topics: ['a', ''], minOffset: MAX }, 'MetadataRequest, some topics'),
  sample('MetadataResponse', metadataResponseCodec, {
    clusterId: idA,
    controllerId: -1,
    metadataOffset: 12,
    brokers: [info],
    topics: [
      {
        name: 't',
        topicId: idB,
        partitions: [{ partition: 0, leader: -1, leaderEpoch: 2, replicas: [1, 2], isr: [], elr: [2], addingReplicas: [2], removingReplicas: [1] }],
        configs,
      },
    ],
    missing: ['nope'],
  }),
  sample('ListOffsetsRequest', listOffsetsRequestCodec, {
    partitions: [
      { topicId: idA, partition: 1, leaderEpoch: -1, at: 'earliest' },
      { topicId: idA, partition: 2, leaderEpoch: 4, at: 'latest' },
      { topicId: idB, partition: 2, leaderEpoch: 4, at: 0 },
      { topicId: idB, partition: 3, leaderEpoch: 4, at: 1_700_000_000_000 },
    ],
  }),
  sample('ListOffsetsResponse', listOffsetsResponseCodec, {
    partitions: [
      { topicId: idA, partition: 1, offset: -1, timestamp: -1, leaderEpoch: -1, error },
      { topicId: idA, partition: 1, offset: 2 ** 40, timestamp: 1_700_000_000_000, leaderEpoch: 2, error: null },
    ],
  }),
  sample('CreateProducerIdRequest', emptyCodec, {}),
  sample('CreateProducerIdResponse', createProducerIdResponseCodec, { producerId: 2 ** 40, producerEpoch: 0 }),
  sample('CreateTopicRequest', createTopicRequestCodec, {
    name: 'x',
    topicId: idA,
    partitions: 6,
    replicationFactor: 3,
    assignment: [[3, 1], []],
    configs,
    validateOnly: true,
    timeoutMs: 30_000,
  }),
  sample('CreateTopicResponse', createTopicResponseCodec, { topicId: idA, partitions: 1, replicationFactor: 2, assignment: [[1, 2]] }),
  sample('DeleteTopicRequest', deleteTopicRequestCodec, { topicId: idA, timeoutMs: 1 }),
  sample('AlterTopicRequest', alterTopicRequestCodec, {
    topicId: idA,
    partitions: 12,
    assignment: [[3, 1], []],
    set: configs,
    delete: ['retention.ms', ''],
    validateOnly: true,
    timeoutMs: 30_000,
  }),
  sample(
    'AlterTopicRequest',
    alterTopicRequestCodec,
    { topicId: idA, partitions: 0, assignment: null, set: new Map<string, string>(), delete: [], validateOnly: false, timeoutMs: 0 },
    'AlterTopicRequest, nothing',
  ),
  sample('TopicInfo', topicInfoCodec, { name: 't', topicId: idB, partitions: [], configs }),
  sample('DescribeConfigsRequest', describeConfigsRequestCodec, { topics: ['a', ''], brokers: [1, 300] }),
  sample('DescribeConfigsResponse', describeConfigsResponseCodec, {
    resources: [
      {
        type: 'topic',
        name: 'a',
        entries: (['DYNAMIC_TOPIC_CONFIG', 'STATIC_BROKER_CONFIG', 'DEFAULT_CONFIG'] as const).map((source) => {
          return { name: 'retention.ms', value: '-1', defaultValue: '604800000', source, unit: 'ms', doc: 'how long', readOnly: false }
        }),
      },
      {
        type: 'broker',
        name: '1',
        entries: [
          { name: 'min.insync.replicas', value: null, defaultValue: null, source: 'DEFAULT_CONFIG', unit: null, doc: '', readOnly: true },
          { name: 'x', value: '', defaultValue: '', source: 'DEFAULT_CONFIG', unit: '', doc: '', readOnly: true },
        ],
      },
    ],
  }),
  sample('ElectLeadersRequest', electLeadersRequestCodec, electAll, 'ElectLeadersRequest, all'),
  sample('ElectLeadersRequest', electLeadersRequestCodec, electOne),
  sample('AlterPartitionReassignmentsRequest', alterReassignmentsRequestCodec, {
    partitions: [
      { topicId: idA, partition: 0, replicas: [3, 1] },
      { topicId: idA, partition: 70_000, replicas: null },
    ],
    bytesPerSecond: 1024,
    validateOnly: true,
    timeoutMs: 1,
  }),
  sample('AlterPartitionReassignmentsResponse', alterReassignmentsResponseCodec, {
    partitions: [{ topicId: idA, partition: 3, error: { code: 'INVALID_REQUEST', message: 'no', retriable: false, definite: true } }],
  }),
  sample('ElectLeadersResponse', electLeadersResponseCodec, {
    partitions: [
      { topicId: idA, partition: 0, elected: null, error },
      { topicId: idB, partition: 1, elected: { nodeId: 3, lastEpoch: -1, logEndOffset: 2 ** 52 - 1 }, error: null },
    ],
    metadataOffset: 7,
  }),
  sample('AlterMaintenanceRequest', alterMaintenanceRequestCodec, { nodeId: 4, maintenance: true, timeoutMs: 9 }),
  sample('AlterReplicaLogDirsRequest', alterReplicaLogDirsRequestCodec, folderMove),
  sample('AlterReplicaLogDirsResponse', alterReplicaLogDirsResponseCodec, folderMoveOutcome),
  sample('UnregisterBrokerRequest', unregisterBrokerRequestCodec, { nodeId: 4, validateOnly: true, timeoutMs: 9 }),
  sample('AddVoterRequest', voterRequestCodec, { nodeId: 4, directoryId: idA, validateOnly: true, timeoutMs: 9 }),
  sample('RemoveVoterRequest', voterRequestCodec, { nodeId: 4, directoryId: null, validateOnly: false, timeoutMs: 9 }),
  sample('VotersChange', votersChangeCodec, {
    isChanged: true,
    voters: [
      { nodeId: 1, directoryId: idA },
      { nodeId: 2, directoryId: null },
    ],
    warnings: ['an even number'],
  }),
  sample('DeleteRecordsRequest', deleteRecordsRequestCodec, {
    partitions: [
      { topicId: idA, partition: 0, beforeOffset: -1 },
      { topicId: idB, partition: 1, beforeOffset: 2 ** 52 - 1 },
    ],
    timeoutMs: 9,
  }),
  sample('DeleteRecordsResponse', deleteRecordsResponseCodec, {
    partitions: [
      { topicId: idA, partition: 0, lowWatermark: -1, error },
      { topicId: idB, partition: 1, lowWatermark: 2 ** 40, error: null },
    ],
  }),
  sample('LogDirsDescription', logDirsDescriptionCodec, {
    nodeId: 3,
    folders: [
      { path: 'data/1', error: 'EIO', totalBytes: -1, usableBytes: -1, partitions: [] },
      {
        path: 'data/2',
        error: null,
        totalBytes: 2 ** 41,
        usableBytes: 2 ** 40,
        partitions: [{ topic: 'a', partition: 2, sizeBytes: 2 ** 39, logStartOffset: 5, logEndOffset: 2 ** 38, ...ill }],
      },
    ],
  }),
  sample('DigestBatchesRequest', digestBatchesRequestCodec, { topicId: idA, partition: 3, startOffset: 2 ** 40, endOffset: 2 ** 53 - 1, maxBytes: 9 }),
  sample('BatchDigests', batchDigestsCodec, {
    logStartOffset: 5,
    endOffset: 2 ** 40,
    file: 'data/1/partitions/a-0/00000000000000000000.log',
    position: 2 ** 33,
    digests: [
      { baseOffset: 4, lastOffset: 6, leaderEpoch: 0, sizeBytes: 100, checksum: 2 ** 32 - 1 },
      { baseOffset: 7, lastOffset: 7, leaderEpoch: 3, sizeBytes: 2 ** 20, checksum: 0 },
    ],
    nextOffset: 8,
    fault: 'the checksum of a batch is wrong',
  }),
  sample('BatchDigests', batchDigestsCodec, { logStartOffset: 0, endOffset: 0, file: '', position: 0, digests: [], nextOffset: 0, fault: null }),
  sample('LogLevel', logLevelCodec, { level: 'debug' }),
  sample('ClusterDescription', clusterDescriptionCodec, {
    clusterId: null,
    controllerId: 2,
    brokers: (['running', 'fenced', 'draining', 'offline'] as const).map((state) => ({
      ...info,
      state,
      leaders: 3,
      replicas: 0,
      maintenance: state === 'running',
    })),
  }),
  sample('QuorumDescription', quorumDescriptionCodec, {
    status: {
      clusterId: idA,
      leaderId: 1,
      leaderEpoch: 5,
      highWatermark: 100,
      maxFollowerLag: 0,
      maxFollowerLagTimeMs: 7,
      voters: [1, 2, 3],
      observers: [],
      snapshotEndOffset: 90,
      snapshotTimestamp: -1,
      logStartOffset: 70,
    },
    replicas: (['Leader', 'Voter', 'Observer'] as const).map((status) => ({
      nodeId: 1,
      directoryId: null,
      logEndOffset: 100,
      lag: 0,
      lastFetchTimestamp: -1,
      lastCaughtUpTimestamp: 1_700_000_000_000,
      status,
    })),
  }),
]

const samples = [...hotSamples, ...unarySamples]

function toBytes(message: GatheredMessage | Buffer): Buffer {
  return Buffer.isBuffer(message) ? message : message.toBuffer()
}

const enumNames: Readonly<Record<string, string>> = {
  earliest: 'OFFSET_AT_EARLIEST',
  latest: 'OFFSET_AT_LATEST',
  running: 'BROKER_STATE_RUNNING',
  fenced: 'BROKER_STATE_FENCED',
  draining: 'BROKER_STATE_DRAINING',
  offline: 'BROKER_STATE_OFFLINE',
  Leader: 'QUORUM_ROLE_LEADER',
  Voter: 'QUORUM_ROLE_VOTER',
  Observer: 'QUORUM_ROLE_OBSERVER',
  topic: 'CONFIG_RESOURCE_TYPE_TOPIC',
  broker: 'CONFIG_RESOURCE_TYPE_BROKER',
  DYNAMIC_TOPIC_CONFIG: 'CONFIG_SOURCE_TOPIC',
  STATIC_BROKER_CONFIG: 'CONFIG_SOURCE_BROKER',
  DEFAULT_CONFIG: 'CONFIG_SOURCE_DEFAULT',
}
const enumKeys = new Set(['at', 'state', 'status', 'source', 'type'])
const mapKeys = new Set(['configs', 'set'])

/** Lists of lists have messages in between, in protobuf: which name their inner list has. */
function wrapLists(key: string, value: unknown, type = ''): unknown {
  const inner = (list: unknown): unknown => ({ replicas: list })
  if ((key === 'assignment' || key === 'added') && Array.isArray(value)) return value.map(inner)
  const isMoves = key === 'moves' || (key === 'partitions' && type === 'AlterPartitionReassignmentsRequest')
  if (isMoves && Array.isArray(value)) return value.map(({ replicas, ...ref }) => ({ ...ref, replicas: replicas === null ? null : inner(replicas) }))
  return value
}

/**
 * What protobufjs should read where we wrote `value`: the naive twin of the codecs, from the names alone. Nothing stands for null, zero, '',
 * false and empty lists; a union is one field named by its type; ids are bytes; maps are objects.
 */
function expected(value: unknown, type: string): unknown {
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (typeof value === 'string' && /^[0-9a-f]{32}$/.test(value)) return Buffer.from(value, 'hex').toString('base64')
  if (value instanceof Map) return Object.fromEntries(value)
  if (Array.isArray(value)) return value.map((item) => expected(item, type))
  if (typeof value !== 'object' || value === null) return value
  // A union is told by its type, but this one's is an enum.
  const isUnion = 'type' in value && type !== 'DescribeConfigsResponse'
  const fields = Object.entries(value).filter(([key]) => key !== 'type' || !isUnion)
  const plain: Record<string, unknown> = {}
  for (const [key, field] of fields) {
    if (key === 'batches' && !('producerId' in value)) {
      if ((field as Buffer[]).length > 0) plain[key] = Buffer.concat(field as Buffer[]).toString('base64')
    } else if (key === 'topics' && type === 'MetadataRequest') {
      if (field !== null) plain[key] = { names: field }
    } else if (key === 'assignment' && (type === 'CreateTopicRequest' || 'name' in value || 'set' in value)) {
      if (field !== null) plain[key] = { partitions: wrapLists(key, field) }
    } else if (key === 'at' && typeof field === 'number') {
      plain[key] = 'OFFSET_AT_TIMESTAMP'
      plain.timestamp = field
    } else if (key === 'standing' || (key === 'partitions' && (type === 'ElectLeadersRequest' || ('type' in value && value.type === 'electLeaders')))) {
      if (field !== null) plain[key] = { partitions: expected(field, type) }
    } else if (enumKeys.has(key) && typeof field === 'string') {
      plain[key] = enumNames[field]
    } else plain[key] = expected(wrapLists(key, field, type), type)
  }
  return isUnion ? { [String((value as { type: string }).type)]: plain } : plain
}

/** Drops what proto3 does not send, at every depth, so that both sides compare. Empty messages stay: they are there. */
function prune(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(prune)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value)
    .filter(([, field]) => field !== null && field !== 0 && field !== '' && field !== false && !(Array.isArray(field) && field.length === 0))
    .filter(([key, field]) => !(mapKeys.has(key) && Object.keys(field as object).length === 0))
    .map(([key, field]) => [key, mapKeys.has(key) ? field : prune(field)])
  return Object.fromEntries(kept)
}

describe('codecs against the .proto files', () => {
  it.each(samples)('$name: ours reads back what ours wrote', ({ value, encode: write, decode: read }) => {
    expect(read(toBytes(write(value as never)))).toEqual(value)
  })

  it.each(samples)('$name: protobufjs reads every field of what ours wrote, by its name', ({ type, value, encode: write }) => {
    const message = root.lookupType(`oxbow.v1.${type}`)
    const plain = message.toObject(message.decode(toBytes(write(value as never))), { longs: Number, enums: String, bytes: String })
    expect(prune(plain)).toEqual(prune(expected(value, type)))
  })

  it.each(samples)('$name: ours reads what protobufjs wrote', ({ type, value, encode: write, decode: read }) => {
    const message = root.lookupType(`oxbow.v1.${type}`)
    const theirs = message.encode(message.decode(toBytes(write(value as never)))).finish()
    expect(read(Buffer.from(theirs))).toEqual(value)
  })

  it('the service tables name every rpc of the .proto files, as streams where they are', () => {
    const loaded = loadSync(files, { includeDirs: [folder] })
    for (const [name, table] of [
      ['Broker', brokerService],
      ['Admin', adminService],
      ['Peer', peerService],
    ] as const) {
      const theirs = loaded[`oxbow.v1.${name}`] as Record<string, { path: string; requestStream: boolean; responseStream: boolean }>
      const shape = (methods: typeof theirs): unknown =>
        Object.fromEntries(Object.entries(methods).map(([key, { path, requestStream, responseStream }]) => [key, { path, requestStream, responseStream }]))
      expect(shape(table as unknown as typeof theirs)).toEqual(shape(theirs))
    }
  })
})
