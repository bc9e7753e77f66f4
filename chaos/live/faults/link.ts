import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Random } from '../../../src/base/random.ts'
import type { NodeAddress } from '../../../src/client/transport.ts'
import type { Flow } from './flow.ts'
import { Pump } from './pump.ts'

const HOST = '127.0.0.1'

export interface LinkOptions {
  /** From who dials to who is dialled, and back. */
  readonly there: Flow
  readonly back: Flow
  /** Where the other end listens. */
  readonly target: NodeAddress
  readonly random: Random
}

interface Connection {
  readonly near: Socket
  far: Socket | undefined
}

/** A port that stands for another one, as one end sees it: whatever is dialled there goes to the other end, as the flows between them allow. */
export class Link {
  readonly there: Flow
  readonly back: Flow
  readonly #options: LinkOptions
  readonly #server: Server
  readonly #connections = new Set<Connection>()

  private constructor(options: LinkOptions) {
    this.there = options.there
    this.back = options.back
    this.#options = options
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => this.#accept(socket))
  }

  static open(options: LinkOptions): Promise<Link> {
    const link = new Link(options)
    return new Promise((resolve, reject) => {
      link.#server.once('error', reject)
      link.#server.listen({ host: HOST, port: 0 }, () => resolve(link))
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Ends all connections as a reset does. Answers how many there were. */
  reset(): number {
    let count = 0
    for (const { near, far } of [...this.#connections]) {
      if (far === undefined) continue
      count++
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
    return count
  }

  close(): void {
    this.#server.close()
    for (const { near, far } of [...this.#connections]) {
      near.destroy()
      far?.destroy()
    }
  }

  #accept(near: Socket): void {
    const connection: Connection = { near, far: undefined }
    this.#connections.add(connection)
    near.setNoDelay(true)
    // Its end follows, which the pumps pass on.
    near.on('error', () => undefined)
    near.on('close', () => this.#forget(connection))
    this.#dialWhenOpen(connection)
  }

  /** A handshake needs both ways. */
  #dialWhenOpen(connection: Connection): void {
    const { there, back } = this.#options
    const cut = [there, back].find(({ condition }) => condition.isCut)
    if (connection.near.destroyed) return
    if (cut === undefined) {
      this.#dial(connection)
      return
    }
    cut.counts.held++
    const wake = (): void => {
      if (cut.condition.isCut && !connection.near.destroyed) return
      cut.waiting.delete(wake)
      this.#dialWhenOpen(connection)
    }
    cut.waiting.add(wake)
  }

  #dial(connection: Connection): void {
    const { there, back, target, random } = this.#options
    const { near } = connection
    const far = connect({ ...target, allowHalfOpen: true, noDelay: true })
    far.on('error', () => undefined)
    // Nobody listens there: who dialled is told so.
    const refuse = (): void => void near.resetAndDestroy()
    far.once('close', refuse)
    far.once('connect', () => {
      far.off('close', refuse)
      connection.far = far
      far.on('close', () => this.#forget(connection))
      new Pump(near, far, there, random)
      new Pump(far, near, back, random)
      near.resume()
    })
  }

  #forget(connection: Connection): void {
    if (connection.near.destroyed && connection.far?.destroyed !== false) this.#connections.delete(connection)
  }
}
