import type { ClientConnection, ClientTransport, NodeAddress } from '../../../src/client/transport.ts'

/** Dials another port than the one that a node is known by: the link that stands for it. What the client knows of the cluster stays as it is. */
export class ProxiedTransport implements ClientTransport {
  readonly #inner: ClientTransport
  readonly #ports: ReadonlyMap<number, number>

  /** `ports`: of links, by the ports of the nodes. */
  constructor(inner: ClientTransport, ports: ReadonlyMap<number, number>) {
    this.#inner = inner
    this.#ports = ports
  }

  connect({ host, port }: NodeAddress): ClientConnection {
    return this.#inner.connect({ host, port: this.#ports.get(port) ?? port })
  }

  close(): void {
    this.#inner.close()
  }
}
