import { type Client, type ClientDuplexStream, type StatusObject, status } from '@grpc/grpc-js'
import { BrokerError } from '../base/errors.ts'
import type { Logger } from '../base/log-line.ts'
import type { TransportHandlers } from '../runtime/transport.ts'
import { openChannel } from '../wire/channel.ts'
import type { GatheredMessage } from '../wire/gathered.ts'
import { fromGrpcStatus } from '../wire/grpc-error.ts'
import type { Hello, PeerMessage } from '../wire/peer.ts'
import { decodeHello, encodePeerFrame } from '../wire/peer-codec.ts'
import { maxSizeOf } from '../wire/peer-message-size.ts'
import { peerService } from '../wire/services.ts'
import { counted, GatheringWriter } from '../wire/stream-writer.ts'
import type { Traffic } from '../wire/traffic.ts'
import { probeGone } from './evidence.ts'
import { HELLO_TIMEOUT_MS, judgeHello } from './hello.ts'

const MIN_BACKOFF_MS = 50
const MAX_BACKOFF_MS = 500
/** A refused Hello needs an operator: it is tried again, but not hurried. */
const REFUSED_BACKOFF_MS = 2_000
/** Rules 8: unsent bytes to one peer; what would go beyond it is dropped. So no frame is larger than gRPC sends, which would end the stream. */
const MAX_UNSENT_BYTES = 16 * 1024 * 1024
const MAX_FRAME_BYTES = 4 * 1024 * 1024

type Call = ClientDuplexStream<GatheredMessage, Buffer>

interface Attempt {
  readonly client: Client
  readonly call: Call
  readonly timer: NodeJS.Timeout
  writer: GatheringWriter<PeerMessage> | undefined
}

/** What the handlers were told last of this peer; 'nothing' before the first Hello was accepted. */
type Told = 'nothing' | 'up' | 'closed' | 'refused'

/**
 * The control stream to one peer, dialled for ever. Each attempt has a channel of its own, so that an attempt into a silent network ends
 * with its Hello timer and not with TCP's. Told: nothing → up → closed → (refused →) up → …; evidence is sought whenever an attempt
 * ends while 'closed' was the last word, since the process may die only after the stream did.
 */
export class ControlLink {
  readonly #nodeId: number
  readonly #address: { readonly host: string; readonly port: number }
  readonly #handlers: TransportHandlers
  readonly #logger: Logger
  readonly #traffic: Traffic
  #attempt: Attempt | undefined
  #retry: NodeJS.Timeout | undefined
  #stopProbe: (() => void) | undefined
  #backoffMs = MIN_BACKOFF_MS
  #told: Told = 'nothing'
  #lastRefusal = ''
  #stopped = false

  constructor(options: {
    readonly nodeId: number
    readonly address: { readonly host: string; readonly port: number }
    readonly handlers: TransportHandlers
    readonly logger: Logger
    readonly traffic: Traffic
  }) {
    this.#nodeId = options.nodeId
    this.#address = options.address
    this.#handlers = options.handlers
    this.#logger = options.logger
    this.#traffic = options.traffic
    this.#retry = setTimeout(() => this.#dial(), 0)
  }

  get address(): { readonly host: string; readonly port: number } {
    return this.#address
  }

  send(message: PeerMessage): void {
    const writer = this.#attempt?.writer
    if (writer === undefined || writer.heldBytes + maxSizeOf(message) > MAX_UNSENT_BYTES) return
    writer.add(message)
  }

  /** The peer has dialled us, so it lives: an attempt that waits is made now. */
  heardOf(): void {
    if (this.#stopped || this.#attempt !== undefined) return
    clearTimeout(this.#retry)
    this.#dial()
  }

  /** Ends at once. `tell`: a peer that was up is said to be closed, in a turn of its own. */
  stop(tell: boolean): void {
    this.#stopped = true
    clearTimeout(this.#retry)
    this.#stopProbe?.()
    this.#drop()
    if (tell && this.#told === 'up') setImmediate(() => this.#handlers.peerDown(this.#nodeId, 'closed'))
  }

  #dial(): void {
    const client = openChannel(this.#address)
    const { path, requestSerialize, responseDeserialize } = peerService.Control
    const call: Call = client.makeBidiStreamRequest<GatheredMessage, Buffer>(path, requestSerialize, responseDeserialize)
    const timer = setTimeout(() => this.#ended(attempt, new BrokerError('NETWORK_EXCEPTION', 'no Hello in time')), HELLO_TIMEOUT_MS)
    const attempt: Attempt = { client, call, timer, writer: undefined }
    this.#attempt = attempt
    call.on('data', (bytes: Buffer) => this.#received(attempt, bytes))
    call.on('error', () => {}) // Its status says the same.
    call.on('status', (ended: StatusObject) => this.#ended(attempt, fromGrpcStatus(ended), ended.code === status.FAILED_PRECONDITION))
    call.write(encodePeerFrame({ hello: this.#handlers.hello(), messages: [] }))
  }

  #received(attempt: Attempt, bytes: Buffer): void {
    if (this.#attempt !== attempt || attempt.writer !== undefined) return
    let hello: Hello | null
    try {
      hello = decodeHello(bytes)
      if (hello === null) throw new BrokerError('INVALID_REQUEST', 'the first frame has no Hello')
      const refusal = judgeHello(this.#handlers, hello, this.#nodeId)
      if (refusal !== undefined) throw refusal
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      this.#ended(attempt, error, true)
      return
    }
    clearTimeout(attempt.timer)
    this.#stopProbe?.()
    this.#open(attempt)
    this.#handlers.peerUp(hello)
  }

  #open(attempt: Attempt): void {
    this.#backoffMs = MIN_BACKOFF_MS
    this.#lastRefusal = ''
    this.#told = 'up'
    attempt.writer = new GatheringWriter<PeerMessage>({
      sink: counted(attempt.call, this.#traffic),
      encode: (messages) => encodePeerFrame({ hello: null, messages }),
      sizeOf: maxSizeOf,
      maxMessageBytes: MAX_FRAME_BYTES,
    })
  }

  #ended(attempt: Attempt, error: BrokerError, refusedHello = false): void {
    if (this.#attempt !== attempt || this.#stopped) return
    this.#drop()
    if (refusedHello) this.#logRefusal(error)
    this.#retry = setTimeout(() => this.#dial(), refusedHello ? REFUSED_BACKOFF_MS : this.#backoffMs)
    this.#backoffMs = Math.min(this.#backoffMs * 2, MAX_BACKOFF_MS)
    if (this.#told === 'up') {
      this.#told = 'closed'
      this.#seekEvidence()
      this.#handlers.peerDown(this.#nodeId, 'closed')
    } else if (this.#told === 'closed') {
      this.#seekEvidence()
    }
  }

  #seekEvidence(): void {
    this.#stopProbe?.()
    this.#stopProbe = probeGone(this.#address, (gone) => {
      this.#stopProbe = undefined
      if (!gone || this.#stopped || this.#told !== 'closed') return
      this.#told = 'refused'
      this.#handlers.peerDown(this.#nodeId, 'refused')
    })
  }

  #logRefusal(error: BrokerError): void {
    if (this.#lastRefusal === error.detail) return
    this.#lastRefusal = error.detail
    this.#logger.warn({ peer: this.#nodeId, code: error.code, reason: error.detail }, 'peer: Hello refused, tried again every 2 s')
  }

  #drop(): void {
    const attempt = this.#attempt
    if (attempt === undefined) return
    this.#attempt = undefined
    clearTimeout(attempt.timer)
    attempt.call.cancel()
    attempt.client.close()
  }
}
