import { assert } from '../base/assert.ts'
import type { FollowerFetch } from './effects.ts'

/** A data fetch with nothing to give yet. */
export interface WaitingFetch {
  readonly fetch: FollowerFetch
  readonly sinceTick: number
}

/**
 * What a leader knows of one follower under one broker epoch, within one leader epoch. The synced end is unknown until the first
 * non-diverging fetch (rules R6.4); from then on the follower's log is a prefix of the leader's, so it never falls.
 */
export class FollowerProgress {
  readonly brokerEpoch: number
  #syncedEndOffset: number | undefined
  #logStartOffset = 0
  #caughtUpTick: number
  /** An end of the leader's log that the follower has not reached, and when it stood there. Kept until reached, so that steady load is no lag. */
  #target: { readonly endOffset: number; readonly tick: number }
  #lastDataFetchId = -1
  #lastReportId = -1
  #waiting: WaitingFetch | undefined
  /** The high watermark of the last answer, and since when it is behind the leader's. */
  #toldHighWatermark = -1
  #behindSinceTick: number | undefined

  /** `inSync`: a member of the ISR at the election; it gets the full time to show itself. */
  constructor(options: { readonly brokerEpoch: number; readonly inSync: boolean; readonly leaderEndOffset: number; readonly tick: number }) {
    this.brokerEpoch = options.brokerEpoch
    this.#caughtUpTick = options.inSync ? options.tick : Number.NEGATIVE_INFINITY
    this.#target = { endOffset: options.leaderEndOffset, tick: options.tick }
  }

  /** Undefined: unknown in this leader epoch. */
  get syncedEndOffset(): number | undefined {
    return this.#syncedEndOffset
  }

  /** Where its log begins, as it is on its disk, as far as this leader epoch knows. */
  get logStartOffset(): number {
    return this.#logStartOffset
  }

  get waiting(): WaitingFetch | undefined {
    return this.#waiting
  }

  /** The follower asked without diverging: what it says to have synced counts from now on. */
  noteSynced(options: { readonly syncedEndOffset: number; readonly logStartOffset: number; readonly leaderEndOffset: number; readonly tick: number }): void {
    assert(options.syncedEndOffset <= options.leaderEndOffset, 'a follower that does not diverge is a prefix of the leader')
    this.#logStartOffset = Math.max(this.#logStartOffset, options.logStartOffset)
    const synced = Math.max(this.#syncedEndOffset ?? 0, options.syncedEndOffset)
    this.#syncedEndOffset = synced
    if (synced >= options.leaderEndOffset) this.#caughtUpTick = options.tick
    else if (synced >= this.#target.endOffset) this.#caughtUpTick = Math.max(this.#caughtUpTick, this.#target.tick)
    else return
    this.#target = { endOffset: options.leaderEndOffset, tick: options.tick }
  }

  /** Not at the leader's end, and not for more than lagTicks (rules R6.5; Kafka Replica.lastCaughtUpTimeMs). */
  isLagging(options: { readonly leaderEndOffset: number; readonly tick: number; readonly lagTicks: number }): boolean {
    if (this.#syncedEndOffset !== undefined && this.#syncedEndOffset >= options.leaderEndOffset) return false
    return options.tick - this.#caughtUpTick > options.lagTicks
  }

  /** It was caught up, in the ISR or proposed for it, at some time of this leader epoch. */
  get wasInSync(): boolean {
    return this.#caughtUpTick !== Number.NEGATIVE_INFINITY
  }

  /** It is proposed for the ISR: like a member at the election it gets the full time to reach the end. */
  noteJoining(tick: number): void {
    assert(this.#syncedEndOffset !== undefined, 'an unknown end bars expansion')
    this.#caughtUpTick = Math.max(this.#caughtUpTick, tick)
  }

  /** False: an older one that came late or twice; its answer would not be used. */
  accepts(fetch: FollowerFetch): boolean {
    if (fetch.maxBytes === 0) {
      if (fetch.fetchId <= this.#lastReportId) return false
      this.#lastReportId = fetch.fetchId
      return true
    }
    if (fetch.fetchId <= this.#lastDataFetchId) return false
    this.#lastDataFetchId = fetch.fetchId
    this.#waiting = undefined
    return true
  }

  wait(fetch: FollowerFetch, tick: number): void {
    assert(fetch.maxBytes > 0 && fetch.fetchId === this.#lastDataFetchId, 'the newest data fetch alone waits')
    this.#waiting = { fetch, sinceTick: tick }
  }

  /** An answer goes out with this high watermark; a data fetch then waits no more. */
  noteAnswered(fetch: FollowerFetch, highWatermark: number): void {
    if (this.#waiting?.fetch.fetchId === fetch.fetchId) this.#waiting = undefined
    this.#toldHighWatermark = highWatermark
    this.#behindSinceTick = undefined
  }

  noteHighWatermark(highWatermark: number, tick: number): void {
    if (highWatermark > this.#toldHighWatermark) this.#behindSinceTick ??= tick
  }

  /** The waiting fetch has to be answered though there is no data: the high watermark is old news there, or it waited for long enough. */
  isDue(options: { readonly tick: number; readonly reportTicks: number; readonly maxWaitTicks: number }): boolean {
    if (this.#waiting === undefined) return false
    if (options.tick - this.#waiting.sinceTick >= options.maxWaitTicks) return true
    return this.#behindSinceTick !== undefined && options.tick - this.#behindSinceTick >= options.reportTicks
  }

  /** The first tick at which `isDue` may say so. */
  answerTick({ reportTicks, maxWaitTicks }: { readonly reportTicks: number; readonly maxWaitTicks: number }): number {
    if (this.#waiting === undefined) return Number.POSITIVE_INFINITY
    return Math.min(this.#waiting.sinceTick + maxWaitTicks, (this.#behindSinceTick ?? Number.POSITIVE_INFINITY) + reportTicks)
  }

  /** The first tick at which `isLagging` says so. */
  lagTick({ leaderEndOffset, lagTicks }: { readonly leaderEndOffset: number; readonly lagTicks: number }): number {
    const isAtEnd = this.#syncedEndOffset !== undefined && this.#syncedEndOffset >= leaderEndOffset
    return isAtEnd ? Number.POSITIVE_INFINITY : this.#caughtUpTick + lagTicks + 1
  }

  /** The stream ended: nobody waits for an answer, and what was told last may not have arrived. */
  noteDisconnected(): void {
    this.#waiting = undefined
    this.#toldHighWatermark = -1
  }
}
