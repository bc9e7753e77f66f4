import type { Clock } from '../base/clock.ts'
import type { FollowerFetch } from '../replication/effects.ts'
import type { Replica } from './replica.ts'

/** Between fetches that ask for no data and say nothing new. Less than after what a replica takes an answer for lost. */
const REPORT_MS = 1_000
/** The shortest wait for a share of a limit. */
const MOVE_PAUSE_MS = 50

export interface FetchPaceOptions {
  readonly clock: Clock
  readonly isLow: (replica: Replica) => boolean
  /** What replicas that are being moved to this node may take together; undefined: this one takes what it can. */
  readonly moveBytesPerSecond: (replica: Replica) => number | undefined
  readonly send: (replica: Replica, to: number, fetch: FollowerFetch) => void
}

/**
 * How much followers ask for. On a disk that is low nothing more is fetched, only reported: the leader takes the replica out of the ISR once it
 * lags (rules R3.5, R6.5). Replicas that are being moved here share a limit, so that a move leaves room for those who produce (KIP-73).
 */
export class FetchPace {
  readonly #options: FetchPaceOptions
  /** What each replica reported last in place of a fetch for data. */
  readonly #reports = new WeakMap<Replica, FollowerFetch>()
  /** Bytes that moves may take now, at `#filledMs`; negative: taken in advance. */
  #moveBytes = 0
  #filledMs = 0

  constructor(options: FetchPaceOptions) {
    this.#options = options
  }

  send(replica: Replica, to: number, fetch: FollowerFetch): void {
    if (fetch.maxBytes === 0) this.#options.send(replica, to, fetch)
    else if (this.#options.isLow(replica)) this.#report(replica, to, fetch)
    else if (this.#mayMove(replica)) this.#options.send(replica, to, this.#limited(replica, fetch))
    else this.#waitForShare(replica, to, { fetch, reportAtMs: this.#options.clock.monotonicMs() + REPORT_MS })
  }

  /** So many bytes went into its log. */
  fetched(replica: Replica, bytes: number): void {
    if (this.#options.moveBytesPerSecond(replica) !== undefined) this.#moveBytes -= bytes
  }

  #mayMove(replica: Replica): boolean {
    const bytesPerSecond = this.#options.moveBytesPerSecond(replica)
    if (bytesPerSecond === undefined) return true
    const nowMs = this.#options.clock.monotonicMs()
    const grown = this.#moveBytes + ((nowMs - this.#filledMs) / 1000) * bytesPerSecond
    this.#filledMs = nowMs
    this.#moveBytes = Math.min(grown, bytesPerSecond)
    return this.#moveBytes > 0
  }

  /** No more in advance than a second of the limit, or one batch. */
  #limited(replica: Replica, fetch: FollowerFetch): FollowerFetch {
    const bytesPerSecond = this.#options.moveBytesPerSecond(replica)
    return bytesPerSecond === undefined ? fetch : { ...fetch, maxBytes: Math.min(fetch.maxBytes, bytesPerSecond) }
  }

  /** A report is answered at once, and the replica asks again at once: without a pause both would do nothing else. */
  #report(replica: Replica, to: number, fetch: FollowerFetch): void {
    const report = { ...fetch, maxBytes: 0 }
    const last = this.#reports.get(replica)
    this.#reports.set(replica, report)
    if (last === undefined || isNews(last, report)) this.#options.send(replica, to, report)
    else this.#later(replica, REPORT_MS, () => this.#options.send(replica, to, report))
  }

  /** Until what was taken in advance is made up for; meanwhile it says no more than that it is there, once in a while. */
  #waitForShare(replica: Replica, to: number, waiting: { readonly fetch: FollowerFetch; readonly reportAtMs: number }): void {
    const { clock, moveBytesPerSecond, send } = this.#options
    const bytesPerSecond = moveBytesPerSecond(replica) ?? Number.POSITIVE_INFINITY
    const owedMs = (-this.#moveBytes / bytesPerSecond) * 1000
    this.#later(replica, Math.min(Math.max(owedMs, MOVE_PAUSE_MS), REPORT_MS), () => {
      if (this.#mayMove(replica)) send(replica, to, this.#limited(replica, waiting.fetch))
      else if (clock.monotonicMs() >= waiting.reportAtMs) send(replica, to, { ...waiting.fetch, maxBytes: 0 })
      else this.#waitForShare(replica, to, waiting)
    })
  }

  /** What waits says how far the log was synced: of one that was set aside or cut meanwhile that is no longer so (rules R3.2), and the replica asks anew. */
  #later(replica: Replica, afterMs: number, act: () => void): void {
    const { cutCount } = replica.log
    this.#options.clock.after(afterMs, () => {
      if (replica.core.role === 'follower' && replica.log.cutCount === cutCount) act()
    })
  }
}

function isNews(last: FollowerFetch, next: FollowerFetch): boolean {
  return last.currentLeaderEpoch !== next.currentLeaderEpoch || last.fetchOffset !== next.fetchOffset || last.syncedEndOffset !== next.syncedEndOffset
}
