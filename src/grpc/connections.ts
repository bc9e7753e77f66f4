import { createServer, type Server, type Socket } from 'node:net'
import type { Logger } from '../base/log-line.ts'

const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
const GOAWAY_FRAME = 7
/** How long one that was refused may take to close its side; then its descriptor is taken back. */
const REFUSED_LINGER_MS = 1_000

/**
 * The listening socket, with a limit on connections. One too many is told so in HTTP/2 (settings, then GOAWAY with a sentence) instead of being
 * dropped: a peer that sees a connection closed without a byte takes it as evidence that the process is gone (rules R5.5).
 */
export function createConnectionServer(options: { readonly maxConnections: number; readonly logger: Logger; accept(socket: Socket): void }): Server {
  let open = 0
  let warned = false
  const sentence = `this node holds its limit of ${options.maxConnections} connections`
  return createServer({ noDelay: true }, (socket) => {
    // Resets are the other side's business; gRPC has its own handler for the sockets that it gets.
    socket.on('error', () => {})
    if (open >= options.maxConnections) {
      if (!warned) options.logger.warn({ maxConnections: options.maxConnections }, 'grpc: connections are refused, the limit is reached')
      warned = true
      socket.end(Buffer.concat([SETTINGS, goAway(sentence)]))
      socket.resume()
      const linger = setTimeout(() => socket.destroy(), REFUSED_LINGER_MS).unref()
      socket.on('close', () => clearTimeout(linger))
      return
    }
    open += 1
    warned = false
    socket.on('close', () => {
      open -= 1
    })
    options.accept(socket)
  })
}

/** Last stream 0, NO_ERROR: clients take their calls as not begun (UNAVAILABLE), and try again. */
function goAway(sentence: string): Buffer {
  const debug = Buffer.from(sentence)
  const head = Buffer.alloc(17)
  head.writeUIntBE(8 + debug.length, 0, 3)
  head[3] = GOAWAY_FRAME
  return Buffer.concat([head, debug])
}
