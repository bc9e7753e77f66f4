import { Readable } from 'node:stream'
import type { Done } from '../../src/base/done.ts'
import { BrokerError } from '../../src/base/errors.ts'
import { SeededRandom } from '../../src/base/random.ts'
import type { CliContext, TextSink } from '../../src/cli/context.ts'
import { main } from '../../src/cli/main.ts'
import { OxbowClient } from '../../src/client/client.ts'
import { SystemClock } from '../../src/client/system-clock.ts'
import type { ClientConnection, ClientTransport, NodeAddress } from '../../src/client/transport.ts'
import type { ClusterDescription, CreateTopicRequest, CreateTopicResponse, QuorumDescription } from '../../src/wire/api.ts'
import { FakeCluster } from '../client/fake-cluster.ts'

const CLUSTER_ID = 'c'.repeat(32)

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

  constructor() {
    this.fake.publish(0)
  }

  connect(address: NodeAddress): ClientConnection {
    return {
      ...this.fake.connect(address),
      createTopic: (request, _timeoutMs, done) => later(done, () => this.#create(request)),
      deleteTopic: (request, timeoutMs, done) => {
        this.deletionTimeoutsMs.push(timeoutMs)
        setTimeout(() => later(done, () => this.#delete(request.topicId)), this.deletionMs)
      },
      describeCluster: (_timeoutMs, done) => later(done, () => this.#describe()),
      describeQuorum: (_timeoutMs, done) => later(done, () => this.#quorum()),
    }
  }

  close(): void {}

  #create(request: CreateTopicRequest): CreateTopicResponse {
    this.created.push(request)
    const { name, topicId, partitions, replicationFactor } = request
    if (this.fake.topics.has(name)) throw new BrokerError('TOPIC_ALREADY_EXISTS', `topic "${name}" exists already`)
    if (!request.validateOnly) this.fake.addTopic(name, partitions, topicId)
    return { topicId, partitions, replicationFactor, assignment: [] }
  }

  #delete(topicId: string): void {
    const topic = [...this.fake.topics.values()].find((one) => one.topicId === topicId)
    if (topic === undefined) throw new BrokerError('UNKNOWN_TOPIC_ID', topicId)
    if (this.undeletable.has(topic.name)) throw new BrokerError('INVALID_REQUEST', `topic "${topic.name}" stays`)
    this.fake.topics.delete(topic.name)
    this.fake.publish(0)
    this.deleted.push(topic.name)
  }

  #describe(): ClusterDescription {
    const broker = { kafkaPort: null, httpPort: 9292, rack: null, leaders: 2, replicas: 6 }
    return {
      clusterId: CLUSTER_ID,
      controllerId: this.controllerId,
      brokers: [
        { ...broker, nodeId: 1, host: '10.0.0.1', grpcPort: 9192, state: 'running' },
        { ...broker, nodeId: 2, host: '10.0.0.2', grpcPort: 9192, state: 'offline', rack: 'east', httpPort: null, leaders: 0 },
      ],
    }
  }

  #quorum(): QuorumDescription {
    const replica = { directoryId: 'd'.repeat(32), logEndOffset: 12, lag: 0, lastFetchTimestamp: 1_700_000_000_000, lastCaughtUpTimestamp: 1_700_000_000_000 }
    return {
      status: {
        clusterId: CLUSTER_ID,
        leaderId: 1,
        leaderEpoch: 4,
        highWatermark: 12,
        maxFollowerLag: 3,
        maxFollowerLagTimeMs: 7,
        voters: [1, 2],
        observers: [3],
      },
      replicas: [
        { ...replica, nodeId: 1, status: 'Leader' },
        { ...replica, nodeId: 2, status: 'Voter', logEndOffset: 9, lag: 3, lastFetchTimestamp: -1 },
        { ...replica, nodeId: 3, status: 'Observer', directoryId: null },
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
  readonly env?: Readonly<Record<string, string>>
  /** Called with what interrupts the command. */
  readonly interruptible?: (interrupt: () => void) => void
  /** Stdout takes nothing at all: each write fails with this system code. */
  readonly stdoutFails?: string
}

function sink(chunks: Buffer[]): TextSink {
  return {
    writableLength: 0,
    write: (chunk, done) => {
      chunks.push(Buffer.from(chunk as string))
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
    stdout: setting.stdoutFails === undefined ? sink(out) : brokenSink(setting.stdoutFails, (error) => stdoutHandlers.at(-1)?.(error)),
    stderr: sink(err),
    env: setting.env ?? {},
    uptimeMs: () => performance.now(),
    openClient: ({ requestTimeoutMs }) => Promise.resolve(new OxbowClient({ bootstrap: cluster.fake.bootstrap, transport: cluster, requestTimeoutMs })),
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
