import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerDuplexStream,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js'
import type { Logger } from '../base/log-line.ts'
import { toGrpcStatus } from '../wire/grpc-error.ts'
import type { ListenerContext } from './context.ts'

/** One rpc as a library registers it, with its own idea of its messages. */
interface LibraryMethod {
  readonly requestDeserialize: (bytes: Buffer) => unknown
  readonly responseSerialize: (value: never) => Buffer
  readonly handler: (call: unknown, callback?: (error: object | null, value?: never) => void) => void
}

interface ServiceTable {
  readonly [name: string]: Pick<LibraryMethod, 'requestDeserialize' | 'responseSerialize'> & {
    readonly path: string
    readonly originalName?: string | undefined
  }
}

/** Stands in for the server that a library registers its services with: notes what it registers. */
export class LibraryServer {
  readonly #methods = new Map<string, LibraryMethod>()

  addService(service: ServiceTable, implementation: Readonly<Record<string, unknown>>): void {
    for (const [name, { path, originalName, requestDeserialize, responseSerialize }] of Object.entries(service)) {
      const handler = implementation[name] ?? implementation[originalName ?? name]
      if (typeof handler === 'function') this.#methods.set(path, { requestDeserialize, responseSerialize, handler: handler.bind(implementation) })
    }
  }

  find(path: string): LibraryMethod | undefined {
    return this.#methods.get(path)
  }
}

type LibraryStream = ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>

export type Track = ListenerContext['track']

interface LibraryOptions {
  /** For people. */
  readonly name: string
  readonly logger: Logger
  readonly track: Track
  load(): Promise<LibraryServer>
}

/**
 * The rpcs of a library that is loaded by their first call: what few ask for must not make every node start later. Its streams end when the
 * node stops. `load` is tried again by the next call when it failed.
 */
export class LibraryService {
  readonly #options: LibraryOptions
  #loaded: Promise<LibraryServer> | undefined

  constructor(options: LibraryOptions) {
    this.#options = options
  }

  /** `called` comes right before each call is handed over. */
  unary(called: () => void = () => {}): handleUnaryCall<Buffer, Buffer> {
    return (call, callback) => {
      const fail = (failure: object): void => callback(failure)
      this.#withMethod(call.getPath(), fail, (method) => {
        const request = this.#read(method, call.request, fail)
        if (request === undefined) return
        called()
        method.handler({ request: request.value }, (error, value) => {
          if (error !== null) callback(error)
          else callback(null, method.responseSerialize(value as never))
        })
      })
    }
  }

  /** `called` comes right before each call is handed over, `ended` once it is over. */
  serverStream(called: () => void = () => {}, ended: () => void = () => {}): handleServerStreamingCall<Buffer, Buffer> {
    return (call) => {
      let isCalled = false
      const stream = this.#follow(call, () => {
        if (isCalled) ended()
      })
      this.#withMethod(call.getPath(), stream.end, (method) => {
        const request = this.#read(method, call.request, stream.end)
        if (request === undefined || stream.isOver()) return
        isCalled = true
        called()
        method.handler(typedStream(call, method, { request: request.value }))
      })
    }
  }

  bidiStream(): handleBidiStreamingCall<Buffer, Buffer> {
    return (call) => {
      const stream = this.#follow(call, () => {})
      this.#withMethod(call.getPath(), stream.end, (method) => {
        if (stream.isOver()) return
        const on = (event: string, listener: (value?: unknown) => void): void => {
          if (event !== 'data') {
            call.on(event, listener)
            return
          }
          call.on('data', (bytes: Buffer) => {
            const message = stream.isOver() ? undefined : this.#read(method, bytes, stream.end)
            if (message !== undefined) listener(message.value)
          })
        }
        method.handler(typedStream(call, method, { on }))
      })
    }
  }

  #withMethod(path: string, fail: (failure: object) => void, use: (method: LibraryMethod) => void): void {
    const { name, logger, load } = this.#options
    this.#loaded ??= load()
    this.#loaded.then(
      (server) => {
        const method = server.find(path)
        if (method === undefined) fail({ code: status.UNIMPLEMENTED, details: `the ${name} service here does not know ${path}` })
        else use(method)
      },
      (error: unknown) => {
        this.#loaded = undefined
        logger.error({ error: String(error) }, `grpc: the ${name} service could not be loaded`)
        fail({ code: status.UNIMPLEMENTED, details: `the ${name} service could not be loaded; the log of the node says why` })
      },
    )
  }

  /** What comes from outside may be no message at all. */
  #read(method: LibraryMethod, bytes: Buffer, fail: (failure: object) => void): { readonly value: unknown } | undefined {
    try {
      return { value: method.requestDeserialize(bytes) }
    } catch {
      fail({ code: status.INVALID_ARGUMENT, details: `not a request of the ${this.#options.name} service` })
      return undefined
    }
  }

  /** Knows when the stream is over, and can end it with a failure; so does a node that stops. */
  #follow(call: LibraryStream, ended: () => void): { readonly end: (failure: object) => void; readonly isOver: () => boolean } {
    let isOver = false
    const over = (): void => {
      if (isOver) return
      isOver = true
      untrack()
      ended()
    }
    const end = (failure: object): void => {
      if (isOver) return
      over()
      call.emit('error', failure)
    }
    const untrack = this.#options.track({ end: (error) => end(toGrpcStatus(error)) })
    call.on('cancelled', over)
    call.on('finish', over)
    return { end, isOver: () => isOver }
  }
}

/** The call as the library knows it: messages in place of bytes. */
function typedStream(call: LibraryStream, method: LibraryMethod, more: object): object {
  return {
    on: (event: string, listener: () => void) => call.on(event, listener),
    write(value: never) {
      if (!call.cancelled && !call.writableEnded && !call.destroyed) call.write(method.responseSerialize(value))
    },
    end: () => call.end(),
    ...more,
  }
}
