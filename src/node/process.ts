import type { Logger } from '../base/log-line.ts'
import { descriptorLimit, LimitedDisk, OpenFiles, openFilesFor } from './open-files.ts'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import type { Disk } from '../base/disk.ts'
import type { DoneVoid } from '../base/done.ts'
import type { Clock } from '../base/clock.ts'
import { BrokerError } from '../base/errors.ts'
import type { Fatal } from '../base/fatal.ts'
import { isLogLevel, type LogLevel, logLevels } from '../base/log-level.ts'
import { startNode } from '../broker/node.ts'
import type { OxbowNode } from '../broker/oxbow-node.ts'
import type { DataDisk } from '../broker/surface.ts'
import { openLevelCheckpoints } from '../checkpoint/level-checkpoints.ts'
import { CryptoRandom } from '../client/crypto-random.ts'
import { SystemClock } from '../client/system-clock.ts'
import { createGrpcServer, type GrpcServer } from '../grpc/server.ts'
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../http/http-server.ts'
import { GrpcPeerTransport } from '../peer/grpc-transport.ts'
import { addPeerService } from '../peer/peer-service.ts'
import { Traffic } from '../wire/traffic.ts'
import { ConfigError, locateFault, NoSuchConfigError } from './config-faults.ts'
import { type ConfiguredCluster, type ConfiguredNode, loadCluster } from './config.ts'
import { NodeDisk } from './disk.ts'
import { type EnvironmentVariables, readEnvironment } from './environment.ts'
import { LazyCheckpoints } from './lazy-checkpoints.ts'
import { createNodeLog, type NodeLog } from './logger.ts'
import { DiskMeter, MeteredDisk } from './disk-meter.ts'
import type { Meters } from './metric-facts.ts'
import { MetricsPage } from './metrics.ts'
import { packageVersion } from './package-version.ts'
import { Readiness } from './readiness.ts'
import { type KnownTopics, meteredBroker, RequestMeter } from './request-meter.ts'
import { RuntimeReport } from './runtime-report.ts'

/** The one message on the channel to a parent, when there is one. */
export const LISTENING = 'listening'

export interface ServerOptions {
  /** Undefined: OXBOW_CONFIG says it. */
  readonly configPath: string | undefined
  /** Undefined: OXBOW_NODE_ID says it, or the file, which has one node only. */
  readonly nodeId: number | undefined
  /** Instead of the folders of the file and the environment. */
  readonly dataDir: string | undefined
  readonly env: EnvironmentVariables
  /** The disk of a data folder; default: the file system as it is. */
  readonly openDisk?: (path: string) => Disk
  /** Default: that of the machine. */
  readonly clock?: Clock
}

/** Rules 8: connections a node. */
const MAX_CONNECTIONS = 2_000
const GRPC_GRACE_MS = 300
/** The node's own bound is 3 s of handing over leaderships; a disk that hangs must not keep the process for ever. */
const STOP_LIMIT_MS = 10_000
const STDOUT = 1

/** One callback as one promise: this is the listeners' side of the seams. */
function promised(start: (done: DoneVoid) => void): Promise<void> {
  return new Promise((fulfil, reject) => start((error) => (error === undefined ? fulfil() : reject(error))))
}

interface FoundNode {
  readonly path: string
  readonly cluster: ConfiguredCluster
  readonly node: ConfiguredNode
}

async function findNode({ configPath, nodeId, dataDir, env }: ServerOptions): Promise<FoundNode> {
  const path = configPath ?? (env.OXBOW_CONFIG || undefined)
  if (path === undefined) throw new NoSuchConfigError('no cluster file is named', 'name it with --config, or set OXBOW_CONFIG')
  const environment = readEnvironment(env)
  // Before the file is read: without the environment it would be the file of another cluster.
  if (environment.faults.length > 0) throw new ConfigError(path, environment.faults)
  const cluster = await loadCluster(path, { environment, nodeId })
  const ids = cluster.nodes.map((one) => one.options.nodeId)
  const wanted = nodeId ?? environment.node.nodeId ?? (ids.length === 1 ? ids[0] : undefined)
  const node = cluster.nodes.find((one) => one.options.nodeId === wanted)
  if (wanted === undefined)
    throw new NoSuchConfigError(`which node of ${path} this is, is not said`, `name one of ${ids.join(', ')} with --node or OXBOW_NODE_ID`)
  if (node === undefined) throw new NoSuchConfigError(`there is no node ${wanted} in ${path}, only ${ids.join(', ')}`, 'name one of them with --node')
  return { path, cluster, node: dataDir === undefined ? node : { ...node, dataDir: resolve(dataDir), dataDirs: [resolve(dataDir)] } }
}

function logLevel(): LogLevel {
  const level = process.env.OXBOW_LOG_LEVEL || 'info'
  if (!isLogLevel(level)) throw new BrokerError('INVALID_CONFIG', `OXBOW_LOG_LEVEL is "${level}", one of ${logLevels.join(', ')} is expected`)
  return level
}

/** A port that is taken is found before the folder is opened and before any peer is met. */
function probePort(host: string, port: number, key: string): Promise<void> {
  return new Promise((fulfil, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const cause = error.code === 'EADDRINUSE' ? `another process listens there; stop it, or change ${key} in the cluster file` : error.message
      reject(new BrokerError('INVALID_CONFIG', `cannot listen on ${host}:${port}: ${cause}`))
    })
    probe.listen({ host, port }, () => probe.close(() => fulfil()))
  })
}

async function makeDataDir(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new BrokerError('DISK_FAILED', `the data folder cannot be made: ${reason} (make its place writable, or give this node another folder)`)
  }
}

interface Running {
  readonly node: OxbowNode
  readonly grpc: GrpcServer
  readonly http: HttpServer | undefined
}

/** What the limit of this process leaves for the files of logs. */
function limitedFiles(logger: Logger): OpenFiles {
  const limit = descriptorLimit()
  const most = openFilesFor(limit)
  const advice = 'those used longest ago are closed and opened again when they are needed, which costs time (raise LimitNOFILE, or ulimit -n)'
  return new OpenFiles(most, () =>
    logger.warn({ descriptorLimit: limit, openFiles: most }, `${most} files of logs are open, a quarter of the limit: ${advice}`),
  )
}

interface Machine {
  readonly openDisk: (path: string) => Disk
  readonly clock: Clock
}

async function start(configured: ConfiguredNode, log: NodeLog, fatal: Fatal, { openDisk, clock }: Machine): Promise<Running> {
  const { options, dataDir, dataDirs } = configured
  const { logger } = log
  const { host, grpcPort, httpPort } = options.address
  await makeDataDir(dataDir)
  await probePort(host, grpcPort, 'grpcPort')
  if (httpPort !== null) await probePort(host, httpPort, 'httpPort')
  const meters = { requests: new RequestMeter(), disk: new DiskMeter(), traffic: new Traffic(), ring: log.ring }
  const { traffic } = meters
  const transport = new GrpcPeerTransport({ logger, traffic })
  const checkpoints = new LazyCheckpoints((done) => openLevelCheckpoints(join(dataDir, 'checkpoints'), logger, done))
  const files = limitedFiles(logger)
  const dataDisks = dataDirs.map((path) => ({ path, disk: new MeteredDisk(new LimitedDisk(openDisk(path), files), meters.disk, path) }))
  const { disk } = dataDisks[0] as DataDisk
  const seams = { clock, random: new CryptoRandom(), disk, dataDisks, checkpoints, transport, logger, logLevel: log.level, fatal }
  const node = await new Promise<OxbowNode>((fulfil, reject) =>
    startNode(options, seams, (error, value) => (error === undefined ? fulfil(value) : reject(error))),
  )
  const grpc = createGrpcServer({
    broker: meteredBroker(node.broker, meters.requests, knownTopics(node)),
    logger,
    traffic,
    addPeerService: (server) => addPeerService(server, transport),
    maxConnections: MAX_CONNECTIONS,
    isServing: () => !node.view().isStopping && (options.roles.broker ? node.isServing : node.raft().leaderId !== null),
  })
  await promised((done) => grpc.bind(host, grpcPort, (error) => done(error)))
  const http = httpPort === null ? undefined : createHttpServer(httpOptions(configured, log, node, meters))
  if (http !== undefined && httpPort !== null) await promised((done) => http.bind(host, httpPort, (error) => done(error)))
  logger.info({ grpc: `${host}:${grpcPort}`, http: httpPort === null ? null : `${host}:${httpPort}`, dataDirs, pid: process.pid }, 'listening')
  // Whoever started this process with a channel need not guess when to dial.
  process.send?.(LISTENING, undefined, undefined, () => undefined)
  return { node, grpc, http }
}

function knownTopics(node: OxbowNode): KnownTopics {
  return { has: (topicId) => node.image.topics.has(topicId), idOf: (name) => node.image.topicIds.get(name) }
}

function httpOptions(configured: ConfiguredNode, { logger, level, ring }: NodeLog, node: OxbowNode, meters: Meters): HttpServerOptions {
  const { options, dataDirs } = configured
  const readiness = new Readiness(options, node)
  const page = new MetricsPage(node, meters)
  const runtime = new RuntimeReport()
  return {
    status: () => {
      const { role, term, leaderId } = node.raft()
      return { nodeId: options.nodeId, role, term, leaderId }
    },
    missing: () => readiness.missing(),
    metrics: () => page.render(),
    debug: {
      log: () => ring.text(),
      runtime: () => runtime.take(),
      config: () => ({ version: packageVersion(), logLevel: level.level, dataDirs, ...options }),
    },
    logger,
  }
}

async function stop({ node, grpc, http }: Running): Promise<void> {
  // Clients are served until the last leadership has moved away.
  await promised((done) => node.stop(done))
  await Promise.all([promised((done) => grpc.stop(GRPC_GRACE_MS, done)), http === undefined ? undefined : promised((done) => http.stop(done))])
}

/** Fulfilled by SIGTERM, SIGINT, or the end of an `oxbow dev` that started this node. Repeated signals change nothing: Ctrl-C often comes twice through npm. */
function stopAsked(): Promise<string> {
  return new Promise((fulfil) => {
    process.on('SIGTERM', () => fulfil('SIGTERM'))
    process.on('SIGINT', () => fulfil('SIGINT'))
    process.on('disconnect', () => fulfil('its parent is gone'))
    // It went while this process was still loading: nobody is told of that any more. Undefined: there never was one.
    if (process.connected === false) fulfil('its parent is gone')
  })
}

/** `oxbow server`: one node until it is asked to stop. Answers the exit code; throws what kept it from starting. */
export async function runServer(options: ServerOptions): Promise<number> {
  const asked = stopAsked()
  const { path, cluster, node: configured } = await findNode(options)
  const log = createNodeLog({ nodeId: configured.options.nodeId, level: logLevel(), descriptor: STDOUT })
  const { logger } = log
  const fatal = (error: Error): void => {
    logger.error({ error: error.message, stack: error.stack }, `fatal: ${error.message}`)
    process.exit(1)
  }
  process.on('uncaughtException', fatal)
  process.on('unhandledRejection', (reason) => fatal(reason instanceof Error ? reason : new Error(String(reason))))
  for (const warning of cluster.warnings) logger.warn({}, `config: ${locateFault(path, warning)}`)
  const { openDisk = (folder) => new NodeDisk(folder), clock = new SystemClock() } = options
  const running = await start(configured, log, fatal, { openDisk, clock })
  const reason = await asked
  logger.info({ reason }, `stopping: ${reason}`)
  const limit = setTimeout(() => fatal(new Error(`the node did not stop within ${STOP_LIMIT_MS} ms`)), STOP_LIMIT_MS)
  await stop(running)
  clearTimeout(limit)
  return 0
}
