import { assert, unreachable } from '../base/assert.ts'
import type { Code } from '../base/errors.ts'
import type { IsrMember } from '../metadata/records.ts'
import type { FetchAnswer, FollowerFetch, PartitionEffect, PartitionInput, TimestampRule } from './effects.ts'
import { FollowerProgress } from './follower-progress.ts'
import { Isr } from './isr.ts'
import type { OwnLog } from './own-log.ts'
import type { SequenceVerdict } from './producers.ts'
import type { Waiter } from './waiter-queue.ts'
import { Waiters } from './waiters.ts'

export type Assignment = Extract<PartitionInput, { type: 'assign' }>
type ProduceInput = Extract<PartitionInput, { type: 'produce' }>

const CONTROL_BIT = 0x20
const LOG_APPEND_TIME_BIT = 0x08
const NO_TIMESTAMP = -1
/** A data fetch is answered after this at the latest, so that a follower can tell a quiet leader from a lost answer. */
const MAX_WAIT_TICKS = 20
/** Producers that the answer of a reset carries, at most: about half a MiB with five batches each (rules 8: 8 MiB a message). */
const RESET_PRODUCERS = 5_000

type Refused = Extract<SequenceVerdict, { type: 'refused' }>

/**
 * A replica that leads, one instance a leader epoch.
 *
 *   follower:  unknown ──first fetch that does not diverge──▶ synced end known ──▶ (ISR) ; a new broker epoch: unknown again
 *   produce:   vetted ──appended──▶ waiting ──high watermark (acks=all) or own sync (acks=1) passes──▶ answered
 *                                      └──leadership lost, offline, expired──▶ answered, indefinite
 *
 * Invariants: the high watermark is at most the synced end of every member of the maximal ISR, an unknown one holds it, and it does not move
 * while the committed ISR is below min in-sync (rules R6.4). What is refused touches no state (R6.1). No answer of acks=all leaves before the
 * high watermark has passed it. The log start is decided here alone, and is at most the high watermark; followers learn it with every answer.
 */
export class Leader {
  readonly leaderEpoch: number
  readonly epochStartOffset: number
  readonly #nodeId: number
  readonly #log: OwnLog
  readonly #lagTicks: number
  readonly #reportTicks: number
  readonly #maxUnansweredBatches: number
  readonly #isr: Isr
  readonly #waiters = new Waiters()
  readonly #followers = new Map<number, FollowerProgress>()
  #assignment: Assignment
  #lowWatermark = 0

  /** Notes where the epoch begins: from here on it may serve. */
  constructor(options: {
    readonly nodeId: number
    readonly log: OwnLog
    readonly assignment: Assignment
    readonly lagTicks: number
    readonly reportTicks: number
    readonly maxUnansweredBatches: number
    readonly tick: number
  }) {
    const { state } = options.assignment
    assert(state.leader === options.nodeId, 'a leader was elected')
    this.#nodeId = options.nodeId
    this.#log = options.log
    this.#lagTicks = options.lagTicks
    this.#reportTicks = options.reportTicks
    this.#maxUnansweredBatches = options.maxUnansweredBatches
    this.#assignment = options.assignment
    this.leaderEpoch = state.leaderEpoch
    this.#log.beginEpoch(state.leaderEpoch)
    this.epochStartOffset = this.#log.endOffset
    this.#isr = new Isr(state)
    this.#refreshFollowers(options.tick, true)
  }

  get isr(): Isr {
    return this.#isr
  }
  get waiting(): number {
    return this.#waiters.size
  }
  /** The log start that the disks of all in-sync replicas have, as far as this leader epoch knows. */
  get lowWatermark(): number {
    return this.#lowWatermark
  }

  /** Newer metadata of the same leader epoch, also right after the election. */
  apply(assignment: Assignment, tick: number, effects: PartitionEffect[]): void {
    const before = this.#assignment
    for (const [nodeId, broker] of assignment.brokers) {
      const old = before.brokers.get(nodeId)
      if (old?.brokerEpoch !== broker.brokerEpoch || old.fenced !== broker.fenced || old.draining !== broker.draining) this.#isr.forgetRefused(nodeId)
    }
    this.#assignment = assignment
    this.#isr.apply(assignment.state)
    this.#refreshFollowers(tick, false)
    this.#reviewIsr(tick, effects)
    this.#advance(tick, effects)
    this.#noteLowWatermark(effects)
  }

  produce(input: ProduceInput, effects: PartitionEffect[]): void {
    const verdict = this.#vet(input)
    switch (verdict.type) {
      case 'refused': {
        if (input.acks === 0) return
        // A sequence older than the window did happen.
        const definite = verdict.code !== 'DUPLICATE_SEQUENCE_NUMBER'
        effects.push({ type: 'produceReply', produceId: input.produceId, baseOffset: -1, code: verdict.code, definite, detail: verdict.detail })
        return
      }
      case 'duplicate':
        this.#wait(input, { baseOffset: verdict.batch.baseOffset, lastOffset: verdict.batch.lastOffset, producerId: -1 })
        this.#release(effects)
        return
      case 'next':
        this.#append(input, effects)
        return
      default:
        unreachable(verdict)
    }
  }

  expire(produceIds: readonly number[], effects: PartitionEffect[]): void {
    const tooSmall = this.#isTooSmall()
    for (const waiter of this.#waiters.take(produceIds)) {
      const code = tooSmall && waiter.acks === -1 ? 'NOT_ENOUGH_REPLICAS_AFTER_APPEND' : 'REQUEST_TIMED_OUT'
      effects.push({
        type: 'produceReply',
        produceId: waiter.produceId,
        baseOffset: -1,
        code,
        definite: false,
        detail: `appended at ${waiter.baseOffset}, not committed in time`,
      })
    }
  }

  fetch(from: number, fetch: FollowerFetch, tick: number, effects: PartitionEffect[]): void {
    const follower = this.#followers.get(from)
    const refusal = this.#judgeFetch(fetch, follower)
    if (refusal !== undefined || follower === undefined) {
      this.#answer(from, fetch, refusal ?? { type: 'error', code: 'BROKER_ID_NOT_REGISTERED' }, effects)
      return
    }
    follower.noteSynced({ syncedEndOffset: fetch.syncedEndOffset, logStartOffset: fetch.logStartOffset, leaderEndOffset: this.#log.endOffset, tick })
    this.#reviewIsr(tick, effects)
    this.#advance(tick, effects)
    this.#noteLowWatermark(effects)
    if (!follower.accepts(fetch)) return
    if (fetch.maxBytes === 0 || fetch.fetchOffset < this.#log.endOffset) {
      this.#answer(from, fetch, { type: 'data' }, effects)
    } else {
      follower.wait(fetch, tick)
      follower.noteHighWatermark(this.#log.highWatermark, tick)
    }
  }

  /** Retention or DeleteRecords: records below `offset` may go. Those at or above the high watermark never do. */
  advanceStart(offset: number, effects: PartitionEffect[]): void {
    const startOffset = Math.min(offset, this.#log.highWatermark)
    if (startOffset <= this.#log.startOffset) return
    this.#log.advanceStart(startOffset, effects)
    this.#answerWaiting(effects)
  }

  /** The own disk has a further log start. */
  startSynced(effects: PartitionEffect[]): void {
    this.#noteLowWatermark(effects)
  }

  /** The own log synced further. */
  synced(tick: number, effects: PartitionEffect[]): void {
    this.#advance(tick, effects)
  }

  isrAnswer(input: Extract<PartitionInput, { type: 'isrAnswer' }>, tick: number, effects: PartitionEffect[]): void {
    this.#isr.answer(input, tick, effects)
  }

  disconnected(nodeId: number): void {
    this.#followers.get(nodeId)?.noteDisconnected()
  }

  tick(tick: number, effects: PartitionEffect[]): void {
    this.#isr.tick(tick, effects)
    this.#reviewIsr(tick, effects)
    for (const [nodeId, follower] of this.#followers) {
      const due = follower.isDue({ tick, reportTicks: this.#reportTicks, maxWaitTicks: MAX_WAIT_TICKS })
      if (due && follower.waiting !== undefined) this.#answer(nodeId, follower.waiting.fetch, { type: 'data' }, effects)
    }
  }

  /** The first tick that may change anything, if nothing else comes before it. */
  dueTick(tick: number): number {
    let due = this.#isr.dueTick(tick)
    const lag = { leaderEndOffset: this.#log.endOffset, lagTicks: this.#lagTicks }
    for (const [nodeId, follower] of this.#followers) {
      due = Math.min(due, follower.answerTick({ reportTicks: this.#reportTicks, maxWaitTicks: MAX_WAIT_TICKS }))
      if (!this.#isr.isPending && this.#isr.isCommitted(nodeId)) due = Math.min(due, follower.lagTick(lag))
    }
    return due
  }

  /** It leads no more: whether what waits is kept, the next leader decides (rules R6.6). */
  resign(reason: string, effects: PartitionEffect[]): void {
    for (const waiter of this.#waiters.drain()) {
      effects.push({ type: 'produceReply', produceId: waiter.produceId, baseOffset: -1, code: 'NOT_LEADER_OR_FOLLOWER', definite: false, detail: reason })
    }
    assert(this.#waiters.size === 0, 'nobody waits for a leader that was')
  }

  /** In order: leader epoch, size, header, timestamps, duplicate, in-sync replicas, sequence, unanswered batches. */
  #vet(input: ProduceInput): SequenceVerdict {
    const { header } = input
    const refusal = this.#refuseRequest(input) ?? refuseHeader(input) ?? refuseTimestamps(input, this.#assignment.timestamps)
    if (refusal !== undefined) return refusal
    const verdict: SequenceVerdict = header.producerId < 0 ? { type: 'next' } : this.#log.producers.check(header)
    // A duplicate is answered even with too few in sync: it is in the log, so "it surely did not happen" would be wrong.
    if (verdict.type === 'duplicate') return verdict
    if (input.acks === -1 && this.#isTooSmall()) {
      return refused('NOT_ENOUGH_REPLICAS', `${this.#isr.committed.length} in sync, min.insync.replicas is ${this.#assignment.minInSyncReplicas}`)
    }
    if (verdict.type === 'refused') return verdict
    if (header.producerId >= 0 && this.#waiters.unansweredOf(header.producerId) >= this.#maxUnansweredBatches) {
      return refused('THROTTLING_QUOTA_EXCEEDED', `producer ${header.producerId} has ${this.#maxUnansweredBatches} batches without an answer`)
    }
    return verdict
  }

  #refuseRequest(input: ProduceInput): Refused | undefined {
    const { currentLeaderEpoch, bytes } = input
    const { maxMessageBytes } = this.#assignment
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch < this.leaderEpoch) {
      return refused('FENCED_LEADER_EPOCH', `leader epoch ${this.leaderEpoch} is current, ${currentLeaderEpoch} was named`)
    }
    if (currentLeaderEpoch > this.leaderEpoch) {
      return refused('UNKNOWN_LEADER_EPOCH', `leader epoch ${this.leaderEpoch} is known here, ${currentLeaderEpoch} was named`)
    }
    if (bytes.length > maxMessageBytes) return refused('MESSAGE_TOO_LARGE', `a batch of ${bytes.length} bytes, max.message.bytes is ${maxMessageBytes}`)
    return undefined
  }

  /** Undefined: a fetch of this epoch by a replica whose whole log, as far as the own one still goes back, is a prefix of it. */
  #judgeFetch(fetch: FollowerFetch, follower: FollowerProgress | undefined): FetchAnswer['result'] | undefined {
    const code = this.#refuseFetch(fetch, follower)
    if (code !== undefined) return { type: 'error', code }
    const { startOffset, startBatchOffset = startOffset, epochs, endOffset: logEndOffset, producers } = this.#log
    if (fetch.fetchOffset < startBatchOffset) {
      // Asked again soon, by when the disk has said where the first batch begins.
      if (this.#log.startBatchOffset === undefined) return { type: 'error', code: 'OFFSET_OUT_OF_RANGE' }
      return {
        type: 'reset',
        offset: startBatchOffset,
        epoch: epochs.epochAt(startBatchOffset - 1),
        producers: producers.below(startBatchOffset, RESET_PRODUCERS),
      }
    }
    // Who holds nothing, and does not know who wrote what is gone, parts from nobody.
    if (fetch.lastFetchedEpoch === -1 && fetch.logStartOffset === fetch.fetchOffset && fetch.fetchOffset <= logEndOffset) return undefined
    const { epoch, endOffset } = epochs.endOf(fetch.lastFetchedEpoch, logEndOffset)
    return epoch < fetch.lastFetchedEpoch || endOffset < fetch.fetchOffset ? { type: 'diverging', epoch, endOffset } : undefined
  }

  #refuseFetch(fetch: FollowerFetch, follower: FollowerProgress | undefined): Code | undefined {
    if (fetch.currentLeaderEpoch < this.leaderEpoch) return 'FENCED_LEADER_EPOCH'
    if (fetch.currentLeaderEpoch > this.leaderEpoch) return 'UNKNOWN_LEADER_EPOCH'
    if (follower === undefined) return 'BROKER_ID_NOT_REGISTERED'
    if (fetch.brokerEpoch < follower.brokerEpoch) return 'STALE_BROKER_EPOCH'
    if (fetch.brokerEpoch > follower.brokerEpoch) return 'BROKER_ID_NOT_REGISTERED'
    if (fetch.syncedEndOffset > fetch.fetchOffset || fetch.syncedEndOffset < 0) return 'INVALID_REQUEST'
    if (fetch.logStartOffset > fetch.fetchOffset || fetch.logStartOffset < 0) return 'INVALID_REQUEST'
    return undefined
  }

  #append(input: ProduceInput, effects: PartitionEffect[]): void {
    const { header, bytes, nowMs } = input
    const logAppendTimeMs = this.#assignment.timestamps.type === 'LogAppendTime' ? nowMs : null
    const baseOffset = this.#log.append({ header, bytes, logAppendTimeMs }, this.leaderEpoch, effects)
    this.#wait(input, { baseOffset, lastOffset: this.#log.endOffset - 1, producerId: header.producerId })
    this.#answerWaiting(effects)
  }

  #answerWaiting(effects: PartitionEffect[]): void {
    for (const [nodeId, follower] of this.#followers) {
      if (follower.waiting !== undefined) this.#answer(nodeId, follower.waiting.fetch, { type: 'data' }, effects)
    }
  }

  #wait(input: ProduceInput, place: { readonly baseOffset: number; readonly lastOffset: number; readonly producerId: number }): void {
    if (input.acks === 0) return
    this.#waiters.add({ produceId: input.produceId, acks: input.acks, ...place })
  }

  #isTooSmall(): boolean {
    return this.#isr.committed.length < this.#assignment.minInSyncReplicas
  }

  #answer(to: number, fetch: FollowerFetch, result: FetchAnswer['result'], effects: PartitionEffect[]): void {
    const { fetchId, fetchOffset, lastFetchedEpoch } = fetch
    const { highWatermark, startOffset: logStartOffset } = this.#log
    if (result.type === 'data') this.#followers.get(to)?.noteAnswered(fetch, highWatermark)
    const answer = { fetchId, leaderEpoch: this.leaderEpoch, fetchOffset, lastFetchedEpoch, highWatermark, logStartOffset, result }
    effects.push({ type: 'answerFetch', to, answer, maxBytes: result.type === 'data' ? fetch.maxBytes : 0 })
  }

  /** One progress for each other replica that is registered, under its present broker epoch. */
  #refreshFollowers(tick: number, elected: boolean): void {
    const { state, brokers } = this.#assignment
    for (const nodeId of [...this.#followers.keys()]) {
      if (!state.replicas.includes(nodeId) || !brokers.has(nodeId)) this.#followers.delete(nodeId)
    }
    for (const nodeId of state.replicas) {
      const broker = brokers.get(nodeId)
      if (nodeId === this.#nodeId || broker === undefined || this.#followers.get(nodeId)?.brokerEpoch === broker.brokerEpoch) continue
      const inSync = elected && this.#isr.isCommitted(nodeId)
      this.#followers.set(nodeId, new FollowerProgress({ brokerEpoch: broker.brokerEpoch, inSync, leaderEndOffset: this.#log.endOffset, tick }))
    }
  }

  /** Expand first: a replica that came back must not wait for one that went (rules R6.5). */
  #reviewIsr(tick: number, effects: PartitionEffect[]): void {
    if (this.#isr.isPending) return
    const { replicas } = this.#assignment.state
    const joining = replicas.filter((nodeId) => this.#mayJoin(nodeId, tick))
    const lag = { leaderEndOffset: this.#log.endOffset, tick, lagTicks: this.#lagTicks }
    const leaving =
      joining.length > 0 ? [] : replicas.filter((nodeId) => this.#isr.isCommitted(nodeId) && (this.#followers.get(nodeId)?.isLagging(lag) ?? false))
    if (joining.length === 0 && leaving.length === 0) return
    const kept = this.#isr.committed.filter((member) => !leaving.includes(member.nodeId))
    const added = joining.map((nodeId): IsrMember => {
      const follower = this.#followers.get(nodeId) as FollowerProgress
      follower.noteJoining(tick)
      return { nodeId, brokerEpoch: follower.brokerEpoch }
    })
    this.#isr.propose([...kept, ...added], effects)
  }

  #mayJoin(nodeId: number, tick: number): boolean {
    const broker = this.#assignment.brokers.get(nodeId)
    const follower = this.#followers.get(nodeId)
    const syncedEndOffset = follower?.syncedEndOffset
    if (broker === undefined || syncedEndOffset === undefined || this.#isr.isCommitted(nodeId)) return false
    // One that just left for its lag has synced the high watermark, which waited for it: it would go in and out for ever.
    if (follower?.wasInSync && follower.isLagging({ leaderEndOffset: this.#log.endOffset, tick, lagTicks: this.#lagTicks })) return false
    if (broker.fenced || broker.draining || this.#isr.wasRefused(nodeId, tick)) return false
    return syncedEndOffset >= this.#log.highWatermark && syncedEndOffset >= this.epochStartOffset
  }

  #advance(tick: number, effects: PartitionEffect[]): void {
    if (!this.#isTooSmall()) {
      let offset = this.#log.syncedEndOffset
      for (const nodeId of this.#isr.maximal) {
        if (nodeId !== this.#nodeId) offset = Math.min(offset, this.#followers.get(nodeId)?.syncedEndOffset ?? 0)
      }
      if (this.#log.raiseHighWatermark(offset, effects)) {
        for (const follower of this.#followers.values()) follower.noteHighWatermark(offset, tick)
      }
    }
    this.#release(effects)
  }

  #noteLowWatermark(effects: PartitionEffect[]): void {
    let offset = this.#log.syncedStartOffset
    for (const { nodeId } of this.#isr.committed) {
      if (nodeId !== this.#nodeId) offset = Math.min(offset, this.#followers.get(nodeId)?.logStartOffset ?? 0)
    }
    if (offset <= this.#lowWatermark) return
    this.#lowWatermark = offset
    effects.push({ type: 'lowWatermark', offset })
  }

  #release(effects: PartitionEffect[]): void {
    const { highWatermark, syncedEndOffset } = this.#log
    for (const waiter of this.#waiters.release({ highWatermark, syncedEndOffset })) effects.push(succeeded(waiter))
  }
}

function succeeded(waiter: Waiter): PartitionEffect {
  return { type: 'produceReply', produceId: waiter.produceId, baseOffset: waiter.baseOffset, code: null, definite: true, detail: '' }
}

function refused(code: Code, detail: string): Refused {
  return { type: 'refused', code, detail }
}

/** What a client may not send, by the header alone. */
function refuseHeader(input: ProduceInput): Refused | undefined {
  const { header, bytes } = input
  const offsets = header.lastOffset - header.baseOffset + 1
  if (header.sizeBytes !== bytes.length) return refused('CORRUPT_MESSAGE', `the batch says ${header.sizeBytes} bytes and has ${bytes.length}`)
  if (header.recordCount < 1 || offsets !== header.recordCount) return refused('INVALID_RECORD', `${header.recordCount} records for ${offsets} offsets`)
  if ((header.attributes & CONTROL_BIT) !== 0) return refused('INVALID_RECORD', 'clients do not write control batches')
  if ((header.attributes & LOG_APPEND_TIME_BIT) !== 0) return refused('INVALID_RECORD', 'clients do not write the time of the append')
  if (header.producerId < -1) return refused('INVALID_RECORD', `producer id ${header.producerId}`)
  if (header.producerId >= 0 && (header.producerEpoch < 0 || header.baseSequence < 0)) {
    return refused('INVALID_RECORD', `producer epoch ${header.producerEpoch}, sequence ${header.baseSequence}`)
  }
  return undefined
}

/**
 * What a producer's clock may not say, by the header alone: a batch stays as it came, records are not read for this. The header has the largest
 * timestamp, so none of the future gets by; of the oldest it has the first record's, and a later record that is older yet gets by.
 */
function refuseTimestamps({ header, nowMs }: ProduceInput, rule: TimestampRule): Refused | undefined {
  if (rule.type === 'LogAppendTime') return undefined
  const { baseTimestamp, maxTimestamp } = header
  if (maxTimestamp !== NO_TIMESTAMP && maxTimestamp - nowMs > rule.afterMaxMs) {
    return refused(
      'INVALID_TIMESTAMP',
      `timestamp ${maxTimestamp} is ${maxTimestamp - nowMs} ms ahead of this node's clock, message.timestamp.after.max.ms is ${rule.afterMaxMs}`,
    )
  }
  if (baseTimestamp !== NO_TIMESTAMP && nowMs - baseTimestamp > rule.beforeMaxMs) {
    return refused(
      'INVALID_TIMESTAMP',
      `timestamp ${baseTimestamp} is ${nowMs - baseTimestamp} ms behind this node's clock, message.timestamp.before.max.ms is ${rule.beforeMaxMs}`,
    )
  }
  return undefined
}
