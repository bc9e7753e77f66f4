import type { Random } from '../../src/base/random.ts'
import { OxbowClient } from '../../src/client/client.ts'
import { GrpcClientTransport } from '../../src/client/grpc-transport.ts'
import type { ClientTransport, NodeAddress } from '../../src/client/transport.ts'
import { Network } from './faults/network.ts'
import { addressKey, ProxiedTransport } from './faults/proxied-transport.ts'
import type { TargetCluster } from './target-cluster.ts'

export interface AttachedClusterOptions {
  readonly bootstrap: readonly string[]
  readonly random: Random
}

interface Node extends NodeAddress {
  readonly nodeId: number
}

const REQUEST_TIMEOUT_MS = 3_000

/** There is a cluster, and it is not one to make an experiment on. */
export class AttachError extends Error {
  override readonly name = 'AttachError'
}

/** A cluster that runs already, and is somebody else's: its processes are left alone. Clients reach it through links that faults can change. */
export class AttachedCluster implements TargetCluster {
  readonly network: Network
  readonly deaths = []
  readonly #bootstrap: readonly string[]
  readonly #nodes: readonly Node[]
  readonly #hostPorts: readonly ReadonlyMap<string, number>[]

  private constructor(bootstrap: readonly string[], nodes: readonly Node[], network: Network, hostPorts: readonly ReadonlyMap<string, number>[]) {
    this.#bootstrap = bootstrap
    this.#nodes = nodes
    this.network = network
    this.#hostPorts = hostPorts
  }

  /** Rejects with a BrokerError when nobody answers, and with an AttachError when not all brokers run. */
  static async attach({ bootstrap, random }: AttachedClusterOptions): Promise<AttachedCluster> {
    const nodes = await findNodes(bootstrap)
    const network = new Network(random)
    const hostPorts: Map<string, number>[] = []
    // As many machines of clients as there are nodes.
    for (let host = 1; host <= nodes.length; host++) {
      const ports = new Map<string, number>()
      for (const node of nodes) ports.set(addressKey(node), await network.link(`client-${host}`, `node-${node.nodeId}`, node))
      hostPorts.push(ports)
    }
    return new AttachedCluster(bootstrap, nodes, network, hostPorts)
  }

  get nodeIds(): readonly number[] {
    return this.#nodes.map(({ nodeId }) => nodeId)
  }

  get upNodes(): readonly number[] {
    return this.nodeIds
  }

  get addresses(): readonly NodeAddress[] {
    return this.#nodes
  }

  get clientHosts(): number {
    return this.#hostPorts.length
  }

  openClient(host: number): OxbowClient {
    // As the nodes know themselves: only those addresses have links.
    const bootstrap = this.#nodes.map(addressKey)
    return new OxbowClient({ bootstrap, transport: this.openTransport(host), requestTimeoutMs: REQUEST_TIMEOUT_MS })
  }

  openTransport(host: number): ClientTransport {
    return new ProxiedTransport(new GrpcClientTransport(), this.#hostPorts[host % this.#hostPorts.length] as ReadonlyMap<string, number>)
  }

  openDirectClient(): OxbowClient {
    return new OxbowClient({ bootstrap: this.#bootstrap, requestTimeoutMs: REQUEST_TIMEOUT_MS })
  }

  recover(): void {
    // Nothing ends or halts them.
  }

  /** They are others' to start. */
  start(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    this.network.close()
    return Promise.resolve()
  }
}

async function findNodes(bootstrap: readonly string[]): Promise<Node[]> {
  const client = new OxbowClient({ bootstrap, requestTimeoutMs: REQUEST_TIMEOUT_MS })
  try {
    const { brokers } = await client.admin().describeCluster()
    // In the end all have to run: who is away for a reason of its own would be held against the cluster.
    const away = brokers.filter(({ state }) => state !== 'running').map(({ nodeId, state }) => `broker ${nodeId} is ${state}`)
    if (away.length > 0) throw new AttachError(`${away.join(', ')}: every broker that is registered has to run`)
    return brokers.map(({ nodeId, host, grpcPort }) => ({ nodeId, host, port: grpcPort }))
  } finally {
    await client.close()
  }
}
