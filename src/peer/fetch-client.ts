import { type Client, type ClientDuplexStream, type StatusObject, status } from '@grpc/grpc-js'
import { BrokerError } from '../base/errors.ts'
import type { FetchClientStream, TransportHandlers } from '../runtime/transport.ts'
import { openChannel } from '../wire/channel.ts'
import type { GatheredMessage } from '../wire/gathered.ts'
import { fromGrpcStatus } from '../wire/grpc-error.ts'
import type { FetchAnswerMessage, FetchRequestMessage } from '../wire/peer.ts'
import { decodeFetchAnswerFrame, decodeHello, encodeFetchFrame } from '../wire/peer-codec.ts'
import { peerService } from '../wire/services.ts'
import type { Traffic } from '../wire/traffic.ts'
import { HELLO_TIMEOUT_MS, judgeHello } from './hello.ts'

/** How a stream ended: `opened` says whether Hellos were exchanged, `refusal` why a Hello was not accepted. */
export interface FetchEnd {
  readonly opened: boolean
  readonly refusal: BrokerError | undefined
}

/**
 * The follower's end of a fetch stream, on a connection of its own. What is sent before the leader's Hello was accepted waits here; a follower
 * has two fetches a partition outstanding at most, so it is little.
 */
export class GrpcFetchClient implements FetchClientStream {
  readonly #nodeId: number
  readonly #handlers: TransportHandlers
  readonly #onEnd: (end: FetchEnd) => void
  readonly #traffic: Traffic
  #client: Client | undefined
  #call: ClientDuplexStream<GatheredMessage, Buffer> | undefined
  #timer: NodeJS.Timeout | undefined
  #waiting: FetchRequestMessage[] = []
  #opened = false
  #closed = false
  #answered: (message: FetchAnswerMessage) => void = () => {}
  #onClose: () => void = () => {}

  /** Dials after `delayMs`, to the address that `addressOf` then knows; none: the stream ends. */
  constructor(options: {
    readonly nodeId: number
    readonly addressOf: () => { readonly host: string; readonly port: number } | undefined
    readonly delayMs: number
    readonly handlers: TransportHandlers
    readonly traffic: Traffic
    readonly onEnd: (end: FetchEnd) => void
  }) {
    this.#nodeId = options.nodeId
    this.#handlers = options.handlers
    this.#onEnd = options.onEnd
    this.#traffic = options.traffic
    this.#timer = setTimeout(() => this.#dial(options.addressOf()), options.delayMs)
  }

  onAnswer(handler: (message: FetchAnswerMessage) => void): void {
    this.#answered = handler
  }

  onClose(handler: () => void): void {
    this.#onClose = handler
  }

  send(message: FetchRequestMessage): void {
    if (this.#closed) return
    if (!this.#opened) {
      this.#waiting.push(message)
      return
    }
    const frame = encodeFetchFrame({ hello: null, fetches: message.fetches })
    this.#traffic.count(frame)
    this.#call?.write(frame)
  }

  /** Nothing is heard of it any more; onClose is not called. */
  close(): void {
    this.#drop(undefined)
  }

  #dial(address: { readonly host: string; readonly port: number } | undefined): void {
    if (address === undefined) {
      this.#ended(undefined)
      return
    }
    this.#timer = setTimeout(() => this.#ended(undefined), HELLO_TIMEOUT_MS)
    this.#client = openChannel(address)
    const { path, requestSerialize, responseDeserialize } = peerService.Fetch
    const call = this.#client.makeBidiStreamRequest<GatheredMessage, Buffer>(path, requestSerialize, responseDeserialize)
    this.#call = call
    call.on('data', (bytes: Buffer) => this.#received(bytes))
    call.on('error', () => {}) // Its status says the same.
    call.on('status', (ended: StatusObject) => this.#ended(ended.code === status.FAILED_PRECONDITION ? fromGrpcStatus(ended) : undefined))
    call.write(encodeFetchFrame({ hello: this.#handlers.hello(), fetches: [] }))
  }

  #received(bytes: Buffer): void {
    if (this.#closed) return
    if (!this.#opened) {
      this.#meet(bytes)
      return
    }
    let message: FetchAnswerMessage
    try {
      message = decodeFetchAnswerFrame(bytes)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      this.#ended(error)
      return
    }
    this.#answered({ answers: message.answers })
  }

  #meet(bytes: Buffer): void {
    try {
      const hello = decodeHello(bytes)
      if (hello === null) throw new BrokerError('INVALID_REQUEST', 'the first frame has no Hello')
      const refusal = judgeHello(this.#handlers, hello, this.#nodeId)
      if (refusal !== undefined) throw refusal
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      this.#ended(error)
      return
    }
    clearTimeout(this.#timer)
    this.#opened = true
    for (const message of this.#waiting.splice(0)) this.send(message)
  }

  #ended(refusal: BrokerError | undefined): void {
    if (this.#closed) return
    this.#drop(refusal)
    this.#onClose()
  }

  #drop(refusal: BrokerError | undefined): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    this.#waiting = []
    this.#call?.cancel()
    this.#client?.close()
    this.#onEnd({ opened: this.#opened, refusal })
  }
}
