import { SeededRandom } from '../../src/base/random.ts'
import type { NodeOptions } from '../../src/broker/surface.ts'
import { OxbowClient } from '../../src/client/client.ts'
import type { ConfiguredCluster } from '../../src/node/config.ts'
import { SimClientTransport } from './client-transport.ts'
import { SimClock } from './clock.ts'
import { EventQueue, Owner } from './event-queue.ts'
import { Network } from './network.ts'
import { plainCodec } from './peer-codec.ts'
import { drainPromises, withPoison } from './poison.ts'
import { SimNode } from './sim-node.ts'
import { Trace } from './trace.ts'

const PORT = 9092
const CLIENT_ID = 1_000
/** Simulated: a cluster file may ask for election timeouts of a minute. */
const LIMIT_MS = 900_000
const ASK_AGAIN_MS = 100
const TOPIC = 'first'
const USUAL_REPLICATION_FACTOR = 3

/** As configured, but for the addresses: in a simulation each node has a host of its own. */
function simulatedOptions(options: NodeOptions): NodeOptions {
  const host = (nodeId: number): string => `node-${nodeId}`
  const peers = options.peers.map(({ nodeId }) => ({ nodeId, host: host(nodeId), grpcPort: PORT }))
  return { ...options, address: { ...options.address, host: host(options.nodeId), grpcPort: PORT }, peers }
}

export interface ConfiguredWorld {
  node(nodeId: number): SimNode
  sleep(ms: number): Promise<void>
}

export interface ConfiguredRun {
  readonly seed: number
  /** Node ids that the client is told of; default: all. */
  readonly bootstrap?: readonly number[]
  /** What the client does once a record is acknowledged. */
  readonly ask?: (client: OxbowClient, world: ConfiguredWorld) => Promise<void>
}

/** Starts the nodes of a cluster file in a simulation, each with as many disks as it has folders, until a record is acknowledged there. Throws what kept it. */
export async function startConfigured(cluster: ConfiguredCluster, { seed, bootstrap, ask }: ConfiguredRun): Promise<{ readonly simulatedMs: number }> {
  const random = new SeededRandom(seed)
  const queue = new EventQueue()
  const trace = new Trace(null)
  trace.useClock(() => queue.nowMs)
  const network = new Network({ queue, random: random.fork('network'), trace, conditions: { baseDelayUs: 100, jitterUs: 200, reorder: false } })
  let failure: Error | undefined
  const events = {
    began: () => undefined,
    ended: () => undefined,
    logs: () => undefined,
    sends: () => undefined,
    failed: (_: SimNode, error: Error) => void (failure ??= error),
  }
  const nodes = cluster.nodes.map(({ options, dataDirs }) => {
    const host = network.addHost(options.nodeId, `node-${options.nodeId}`)
    const settings = {
      options: simulatedOptions(options),
      queue,
      network,
      host,
      trace,
      codec: plainCodec,
      diskLatencyMs: { min: 0.1, max: 1 },
      folders: dataDirs.length,
    }
    return new SimNode({ ...settings, random: random.fork(host.name) }, events)
  })
  const owner = new Owner('client')
  const clock = new SimClock(queue, owner)
  const transport = new SimClientTransport({ network, host: network.addHost(CLIENT_ID, 'client'), owner })
  const known = nodes.filter(({ nodeId }) => bootstrap?.includes(nodeId) !== false)
  const client = new OxbowClient({ bootstrap: known.map(({ host }) => `${host.name}:${PORT}`), transport, clock, random: random.fork('client') })
  const brokers = cluster.nodes.filter(({ options }) => options.roles.broker).length
  return await withPoison(async () => {
    for (const node of nodes) node.start()
    let isDone = false
    const world: ConfiguredWorld = {
      node: (nodeId) => nodes.find((node) => node.nodeId === nodeId) as SimNode,
      sleep: (ms) => new Promise((resume) => clock.after(ms, resume)),
    }
    const work = firstRecord(client, world, brokers).then(() => ask?.(client, world))
    work.then(
      () => void (isDone = true),
      (error: Error) => void (failure ??= error),
    )
    await drainPromises()
    while (!isDone && failure === undefined && queue.nowMs < LIMIT_MS) {
      const event = queue.step()
      if (event === undefined) throw new Error('nothing is left to happen')
      if (event.owner === owner) await drainPromises()
    }
    if (failure !== undefined) throw failure
    if (!isDone) throw new Error(`no record was acknowledged within ${LIMIT_MS / 1000} simulated s`)
    return { simulatedMs: queue.nowMs }
  })
}

async function firstRecord(client: OxbowClient, world: ConfiguredWorld, brokers: number): Promise<void> {
  const admin = client.admin()
  for (;;) {
    const running = await admin.describeCluster().then(
      (description) => description.brokers.filter(({ state }) => state === 'running').length,
      () => 0,
    )
    if (running === brokers) break
    await world.sleep(ASK_AGAIN_MS)
  }
  await admin.createTopic({ name: TOPIC, partitions: 4, replicationFactor: Math.min(brokers, USUAL_REPLICATION_FACTOR) })
  await client.producer({ lingerMs: 0 }).send({ topic: TOPIC, value: Buffer.from('first') })
}
