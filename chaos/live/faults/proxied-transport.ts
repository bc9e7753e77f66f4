import type { ClientConnection, ClientTransport, NodeAddress } from '../../../src/client/transport.ts'

/** Links are on this machine, wherever the nodes are. */
const LINK_HOST = '127.0.0.1'

export function addressKey({ host, port }: NodeAddress): string {
  return `${host}:${port}`
}

/** Dials another port than the one that a node is known by: the link that stands for it. What the client knows of the cluster stays as it is. */
export class ProxiedTransport implements ClientTransport {
  readonly #inner: ClientTransport
  readonly #ports: ReadonlyMap<string, number>

  /** `ports`: of links, by the addresses of the nodes. */
  constructor(inner: ClientTransport, ports: ReadonlyMap<string, number>) {
    this.#inner = inner
    this.#ports = ports
  }

  connect(address: NodeAddress): ClientConnection {
    const port = this.#ports.get(addressKey(address))
    return this.#inner.connect(port === undefined ? address : { host: LINK_HOST, port })
  }

  close(): void {
    this.#inner.close()
  }
}
