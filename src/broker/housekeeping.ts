import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log-line.ts'
import { TICK_MS } from '../runtime/ticks.ts'
import type { OpenedFolders } from './folders-open.ts'
import type { Partitions } from './partitions.ts'
import type { NodeConfig } from './surface.ts'

const DISK_CHECK_TICKS = 40
const PURGE_TICKS = 200

export interface HousekeepingOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly config: Pick<NodeConfig, 'checkpointIntervalMs' | 'quarantineMs'>
  readonly opened: OpenedFolders
  readonly partitions: Pick<Partitions, 'checkpoint'>
  /** The last checkpoint is noted by whoever stops the node. */
  readonly isStopping: () => boolean
}

/** What a node does on its disks from time to time: looks how full they are, clears the quarantine, notes checkpoints. */
export class Housekeeping {
  readonly #options: HousekeepingOptions
  readonly #checkpointTicks: number
  #tickCount = 0
  #isNoting = false

  constructor(options: HousekeepingOptions) {
    this.#options = options
    this.#checkpointTicks = Math.ceil(options.config.checkpointIntervalMs / TICK_MS)
  }

  tick(): void {
    this.#tickCount++
    for (const { watch } of this.#options.opened.members) if (watch.isLow || this.#tickCount % DISK_CHECK_TICKS === 1) watch.check()
    if (this.#tickCount % PURGE_TICKS === 0) this.#purge()
    if (this.#tickCount % this.#checkpointTicks === 0) this.#checkpoint()
  }

  #checkpoint(): void {
    const { partitions, logger, isStopping } = this.#options
    if (this.#isNoting || isStopping()) return
    this.#isNoting = true
    partitions.checkpoint({ cleanEnds: null }, (error) => {
      this.#isNoting = false
      if (error !== undefined) logger.warn({ error: error.message }, 'checkpoints could not be written; recovery would take longer')
    })
  }

  #purge(): void {
    const { clock, logger, config, opened } = this.#options
    opened.folders.purge({ nowMs: clock.wallMs(), olderThanMs: config.quarantineMs }, (error) => {
      if (error !== undefined) logger.warn({ error: error.message }, 'the quarantine could not be cleared')
    })
  }
}
