import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Connections } from './connections.ts'
import type { MetadataCache } from './metadata-cache.ts'

/** No node waits longer for others, whatever it is asked. */
export const MAX_NODE_WAIT_MS = 300_000

/** What producers, consumers and admin of one client share. */
export interface Cluster {
  readonly clock: Clock
  readonly random: Random
  readonly connections: Connections
  readonly metadata: MetadataCache
  /** How long one request may go unanswered before its stream is given up. */
  readonly requestTimeoutMs: number
}
