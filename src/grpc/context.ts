import type { Logger } from '../base/log-line.ts'
import type { Broker } from '../broker/api.ts'
import type { Traffic } from '../wire/traffic.ts'

/** What every handler of the listener works with. */
export interface ListenerContext {
  readonly broker: Broker
  readonly logger: Logger
  readonly traffic: Traffic
  /** Keeps an open stream until the returned function is called, so that a stopping node can end it. */
  track(stream: { end(error: Error): void }): () => void
}
