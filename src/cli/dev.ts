import { join, resolve } from 'node:path'
import { BrokerError } from '../base/errors.ts'
import type { Admin } from '../client/admin.ts'
import type { OxbowClient } from '../client/client.ts'
import type { ConfiguredCluster, ConfiguredNode } from '../node/config.ts'
import { type CliContext, headingStyle } from './context.ts'
import { clusterFilePath, type DevShape, prepareFolder, readClusterJson, wipeFolder, writeClusterJson } from './dev-folder.ts'
import { allNodesDied, checkPorts, DevNodes, lastLogLine, lockHolder } from './dev-nodes.ts'
import { AdvisedError, exitCode, UsageError } from './failure.ts'
import { DEFAULT_BOOTSTRAP } from './options.ts'
import { checkDevVariables } from './variables.ts'

/** A topic like any other, there to be tried. */
const FIRST_TOPIC = 'hello'
const FIRST_PARTITIONS = 6
const MAX_REPLICATION_FACTOR = 3
const FIRST_RECORD_TIMEOUT_MS = 60_000
/** Until the brokers run, each question is a short one: a longer one would wait ever longer between its attempts. */
const ASK_TIMEOUT_MS = 100
const ASK_AGAIN_MS = 20
/** Ctrl-C to the last process: the nodes' own bound is 3 s of handing over and what closing takes. */
const STOP_TIMEOUT_MS = 4_500

/** One Ctrl-C often arrives twice, through npm; one that comes later than this means it: end by force. */
const IMPATIENT_AFTER_MS = 1_000

export interface DevOptions extends DevShape {
  readonly data: string
  readonly fresh: boolean
  readonly config: string | undefined
}

interface Sight {
  readonly context: CliContext
  readonly folder: string
  readonly cluster: ConfiguredCluster
}

const logFolder = (folder: string): string => join(folder, 'logs')

function addressText(node: ConfiguredNode, port: number | null): string | null {
  return port === null ? null : `${node.options.address.host}:${port}`
}

async function refuseSecondStart(folder: string): Promise<void> {
  for (const node of (await readClusterJson(folder))?.nodes ?? []) {
    const pid = await lockHolder(node.dataDir)
    if (pid !== null)
      throw new UsageError(`node ${node.nodeId} of ${folder} runs already (pid ${pid})`, `stop it first: kill ${pid}; or choose another folder with --data`)
  }
}

async function writeState({ folder, cluster }: Sight, nodes: DevNodes | undefined, clusterId: string | null): Promise<void> {
  const rows = cluster.nodes.map((node) => ({
    nodeId: node.options.nodeId,
    pid: nodes?.pidOf(node.options.nodeId) ?? null,
    grpc: addressText(node, node.options.address.grpcPort) as string,
    kafka: addressText(node, node.options.address.kafkaPort),
    http: addressText(node, node.options.address.httpPort),
    dataDir: node.dataDir,
  }))
  await writeClusterJson(folder, { clusterId, nodes: rows })
}

/** Waits for as many running brokers as `wanted` says: of those that live, for a node that died has been told of. */
async function untilBrokersRun(admin: Admin, wanted: () => number): Promise<void> {
  const deadline = performance.now() + FIRST_RECORD_TIMEOUT_MS
  let last: Error = new BrokerError('REQUEST_TIMED_OUT', 'the nodes live, but not enough of them run as brokers; their logs say why')
  while (performance.now() < deadline) {
    try {
      const { brokers } = await admin.describeCluster({ timeoutMs: ASK_TIMEOUT_MS })
      if (brokers.filter((broker) => broker.state === 'running').length >= wanted()) return
    } catch (error) {
      if (!(error instanceof BrokerError) || !error.retriable) throw error
      last = error
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS))
  }
  throw last
}

/** Makes the topic when it is missing, and one record in it certain. */
async function firstRecord(client: OxbowClient, cluster: ConfiguredCluster, nodes: DevNodes): Promise<void> {
  await nodes.whenListening()
  const admin = client.admin()
  const brokers = cluster.nodes.filter((node) => node.options.roles.broker)
  const replicationFactor = Math.min(MAX_REPLICATION_FACTOR, brokers.length)
  const alive = (): number => brokers.filter((node) => nodes.pidOf(node.options.nodeId) !== null).length
  await untilBrokersRun(admin, () => Math.min(replicationFactor, alive()))
  const topics = await admin.listTopics()
  if (!topics.some((topic) => topic.name === FIRST_TOPIC)) {
    await admin.createTopic({ name: FIRST_TOPIC, partitions: FIRST_PARTITIONS, replicationFactor, ifNotExists: true })
  }
  const producer = client.producer({ lingerMs: 0, deliveryTimeoutMs: FIRST_RECORD_TIMEOUT_MS })
  await producer.send({ topic: FIRST_TOPIC, value: Buffer.from('Hello from Oxbow.') })
  await producer.close()
}

async function printTable({ context, cluster, folder }: Sight, nodes: DevNodes): Promise<void> {
  const { renderTable } = await import('./table.ts')
  const columns = [
    { heading: 'Node', value: (node: ConfiguredNode) => node.options.nodeId, right: true },
    { heading: 'Pid', value: (node: ConfiguredNode) => nodes.pidOf(node.options.nodeId) ?? '-', right: true },
    { heading: 'Grpc', value: (node: ConfiguredNode) => addressText(node, node.options.address.grpcPort) ?? '-' },
    { heading: 'Kafka', value: (node: ConfiguredNode) => addressText(node, node.options.address.kafkaPort) ?? '-' },
    { heading: 'Http', value: (node: ConfiguredNode) => addressText(node, node.options.address.httpPort) ?? '-' },
    { heading: 'Folder', value: (node: ConfiguredNode) => node.dataDir },
  ]
  context.stdout.write(renderTable(columns, cluster.nodes, headingStyle(context)))
  context.stdout.write(`\nLogs of the nodes: ${logFolder(folder)}\n`)
}

function printNextSteps({ context, cluster }: Sight, firstAckMs: number): void {
  const bootstrap = cluster.nodes.map((node) => addressText(node, node.options.address.grpcPort)).join(',')
  const where = bootstrap === DEFAULT_BOOTSTRAP ? '' : ` --bootstrap ${bootstrap}`
  const lines = [
    `First acknowledged record after ${Math.round(firstAckMs)} ms.`,
    '',
    'Try, in another terminal:',
    `  npx oxbow topic describe ${FIRST_TOPIC}${where}`,
    `  echo 'so far so good' | npx oxbow produce ${FIRST_TOPIC}${where}`,
    `  npx oxbow consume ${FIRST_TOPIC} --from-beginning${where}`,
    '',
    'Ctrl-C stops all nodes.',
    '',
  ]
  context.stdout.write(`\n${lines.join('\n')}`)
}

interface Watch {
  readonly nodes: DevNodes
  /** Fulfilled by Ctrl-C. */
  readonly interrupted: Promise<'interrupted'>
  /** Fulfilled when no node is left before the first record. */
  readonly allDied: Promise<number>
  release(): void
}

/** Starts the nodes and tells of those that die and return, for as long as they run. */
function startNodes(sight: Sight, clusterId: () => string | null): Watch {
  const { context, cluster, folder } = sight
  const configPath = clusterFilePath(folder)
  let sayAllDied: (nodeId: number) => void = () => {}
  const allDied = new Promise<number>((say) => {
    sayAllDied = say
  })
  const keepState = (): void => {
    writeState(sight, nodes, clusterId()).catch((error: unknown) => context.stderr.write(`warning: cluster.json could not be written: ${String(error)}\n`))
  }
  const nodes = new DevNodes({
    nodes: cluster.nodes,
    configPath,
    logFolder: logFolder(folder),
    events: {
      died: (node, pid, how) => {
        const { nodeId } = node.options
        context.stderr.write(`node ${nodeId} (pid ${pid}) died: ${how}. Restart it with:\n  npx oxbow server --config ${configPath} --node ${nodeId}\n`)
        keepState()
        if (nodes.aliveCount === 0) sayAllDied(nodeId)
      },
      returned: (node, pid) => {
        context.stderr.write(`node ${node.options.nodeId} is back (pid ${pid})\n`)
        keepState()
      },
    },
  })
  let firstInterruptMs: number | undefined
  let sayInterrupted: (word: 'interrupted') => void = () => {}
  const interrupted = new Promise<'interrupted'>((say) => {
    sayInterrupted = say
  })
  const release = context.onInterrupt(() => {
    firstInterruptMs ??= performance.now()
    if (performance.now() - firstInterruptMs > IMPATIENT_AFTER_MS) nodes.kill()
    sayInterrupted('interrupted')
  })
  return { nodes, interrupted, allDied, release }
}

async function stopNodes(context: CliContext, nodes: DevNodes): Promise<void> {
  context.stderr.write('Stopping.\n')
  const forced = await nodes.stop(STOP_TIMEOUT_MS)
  for (const nodeId of forced)
    context.stderr.write(`warning: node ${nodeId} did not stop in ${STOP_TIMEOUT_MS} ms and was killed; nothing acknowledged is lost\n`)
}

/** `oxbow dev`: a whole cluster of real processes, for as long as it stays in the foreground. */
export async function runDev(context: CliContext, options: DevOptions): Promise<number> {
  const folder = resolve(options.data)
  await checkDevVariables(context.env)
  await refuseSecondStart(folder)
  if (options.fresh) await wipeFolder(folder)
  const cluster = await prepareFolder(folder, options, options.config)
  await checkPorts(cluster.nodes)
  const sight: Sight = { context, folder, cluster }
  const known: { clusterId: string | null } = { clusterId: null }
  const watch = startNodes(sight, () => known.clusterId)
  const { nodes, interrupted, allDied } = watch
  try {
    const bootstrap = cluster.nodes.map((node) => addressText(node, node.options.address.grpcPort) as string)
    const client = await context.openClient({ bootstrap, requestTimeoutMs: FIRST_RECORD_TIMEOUT_MS })
    const first = firstRecord(client, cluster, nodes).then(() => context.uptimeMs())
    // Ctrl-C and the death of all nodes may come first; then this one fails unseen.
    first.catch(() => undefined)
    const died = allDied.then(async (nodeId): Promise<never> => {
      throw allNodesDied(await lastLogLine(logFolder(folder), nodeId))
    })
    const begun = await Promise.race([first, interrupted, died]).catch((error: unknown) => {
      throw error instanceof BrokerError ? new AdvisedError(error, `see what the nodes say: ${logFolder(folder)}`) : error
    })
    if (begun !== 'interrupted') {
      known.clusterId = (await client.admin().describeCluster()).clusterId
      await writeState(sight, nodes, known.clusterId)
      await printTable(sight, nodes)
      printNextSteps(sight, begun)
    }
    const closed = client.close()
    await interrupted
    await closed
  } finally {
    await stopNodes(context, nodes)
    watch.release()
    await writeState(sight, undefined, known.clusterId)
  }
  return exitCode.done
}
