import type { ClientConnection, ClientStream, ClientTransport, StreamHandlers } from '../client/transport.ts'
import { failureOf } from './failure.ts'

type Say = (line: string) => void

function outcomeOf(error: Error | undefined): string {
  if (error === undefined) return 'ok'
  const { code, message } = failureOf(error)
  return `${code}: ${message.replaceAll(/\s*\n\s*/g, '; ')}`
}

function since(beganMs: number): string {
  return `${(performance.now() - beganMs).toFixed(1)} ms`
}

type Unary = (...args: unknown[]) => void

/** The callback is the last argument of every unary call. */
function loggedCall(say: Say, name: string, call: Unary): Unary {
  return (...args) => {
    const beganMs = performance.now()
    const done = args.at(-1) as (error: Error | undefined, value: unknown) => void
    call(...args.slice(0, -1), (error: Error | undefined, value: unknown) => {
      say(`${name}: ${outcomeOf(error)} (${since(beganMs)})`)
      done(error, value)
    })
  }
}

interface Numbered {
  readonly requestId: number
}

type Open = (handlers: StreamHandlers<Numbered>) => ClientStream<Numbered>

function loggedStream(say: Say, name: string, open: Open): Open {
  return (handlers) => {
    const sentMs = new Map<number, number>()
    const stream = open({
      response: (response) => {
        say(`${name} ${response.requestId}: answered (${since(sentMs.get(response.requestId) ?? performance.now())})`)
        sentMs.delete(response.requestId)
        handlers.response(response)
      },
      closed: (error) => {
        say(`${name}: stream closed, ${outcomeOf(error)}`)
        handlers.closed(error)
      },
    })
    return {
      send: (request, left) => {
        sentMs.set(request.requestId, performance.now())
        say(`${name} ${request.requestId}: sent`)
        stream.send(request, left)
      },
      close: () => stream.close(),
    }
  }
}

function loggedConnection(connection: ClientConnection, write: Say): ClientConnection {
  const { host, port } = connection.address
  const say: Say = (line) => write(`debug: ${host}:${port} ${line}`)
  return new Proxy(connection, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      const bound = value.bind(target) as Unary
      if (property === 'close') return bound
      if (property === 'openProduce' || property === 'openFetch')
        return loggedStream(say, property === 'openProduce' ? 'produce' : 'fetch', bound as unknown as Open)
      return loggedCall(say, String(property), bound)
    },
  })
}

/** Says every request to a node and what came of it, one line each: `--debug`. */
export function loggedTransport(transport: ClientTransport, write: Say): ClientTransport {
  return {
    connect: (address) => loggedConnection(transport.connect(address), write),
    close: () => transport.close(),
  }
}
