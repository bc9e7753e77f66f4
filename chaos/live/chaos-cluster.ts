import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse, stringify } from 'yaml'
import type { Random } from '../../src/base/random.ts'
import { OxbowClient } from '../../src/client/client.ts'
import { GrpcClientTransport } from '../../src/client/grpc-transport.ts'
import type { ClientTransport, NodeAddress } from '../../src/client/transport.ts'
import { LiveCluster, waitFor, waitForBrokers } from './cluster-process.ts'
import { type ClockOrder, type ClockReport, isClockReport } from './clock/clock-orders.ts'
import type { Ailment } from './disk/ailing-disk.ts'
import { type DiskOrder, type DiskReport, isDiskReport } from './disk/disk-orders.ts'
import { Network } from './faults/network.ts'
import { orStuck } from './faults/stuck.ts'
import { halt } from './halt.ts'
import { NamespaceNetwork } from './netns/namespace-network.ts'
import type { Namespaces } from './netns/namespaces.ts'
import type { Death, TargetCluster } from './target-cluster.ts'
import { addressKey, ProxiedTransport } from './faults/proxied-transport.ts'

export interface ChaosClusterOptions {
  readonly nodes: number
  /** Machines that clients run on. */
  readonly clientHosts: number
  readonly folder: string
  readonly config: Readonly<Record<string, number | string>>
  readonly random: Random
  /** The build whose server takes orders: its disks fail, and lose what is not synced when it is killed, and its clock is wrong. Undefined: `oxbow server`. */
  readonly orderedBuild: string | undefined
  /** Each node in one of these, which are removed in the end. Undefined: links between them. */
  readonly namespaces: Namespaces | undefined
}

interface FileOfNodes {
  readonly nodes: { readonly nodeId: number; grpcPort: number }[]
}

const execute = promisify(execFile)
const REQUEST_TIMEOUT_MS = 3_000
const START_LIMIT_MS = 60_000
const WATCH_EVERY_MS = 250

/**
 * Nodes that reach each other, and are reached by clients, through a network that faults can change: each runs with a cluster file of its own,
 * in which its peers listen where their links do; or in a network namespace of its own, where the kernel drops what is to be dropped.
 */
export class ChaosCluster implements TargetCluster {
  readonly live: LiveCluster
  readonly network: Network | NamespaceNetwork
  readonly deaths: Death[] = []
  readonly #hostPorts: readonly ReadonlyMap<string, number>[]
  /** Nodes that a fault has ended. */
  readonly #ended = new Set<number>()
  /** With how each is woken. */
  readonly #halted = new Map<number, () => void>()
  #watch: NodeJS.Timeout | undefined
  #isClosed = false

  private constructor(live: LiveCluster, network: ChaosCluster['network'], hostPorts: readonly ReadonlyMap<string, number>[]) {
    this.live = live
    this.network = network
    this.#hostPorts = hostPorts
  }

  /** Makes the folder's files and the links; nothing runs yet. */
  static async create({ nodes, clientHosts, folder, config, random, orderedBuild, namespaces }: ChaosClusterOptions): Promise<ChaosCluster> {
    const command = orderedBuild === undefined ? {} : { command: orderedCommand(orderedBuild) }
    const live = await LiveCluster.create('chaos', {
      nodes,
      config,
      folder,
      endsWithHarness: true,
      ...command,
      ...(namespaces === undefined ? {} : { places: namespaces }),
    })
    const network = namespaces === undefined ? new Network(random) : new NamespaceNetwork(namespaces, new Network(random))
    const file = readFileSync(live.configPath, 'utf8')
    for (const id of live.nodeIds) {
      const own = parse(file) as FileOfNodes
      for (const peer of own.nodes) {
        if (namespaces === undefined && peer.nodeId !== id) peer.grpcPort = await network.link(`node-${id}`, `node-${peer.nodeId}`, live.address(peer.nodeId))
      }
      writeFileSync(configPathOf(live, id), stringify(own))
    }
    const hostPorts: Map<string, number>[] = []
    for (let host = 1; host <= clientHosts; host++) {
      const ports = new Map<string, number>()
      for (const id of live.nodeIds) ports.set(addressKey(live.address(id)), await network.link(`client-${host}`, `node-${id}`, live.address(id)))
      hostPorts.push(ports)
    }
    return new ChaosCluster(live, network, hostPorts)
  }

  get nodeIds(): readonly number[] {
    return this.live.nodeIds
  }

  get upNodes(): readonly number[] {
    return this.nodeIds.filter((id) => this.live.isRunning(id) && !this.#ended.has(id) && !this.#halted.has(id))
  }

  get clientHosts(): number {
    return this.#hostPorts.length
  }

  get addresses(): readonly NodeAddress[] {
    return this.nodeIds.map((id) => this.live.address(id))
  }

  openClient(host: number): OxbowClient {
    return new OxbowClient({ bootstrap: this.live.bootstrap, transport: this.openTransport(host), requestTimeoutMs: REQUEST_TIMEOUT_MS })
  }

  openTransport(host: number): ClientTransport {
    return new ProxiedTransport(new GrpcClientTransport(), this.#hostPorts[host % this.#hostPorts.length] as ReadonlyMap<string, number>)
  }

  openDirectClient(): OxbowClient {
    return new OxbowClient({ bootstrap: this.live.bootstrap, requestTimeoutMs: REQUEST_TIMEOUT_MS })
  }

  /** Fulfilled when all brokers are alive. From then on a node that ends by itself is noted, and started again. */
  async start(): Promise<void> {
    for (const id of this.nodeIds) this.startNode(id)
    const client = this.openDirectClient()
    try {
      await waitForBrokers(client, this.nodeIds.length, START_LIMIT_MS)
    } finally {
      await client.close()
    }
    this.#watch = setInterval(() => this.#noteDeaths(), WATCH_EVERY_MS)
  }

  /** Starts a node that does not run; once all was ended, nothing starts any more. */
  startNode(nodeId: number): void {
    if (this.#isClosed) return
    this.#ended.delete(nodeId)
    if (!this.live.isRunning(nodeId)) this.live.start(nodeId, configPathOf(this.live, nodeId))
  }

  /** Makes the disks of a node ail, or only asks how they are. Undefined: the node does not answer, as when it is down. */
  async orderDisk(nodeId: number, ailment?: Ailment): Promise<DiskReport | undefined> {
    return await this.live.ask(nodeId, { type: 'disk order', ailment } satisfies DiskOrder, isDiskReport)
  }

  /** Shifts the time of day of a node, or only asks for it. Undefined: the node does not answer, as when it is down. */
  async orderClock(nodeId: number, offsetMs?: number): Promise<ClockReport | undefined> {
    return await this.live.ask(nodeId, { type: 'clock order', offsetMs } satisfies ClockOrder, isClockReport)
  }

  /** It may end by itself from now on, until it is started again. */
  expectEnd(nodeId: number): void {
    this.#ended.add(nodeId)
  }

  /** By SIGKILL. */
  async killNode(nodeId: number): Promise<void> {
    this.#ended.add(nodeId)
    await this.live.kill(nodeId)
  }

  /** By SIGTERM, as an operator would. */
  async stopNode(nodeId: number): Promise<void> {
    this.#ended.add(nodeId)
    await this.live.end(nodeId, 'SIGTERM')
  }

  /** By SIGSTOP. Answers how they are woken. */
  haltNodes(nodeIds: readonly number[]): () => void {
    const wake = halt(nodeIds.map((id) => this.live.pid(id)))
    for (const id of nodeIds) this.#halted.set(id, wake)
    return () => {
      for (const id of nodeIds) this.#halted.delete(id)
      wake()
    }
  }

  /** Of its process, as `ps` has it. Rejects when there is none. */
  async stateOf(nodeId: number): Promise<string> {
    const { stdout } = await execute('ps', ['-o', 'stat=', '-p', String(this.live.pid(nodeId))])
    return stdout.trim()
  }

  recover(): void {
    for (const wake of this.#halted.values()) wake()
    this.#halted.clear()
    for (const id of this.nodeIds) this.startNode(id)
  }

  /** Fulfilled when a node that was started listens, as its log says behind the first so many lines. */
  async untilListening(nodeId: number, fromLine: number): Promise<void> {
    const look = (): object | undefined =>
      this.live
        .log(nodeId)
        .slice(fromLine)
        .find(({ msg }) => msg === 'listening')
    await orStuck(waitFor(`node ${nodeId} listens`, START_LIMIT_MS, look))
  }

  /** Ends everything. The folder stays. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#watch)
    for (const wake of this.#halted.values()) wake()
    await this.live.stopAll()
    this.network.close()
  }

  #noteDeaths(): void {
    for (const nodeId of this.nodeIds) {
      if (this.#ended.has(nodeId) || this.live.isRunning(nodeId)) continue
      this.deaths.push({ nodeId, end: String(this.live.endOf(nodeId)), lastLine: this.live.log(nodeId).at(-1)?.msg ?? '' })
      this.startNode(nodeId)
    }
  }
}

function orderedCommand(build: string): (configPath: string, nodeId: number) => readonly string[] {
  return (configPath, nodeId) => [join(build, 'chaos', 'live', 'chaos-server.js'), configPath, String(nodeId)]
}

function configPathOf(live: LiveCluster, nodeId: number): string {
  return join(live.folder, `node-${nodeId}.yaml`)
}
