import type { Server } from '@grpc/grpc-js'
import type { HealthImplementation } from 'grpc-health-check'
import type { Logger } from '../base/log-line.ts'
import { healthService } from '../wire/services.ts'
import { LibraryServer, LibraryService, type Track } from './library-service.ts'

/** How often the state is looked at while somebody watches it. */
const WATCH_MS = 250

export interface HealthOptions {
  /** Full names of the services that this node serves. */
  readonly services: readonly string[]
  /** Whether clients are served: not while the node starts, is fenced, drains or stops. */
  isServing(): boolean
  readonly logger: Logger
  readonly track: Track
}

/** grpc.health.v1.Health: the node as a whole under the empty name, and each of its services. */
export function addHealthService(server: Server, options: HealthOptions): void {
  const { services, logger, track } = options
  let health: HealthImplementation | undefined
  let said: boolean | undefined
  let watchers = 0
  let timer: NodeJS.Timeout | undefined
  const refresh = (): void => {
    const isServing = options.isServing()
    if (health === undefined || isServing === said) return
    said = isServing
    for (const name of ['', ...services]) health.setStatus(name, isServing ? 'SERVING' : 'NOT_SERVING')
  }
  const library = new LibraryService({
    name: 'health',
    logger,
    track,
    async load() {
      const { HealthImplementation } = await import('grpc-health-check')
      health = new HealthImplementation()
      const registered = new LibraryServer()
      health.addToServer(registered as unknown as Parameters<HealthImplementation['addToServer']>[0])
      return registered
    },
  })
  const watchStarts = (): void => {
    refresh()
    watchers += 1
    timer ??= setInterval(refresh, WATCH_MS).unref()
  }
  const watchEnds = (): void => {
    watchers -= 1
    if (watchers > 0) return
    clearInterval(timer)
    timer = undefined
  }
  server.addService(healthService, { Check: library.unary(refresh), List: library.unary(refresh), Watch: library.serverStream(watchStarts, watchEnds) })
}
