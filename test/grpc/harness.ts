import { createGrpcServer, type GrpcServer } from '../../src/grpc/server.ts'
import { silentLogger } from '../contract/silent-logger.ts'
import { FakeBroker } from './fake-broker.ts'
import { Traffic } from '../../src/wire/traffic.ts'

export interface Listener {
  readonly broker: FakeBroker
  readonly server: GrpcServer
  readonly address: { readonly host: string; readonly port: number }
  stop(): Promise<void>
}

/** A real listener on a port of its own before a fake Broker. */
export async function startListener(options: { readonly maxConnections?: number } = {}): Promise<Listener> {
  const broker = new FakeBroker()
  const server = createGrpcServer({ broker, logger: silentLogger, traffic: new Traffic(), maxConnections: options.maxConnections ?? 100 })
  const port = await new Promise<number>((resolve, reject) => {
    server.bind('127.0.0.1', 0, (error, bound) => (error === undefined ? resolve(bound) : reject(error)))
  })
  return {
    broker,
    server,
    address: { host: '127.0.0.1', port },
    stop: () => new Promise((resolve) => server.stop(0, () => resolve())),
  }
}

export async function until(condition: () => boolean, withinMs = 5_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
