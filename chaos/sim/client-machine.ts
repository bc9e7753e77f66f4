import type { Random } from '../../src/base/random.ts'
import { OxbowClient } from '../../src/client/client.ts'
import type { NodeAddress } from '../../src/client/transport.ts'
import { SimClientTransport } from './client-transport.ts'
import type { SimClock } from './clock.ts'
import type { Owner } from './event-queue.ts'
import type { Host, Network } from './network.ts'

export interface ClientMachineOptions {
  readonly network: Network
  readonly host: Host
  readonly owner: Owner
  readonly clock: SimClock
  /** The nodes that it is told of. */
  readonly nodes: readonly NodeAddress[]
}

/** A machine on which clients run, one after the other or side by side. */
export class ClientMachine {
  readonly clock: SimClock
  readonly nodes: readonly NodeAddress[]
  /** On the network: what links name. */
  readonly hostId: number
  readonly #options: ClientMachineOptions

  constructor(options: ClientMachineOptions) {
    this.#options = options
    this.clock = options.clock
    this.nodes = options.nodes
    this.hostId = options.host.id
  }

  openTransport(): SimClientTransport {
    const { network, host, owner } = this.#options
    return new SimClientTransport({ network, host, owner })
  }

  openClient(random: Random): OxbowClient {
    const bootstrap = this.nodes.map(({ host, port }) => `${host}:${port}`)
    return new OxbowClient({ bootstrap, transport: this.openTransport(), clock: this.clock, random })
  }
}
