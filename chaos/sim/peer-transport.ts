import { assert } from '../../src/base/assert.ts'
import { between, type Random } from '../../src/base/random.ts'
import type { FetchClientStream, FetchServerStream, Transport, TransportHandlers } from '../../src/runtime/transport.ts'
import type { FetchAnswerMessage, FetchRequestMessage, Hello, PeerMessage } from '../../src/wire/peer.ts'
import type { Owner } from './event-queue.ts'
import { type AnyPeerMessage, HeldMessages } from './held-messages.ts'
import type { ConnectionEnd, Host, Network, Purpose } from './network.ts'
import { type PeerCodec, plainCodec } from './peer-codec.ts'

/** What travels on a connection between nodes. */
type PeerFrame =
  | { readonly type: 'hello'; readonly hello: Hello }
  | { readonly type: 'refusal'; readonly sentence: string }
  | { readonly type: 'message'; readonly body: unknown }
  | { readonly type: 'fetchRequest'; readonly body: unknown }
  | { readonly type: 'fetchAnswer'; readonly body: unknown }

interface Peer {
  readonly nodeId: number
  address: { readonly host: string; readonly port: number }
  control: ConnectionEnd | undefined
  up: boolean
  /** Raised to make late answers of an older dial worthless. */
  attempt: number
  failures: number
  /** When the last control stream that was up ended; undefined: never was, or said to be gone. */
  closedAtMs: number | undefined
  refusals: number
}

/** Two failed reconnects within it are evidence that the process is gone (rules R5.5 a). */
const EVIDENCE_WINDOW_MS = 200

export interface SimTransportOptions {
  readonly network: Network
  readonly host: Host
  readonly owner: Owner
  readonly random: Random
  readonly codec?: PeerCodec
  readonly held?: HeldMessages
}

/** The Transport of one simulated process. Transitions of a peer: dialling → greeting → up → closed → dialling; refused twice on the way: gone. */
export class SimTransport implements Transport {
  readonly #network: Network
  readonly #host: Host
  readonly #owner: Owner
  readonly #random: Random
  readonly #codec: PeerCodec
  readonly #held: HeldMessages
  readonly #peers = new Map<number, Peer>()
  readonly #ends = new Set<ConnectionEnd>()
  #handlers: TransportHandlers | undefined
  #stopped = false
  /** Sees each message before it leaves: where a checker stands (rules I9). */
  onSend: (to: number, message: AnyPeerMessage) => void = () => {}

  constructor(options: SimTransportOptions) {
    this.#network = options.network
    this.#host = options.host
    this.#owner = options.owner
    this.#random = options.random
    this.#codec = options.codec ?? plainCodec
    this.#held = options.held ?? new HeldMessages()
  }

  start(handlers: TransportHandlers): void {
    assert(this.#handlers === undefined, 'a transport is started once')
    this.#handlers = handlers
    for (const peer of this.#peers.values()) this.#dial(peer)
  }

  /** An inbound connection of a peer. */
  accept(end: ConnectionEnd, purpose: Purpose): void {
    if (this.#stopped || this.#handlers === undefined) {
      end.close()
      return
    }
    this.#keep(end)
    end.onMessage((frame) => {
      const { type, ...rest } = frame as PeerFrame
      if (type === 'hello') this.#greeted(end, purpose, (rest as { hello: Hello }).hello)
    })
  }

  #greeted(end: ConnectionEnd, purpose: Purpose, hello: Hello): void {
    const handlers = this.#handlers as TransportHandlers
    const sentence = handlers.vet(hello)
    if (sentence !== undefined) {
      end.send({ type: 'refusal', sentence } satisfies PeerFrame)
      end.close()
      return
    }
    end.send({ type: 'hello', hello: handlers.hello() } satisfies PeerFrame)
    if (purpose === 'fetch') {
      handlers.fetchStream(hello, this.#serverStream(hello.nodeId, end))
      return
    }
    end.onMessage((frame) => {
      const peerFrame = frame as PeerFrame
      if (peerFrame.type === 'message' && !this.#stopped) handlers.message(hello, this.#codec.decodePeer(peerFrame.body))
    })
  }

  #serverStream(to: number, end: ConnectionEnd): FetchServerStream {
    let handle: (message: FetchRequestMessage) => void = () => {}
    end.onMessage((frame) => {
      const peerFrame = frame as PeerFrame
      if (peerFrame.type === 'fetchRequest' && !this.#stopped) handle(this.#codec.decodeFetchRequest(peerFrame.body))
    })
    return {
      onRequest: (handler) => {
        handle = handler
      },
      onClose: (handler) => this.#onClose(end, handler),
      send: (message) => {
        let roomLeft = true
        this.onSend(to, message)
        this.#held.send(this.#host.id, to, message, () => {
          roomLeft = end.send({ type: 'fetchAnswer', body: this.#codec.encodeFetchAnswer(message) } satisfies PeerFrame)
        })
        return roomLeft
      },
      onDrain: (handler) => end.onDrain(handler),
      close: () => this.#close(end),
    }
  }

  setPeer(nodeId: number, address: { readonly host: string; readonly port: number } | null): void {
    const existing = this.#peers.get(nodeId)
    if (existing !== undefined && address !== null && existing.address.host === address.host && existing.address.port === address.port) return
    if (existing !== undefined) {
      existing.attempt += 1
      if (existing.control?.open === true) this.#close(existing.control)
      this.#peers.delete(nodeId)
    }
    if (address === null) return
    const peer: Peer = { nodeId, address, control: undefined, up: false, attempt: 0, failures: 0, closedAtMs: undefined, refusals: 0 }
    this.#peers.set(nodeId, peer)
    if (this.#handlers !== undefined && !this.#stopped) this.#dial(peer)
  }

  send(to: number, message: PeerMessage): void {
    this.onSend(to, message)
    const peer = this.#peers.get(to)
    if (this.#stopped || peer?.up !== true) return
    const { control } = peer
    this.#held.send(this.#host.id, to, message, () => control?.sendLoose({ type: 'message', body: this.#codec.encodePeer(message) } satisfies PeerFrame))
  }

  openFetchStream(to: number): FetchClientStream {
    const waiting: FetchRequestMessage[] = []
    let end: ConnectionEnd | undefined
    let greeted = false
    let closed = false
    let answer: (message: FetchAnswerMessage) => void = () => {}
    let close: () => void = () => {}
    const fail = (): void => {
      if (closed) return
      closed = true
      close()
    }
    const transmit = (message: FetchRequestMessage): void => {
      end?.send({ type: 'fetchRequest', body: this.#codec.encodeFetchRequest(message) } satisfies PeerFrame)
    }
    const opened = (opening: ConnectionEnd): void => {
      if (closed || this.#stopped) {
        opening.close()
        return
      }
      end = opening
      this.#keep(opening)
      this.#onClose(opening, fail)
      opening.onMessage((frame) => {
        const peerFrame = frame as PeerFrame
        if (closed) return
        if (peerFrame.type === 'hello' && this.#handlers?.vet(peerFrame.hello) === undefined) {
          greeted = true
          for (const message of waiting.splice(0)) transmit(message)
        } else if (peerFrame.type === 'fetchAnswer') answer(this.#codec.decodeFetchAnswer(peerFrame.body))
        else this.#breakStream(opening, fail)
      })
      opening.send({ type: 'hello', hello: (this.#handlers as TransportHandlers).hello() } satisfies PeerFrame)
    }
    const peer = this.#peers.get(to)
    if (peer === undefined) this.#network.queue.defer(this.#owner, fail)
    else this.#network.dial(this.#host, this.#owner, peer.address.host, 'fetch', { opened, refused: fail, timedOut: fail })
    return {
      onAnswer: (handler) => {
        answer = handler
      },
      onClose: (handler) => {
        close = handler
      },
      send: (message) => {
        if (closed) return
        this.onSend(to, message)
        this.#held.send(this.#host.id, to, message, () => {
          if (greeted) transmit(message)
          else waiting.push(message)
        })
      },
      close: () => {
        closed = true
        if (end !== undefined) this.#close(end)
      },
    }
  }

  stop(): void {
    this.#stopped = true
    for (const end of [...this.#ends]) this.#close(end)
  }

  #breakStream(end: ConnectionEnd, fail: () => void): void {
    this.#close(end)
    fail()
  }

  #dial(peer: Peer): void {
    peer.attempt += 1
    const { attempt } = peer
    const isCurrent = (): boolean => peer.attempt === attempt && !this.#stopped
    this.#network.dial(this.#host, this.#owner, peer.address.host, 'control', {
      opened: (end) => {
        if (isCurrent()) this.#greet(peer, end)
        else end.close()
      },
      refused: () => {
        if (isCurrent()) this.#dialFailed(peer, true)
      },
      timedOut: () => {
        if (isCurrent()) this.#dialFailed(peer, false)
      },
    })
  }

  #greet(peer: Peer, end: ConnectionEnd): void {
    this.#keep(end)
    peer.control = end
    peer.up = false
    this.#onClose(end, () => this.#controlClosed(peer, end))
    end.onMessage((frame) => {
      const peerFrame = frame as PeerFrame
      if (this.#stopped || peer.control !== end) return
      if (peerFrame.type !== 'hello' || peerFrame.hello.nodeId !== peer.nodeId || this.#handlers?.vet(peerFrame.hello) !== undefined) {
        this.#close(end)
        peer.control = undefined
        this.#dialFailed(peer, false)
        return
      }
      peer.up = true
      peer.failures = 0
      peer.refusals = 0
      peer.closedAtMs = undefined
      this.#handlers?.peerUp(peerFrame.hello)
    })
    end.send({ type: 'hello', hello: (this.#handlers as TransportHandlers).hello() } satisfies PeerFrame)
  }

  #controlClosed(peer: Peer, end: ConnectionEnd): void {
    if (peer.control !== end || this.#stopped) return
    peer.control = undefined
    if (!peer.up) {
      this.#dialFailed(peer, true)
      return
    }
    peer.up = false
    peer.refusals = 0
    peer.closedAtMs = this.#network.queue.nowMs
    this.#again(peer)
    this.#handlers?.peerDown(peer.nodeId, 'closed')
  }

  #dialFailed(peer: Peer, answered: boolean): void {
    peer.failures += 1
    if (answered) peer.refusals += 1
    this.#again(peer)
    const { closedAtMs } = peer
    if (closedAtMs === undefined || peer.refusals < 2 || this.#network.queue.nowMs - closedAtMs > EVIDENCE_WINDOW_MS) return
    peer.closedAtMs = undefined
    this.#handlers?.peerDown(peer.nodeId, 'refused')
  }

  /** Twice at once after a loss, for the evidence; then with 50-500 ms of backoff (rules 8). */
  #again(peer: Peer): void {
    const delayMs = peer.failures < 2 ? between(this.#random, 20, 60) : between(this.#random, 50, Math.min(500, 50 * 2 ** peer.failures))
    const { attempt } = peer
    this.#network.queue.schedule(delayMs * 1000, this.#owner, () => {
      if (peer.attempt === attempt && !this.#stopped) this.#dial(peer)
    })
  }

  #keep(end: ConnectionEnd): void {
    this.#ends.add(end)
    end.onClose(() => this.#ends.delete(end))
  }

  #onClose(end: ConnectionEnd, handler: () => void): void {
    end.onClose(() => {
      this.#ends.delete(end)
      if (!this.#stopped) handler()
    })
  }

  #close(end: ConnectionEnd): void {
    this.#ends.delete(end)
    if (end.open) end.close()
  }
}
