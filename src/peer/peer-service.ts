import type { Server, ServerDuplexStream } from '@grpc/grpc-js'
import { BrokerError } from '../base/errors.ts'
import type { FetchServerStream } from '../runtime/transport.ts'
import type { GatheredMessage } from '../wire/gathered.ts'
import { toGrpcStatus } from '../wire/grpc-error.ts'
import type { FetchAnswerMessage, FetchRequestMessage, Hello } from '../wire/peer.ts'
import { decodeFetchFrame, decodeHello, decodePeerFrame, encodeFetchAnswerFrame, encodePeerFrame } from '../wire/peer-codec.ts'
import { peerService } from '../wire/services.ts'
import { CountingWriter, counted, type MessageSink } from '../wire/stream-writer.ts'
import type { GrpcPeerTransport } from './grpc-transport.ts'
import { HELLO_TIMEOUT_MS, judgeHello } from './hello.ts'

/** Rules 8: with one more message of 8 MiB the unsent bytes of a stream reach 16 MiB at most. */
const HOLD_ABOVE_BYTES = 8 * 1024 * 1024
const DRAINED_BELOW_BYTES = 4 * 1024 * 1024

type Call = ServerDuplexStream<Buffer, GatheredMessage>

/** What a stream of a peer brings once its Hello was accepted. */
interface Accepted {
  /** Reads a frame; what is returned tells of it. Throws INVALID_REQUEST. */
  read(bytes: Buffer): () => void
  ended(): void
}

/** Registers what peers dial: the server half of `transport`. */
export function addPeerService(server: Server, transport: GrpcPeerTransport): void {
  server.addService(peerService, {
    Control: (call: Call) => new PeerCall(call, transport, encodePeerHello, (from) => acceptControl(from, transport)),
    Fetch: (call: Call) => new PeerCall(call, transport, encodeFetchHello, (from, close) => acceptFetch(from, call, close, transport)),
  })
}

const encodePeerHello = (hello: Hello): GatheredMessage => encodePeerFrame({ hello, messages: [] })
const encodeFetchHello = (hello: Hello): GatheredMessage => encodeFetchAnswerFrame({ hello, answers: [] })

function acceptControl(from: Hello, transport: GrpcPeerTransport): Accepted {
  transport.acceptedControl(from)
  return {
    read(bytes) {
      const { messages } = decodePeerFrame(bytes)
      return () => {
        for (const message of messages) transport.acceptedMessage(from, message)
      }
    },
    ended() {},
  }
}

function acceptFetch(from: Hello, call: Call, close: () => void, transport: GrpcPeerTransport): Accepted {
  const stream = new GrpcFetchServer(counted(call, transport.traffic), close)
  transport.acceptedFetchStream(from, stream)
  return {
    read(bytes) {
      const frame = decodeFetchFrame(bytes)
      return () => stream.received(frame)
    },
    ended: () => stream.ended(),
  }
}

/** One stream of a peer: Hello both ways first, then frames. States: waiting for Hello → accepted → ended, or waiting → ended. */
class PeerCall {
  readonly #call: Call
  readonly #transport: GrpcPeerTransport
  readonly #encodeHello: (hello: Hello) => GatheredMessage
  readonly #accept: (from: Hello, close: () => void) => Accepted
  readonly #timer: NodeJS.Timeout
  readonly #untrack: () => void
  #accepted: Accepted | undefined
  #ended = false

  constructor(call: Call, transport: GrpcPeerTransport, encodeHello: (hello: Hello) => GatheredMessage, accept: (from: Hello, close: () => void) => Accepted) {
    this.#call = call
    this.#transport = transport
    this.#encodeHello = encodeHello
    this.#accept = accept
    this.#timer = setTimeout(() => this.#end(new BrokerError('REQUEST_TIMED_OUT', 'no Hello came in time')), HELLO_TIMEOUT_MS)
    // The transport stops: nothing is told any more, least of all inside the call that stops it.
    this.#untrack = transport.track({
      close: () => {
        this.#accepted = undefined
        this.#end(new BrokerError('NETWORK_EXCEPTION', 'the node stops'))
      },
    })
    call.on('data', (bytes: Buffer) => this.#received(bytes))
    call.on('error', () => this.#end(undefined))
    call.on('cancelled', () => this.#end(undefined))
    call.on('end', () => this.#end(undefined))
  }

  #received(bytes: Buffer): void {
    if (this.#ended) return
    let tell: (() => void) | undefined
    try {
      tell = this.#accepted === undefined ? this.#meet(decodeHello(bytes)) : this.#accepted.read(bytes)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      this.#transport.logger.warn({ reason: error.message }, 'peer: a stream was ended')
      this.#end(error)
    }
    // What fails in here is no fault of the frame, and not to be survived: the node would go on with half of it done.
    tell?.()
  }

  /** What is returned tells of the stream; undefined: it was refused. */
  #meet(hello: Hello | null): (() => void) | undefined {
    const handlers = this.#transport.handlers
    if (handlers === undefined) {
      this.#end(new BrokerError('NETWORK_EXCEPTION', 'the node is not running'))
      return undefined
    }
    if (hello === null) throw new BrokerError('INVALID_REQUEST', 'the first frame of a peer stream holds a Hello')
    const refusal = judgeHello(handlers, hello)
    if (refusal !== undefined) {
      this.#end(refusal)
      return undefined
    }
    clearTimeout(this.#timer)
    this.#call.write(this.#encodeHello(handlers.hello()))
    return () => {
      this.#accepted = this.#accept(hello, () => this.#end(new BrokerError('NETWORK_EXCEPTION', 'the stream was closed by the leader')))
    }
  }

  /** undefined: the peer ended it. */
  #end(error: BrokerError | undefined): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#timer)
    this.#untrack()
    if (error === undefined) this.#call.end()
    else this.#call.emit('error', toGrpcStatus(error))
    this.#accepted?.ended()
  }
}

/** The leader's end of a fetch stream. */
class GrpcFetchServer implements FetchServerStream {
  readonly #writer: CountingWriter
  readonly #close: () => void
  #requested: (message: FetchRequestMessage) => void = () => {}
  #onClose: () => void = () => {}
  #onDrain: () => void = () => {}
  #held = false
  #ended = false
  #closing = false

  constructor(sink: MessageSink, close: () => void) {
    this.#close = close
    this.#writer = new CountingWriter(sink, () => this.#written())
  }

  onRequest(handler: (message: FetchRequestMessage) => void): void {
    this.#requested = handler
  }

  onClose(handler: () => void): void {
    this.#onClose = handler
  }

  onDrain(handler: () => void): void {
    this.#onDrain = handler
  }

  send(message: FetchAnswerMessage): boolean {
    if (this.#ended) return true
    this.#writer.write(encodeFetchAnswerFrame({ hello: null, answers: message.answers }))
    this.#held = this.#writer.unsentBytes > HOLD_ABOVE_BYTES
    return !this.#held
  }

  /** Nothing is heard of it any more; onClose is not called. */
  close(): void {
    if (this.#ended) return
    this.#closing = true
    this.#close()
  }

  received(message: FetchRequestMessage): void {
    if (!this.#ended) this.#requested({ fetches: message.fetches })
  }

  ended(): void {
    if (this.#ended) return
    this.#ended = true
    if (!this.#closing) this.#onClose()
  }

  #written(): void {
    if (!this.#held || this.#ended || this.#writer.unsentBytes > DRAINED_BELOW_BYTES) return
    this.#held = false
    this.#onDrain()
  }
}
