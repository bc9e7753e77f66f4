import type { Clock, Timer } from '../base/clock.ts'
import type { Uuid } from '../base/ids.ts'
import type { Replica } from './replica.ts'
import type { NodeConfig } from './surface.ts'
import { topicLimits } from './topic-limits.ts'

export interface RetentionOptions {
  readonly clock: Clock
  readonly config: NodeConfig
  /** Of the topic as applied; undefined: there is none. */
  readonly configs: (topicId: Uuid) => ReadonlyMap<string, string> | undefined
  readonly replicas: () => Iterable<Replica>
}

/**
 * Lets go what is older, or more, than a topic keeps (retention.ms, retention.bytes; −1: no limit), every log.retention.check.interval.ms. Only the
 * leader of a partition decides it, by whole segments, below its high watermark; followers follow its log start. It runs from when it is made.
 */
export class Retention {
  readonly #options: RetentionOptions
  #timer: Timer | undefined

  constructor(options: RetentionOptions) {
    this.#options = options
    this.#schedule()
  }

  #schedule(): void {
    const { clock, config } = this.#options
    this.#timer = clock.after(config.retentionCheckIntervalMs, () => {
      this.#pass()
      this.#schedule()
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #pass(): void {
    const nowMs = this.#options.clock.wallMs()
    for (const replica of this.#options.replicas()) if (replica.core.role === 'leader') this.#retain(replica, nowMs)
  }

  #retain(replica: Replica, nowMs: number): void {
    const { config } = this.#options
    const { core, log, topicId, logger } = replica
    const configs = this.#options.configs(topicId)
    if (configs === undefined) return
    const { retentionMs, retentionBytes } = topicLimits(configs, config)
    if (retentionMs === null && retentionBytes === null) return
    const expiredBeforeMs = retentionMs === null ? null : nowMs - retentionMs
    const offset = log.retentionOffset({ upTo: core.highWatermark, expiredBeforeMs, retentionBytes })
    if (offset <= core.logStartOffset) return
    logger.info({ from: core.logStartOffset, to: offset, retentionMs, retentionBytes }, `retention: the log begins at ${offset} now`)
    replica.step({ type: 'advanceStart', offset })
  }
}
