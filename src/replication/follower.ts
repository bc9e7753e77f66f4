import { assert } from '../base/assert.ts'
import type { BatchHeader } from '../record/batch.ts'
import type { FetchAnswer, LogReset, PartitionEffect, PartitionInput } from './effects.ts'
import type { OwnLog } from './own-log.ts'

type AnswerInput = Extract<PartitionInput, { type: 'answer' }>

/** An answer that is an error, or of no use, is followed by the next fetch after this. */
const RETRY_TICKS = 2
/** An answer that did not come for so long is lost; a leader answers within half of it, unless it has much to read, or the link is slow. */
const LOST_TICKS = 40
/** What patience grows to: twice as long after each loss, until an answer is quick again. All that is asked again is sent again. */
const MAX_LOST_TICKS = 16 * LOST_TICKS

/** Fetched and not synced yet: above this nothing more is fetched. What is not synced stays in memory, and a network is faster than a disk. */
export const MAX_UNSYNCED_BYTES = 2 * 1024 * 1024

interface Outstanding {
  readonly fetchId: number
  readonly sentTick: number
}

/**
 * A replica that follows one leader in one leader epoch (rules R6.1, R6.2).
 *
 *   fetching ──data──▶ appended ──▶ fetching        synced ──▶ report, unless one is out or a fetch has said it
 *      │  ├──diverging──▶ cut, all ids forgotten ──▶ fetching ; below the own high watermark: quarantine, or, where R6.3 allows it, a cut,
 *      │  │               and below the own start: all dropped ──▶ fetching from 0 ──reset──▶ …
 *      │  └──reset──▶ all dropped, all ids forgotten ──▶ fetching at the leader's start
 *      └──error, stream lost, answer lost──▶ a few ticks ──▶ fetching with a new id
 *
 * Invariants: at most one data fetch and one report are outstanding. An answer is used only if its id is outstanding and its leader epoch,
 * fetch offset and last fetched epoch still describe the end of the log; a cut forgets all ids. Unsynced are at most maxUnsyncedBytes and
 * what one fetch brings. The log start follows the leader's, never above the own high watermark. Only a log that ends below the leader's start is
 * reset to it: it loses what the leader has no more, and may lose nothing else. Only after an unclean election, or to repair damage, a log begins
 * anew below what it held.
 */
export class Follower {
  readonly leader: number
  readonly leaderEpoch: number
  readonly brokerEpoch: number
  readonly #log: OwnLog
  readonly #fetchIds: { next(): number }
  readonly #fetchMaxBytes: number
  readonly #maxUnsyncedBytes: number
  #dataFetch: Outstanding | undefined
  #report: Outstanding | undefined
  /** Ticks after which a data fetch is taken for lost. */
  #patienceTicks = LOST_TICKS
  #retryTick = 0
  /** Largest synced end that was said to the leader and may have arrived. */
  #reportedOffset = -1
  /** Largest log start that was said to the leader and may have arrived. */
  #reportedStartOffset = -1
  /** Fetched, not synced yet, in order. */
  #unsynced: { readonly endOffset: number; readonly sizeBytes: number }[] = []
  #unsyncedBytes = 0
  /** Largest high watermark that the leader told while this log was a prefix of its own. */
  #leaderHighWatermark = 0
  /** Largest log start that it told then. */
  #leaderStartOffset = 0

  constructor(options: {
    readonly leader: number
    readonly leaderEpoch: number
    readonly brokerEpoch: number
    readonly log: OwnLog
    readonly fetchIds: { next(): number }
    readonly fetchMaxBytes: number
    readonly maxUnsyncedBytes?: number | undefined
  }) {
    this.leader = options.leader
    this.leaderEpoch = options.leaderEpoch
    this.brokerEpoch = options.brokerEpoch
    this.#log = options.log
    this.#fetchIds = options.fetchIds
    this.#fetchMaxBytes = options.fetchMaxBytes
    this.#maxUnsyncedBytes = options.maxUnsyncedBytes ?? MAX_UNSYNCED_BYTES
    assert(this.#fetchMaxBytes > 0, 'a data fetch asks for bytes')
    this.#log.forgetEmptyEpochs()
  }

  start(tick: number, effects: PartitionEffect[]): void {
    this.#sendDataFetch(tick, effects)
  }

  /** Returns why the replica must be set aside, if so. `mayCutBelow`: a cut below the own high watermark is allowed (rules R6.3). */
  answer(input: AnswerInput, options: { readonly tick: number; readonly mayCutBelow: boolean }, effects: PartitionEffect[]): string | undefined {
    const { answer } = input
    if (input.from !== this.leader) return undefined
    const isData = this.#dataFetch?.fetchId === answer.fetchId
    if (!isData && this.#report?.fetchId !== answer.fetchId) return undefined
    if (!isData) this.#report = undefined
    else {
      if (options.tick - (this.#dataFetch?.sentTick ?? 0) < LOST_TICKS) this.#patienceTicks = LOST_TICKS
      this.#dataFetch = undefined
    }
    const reason = this.#use(input, isData, options, effects)
    if (reason !== undefined) return reason
    this.#fetchOn(options.tick, effects)
    this.#reportSynced(options.tick, effects)
    return undefined
  }

  /** The own log synced further. */
  synced(tick: number, effects: PartitionEffect[]): void {
    this.#followMarks(effects)
    const synced = this.#unsynced.findIndex(({ endOffset }) => endOffset > this.#log.syncedEndOffset)
    this.#forgetUnsynced(0, synced < 0 ? this.#unsynced.length : synced)
    this.#fetchOn(tick, effects)
    this.#reportSynced(tick, effects)
  }

  /** The disk has a further log start. */
  startSynced(tick: number, effects: PartitionEffect[]): void {
    this.#reportSynced(tick, effects)
  }

  /** The stream ended: it is opened anew with the next fetch, on the next tick. */
  disconnected(tick: number): void {
    this.#forgetOutstanding()
    this.#patienceTicks = LOST_TICKS
    this.#retryTick = tick + 1
  }

  tick(tick: number, effects: PartitionEffect[]): void {
    if (this.#dataFetch !== undefined && tick - this.#dataFetch.sentTick >= this.#patienceTicks) {
      this.#dataFetch = undefined
      this.#patienceTicks = Math.min(this.#patienceTicks * 2, MAX_LOST_TICKS)
    }
    if (this.#report !== undefined && tick - this.#report.sentTick >= LOST_TICKS) {
      this.#report = undefined
      this.#forgetReported()
    }
    this.#fetchOn(tick, effects)
    this.#reportSynced(tick, effects)
  }

  /** The first tick that may change anything, if nothing else comes before it. */
  dueTick(): number {
    const mayFetch = this.#unsyncedBytes < this.#maxUnsyncedBytes
    const fetch = this.#dataFetch !== undefined ? this.#dataFetch.sentTick + this.#patienceTicks : mayFetch ? this.#retryTick : Number.POSITIVE_INFINITY
    const report = this.#report !== undefined ? this.#report.sentTick + LOST_TICKS : this.#hasNews ? this.#retryTick : Number.POSITIVE_INFINITY
    return Math.min(fetch, report)
  }

  #use(input: AnswerInput, isData: boolean, options: { readonly tick: number; readonly mayCutBelow: boolean }, effects: PartitionEffect[]): string | undefined {
    const { answer } = input
    const { result } = answer
    if (result.type === 'error') {
      this.#pause(options.tick)
      this.#forgetReported()
      return undefined
    }
    if (answer.leaderEpoch !== this.leaderEpoch || answer.fetchOffset !== this.#log.endOffset || answer.lastFetchedEpoch !== this.#log.lastEpoch) {
      if (isData) this.#pause(options.tick)
      return undefined
    }
    if (result.type === 'diverging') return this.#cut(answer, result, options, effects)
    if (result.type === 'reset') return this.#reset(result, options.tick, effects)
    if (isData && input.headers.length > 0) {
      if (!this.#continuesLog(input.headers)) {
        // A damaged log that was cut where it begins may end within a batch, of which nobody sends a part.
        if (options.mayCutBelow && (input.headers[0] as BatchHeader).baseOffset < answer.fetchOffset) this.#restart(effects)
        else this.#pause(options.tick)
        return undefined
      }
      this.#log.appendFetched(input.headers, input.bytes, effects)
      this.#unsynced.push({ endOffset: this.#log.endOffset, sizeBytes: input.bytes.length })
      this.#unsyncedBytes += input.bytes.length
    }
    this.#leaderHighWatermark = Math.max(this.#leaderHighWatermark, answer.highWatermark)
    this.#leaderStartOffset = Math.max(this.#leaderStartOffset, answer.logStartOffset)
    this.#followMarks(effects)
    return undefined
  }

  /** High watermark and log start go as far as the leader's, and as the own disk allows. */
  #followMarks(effects: PartitionEffect[]): void {
    this.#log.raiseHighWatermark(this.#leaderHighWatermark, effects)
    const startOffset = Math.min(this.#leaderStartOffset, this.#log.highWatermark)
    if (startOffset > this.#log.startOffset) this.#log.advanceStart(startOffset, effects)
  }

  #reset(reset: LogReset, tick: number, effects: PartitionEffect[]): undefined {
    const from = this.#log.endOffset
    // What the leader's log still has is never dropped for this.
    if (reset.offset <= from || reset.epoch > this.leaderEpoch) {
      this.#pause(tick)
      return
    }
    this.#forgetOutstanding()
    this.#log.reset(reset, effects)
    this.#forgetUnsynced(0, this.#unsynced.length)
    effects.push({ type: 'event', event: { type: 'reset', from, to: reset.offset, leaderEpoch: this.leaderEpoch } })
  }

  #cut(
    answer: FetchAnswer,
    diverging: Extract<FetchAnswer['result'], { type: 'diverging' }>,
    options: { readonly tick: number; readonly mayCutBelow: boolean },
    effects: PartitionEffect[],
  ): string | undefined {
    const from = this.#log.endOffset
    // An epoch that is unknown here: the end of the next smaller one, and ask again (KIP-279).
    let to = Math.min(this.#log.epochs.endOf(diverging.epoch, from).endOffset, diverging.endOffset)
    // Where the logs part the leader keeps nothing, so it cannot say it better: what is committed here stays, and then it says where to go on.
    const isBelowStart = diverging.endOffset < answer.logStartOffset && this.#log.highWatermark < answer.logStartOffset
    if (isBelowStart && !options.mayCutBelow) to = Math.max(to, this.#log.highWatermark)
    const isUnknown = diverging.epoch === -1 && answer.logStartOffset > 0 && diverging.endOffset >= answer.logStartOffset
    if ((isUnknown && !options.mayCutBelow) || diverging.epoch > this.#log.lastEpoch || to >= from) {
      this.#pause(options.tick)
      return undefined
    }
    if (to < this.#log.startOffset && options.mayCutBelow) {
      this.#restart(effects)
      return undefined
    }
    if (to < this.#log.startOffset) return `the leader of epoch ${this.leaderEpoch} parts from this log at ${to}, below its start ${this.#log.startOffset}`
    if (to < this.#log.highWatermark && !options.mayCutBelow) {
      return `the leader of epoch ${this.leaderEpoch} parts from this log at ${to}, below its high watermark ${this.#log.highWatermark}`
    }
    this.#forgetOutstanding()
    this.#log.truncate(to, options.mayCutBelow, effects)
    const kept = this.#unsynced.findIndex(({ endOffset }) => endOffset > to)
    if (kept >= 0) this.#forgetUnsynced(kept, this.#unsynced.length)
    effects.push({ type: 'event', event: { type: 'cut', from, to, leaderEpoch: this.leaderEpoch } })
    return undefined
  }

  /** What the leader has ends below all that is here: nothing of it can stay, and from 0 on the leader says where its own log begins. */
  #restart(effects: PartitionEffect[]): void {
    const { startOffset, endOffset } = this.#log
    this.#forgetOutstanding()
    this.#log.restart(effects)
    this.#forgetUnsynced(0, this.#unsynced.length)
    effects.push({ type: 'event', event: { type: 'restarted', startOffset, endOffset, leaderEpoch: this.leaderEpoch } })
  }

  /** A leader's batches come from outside: they are checked, not trusted. */
  #continuesLog(headers: readonly BatchHeader[]): boolean {
    let offset = this.#log.endOffset
    let epoch = this.#log.lastEpoch
    for (const header of headers) {
      if (header.baseOffset !== offset || header.leaderEpoch < epoch || header.leaderEpoch > this.leaderEpoch) return false
      offset = header.lastOffset + 1
      epoch = header.leaderEpoch
    }
    return true
  }

  #reportSynced(tick: number, effects: PartitionEffect[]): void {
    if (this.#report !== undefined || !this.#hasNews || tick < this.#retryTick) return
    this.#report = this.#send(0, tick, effects)
  }

  /** The disk has more than was said. */
  get #hasNews(): boolean {
    const { syncedEndOffset, syncedStartOffset } = this.#log
    return syncedEndOffset > this.#reportedOffset || syncedStartOffset > this.#reportedStartOffset
  }

  /** From index `from` on, up to `to`, exclusive. */
  #forgetUnsynced(from: number, to: number): void {
    for (const { sizeBytes } of this.#unsynced.splice(from, to - from)) this.#unsyncedBytes -= sizeBytes
  }

  #fetchOn(tick: number, effects: PartitionEffect[]): void {
    if (this.#dataFetch === undefined && tick >= this.#retryTick && this.#unsyncedBytes < this.#maxUnsyncedBytes) this.#sendDataFetch(tick, effects)
  }

  #sendDataFetch(tick: number, effects: PartitionEffect[]): void {
    assert(this.#dataFetch === undefined, 'one data fetch is outstanding')
    this.#dataFetch = this.#send(this.#fetchMaxBytes, tick, effects)
  }

  #send(maxBytes: number, tick: number, effects: PartitionEffect[]): Outstanding {
    const { endOffset, lastEpoch, syncedEndOffset, syncedStartOffset } = this.#log
    const fetchId = this.#fetchIds.next()
    const fetch = {
      fetchId,
      currentLeaderEpoch: this.leaderEpoch,
      fetchOffset: endOffset,
      lastFetchedEpoch: lastEpoch,
      syncedEndOffset,
      brokerEpoch: this.brokerEpoch,
      logStartOffset: syncedStartOffset,
      maxBytes,
    }
    this.#reportedOffset = syncedEndOffset
    this.#reportedStartOffset = syncedStartOffset
    effects.push({ type: 'sendFetch', to: this.leader, fetch })
    return { fetchId, sentTick: tick }
  }

  #pause(tick: number): void {
    this.#retryTick = tick + RETRY_TICKS
  }

  #forgetOutstanding(): void {
    this.#dataFetch = undefined
    this.#report = undefined
    this.#forgetReported()
  }

  #forgetReported(): void {
    this.#reportedOffset = -1
    this.#reportedStartOffset = -1
  }
}
