import { assert } from '../base/assert.ts'
import type { Logger } from '../base/log-line.ts'
import type { FetchClientStream, FetchServerStream, Transport, TransportHandlers } from '../runtime/transport.ts'
import type { Hello, PeerMessage } from '../wire/peer.ts'
import type { Traffic } from '../wire/traffic.ts'
import { ControlLink } from './control-link.ts'
import { type FetchEnd, GrpcFetchClient } from './fetch-client.ts'

const MIN_BACKOFF_MS = 50
const MAX_BACKOFF_MS = 500

interface Address {
  readonly host: string
  readonly port: number
}

/** A stream that a peer opened to us, so that stop can end it. */
export interface Closable {
  close(): void
}

/**
 * Transport over gRPC: dials every peer it was told of, control and data on connections of their own. The other half, what peers dial here, is
 * peer-service.ts; messages and fetch streams from there come in by `accepted…`.
 */
export class GrpcPeerTransport implements Transport {
  readonly traffic: Traffic
  readonly #logger: Logger
  readonly #addresses = new Map<number, Address>()
  readonly #links = new Map<number, ControlLink>()
  readonly #fetchClients = new Set<GrpcFetchClient>()
  /** Waits before the next fetch stream to a node, grown with each that failed to open. */
  readonly #fetchBackoffMs = new Map<number, number>()
  readonly #refusals = new Map<number, string>()
  readonly #serverStreams = new Set<Closable>()
  #handlers: TransportHandlers | undefined
  #stopped = false

  constructor(options: { readonly logger: Logger; readonly traffic: Traffic }) {
    this.#logger = options.logger
    this.traffic = options.traffic
  }

  start(handlers: TransportHandlers): void {
    assert(this.#handlers === undefined, 'a transport is started once')
    this.#handlers = handlers
    for (const [nodeId, address] of this.#addresses) this.#link(nodeId, address)
  }

  setPeer(nodeId: number, address: Address | null): void {
    const known = this.#addresses.get(nodeId)
    if (this.#stopped || (known?.host === address?.host && known?.port === address?.port)) return
    this.#links.get(nodeId)?.stop(true)
    this.#links.delete(nodeId)
    if (address === null) this.#addresses.delete(nodeId)
    else this.#addresses.set(nodeId, { host: address.host, port: address.port })
    if (address !== null && this.#handlers !== undefined) this.#link(nodeId, address)
  }

  send(to: number, message: PeerMessage): void {
    this.#links.get(to)?.send(message)
  }

  openFetchStream(to: number): FetchClientStream {
    assert(this.#handlers !== undefined, 'a transport is started before it is used')
    const client = new GrpcFetchClient({
      nodeId: to,
      addressOf: () => (this.#stopped ? undefined : this.#addresses.get(to)),
      delayMs: this.#fetchBackoffMs.get(to) ?? 0,
      handlers: this.#handlers,
      traffic: this.traffic,
      onEnd: (end) => this.#fetchEnded(to, client, end),
    })
    this.#fetchClients.add(client)
    return client
  }

  stop(): void {
    this.#stopped = true
    for (const link of this.#links.values()) link.stop(false)
    for (const client of [...this.#fetchClients]) client.close()
    for (const stream of [...this.#serverStreams]) stream.close()
    this.#links.clear()
    this.#serverStreams.clear()
  }

  /** The handlers while the transport runs; undefined before and after. For the server half. */
  get handlers(): TransportHandlers | undefined {
    return this.#stopped ? undefined : this.#handlers
  }

  get logger(): Logger {
    return this.#logger
  }

  acceptedControl(from: Hello): void {
    this.#links.get(from.nodeId)?.heardOf()
  }

  acceptedMessage(from: Hello, message: PeerMessage): void {
    this.handlers?.message(from, message)
  }

  acceptedFetchStream(from: Hello, stream: FetchServerStream): void {
    this.handlers?.fetchStream(from, stream)
  }

  /** Keeps a stream that a peer opened, until the returned function is called: `stop` closes it. */
  track(stream: Closable): () => void {
    this.#serverStreams.add(stream)
    return () => this.#serverStreams.delete(stream)
  }

  #link(nodeId: number, address: Address): void {
    assert(this.#handlers !== undefined, 'a link is made once the transport runs')
    this.#links.set(nodeId, new ControlLink({ nodeId, address, handlers: this.#handlers, logger: this.#logger, traffic: this.traffic }))
  }

  #fetchEnded(nodeId: number, client: GrpcFetchClient, end: FetchEnd): void {
    this.#fetchClients.delete(client)
    if (end.opened) {
      this.#fetchBackoffMs.delete(nodeId)
      this.#refusals.delete(nodeId)
      return
    }
    const backoffMs = this.#fetchBackoffMs.get(nodeId)
    this.#fetchBackoffMs.set(nodeId, backoffMs === undefined ? MIN_BACKOFF_MS : Math.min(backoffMs * 2, MAX_BACKOFF_MS))
    if (end.refusal === undefined || this.#refusals.get(nodeId) === end.refusal.detail) return
    this.#refusals.set(nodeId, end.refusal.detail)
    this.#logger.warn({ peer: nodeId, code: end.refusal.code, reason: end.refusal.detail }, 'peer: Hello refused on a fetch stream')
  }
}
