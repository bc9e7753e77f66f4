import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'

/** How a call ended, as gRPC says it; undefined when the stream ended without a word. */
export interface CallEnd {
  readonly status: number | undefined
  readonly message: string
}

const DATA_WINDOW_BYTES = 65_535

/** A message in gRPC's frame, its length as said in the frame. `compressed`: the flag alone. */
export function framed(message: Buffer, options: { readonly saysBytes?: number; readonly compressed?: boolean } = {}): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt8(options.compressed === true ? 1 : 0, 0)
  head.writeUInt32BE(options.saysBytes ?? message.length, 1)
  return Buffer.concat([head, message])
}

/** One gRPC call without a gRPC library: it keeps no rule that it is not told to keep, and reads only when told to. */
export class RawCall {
  readonly #stream: ClientHttp2Stream
  readonly ended: Promise<CallEnd>
  readonly messages: Buffer[] = []
  #held: Buffer = Buffer.alloc(0)
  #isOver = false

  constructor(session: ClientHttp2Session, path: string, headers: Readonly<Record<string, string>> = {}) {
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers }, { endStream: false })
    this.#stream = stream
    stream.setMaxListeners(0)
    this.ended = new Promise((resolve) => {
      let end: CallEnd = { status: undefined, message: '' }
      const heard = (fields: Readonly<Record<string, unknown>>): void => {
        if (fields['grpc-status'] !== undefined)
          end = { status: Number(fields['grpc-status']), message: decodeURIComponent(String(fields['grpc-message'] ?? '')) }
      }
      stream.on('response', heard).on('trailers', heard)
      stream.on('error', () => {})
      stream.on('close', () => {
        this.#isOver = true
        resolve(end)
      })
    })
  }

  /** Without it the stream is never read: what comes stays in the node beyond one window. */
  read(): this {
    this.#stream.on('data', (bytes: Buffer) => {
      this.#held = Buffer.concat([this.#held, bytes])
      while (this.#held.length >= 5 && this.#held.length >= 5 + this.#held.readUInt32BE(1)) {
        const end = 5 + this.#held.readUInt32BE(1)
        this.messages.push(Buffer.from(this.#held.subarray(5, end)))
        this.#held = this.#held.subarray(end)
      }
    })
    return this
  }

  /** Resolves when the node took it, or the stream ended; true: it may go on. */
  write(bytes: Buffer): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.#isOver) resolve(false)
      else {
        this.#stream.once('close', () => resolve(false))
        this.#stream.write(bytes, (error) => resolve(error === null || error === undefined))
      }
    })
  }

  get isOver(): boolean {
    return this.#isOver
  }

  end(): void {
    this.#stream.end()
  }

  cancel(): void {
    this.#stream.destroy()
  }
}

/** A connection of its own. */
export function dial(port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: DATA_WINDOW_BYTES } })
  session.on('error', () => {})
  return session
}
