import type { Clock, Timer } from '../base/clock.ts'
import type { DoneVoid } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { Logger } from '../base/log-line.ts'

/** How long a clean stop waits for its leaderships to move (rules R5.9) before it stops all the same. */
const DRAIN_MS = 3_000
/** The same for the leadership of the quorum, which takes two messages and two syncs. */
const HAND_OVER_MS = 500

export interface ShutdownOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** False: nobody can or need release this node. */
  readonly mustDrain: () => boolean
  readonly leadsQuorum: () => boolean
  /** Another node leads the quorum. */
  readonly isFollowing: () => boolean
  /** Asks the quorum to be led by another voter. */
  readonly handOver: () => void
  /** Syncs and notes everything; nothing is served any more. */
  readonly close: (done: DoneVoid) => void
}

/**
 * A clean stop (rules R3.3, R5.9), one step after the other: running → draining, its leaderships of partitions move → handing over that of the
 * quorum, so that nobody waits for an election → closing. Each step is left in time, done or not.
 */
export class Shutdown {
  readonly #options: ShutdownOptions
  #stage: 'running' | 'draining' | 'handingOver' | 'closing' = 'running'
  #timer: Timer | undefined
  #done: DoneVoid = () => undefined

  constructor(options: ShutdownOptions) {
    this.#options = options
  }

  get isStopping(): boolean {
    return this.#stage !== 'running'
  }

  begin(done: DoneVoid): void {
    const { clock, logger, mustDrain } = this.#options
    if (this.isStopping) {
      done(new BrokerError('INVALID_REQUEST', 'the node is stopping already'))
      return
    }
    this.#stage = 'draining'
    this.#done = done
    logger.info({}, 'stopping: moving leaderships away')
    if (!mustDrain()) {
      clock.defer(() => this.released())
      return
    }
    this.#timer = clock.after(DRAIN_MS, () => {
      logger.warn({}, `stopping: not released within ${DRAIN_MS} ms, stopping all the same`)
      this.released()
    })
  }

  /** All that it led is led elsewhere, or nobody is left to see to that. */
  released(): void {
    if (this.#stage !== 'draining') return
    const { clock, logger, leadsQuorum, handOver } = this.#options
    this.#timer?.cancel()
    this.#stage = 'handingOver'
    if (!leadsQuorum()) {
      this.#close()
      return
    }
    this.#timer = clock.after(HAND_OVER_MS, () => this.#close())
    logger.info({}, 'stopping: handing the metadata quorum over')
    clock.defer(handOver)
  }

  /** The quorum may have another leader now, or this one cannot hand it over. */
  roleChanged(transfer: 'refused' | 'over' | undefined): void {
    if (this.#stage === 'handingOver' && (transfer !== undefined || this.#options.isFollowing())) this.#options.clock.defer(() => this.#close())
  }

  #close(): void {
    if (this.#stage !== 'handingOver') return
    this.#timer?.cancel()
    this.#stage = 'closing'
    this.#options.close(this.#done)
  }
}
