import { assert, unreachable } from '../base/assert.ts'
import type { EpochStart } from '../base/epochs.ts'
import type { IsrMember, PartitionState } from '../metadata/records.ts'
import type { FetchAnswer, PartitionEffect, PartitionInput } from './effects.ts'
import { Follower } from './follower.ts'
import type { Assignment } from './leader.ts'
import { Leader } from './leader.ts'
import type { LogPositions } from './own-log.ts'
import { OwnLog } from './own-log.ts'
import type { ProducerSnapshot, ProducerState, Producers } from './producers.ts'

export interface PartitionOptions {
  readonly nodeId: number
  readonly log: LogPositions
  /** From the checkpoint, at most log.syncedEndOffset. */
  readonly highWatermark: number
  /** Restored and replayed up to the end of the log; the partition owns it from now on. */
  readonly producers: Producers
  /** Growing, and never reused by this process. */
  readonly fetchIds: { next(): number }
  /** replica.lag.time.max.ms in ticks. */
  readonly lagTicks: number
  /** The high watermark alone reaches a follower within this. */
  readonly reportTicks: number
  readonly fetchMaxBytes: number
  /** Above this a follower fetches no more until some of it is synced; MAX_UNSYNCED_BYTES unless given. */
  readonly maxUnsyncedBytes?: number
  readonly maxUnansweredBatches: number
  /** The log is marked damaged: it may be cut below its high watermark, until a decision names this process in the ISR (rules R6.3). */
  readonly repairing: boolean
  /** Something may be missing before the start of a damaged log: it is begun anew with the first leader that it follows. Absent: nothing is. */
  readonly isStartLost?: boolean
}

type Role =
  | { readonly type: 'none' }
  | { readonly type: 'leader'; readonly leader: Leader }
  | { readonly type: 'follower'; readonly follower: Follower }
  | { readonly type: 'offline'; readonly reason: string }

/**
 * One replica of a partition. A pure machine (architecture 2).
 *
 *   none ◀──assign──▶ leader      leader of the applied state, its epoch granted after the own broker epoch (rules R5.4)
 *   none ◀──assign──▶ follower    another leader
 *   leader ◀──assign (new leader epoch)──▶ follower
 *   any ──offline, a cut below the high watermark, or a log of an epoch that nobody was granted──▶ offline, for good
 *
 * A new leader epoch makes a new Leader or Follower: nothing that was known, outstanding or waiting outlives its epoch; waiting produces are
 * answered, indefinite. Invariants: leader epoch and partition epoch never go back (I5), the high watermark moves only up but for a cut that
 * R6.3 allows, and only positions that `synced` has confirmed count for anything.
 */
export class Partition {
  readonly #options: PartitionOptions
  readonly #log: OwnLog
  #role: Role = { type: 'none' }
  #assignment: Assignment | undefined
  #repairing: boolean
  #mustBeginAnew: boolean
  #tick = 0

  constructor(options: PartitionOptions) {
    this.#options = options
    this.#log = new OwnLog({ positions: options.log, highWatermark: options.highWatermark, producers: options.producers })
    this.#repairing = options.repairing
    this.#mustBeginAnew = options.isStartLost === true
    assert(this.#repairing || !this.#mustBeginAnew, 'a log without a certain start is damaged')
  }

  get role(): 'leader' | 'follower' | 'none' | 'offline' {
    return this.#role.type
  }
  /** Of the applied state, −1 before there is one. */
  get leaderEpoch(): number {
    return this.#assignment?.state.leaderEpoch ?? -1
  }
  get partitionEpoch(): number {
    return this.#assignment?.state.partitionEpoch ?? -1
  }
  get state(): PartitionState | undefined {
    return this.#assignment?.state
  }
  /** The committed ISR as applied here. */
  get isr(): readonly IsrMember[] {
    return this.#assignment?.state.isr ?? []
  }
  /** Node ids that the high watermark waits for; empty unless leader. */
  get maximalIsr(): readonly number[] {
    return this.#role.type === 'leader' ? this.#role.leader.isr.maximal : []
  }
  get highWatermark(): number {
    return this.#log.highWatermark
  }
  get logStartOffset(): number {
    return this.#log.startOffset
  }
  /** The log start that the disks of all in-sync replicas have, as far as this leader knows; 0 when it does not lead. */
  get lowWatermark(): number {
    return this.#role.type === 'leader' ? this.#role.leader.lowWatermark : 0
  }
  get logEndOffset(): number {
    return this.#log.endOffset
  }
  get syncedEndOffset(): number {
    return this.#log.syncedEndOffset
  }
  get cutCount(): number {
    return this.#log.cutCount
  }
  /** Epoch of the last record, kept or gone; −1 when there was none. */
  get lastEpoch(): number {
    return this.#log.lastEpoch
  }
  /** Where this leader's epoch begins; undefined unless leader. */
  get epochStartOffset(): number | undefined {
    return this.#role.type === 'leader' ? this.#role.leader.epochStartOffset : undefined
  }
  get epochs(): readonly EpochStart[] {
    return this.#log.epochs.entries
  }
  get repairing(): boolean {
    return this.#repairing
  }
  /** Of a log that is repaired: something may be missing before its start, begun anew or not, for that may not be on the disk yet. */
  get isStartLost(): boolean {
    return this.#repairing && this.#options.isStartLost === true
  }
  /** Produces without an answer. */
  get waitingProduces(): number {
    return this.#role.type === 'leader' ? this.#role.leader.waiting : 0
  }
  /** First offset that consumers may read here; undefined unless leader. */
  get firstOffsetServed(): number | undefined {
    return this.#role.type === 'leader' ? this.#log.startOffset : undefined
  }

  /** Exclusive end of what consumers may read; undefined: OFFSET_NOT_AVAILABLE, or not the leader (rules R6.7, KIP-207). */
  latestOffset(): number | undefined {
    if (this.#role.type !== 'leader') return undefined
    return this.#log.highWatermark >= this.#role.leader.epochStartOffset ? this.#log.highWatermark : undefined
  }

  /** The producers as of the high watermark, for the checkpoint. */
  producerSnapshot(): ProducerSnapshot {
    return this.#log.producers.snapshot(this.#log.highWatermark)
  }

  /** What is kept of the producers' batches below `offset`. */
  producersBelow(offset: number): readonly ProducerState[] {
    return this.#log.producers.below(offset, Number.POSITIVE_INFINITY)
  }

  step(input: PartitionInput): PartitionEffect[] {
    const effects: PartitionEffect[] = []
    const leader = this.#role.type === 'leader' ? this.#role.leader : undefined
    const follower = this.#role.type === 'follower' ? this.#role.follower : undefined
    switch (input.type) {
      case 'assign':
        this.#assign(input, effects)
        break
      case 'produce':
        if (leader !== undefined) leader.produce(input, effects)
        else this.#refuseProduce(input, effects)
        break
      case 'expire':
        leader?.expire(input.produceIds, effects)
        break
      case 'fetch':
        if (leader !== undefined) leader.fetch(input.from, input.fetch, this.#tick, effects)
        else this.#refuseFetch(input, effects)
        break
      case 'answer':
        if (follower !== undefined) this.#answer(follower, input, effects)
        break
      case 'disconnected':
        leader?.disconnected(input.nodeId)
        if (follower?.leader === input.nodeId) follower.disconnected(this.#tick)
        break
      case 'synced':
        if (!this.#log.acceptSynced(input, effects)) break
        leader?.synced(this.#tick, effects)
        follower?.synced(this.#tick, effects)
        break
      case 'advanceStart':
        leader?.advanceStart(input.offset, effects)
        break
      case 'startSynced':
        if (!this.#log.acceptStartSynced(input)) break
        leader?.startSynced(effects)
        follower?.startSynced(this.#tick, effects)
        break
      case 'isrAnswer':
        leader?.isrAnswer(input, this.#tick, effects)
        break
      case 'offline':
        this.#goOffline(input.reason, effects)
        break
      case 'tick':
        this.#pass(input.ticks ?? 1)
        leader?.tick(this.#tick, effects)
        follower?.tick(this.#tick, effects)
        break
      default:
        unreachable(input)
    }
    return effects
  }

  /** So many of the next ticks change nothing, unless something else comes before them: they may be passed over, and told with the one after. */
  get quietTicks(): number {
    return Math.max(0, Math.min(this.#dueTick() - this.#tick, this.#log.producers.ticksToExpiry) - 1)
  }

  #dueTick(): number {
    switch (this.#role.type) {
      case 'leader':
        return this.#role.leader.dueTick(this.#tick)
      case 'follower':
        return this.#role.follower.dueTick()
      default:
        return Number.POSITIVE_INFINITY
    }
  }

  #pass(ticks: number): void {
    assert(ticks >= 1, 'time goes on')
    this.#tick += ticks
    this.#log.producers.tick(ticks)
  }

  #assign(input: Assignment, effects: PartitionEffect[]): void {
    const { state } = input
    const before = this.#assignment
    if (before !== undefined) {
      assert(state.topicId === before.state.topicId && state.partition === before.state.partition, 'a replica is of one partition')
      assert(state.leaderEpoch >= before.state.leaderEpoch, 'leader epochs never go back')
      assert(state.partitionEpoch >= before.state.partitionEpoch, 'partition epochs never go back')
    }
    this.#assignment = input
    if (before !== undefined && state.partitionEpoch > before.state.partitionEpoch && state.leader === this.#options.nodeId) {
      const isr = state.isr.map((member) => member.nodeId)
      effects.push({ type: 'event', event: { type: 'isrChanged', isr, partitionEpoch: state.partitionEpoch } })
    }
    const own = input.brokers.get(this.#options.nodeId)
    if (state.isr.some((member) => member.nodeId === this.#options.nodeId && member.brokerEpoch === own?.brokerEpoch)) this.#repairing = false
    if (this.#role.type === 'offline') return
    this.#takeRole(input, own?.brokerEpoch, effects)
  }

  /** `brokerEpoch`: the own one; undefined before the registration of this process was applied. */
  #takeRole(input: Assignment, brokerEpoch: number | undefined, effects: PartitionEffect[]): void {
    const { state } = input
    const { nodeId } = this.#options
    const isReplica = brokerEpoch !== undefined && state.replicas.includes(nodeId)
    const { lastEpoch } = this.#log
    const mayLead = isReplica && state.leader === nodeId && state.leaderGrantedOffset >= brokerEpoch
    const isNewLeader = mayLead && (this.#role.type !== 'leader' || this.#role.leader.leaderEpoch !== state.leaderEpoch)
    // One that is to lead has appended nothing in its epoch yet.
    const greatestEpoch = isNewLeader ? state.leaderEpoch - 1 : state.leaderEpoch
    if (isReplica && lastEpoch > greatestEpoch && !this.#repairing) {
      // No checksum covers the epoch of a batch: counted so, this log would be taken for the one that has most (rules R5.7).
      this.#setAside(`its last batch is of leader epoch ${lastEpoch}, and none above ${greatestEpoch} was granted before`, effects)
      return
    }
    if (mayLead) {
      if (isNewLeader) this.#lead(input, effects)
      if (this.#role.type === 'leader') this.#role.leader.apply(input, this.#tick, effects)
      return
    }
    if (isReplica && state.leader >= 0 && state.leader !== nodeId) {
      this.#follow(state, brokerEpoch, effects)
      return
    }
    this.#resign(effects)
    this.#role = { type: 'none' }
  }

  #lead(assignment: Assignment, effects: PartitionEffect[]): void {
    this.#resign(effects)
    const { nodeId, lagTicks, reportTicks, maxUnansweredBatches } = this.#options
    const leader = new Leader({ nodeId, log: this.#log, assignment, lagTicks, reportTicks, maxUnansweredBatches, tick: this.#tick })
    this.#role = { type: 'leader', leader }
    effects.push({ type: 'event', event: { type: 'becameLeader', leaderEpoch: leader.leaderEpoch, startOffset: leader.epochStartOffset } })
  }

  #follow(state: PartitionState, brokerEpoch: number, effects: PartitionEffect[]): void {
    const { leader, leaderEpoch } = state
    if (this.#role.type === 'follower') {
      const { follower } = this.#role
      if (follower.leader === leader && follower.leaderEpoch === leaderEpoch && follower.brokerEpoch === brokerEpoch) return
    }
    this.#resign(effects)
    // Before the leader hears of it: in the ISR, and as a leader, it would have all replicas delete what lies before.
    if (this.#mustBeginAnew && this.#log.startOffset > 0) this.#beginAnew(leaderEpoch, effects)
    this.#mustBeginAnew = false
    const { fetchIds, fetchMaxBytes, maxUnsyncedBytes } = this.#options
    const follower = new Follower({ leader, leaderEpoch, brokerEpoch, log: this.#log, fetchIds, fetchMaxBytes, maxUnsyncedBytes })
    this.#role = { type: 'follower', follower }
    effects.push({ type: 'event', event: { type: 'becameFollower', leaderEpoch, leader } })
    follower.start(this.#tick, effects)
  }

  #beginAnew(leaderEpoch: number, effects: PartitionEffect[]): void {
    const { startOffset, endOffset } = this.#log
    this.#log.restart(effects)
    effects.push({ type: 'event', event: { type: 'restarted', startOffset, endOffset, leaderEpoch } })
  }

  #answer(follower: Follower, input: Extract<PartitionInput, { type: 'answer' }>, effects: PartitionEffect[]): void {
    const mayCutBelow = this.#repairing || (this.#assignment?.state.unclean ?? false)
    const reason = follower.answer(input, { tick: this.#tick, mayCutBelow }, effects)
    if (reason !== undefined) this.#setAside(reason, effects)
  }

  #setAside(reason: string, effects: PartitionEffect[]): void {
    this.#goOffline(reason, effects)
    effects.push({ type: 'quarantine', reason })
  }

  #resign(effects: PartitionEffect[]): void {
    if (this.#role.type === 'leader') this.#role.leader.resign(`leadership ended with leader epoch ${this.#role.leader.leaderEpoch}`, effects)
  }

  #goOffline(reason: string, effects: PartitionEffect[]): void {
    if (this.#role.type === 'offline') return
    if (this.#role.type === 'leader') this.#role.leader.resign(`the replica went offline: ${reason}`, effects)
    this.#role = { type: 'offline', reason }
  }

  #refuseProduce(input: Extract<PartitionInput, { type: 'produce' }>, effects: PartitionEffect[]): void {
    if (input.acks === 0) return
    const code = this.#role.type === 'offline' ? 'KAFKA_STORAGE_ERROR' : 'NOT_LEADER_OR_FOLLOWER'
    const detail = this.#role.type === 'offline' ? this.#role.reason : `node ${this.#options.nodeId} does not lead the partition`
    effects.push({ type: 'produceReply', produceId: input.produceId, baseOffset: -1, code, definite: true, detail })
  }

  #refuseFetch(input: Extract<PartitionInput, { type: 'fetch' }>, effects: PartitionEffect[]): void {
    const { fetchId, fetchOffset, lastFetchedEpoch } = input.fetch
    const code = this.#role.type === 'offline' ? 'KAFKA_STORAGE_ERROR' : 'NOT_LEADER_OR_FOLLOWER'
    const answer: FetchAnswer = {
      fetchId,
      leaderEpoch: this.leaderEpoch,
      fetchOffset,
      lastFetchedEpoch,
      highWatermark: this.#log.highWatermark,
      logStartOffset: this.#log.startOffset,
      result: { type: 'error', code },
    }
    effects.push({ type: 'answerFetch', to: input.from, answer, maxBytes: 0 })
  }
}
