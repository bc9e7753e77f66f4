import { Readable } from 'node:stream'
import type { Done } from '../../src/base/done.ts'
import { BrokerError } from '../../src/base/errors.ts'
import { SeededRandom } from '../../src/base/random.ts'
import type { CliContext, TextSink } from '../../src/cli/context.ts'
import { main } from '../../src/cli/main.ts'
import { OxbowClient } from '../../src/client/client.ts'
import { SystemClock } from '../../src/client/system-clock.ts'
import type { ClientConnection, ClientTransport, NodeAddress } from '../../src/client/transport.ts'
import { crc32c } from '../../src/base/crc32c.ts'
import { decodeRecords } from '../../src/record/records.ts'
import type {
  AlterMaintenanceRequest,
  AlterReassignmentsRequest,
  AlterReassignmentsResponse,
  AlterTopicRequest,
  BatchDigest,
  BatchDigests,
  BrokerDescription,
  ClusterDescription,
  ConfigEntry,
  CreateTopicRequest,
  CreateTopicResponse,
  DeleteRecordsRequest,
  DeleteRecordsResponse,
  DescribeConfigsRequest,
  DescribeConfigsResponse,
  DigestBatchesRequest,
  ElectLeadersRequest,
  ElectLeadersResponse,
  LogDir,
  ListOffsetsRequest,
  ListOffsetsResponse,
  PartitionInfo,
  QuorumDescription,
  TopicInfo,
  UnregisterBrokerRequest,
  VoterRequest,
  VotersChange,
} from '../../src/wire/api.ts'
import { apiError, FakeCluster, type FakeTopic } from '../client/fake-cluster.ts'
import { FakeFolderMoves } from './fake-folder-moves.ts'
import { workingFolder } from './sample-folders.ts'

const CLUSTER_ID = 'c'.repeat(32)
const broker = { kafkaPort: null, httpPort: 9292, rack: null, leaders: 2, replicas: 6, maintenance: false }

function later<T>(done: Done<T>, answer: () => T): void {
  setImmediate(() => {
    try {
      done(undefined, answer())
    } catch (error) {
      done(error as Error, undefined as T)
    }
  })
}

/** A cluster of three nodes with a true log a partition; the administration that the client's own fake leaves out is added here. */
export class CliCluster implements ClientTransport {
  readonly fake = new FakeCluster({ clock: new SystemClock(), random: new SeededRandom(7) })
  readonly created: CreateTopicRequest[] = []
  readonly deleted: string[] = []
  /** What each deletion was given. */
  readonly deletionTimeoutsMs: number[] = []
  deletionMs = 0
  /** Names of topics whose deletion is refused. */
  readonly undeletable = new Set<string>()
  /** −1: none is active. */
  controllerId = 1
  brokers: ClusterDescription['brokers'] = [
    { ...broker, nodeId: 1, host: '10.0.0.1', grpcPort: 9192, state: 'running' },
    { ...broker, nodeId: 2, host: '10.0.0.2', grpcPort: 9192, state: 'offline', rack: 'east', httpPort: null, leaders: 0 },
  ]
  /** How long ago the voters 1 and 2 and the observer 3 were heard. */
  silentMs: Readonly<Record<number, number>> = {}
  /** Configs by topic, and the in-sync replicas of `topic-partition` where they are not all. */
  readonly configs = new Map<string, Map<string, string>>()
  readonly isr = new Map<string, readonly number[]>()
  quorumAsked = 0
  /** What the clocks of hosts show. */
  readonly clocksMs = new Map<string, number>()
  /** Hosts where nobody listens. */
  readonly closedHosts = new Set<string>()
  readonly altered: AlterTopicRequest[] = []
  readonly elected: ElectLeadersRequest[] = []
  electionOffset = 9
  readonly voterRequests: VoterRequest[] = []
  readonly marked: Pick<AlterMaintenanceRequest, 'nodeId' | 'maintenance'>[] = []
  /** What happens while a mark is set. */
  onMark: () => void = () => undefined
  readonly unregistered: UnregisterBrokerRequest[] = []
  readonly folderMoves = new FakeFolderMoves()
  readonly moved: AlterReassignmentsRequest[] = []
  /** Where `topic-partition` is on its way to; looks at it that are left until it is there. */
  moveLooks = 3
  readonly moving = new Map<string, { readonly to: readonly number[]; looks: number }>()
  /** `topic-partition` whose election or deletion is refused. */
  readonly refused = new Set<string>()
  maxReplicationFactor = 3
  voters: readonly number[] = [1, 2]
  observers: readonly number[] = [3]
  /** Data folders by node, where they are not one that works. */
  readonly folders = new Map<number, readonly LogDir[]>()
  /** What the disk of a node makes of a batch, by node and `topic-partition`: `2/orders-0`; undefined: it fails its checksum. */
  readonly rotten = new Map<string, (digest: BatchDigest) => BatchDigest | undefined>()
  /** First offset of `topic-partition` after a deletion. */
  readonly starts = new Map<string, number>()

  constructor() {
    this.fake.publish(0)
  }

  connect(address: NodeAddress): ClientConnection {
    const base = this.fake.connect(address)
    const node = Number(address.host.slice(1))
    const answer = <T>(done: Done<T>, give: () => T): void =>
      later(done, () => {
        if (this.fake.dead.has(node)) throw new BrokerError('NETWORK_EXCEPTION', 'refused', { unanswered: true })
        return give()
      })
    return {
      ...base,
      metadata: (request, timeoutMs, done) =>
        base.metadata(request, timeoutMs, (error, response) =>
          done(error, error === undefined ? { ...response, topics: response.topics.map((topic) => this.#described(topic)) } : response),
        ),
      listOffsets: (request, timeoutMs, done) =>
        base.listOffsets(request, timeoutMs, (error, response) => done(error, error === undefined ? this.#offsets(request, response) : response)),
      alterTopic: (request, _timeoutMs, done) => answer(done, () => this.#alter(request)),
      describeConfigs: (request, _timeoutMs, done) => answer(done, () => this.#describeConfigs(request)),
      electLeaders: (request, _timeoutMs, done) => answer(done, () => this.#elect(request)),
      addVoter: (request, _timeoutMs, done) => answer(done, () => this.#changeVoters(request, [1, 2, request.nodeId])),
      removeVoter: (request, _timeoutMs, done) => answer(done, () => this.#changeVoters(request, [1])),
      alterMaintenance: (request, _timeoutMs, done) => answer(done, () => this.#mark(request)),
      unregisterBroker: (request, _timeoutMs, done) => answer(done, () => this.#unregister(request)),
      alterReassignments: (request, _timeoutMs, done) => answer(done, () => this.#reassign(request)),
      deleteRecords: (request, _timeoutMs, done) => answer(done, () => this.#deleteRecords(request)),
      createTopic: (request, _timeoutMs, done) => later(done, () => this.#create(request)),
      deleteTopic: (request, timeoutMs, done) => {
        this.deletionTimeoutsMs.push(timeoutMs)
        setTimeout(() => later(done, () => this.#delete(request.topicId)), this.deletionMs)
      },
      describeCluster: (_timeoutMs, done) => answer(done, () => this.#describe()),
      describeLogDirs: (_timeoutMs, done) => answer(done, () => this.folderMoves.describe(node, this.#foldersOf(node))),
      digestBatches: (request, _timeoutMs, done) => answer(done, () => this.#digest(node, request)),
      alterReplicaLogDirs: (request, _timeoutMs, done) => answer(done, () => this.folderMoves.request(node, this.#foldersOf(node), request)),
      describeQuorum: (_timeoutMs, done) => {
        this.quorumAsked++
        answer(done, () => this.#quorum())
      },
    }
  }

  close(): void {}

  #create(request: CreateTopicRequest): CreateTopicResponse {
    this.created.push(request)
    const { name, topicId, partitions, replicationFactor } = request
    if (this.fake.topics.has(name)) throw new BrokerError('TOPIC_ALREADY_EXISTS', `topic "${name}" exists already`)
    if (replicationFactor > this.maxReplicationFactor) throw new BrokerError('INVALID_REPLICATION_FACTOR', 'said the fake')
    if (!request.validateOnly) this.fake.addTopic(name, partitions, topicId)
    const assignment =
      request.assignment ?? Array.from({ length: partitions }, (_, at) => Array.from({ length: replicationFactor }, (_, by) => ((at + by) % 3) + 1))
    return { topicId, partitions, replicationFactor, assignment }
  }

  #delete(topicId: string): void {
    const topic = [...this.fake.topics.values()].find((one) => one.topicId === topicId)
    if (topic === undefined) throw new BrokerError('UNKNOWN_TOPIC_ID', topicId)
    if (this.undeletable.has(topic.name)) throw new BrokerError('INVALID_REQUEST', `topic "${topic.name}" stays`)
    this.fake.topics.delete(topic.name)
    this.fake.publish(0)
    this.deleted.push(topic.name)
  }

  #described(topic: TopicInfo): TopicInfo {
    const partitions = topic.partitions.map((one) => {
      const key = `${topic.name}-${one.partition}`
      return { ...one, ...this.#standing(key, one.replicas), isr: this.isr.get(key) ?? one.isr }
    })
    return { ...topic, configs: this.configs.get(topic.name) ?? topic.configs, partitions }
  }

  #named(topicId: string): FakeTopic {
    const topic = [...this.fake.topics.values()].find((one) => one.topicId === topicId)
    if (topic === undefined) throw new BrokerError('UNKNOWN_TOPIC_ID', topicId)
    return topic
  }

  /** By timestamp, from the records themselves. */
  #offsets(request: ListOffsetsRequest, response: ListOffsetsResponse): ListOffsetsResponse {
    const partitions = response.partitions.map((listed, index) => {
      const { at } = request.partitions[index] as ListOffsetsRequest['partitions'][number]
      const topic = [...this.fake.topics.values()].find((one) => one.topicId === listed.topicId)
      if (listed.error !== null || topic === undefined) return listed
      if (at === 'earliest') return { ...listed, offset: this.starts.get(`${topic.name}-${listed.partition}`) ?? listed.offset }
      if (at === 'latest') return listed
      const records = (topic.partitions[listed.partition]?.batches ?? []).flatMap(({ header, bytes }) =>
        decodeRecords(bytes).map((record, at) => ({ offset: header.baseOffset + at, timestamp: record.timestamp })),
      )
      const found = records.find((record) => record.timestamp >= at)
      return { ...listed, offset: found?.offset ?? -1, timestamp: found?.timestamp ?? -1 }
    })
    return { partitions }
  }

  #alter(request: AlterTopicRequest): TopicInfo {
    this.altered.push(request)
    const topic = this.#named(request.topicId)
    const configs = new Map([...(this.configs.get(topic.name) ?? []), ...request.set])
    for (const key of request.delete) configs.delete(key)
    const partitions = Math.max(topic.partitions.length, request.partitions)
    if (!request.validateOnly) {
      this.configs.set(topic.name, configs)
      if (partitions > topic.partitions.length) this.fake.addTopic(topic.name, partitions, topic.topicId)
    }
    const states = Array.from({ length: partitions }, (_, partition) => {
      return { partition, leader: (partition % 3) + 1, leaderEpoch: 1, replicas: [1, 2, 3], isr: [1, 2, 3], elr: [], addingReplicas: [], removingReplicas: [] }
    })
    return { name: topic.name, topicId: topic.topicId, configs, partitions: states }
  }

  #describeConfigs({ topics, brokers }: DescribeConfigsRequest): DescribeConfigsResponse {
    const ofTopics = topics.map((name) => {
      const given = this.configs.get(name)
      const entry = (key: string, defaultValue: string | null, unit: string, doc: string): ConfigEntry => ({
        name: key,
        value: given?.get(key) ?? defaultValue,
        defaultValue,
        source: given?.has(key) === true ? 'DYNAMIC_TOPIC_CONFIG' : 'DEFAULT_CONFIG',
        unit,
        doc,
        readOnly: false,
      })
      const entries = [entry('min.insync.replicas', null, 'count', 'how many'), entry('retention.ms', '604800000', 'ms', 'how long')]
      return { type: 'topic', name, entries } as const
    })
    const ofBrokers = brokers.map((nodeId) => {
      const entry = {
        name: 'log.segment.bytes',
        value: '65536',
        defaultValue: '536870912',
        source: 'STATIC_BROKER_CONFIG',
        unit: 'bytes',
        doc: 'how large',
        readOnly: true,
      } as const
      return { type: 'broker', name: String(nodeId), entries: [entry] } as const
    })
    return { resources: [...ofTopics, ...ofBrokers] }
  }

  /** The preferred leader of a partition is the one that the fake gave it first. */
  #elect(request: ElectLeadersRequest): ElectLeadersResponse {
    this.elected.push(request)
    if (request.unclean) return this.#electUnclean(request)
    const preferred = (partition: number): number => (partition % 3) + 1
    const all = [...this.fake.topics.values()].flatMap(({ topicId, partitions }) =>
      partitions.flatMap(({ leader }, partition) => (leader === preferred(partition) ? [] : [{ topicId, partition }])),
    )
    const partitions = (request.partitions ?? all).map(({ topicId, partition }) => {
      const { name, partitions: states } = this.#named(topicId)
      const isRefused = this.refused.has(`${name}-${partition}`)
      const code = isRefused ? 'PREFERRED_LEADER_NOT_AVAILABLE' : states[partition]?.leader === preferred(partition) ? 'ELECTION_NOT_NEEDED' : undefined
      if (code === undefined) this.fake.moveLeader(name, partition, preferred(partition))
      const elected = { nodeId: preferred(partition), lastEpoch: -1, logEndOffset: -1 }
      return { topicId, partition, elected: code === undefined ? elected : null, error: code === undefined ? null : apiError(code) }
    })
    return { partitions, metadataOffset: this.electionOffset }
  }

  /** Broker 3 is left, with a log that ends at 7. */
  #electUnclean({ partitions, validateOnly }: ElectLeadersRequest): ElectLeadersResponse {
    const all = [...this.fake.topics.values()].flatMap(({ topicId, partitions: states }) =>
      states.flatMap(({ leader }, partition) => (leader === -1 ? [{ topicId, partition }] : [])),
    )
    const elections = (partitions ?? all).map(({ topicId, partition }) => {
      const { name, partitions: states } = this.#named(topicId)
      const isLed = states[partition]?.leader !== -1
      const code = isLed ? 'ELECTION_NOT_NEEDED' : this.refused.has(`${name}-${partition}`) ? 'ELIGIBLE_LEADERS_NOT_AVAILABLE' : undefined
      if (code === undefined && !validateOnly) this.fake.moveLeader(name, partition, 3)
      const elected = code === undefined ? { nodeId: 3, lastEpoch: 1, logEndOffset: 7 } : null
      return { topicId, partition, elected, error: code === undefined ? null : apiError(code) }
    })
    return { partitions: elections, metadataOffset: this.electionOffset }
  }

  #reassign(request: AlterReassignmentsRequest): AlterReassignmentsResponse {
    this.moved.push(request)
    const partitions = request.partitions.map(({ topicId, partition, replicas }) => {
      const key = `${this.#named(topicId).name}-${partition}`
      const code = this.refused.has(key) ? 'INVALID_REPLICA_ASSIGNMENT' : replicas === null && !this.moving.has(key) ? 'NO_REASSIGNMENT_IN_PROGRESS' : undefined
      if (code === undefined && !request.validateOnly) {
        if (replicas === null) this.moving.delete(key)
        else this.moving.set(key, { to: replicas, looks: this.moveLooks })
      }
      return { topicId, partition, error: code === undefined ? null : apiError(code) }
    })
    return { partitions }
  }

  /** As it stands; a move ends after some looks at it. */
  #standing(key: string, from: readonly number[]): Pick<PartitionInfo, 'replicas' | 'addingReplicas' | 'removingReplicas'> {
    const move = this.moving.get(key)
    if (move === undefined) return { replicas: from, addingReplicas: [], removingReplicas: [] }
    if (move.looks-- <= 0) return { replicas: move.to, addingReplicas: [], removingReplicas: [] }
    const addingReplicas = move.to.filter((nodeId) => !from.includes(nodeId))
    return { replicas: [...from, ...addingReplicas], addingReplicas, removingReplicas: from.filter((nodeId) => !move.to.includes(nodeId)) }
  }

  #deleteRecords(request: DeleteRecordsRequest): DeleteRecordsResponse {
    const partitions = request.partitions.map(({ topicId, partition, beforeOffset }) => {
      const { name } = this.#named(topicId)
      const isBeyond = beforeOffset > this.fake.partition(name, partition).highWatermark
      if (!isBeyond) this.starts.set(`${name}-${partition}`, Math.max(beforeOffset, this.starts.get(`${name}-${partition}`) ?? 0))
      return {
        topicId,
        partition,
        lowWatermark: isBeyond ? -1 : (this.starts.get(`${name}-${partition}`) ?? 0),
        error: isBeyond ? apiError('OFFSET_OUT_OF_RANGE') : null,
      }
    })
    return { partitions }
  }

  /** What was moved away is there no more. */
  #foldersOf(node: number): LogDir[] {
    const isThere = ({ topic, partition }: LogDir['partitions'][number]): boolean => this.moving.get(`${topic}-${partition}`)?.to.includes(node) !== false
    return (this.folders.get(node) ?? [workingFolder]).map((folder) => ({ ...folder, partitions: folder.partitions.filter(isThere) }))
  }

  #digest(node: number, { topicId, partition, startOffset, endOffset }: DigestBatchesRequest): BatchDigests {
    const { name } = this.#named(topicId)
    const { batches, highWatermark } = this.fake.partition(name, partition)
    const rot = this.rotten.get(`${node}/${name}-${partition}`) ?? ((digest) => digest)
    const digests = batches
      .filter(({ header }) => header.lastOffset >= startOffset && header.baseOffset < endOffset)
      .map(({ header: { baseOffset, lastOffset, leaderEpoch }, bytes }) => {
        return rot({ baseOffset, lastOffset, leaderEpoch, sizeBytes: bytes.length, checksum: crc32c(bytes) })
      })
    const bad = digests.indexOf(undefined)
    const good = (bad === -1 ? digests : digests.slice(0, bad)) as BatchDigest[]
    const nextOffset = (good.at(-1)?.lastOffset ?? startOffset - 1) + 1
    const fault = bad === -1 ? null : 'the checksum of a batch is wrong'
    return { logStartOffset: 0, endOffset: highWatermark, file: `/data/${node}/${name}-${partition}.log`, position: 0, digests: good, nextOffset, fault }
  }

  /** Voters 1 and 2; node 9 is never ready. */
  #changeVoters(request: VoterRequest, nodeIds: readonly number[]): VotersChange {
    this.voterRequests.push(request)
    if (request.nodeId === 9) throw new BrokerError('VOTER_NOT_READY', 'node 9 has not caught up: see oxbow quorum replication')
    const voters = [...new Set(nodeIds)].map((nodeId) => ({ nodeId, directoryId: nodeId === 2 ? null : String(nodeId).repeat(32) }))
    return { isChanged: request.nodeId !== 1, voters, warnings: voters.length % 2 === 0 ? ['an even number'] : [] }
  }

  /** Of what it leads one partition less at each look: as if others caught up one after the other. */
  #mark({ nodeId, maintenance }: AlterMaintenanceRequest): BrokerDescription {
    this.marked.push({ nodeId, maintenance })
    this.onMark()
    const found = this.brokers.find((one) => one.nodeId === nodeId)
    if (found === undefined) throw new BrokerError('BROKER_ID_NOT_REGISTERED', `broker ${nodeId} is not registered`)
    const after = { ...found, maintenance, leaders: maintenance ? Math.max(0, found.leaders - 1) : found.leaders }
    this.brokers = this.brokers.map((one) => (one === found ? after : one))
    return after
  }

  #unregister(request: UnregisterBrokerRequest): void {
    this.unregistered.push(request)
    const found = this.brokers.find((one) => one.nodeId === request.nodeId)
    if (found === undefined) throw new BrokerError('BROKER_ID_NOT_REGISTERED', `broker ${request.nodeId} is not registered`)
    if (found.state === 'running') throw new BrokerError('BROKER_IN_USE', `broker ${request.nodeId} is running: stop its process first`)
    if (!request.validateOnly) this.brokers = this.brokers.filter((one) => one !== found)
  }

  #describe(): ClusterDescription {
    return { clusterId: CLUSTER_ID, controllerId: this.controllerId, brokers: this.brokers }
  }

  #quorum(): QuorumDescription {
    const heardMs = (nodeId: number): number => 1_700_000_000_000 - (this.silentMs[nodeId] ?? 0)
    const replica = { directoryId: 'd'.repeat(32), logEndOffset: 12, lag: 0, lastCaughtUpTimestamp: 1_700_000_000_000 }
    return {
      status: {
        clusterId: CLUSTER_ID,
        leaderId: 1,
        leaderEpoch: 4,
        highWatermark: 12,
        maxFollowerLag: 3,
        maxFollowerLagTimeMs: 7,
        voters: this.voters,
        observers: this.observers,
        snapshotEndOffset: 9,
        snapshotTimestamp: 1_700_000_000_000,
        logStartOffset: 4,
      },
      replicas: [
        { ...replica, nodeId: 1, lastFetchTimestamp: heardMs(1), status: 'Leader' },
        { ...replica, nodeId: 2, lastFetchTimestamp: heardMs(2), status: 'Voter', logEndOffset: 9, lag: 3 },
        { ...replica, nodeId: 3, lastFetchTimestamp: heardMs(3), status: 'Observer', directoryId: null },
      ],
    }
  }
}

export interface CliRun {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface CliSetting {
  readonly cluster?: CliCluster
  readonly stdin?: Iterable<string | Buffer> | AsyncIterable<string | Buffer>
  /** Somebody sits at a terminal and types what is in `stdin`. */
  readonly isTerminal?: boolean
  /** What is written there is seen on a screen. */
  readonly stdoutIsTerminal?: boolean
  readonly stderrIsTerminal?: boolean
  readonly env?: Readonly<Record<string, string>>
  /** Called with what is written, as it is. */
  readonly onOutput?: (stream: 'stdout' | 'stderr', text: string) => void
  /** Called with what interrupts the command. */
  readonly interruptible?: (interrupt: () => void) => void
  /** Stdout takes nothing at all: each write fails with this system code. */
  readonly stdoutFails?: string
}

function sink(chunks: Buffer[], isTTY: boolean, tell: (text: string) => void): TextSink {
  return {
    isTTY,
    writableLength: 0,
    write: (chunk, done) => {
      chunks.push(Buffer.from(chunk as string))
      tell(String(chunk))
      if (done !== undefined) setImmediate(done)
      return true
    },
  }
}

/** As Node's: the callbacks come first, then the one event. */
function brokenSink(code: string, tell: (error: Error) => void): TextSink {
  let isTold = false
  return {
    writableLength: 0,
    write: (_chunk, done) => {
      const error = Object.assign(new Error(`${code}: write`), { code })
      process.nextTick(() => {
        done?.(error)
        if (!isTold) tell(error)
        isTold = true
      })
      return false
    },
  }
}

/** Runs one command line in this process, with a fake cluster behind it. */
export async function oxbow(args: readonly string[], setting: CliSetting = {}): Promise<CliRun> {
  const out: Buffer[] = []
  const err: Buffer[] = []
  const cluster = setting.cluster ?? new CliCluster()
  const stdin = Object.assign(Readable.from(setting.stdin ?? []), { isTTY: setting.isTerminal === true })
  const stdoutHandlers: ((error: Error) => void)[] = []
  const context: CliContext = {
    stdin,
    stdout:
      setting.stdoutFails === undefined
        ? sink(out, setting.stdoutIsTerminal === true, (text) => setting.onOutput?.('stdout', text))
        : brokenSink(setting.stdoutFails, (error) => stdoutHandlers.at(-1)?.(error)),
    stderr: sink(err, setting.stderrIsTerminal === true, (text) => setting.onOutput?.('stderr', text)),
    env: setting.env ?? {},
    uptimeMs: () => performance.now(),
    openClient: ({ requestTimeoutMs, wrap = (transport) => transport }) =>
      Promise.resolve(new OxbowClient({ bootstrap: cluster.fake.bootstrap, transport: wrap(cluster), requestTimeoutMs })),
    probeClock: (host) => Promise.resolve(cluster.clocksMs.get(host)),
    probeTcp: (host) => Promise.resolve(cluster.closedHosts.has(host) ? 'ECONNREFUSED' : undefined),
    onInterrupt: (handler) => {
      setting.interruptible?.(handler)
      return () => undefined
    },
    onStdoutError: (handler) => {
      stdoutHandlers.push(handler)
      return () => stdoutHandlers.splice(stdoutHandlers.indexOf(handler), 1)
    },
  }
  const code = await main(args, context, '0.0.0-test')
  return { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }
}
