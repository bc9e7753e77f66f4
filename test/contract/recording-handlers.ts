import type { FetchServerStream, TransportHandlers } from '../../src/runtime/transport.ts'
import type { Hello, PeerMessage } from '../../src/wire/peer.ts'

export type HeardEvent =
  | { readonly type: 'up'; readonly nodeId: number; readonly incarnationId: string }
  | { readonly type: 'down'; readonly nodeId: number; readonly reason: 'closed' | 'refused'; readonly atMs: number }
  | { readonly type: 'message'; readonly from: Hello; readonly message: PeerMessage }
  | { readonly type: 'fetchStream'; readonly from: Hello; readonly stream: FetchServerStream }

/** Notes what a transport says, and that it never says it inside a call to the transport. */
export class RecordingHandlers implements TransportHandlers {
  readonly events: HeardEvent[] = []
  /** Set while the test calls the transport. */
  insideCall = false
  saidInsideCall = 0
  refuse: string | undefined
  /** Hellos judged so far. */
  vetted = 0
  helloNow: Hello
  onFetchStream: (from: Hello, stream: FetchServerStream) => void = () => {}
  readonly #nowMs: () => number

  constructor(helloNow: Hello, nowMs: () => number) {
    this.helloNow = helloNow
    this.#nowMs = nowMs
  }

  hello(): Hello {
    return this.helloNow
  }

  vet(_hello: Hello): string | undefined {
    this.vetted += 1
    return this.refuse
  }

  peerUp(hello: Hello): void {
    this.#note({ type: 'up', nodeId: hello.nodeId, incarnationId: hello.incarnationId })
  }

  peerDown(nodeId: number, reason: 'closed' | 'refused'): void {
    this.#note({ type: 'down', nodeId, reason, atMs: this.#nowMs() })
  }

  message(from: Hello, message: PeerMessage): void {
    this.#note({ type: 'message', from, message })
  }

  fetchStream(from: Hello, stream: FetchServerStream): void {
    this.#note({ type: 'fetchStream', from, stream })
    this.onFetchStream(from, stream)
  }

  of<T extends HeardEvent['type']>(type: T): Extract<HeardEvent, { readonly type: T }>[] {
    return this.events.filter((event): event is Extract<HeardEvent, { readonly type: T }> => event.type === type)
  }

  /** Wraps a call to the transport. */
  during<T>(call: () => T): T {
    this.insideCall = true
    try {
      return call()
    } finally {
      this.insideCall = false
    }
  }

  noteTurn(): void {
    if (this.insideCall) this.saidInsideCall += 1
  }

  #note(event: HeardEvent): void {
    this.noteTurn()
    this.events.push(event)
  }
}
