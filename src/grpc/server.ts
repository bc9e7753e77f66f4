import type { Socket } from 'node:net'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import type { Done, DoneVoid } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { Logger } from '../base/log-line.ts'
import type { Broker } from '../broker/api.ts'
import type { Traffic } from '../wire/traffic.ts'
import { adminService, brokerService, MAX_MESSAGE_BYTES } from '../wire/services.ts'
import { createConnectionServer } from './connections.ts'
import { alterReplicaLogDirs } from './alter-replica-log-dirs.ts'
import { alterTopic } from './alter-topic.ts'
import { unregisterBroker } from './unregister-broker.ts'
import { alterMaintenance } from './alter-maintenance.ts'
import { alterReassignments } from './alter-reassignments.ts'
import { deleteRecords } from './delete-records.ts'
import { describeConfigs } from './describe-configs.ts'
import { describeLogDirs } from './describe-log-dirs.ts'
import { digestBatches } from './digest-batches.ts'
import { addVoter, removeVoter } from './alter-voters.ts'
import { electLeaders } from './elect-leaders.ts'
import { getLogLevel, setLogLevel } from './log-level.ts'
import type { ListenerContext } from './context.ts'
import { createProducerId } from './create-producer-id.ts'
import { createTopic } from './create-topic.ts'
import { deleteTopic } from './delete-topic.ts'
import { describeCluster } from './describe-cluster.ts'
import { describeQuorum } from './describe-quorum.ts'
import { fetch } from './fetch.ts'
import { fetchRecords } from './fetch-records.ts'
import { addHealthService } from './health.ts'
import type { Track } from './library-service.ts'
import { listOffsets } from './list-offsets.ts'
import { getMetadata } from './metadata.ts'
import { produce } from './produce.ts'
import { produceRecords } from './produce-records.ts'
import { addReflectionService } from './reflection.ts'

/** Streams and calls at once on one connection; a client needs two streams and a few calls. */
const MAX_STREAMS_A_CONNECTION = 1_000

export interface GrpcServerOptions {
  /** Of a node without the broker role too: it holds no partition, and answers what any node can. */
  readonly broker: Broker
  readonly logger: Logger
  /** What is written to streams is counted there. */
  readonly traffic: Traffic
  /** Registers what peers dial (peer room: addPeerService). */
  readonly addPeerService?: (server: Server) => void
  readonly maxConnections: number
  /** For the health service: whether clients are served, as long as the listener is not stopped. Default: always. */
  readonly isServing?: () => boolean
}

export interface GrpcServer {
  /** Answers the port, which the system chose if it was 0. An error names host, port and cause. */
  bind(host: string, port: number, done: Done<number>): void
  /** Takes no more, ends client streams with UNAVAILABLE, waits up to graceMs for calls under way, then closes whatever is left. */
  stop(graceMs: number, done: DoneVoid): void
}

export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  const streams = new Set<{ end(error: Error): void }>()
  const track: Track = (stream) => {
    streams.add(stream)
    return () => streams.delete(stream)
  }
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_concurrent_streams': MAX_STREAMS_A_CONNECTION,
    // A client whose machine is gone says nothing; its connection and what waits for it are given up after 15 s.
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.enable_channelz': 0,
  })
  const { broker, logger, traffic } = options
  addClientServices(server, { broker, logger, traffic, track })
  options.addPeerService?.(server)
  let isStopped = false
  const services = serviceNames(options)
  addHealthService(server, { services, logger, track, isServing: () => !isStopped && options.isServing?.() !== false })
  addReflectionService(server, { services: [...services, 'grpc.health.v1.Health'], logger, track })
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const listener = createConnectionServer({
    maxConnections: options.maxConnections,
    logger: options.logger,
    accept: (socket: Socket) => injector.injectConnection(socket),
  })
  return {
    bind(host, port, done) {
      const failed = (error: NodeJS.ErrnoException): void => done(bindError(host, port, error), 0)
      listener.once('error', failed)
      listener.listen({ host, port }, () => {
        listener.off('error', failed)
        listener.on('error', (error) => options.logger.error({ error: error.message }, 'grpc: the listening socket failed'))
        const address = listener.address()
        done(undefined, typeof address === 'object' && address !== null ? address.port : port)
      })
    },
    stop(graceMs, done) {
      isStopped = true
      listener.close()
      for (const stream of [...streams]) stream.end(new BrokerError('NETWORK_EXCEPTION', 'the node stops'))
      shutDown(server, graceMs, done)
    },
  }
}

/** What this node serves beside health and reflection. */
function serviceNames({ addPeerService }: GrpcServerOptions): string[] {
  const names = ['oxbow.v1.Broker', 'oxbow.v1.Admin']
  return addPeerService === undefined ? names : [...names, 'oxbow.v1.Peer']
}

function addClientServices(server: Server, context: ListenerContext): void {
  server.addService(brokerService, {
    Produce: produce(context),
    Fetch: fetch(context),
    CreateProducerId: createProducerId(context),
    GetMetadata: getMetadata(context),
    ListOffsets: listOffsets(context),
    ProduceRecords: produceRecords(context),
    FetchRecords: fetchRecords(context),
  })
  server.addService(adminService, {
    CreateTopic: createTopic(context),
    DeleteTopic: deleteTopic(context),
    DescribeCluster: describeCluster(context),
    DescribeQuorum: describeQuorum(context),
    AlterTopic: alterTopic(context),
    DescribeConfigs: describeConfigs(context),
    ElectLeaders: electLeaders(context),
    AddVoter: addVoter(context),
    RemoveVoter: removeVoter(context),
    AlterMaintenance: alterMaintenance(context),
    UnregisterBroker: unregisterBroker(context),
    AlterReplicaLogDirs: alterReplicaLogDirs(context),
    AlterPartitionReassignments: alterReassignments(context),
    DeleteRecords: deleteRecords(context),
    DescribeLogDirs: describeLogDirs(context),
    DigestBatches: digestBatches(context),
    GetLogLevel: getLogLevel(context),
    SetLogLevel: setLogLevel(context),
  })
}

function bindError(host: string, port: number, error: NodeJS.ErrnoException): BrokerError {
  const cause =
    error.code === 'EADDRINUSE'
      ? 'another process listens there; stop it, or change grpcPort in the cluster file'
      : error.code === 'EADDRNOTAVAIL'
        ? 'this machine has no such address; change host in the cluster file'
        : error.message
  return new BrokerError('INVALID_CONFIG', `cannot listen on ${host}:${port}: ${cause}`)
}

function shutDown(server: Server, graceMs: number, done: DoneVoid): void {
  let ended = false
  const end = (): void => {
    if (ended) return
    ended = true
    clearTimeout(timer)
    done(undefined)
  }
  const timer = setTimeout(() => {
    server.forceShutdown()
    end()
  }, graceMs)
  server.tryShutdown(() => end())
}
