import type { Disk, DiskSpace } from '../base/disk.ts'
import type { Logger } from '../base/log-line.ts'
import { runTask, type Task } from '../base/task.ts'
import { freeReserve, makeReserve, RESERVE_BYTES } from '../log/reserve.ts'

const LOW_BYTES = 1024 * 1024 * 1024
const LOW_SHARE = 0.05
/** The reserve waits for so many checks: a node that has just started has better things to write. */
const CHECKS_BEFORE_RESERVE = 5

/**
 * Looks how much of the disk is free (rules R3.5), and keeps the reserve:
 *   unknown (an earlier process may have left one) | none ──room for it beyond the low mark──▶ held
 *   unknown | held ──less free than it holds, now or at this rate──▶ none          a failed call ──▶ given up, until the next start
 */
export class DiskWatch {
  readonly #disk: Disk
  readonly #logger: Logger
  readonly #keepsReserve: boolean
  #space: DiskSpace | undefined
  #isLow = false
  #reserve: 'unknown' | 'none' | 'changing' | 'held' | 'given up' = 'unknown'
  #checks = 0
  #isLooking = false
  #stopped = false

  /** The reserve is for the metadata log: only its folder keeps one. */
  constructor(options: { readonly disk: Disk; readonly logger: Logger; readonly keepsReserve: boolean }) {
    this.#disk = options.disk
    this.#logger = options.logger
    this.#keepsReserve = options.keepsReserve
  }

  /** Produce is refused, and replicas that follow ask for no data. */
  get isLow(): boolean {
    return this.#isLow
  }

  /** Undefined: not looked yet. */
  get freeBytes(): number | undefined {
    return this.#space?.freeBytes
  }

  get totalBytes(): number | undefined {
    return this.#space?.totalBytes
  }

  /** Now and then; while it is low, as often as may be: what is left then may be gone in no time. */
  check(): void {
    if (this.#isLooking) return
    this.#isLooking = true
    this.#disk.space((error, space) => {
      this.#isLooking = false
      if (error !== undefined || this.#stopped) return
      const lessBytes = Math.max(0, (this.#space?.freeBytes ?? space.freeBytes) - space.freeBytes)
      this.#space = space
      this.#found(space, lessBytes)
    })
  }

  stop(): void {
    this.#stopped = true
  }

  /** `lessBytes`: than at the look before. */
  #found({ freeBytes, totalBytes }: DiskSpace, lessBytes: number): void {
    this.#checks++
    const lowBytes = Math.min(LOW_BYTES, totalBytes * LOW_SHARE)
    const isLow = freeBytes < lowBytes
    if (isLow !== this.#isLow) {
      const message = isLow ? 'disk low: produce is refused, and replicas that follow fetch nothing, until space is freed' : 'disk: enough space again'
      this.#logger.warn({ freeBytes }, message)
    }
    this.#isLow = isLow
    if (!this.#keepsReserve) return
    // Where as much more goes until the next look, it may come too late.
    if (freeBytes < RESERVE_BYTES || (isLow && freeBytes - lessBytes < RESERVE_BYTES)) this.#free(freeBytes)
    else if (freeBytes >= Math.max(lowBytes, RESERVE_BYTES) + RESERVE_BYTES && this.#checks > CHECKS_BEFORE_RESERVE) this.#make()
  }

  #make(): void {
    if (this.#reserve === 'unknown' || this.#reserve === 'none')
      this.#change(
        makeReserve(this.#disk, () => !this.#stopped),
        'held',
      )
  }

  #free(freeBytes: number): void {
    if (this.#reserve !== 'unknown' && this.#reserve !== 'held') return
    this.#logger.warn({ freeBytes, reserveBytes: RESERVE_BYTES }, 'disk full: the reserve is given to the metadata log; free some space or delete topics')
    this.#change(freeReserve(this.#disk), 'none')
  }

  #change(task: Task<void>, then: 'none' | 'held'): void {
    this.#reserve = 'changing'
    runTask(task, (error) => {
      this.#reserve = error === undefined ? then : 'given up'
      if (error !== undefined) this.#logger.warn({ error: error.message }, 'the reserve for a full disk could not be made or freed')
    })
  }
}
