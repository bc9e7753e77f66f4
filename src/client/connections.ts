import type { DoneVoid } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { ClientConnection, ClientTransport, NodeAddress } from './transport.ts'

const HIGHEST_PORT = 65_535

export function addressKey(address: NodeAddress): string {
  return `${address.host}:${address.port}`
}

/** Reads 'host:port'; an IPv6 host stands in brackets. Throws INVALID_REQUEST. */
export function parseAddress(text: string): NodeAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text.trim())
  const port = Number(match?.[3])
  if (match === null || port < 1 || port > HIGHEST_PORT) throw new BrokerError('INVALID_REQUEST', `"${text}" is not HOST:PORT`)
  return { host: (match[1] ?? match[2]) as string, port }
}

/** One connection an address, made when first asked for; the transport itself may come later (it is loaded lazily). */
export class Connections {
  readonly #byAddress = new Map<string, ClientConnection>()
  #transport: ClientTransport | undefined
  #failure: Error | undefined
  #waiting: DoneVoid[] = []
  #isClosed = false

  start(transport: ClientTransport): void {
    if (this.#isClosed) {
      transport.close()
      return
    }
    this.#transport = transport
    this.#release(undefined)
  }

  /** The transport cannot be loaded: whoever waits, or comes later, is told. */
  fail(error: Error): void {
    this.#failure = error
    this.#release(error)
  }

  /** Calls back once `to` may be used, at once when it may be now. */
  whenReady(done: DoneVoid): void {
    if (this.#isClosed) done(new BrokerError('CLIENT_CLOSED', 'the client is closed'))
    else if (this.#transport !== undefined || this.#failure !== undefined) done(this.#failure)
    else this.#waiting.push(done)
  }

  to(address: NodeAddress): ClientConnection {
    const key = addressKey(address)
    const known = this.#byAddress.get(key)
    if (known !== undefined) return known
    if (this.#transport === undefined || this.#isClosed) throw new BrokerError('CLIENT_CLOSED', 'the client is closed')
    const connection = this.#transport.connect(address)
    this.#byAddress.set(key, connection)
    return connection
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#release(new BrokerError('CLIENT_CLOSED', 'the client is closed'))
    for (const connection of this.#byAddress.values()) connection.close()
    this.#byAddress.clear()
    this.#transport?.close()
  }

  #release(error: Error | undefined): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const done of waiting) done(error)
  }
}
