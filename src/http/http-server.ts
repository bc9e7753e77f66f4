import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Done, DoneVoid } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { Logger } from '../base/log-line.ts'

const MAX_HEADER_BYTES = 8 * 1024
const REQUEST_TIMEOUT_MS = 5_000
const MAX_CONNECTIONS = 100
/** Requests of one connection that wait for their answers. No scraper has more than one; thousands fit into one packet, each of 10 KB here. */
const MAX_PIPELINED_REQUESTS = 20

/** What /healthz says of a process that answers. */
export interface HealthStatus {
  readonly nodeId: number
  readonly role: string
  readonly term: number
  /** null: no leader is known. */
  readonly leaderId: number | null
}

/** What a debug bundle gathers from a node; each a page below /debug. */
export interface DebugPages {
  /** The last lines of the node's log. */
  log(): string
  /** Process, heap and event loop. */
  runtime(): unknown
  /** What the node runs as, with its version. */
  config(): unknown
}

export interface HttpServerOptions {
  status(): HealthStatus
  /** What keeps the node from serving, as sentences that say what to do; empty: it is ready. */
  missing(): readonly string[]
  /** The Prometheus text. */
  metrics(): Promise<string>
  readonly debug: DebugPages
  readonly logger: Logger
}

export interface HttpServer {
  /** Answers the port, which the system chose if it was 0. */
  bind(host: string, port: number, done: Done<number>): void
  stop(done: DoneVoid): void
}

/** GET /metrics, /healthz (the process answers), /readyz (it serves) and the pages below /debug: for scrapers, probes and debug bundles. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const metrics = shared(() => options.metrics())
  const admit = boundedPipelines()
  const server: Server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: REQUEST_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      if (admit(request, response)) answer({ ...options, metrics }, request, response)
    },
  )
  server.maxConnections = MAX_CONNECTIONS
  return {
    bind(host, port, done) {
      const failed = (error: NodeJS.ErrnoException): void => {
        const cause = error.code === 'EADDRINUSE' ? 'another process listens there; stop it, or change httpPort in the cluster file' : error.message
        done(new BrokerError('INVALID_CONFIG', `cannot listen on ${host}:${port}: ${cause}`), 0)
      }
      server.once('error', failed)
      server.listen({ host, port }, () => {
        server.off('error', failed)
        server.on('error', (error) => options.logger.error({ error: error.message }, 'http: the listening socket failed'))
        const address = server.address()
        done(undefined, typeof address === 'object' && address !== null ? address.port : port)
      })
    },
    stop(done) {
      server.close(() => done(undefined))
      server.closeAllConnections()
    },
  }
}

/** All that ask while one answer is being made get that one: to gather the metrics costs milliseconds of the node's one thread. */
function shared(make: () => Promise<string>): () => Promise<string> {
  let running: Promise<string> | undefined
  return () => {
    running ??= make().finally(() => {
      running = undefined
    })
    return running
  }
}

/**
 * Ends the connection that sends more requests than it reads answers. Nothing less lets go of them: an answer that says no would wait for its
 * turn like any other, and Node parses the rest of the packet in any case.
 */
function boundedPipelines(): (request: IncomingMessage, response: ServerResponse) => boolean {
  const waiting = new WeakMap<Socket, number>()
  return ({ socket }, response) => {
    if (socket.destroyed) return false
    const before = waiting.get(socket) ?? 0
    if (before >= MAX_PIPELINED_REQUESTS) {
      socket.destroy()
      return false
    }
    waiting.set(socket, before + 1)
    response.once('finish', () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1))
    return true
  }
}

const PATHS = ['/healthz', '/readyz', '/metrics', '/debug/log', '/debug/runtime', '/debug/config']

function answer(options: HttpServerOptions, request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '/').split('?', 1)[0]
  // No route takes a body: what comes of one is passed over, not kept.
  request.resume()
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(response, 405, 'text/plain', 'only GET is answered here\n')
    return
  }
  switch (path) {
    case '/healthz':
      sendJson(response, 200, { status: 'ok', ...options.status() })
      break
    case '/readyz':
      sendReadiness(options.missing(), response)
      break
    case '/metrics':
      sendMetrics(options, response)
      break
    case '/debug/log':
      send(response, 200, 'application/x-ndjson', options.debug.log())
      break
    case '/debug/runtime':
      sendJson(response, 200, options.debug.runtime())
      break
    case '/debug/config':
      sendJson(response, 200, options.debug.config())
      break
    default:
      send(response, 404, 'text/plain', `nothing here: try ${PATHS.join(', ')}\n`)
  }
}

function sendReadiness(missing: readonly string[], response: ServerResponse): void {
  sendJson(response, missing.length === 0 ? 200 : 503, { ready: missing.length === 0, missing })
}

function sendMetrics(options: HttpServerOptions, response: ServerResponse): void {
  options.metrics().then(
    (text) => send(response, 200, 'text/plain; version=0.0.4; charset=utf-8', text),
    (error: unknown) => {
      options.logger.error({ error: String(error) }, 'http: the metrics could not be gathered')
      send(response, 500, 'text/plain', 'the metrics could not be gathered; the log of the node says why\n')
    },
  )
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  send(response, status, 'application/json', `${JSON.stringify(body)}\n`)
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store' })
  response.end(body)
}
