import { assert } from '../base/assert.ts'
import type { Code } from '../base/errors.ts'
import type { IsrMember, PartitionState } from '../metadata/records.ts'
import type { PartitionEffect } from './effects.ts'

interface Proposal {
  readonly partitionEpoch: number
  readonly isr: readonly IsrMember[]
  /** Undefined: the driver is at it, or metadata has to come. */
  retryTick: number | undefined
}

/** A controller that could not decide is asked again after this. */
const RETRY_TICKS = 4
/** Metadata that was promised and has not come by then: asked again, it changes nothing. */
const APPLY_TICKS = 40
/** A replica that was refused is not proposed again before this, unless metadata says something new. */
const REFUSED_TICKS = 20

/**
 * The in-sync replicas as one leader epoch's leader sees them (rules R6.4, R6.5).
 *
 *   committed ──propose──▶ proposed ──applied (partition epoch above the proposal's)──▶ committed
 *                             │ answer INELIGIBLE_REPLICA: proposed := the committed ISR itself, same partition epoch
 *                             │ any other answer: nothing moves, the same is proposed again if no metadata comes
 *
 * One proposal at a time. Maximal ISR = committed ∪ all that was proposed at this partition epoch: an attempt that is still on its way
 * may yet be committed, so no answer takes anyone out, success included.
 */
export class Isr {
  #state: PartitionState
  #proposal: Proposal | undefined
  readonly #attempted = new Set<number>()
  readonly #refusedUntil = new Map<number, number>()

  constructor(state: PartitionState) {
    this.#state = state
  }

  get committed(): readonly IsrMember[] {
    return this.#state.isr
  }

  get isPending(): boolean {
    return this.#proposal !== undefined
  }

  /** Node ids, the committed ones first. */
  get maximal(): readonly number[] {
    const committed = this.#state.isr.map((member) => member.nodeId)
    return [...committed, ...[...this.#attempted].filter((nodeId) => !committed.includes(nodeId))]
  }

  isCommitted(nodeId: number): boolean {
    return this.#state.isr.some((member) => member.nodeId === nodeId)
  }

  /** Metadata was applied. */
  apply(state: PartitionState): void {
    assert(state.leaderEpoch === this.#state.leaderEpoch, 'one instance a leader epoch')
    assert(state.partitionEpoch >= this.#state.partitionEpoch, 'partition epochs never go back')
    const moved = state.partitionEpoch > this.#state.partitionEpoch
    this.#state = state
    if (!moved) return
    assert(this.#proposal === undefined || this.#proposal.partitionEpoch < state.partitionEpoch, 'a proposal ends with the partition epoch it was made at')
    this.#proposal = undefined
    this.#attempted.clear()
  }

  /** A broker of the replicas changed: it may be asked for again. */
  forgetRefused(nodeId: number): void {
    this.#refusedUntil.delete(nodeId)
  }

  wasRefused(nodeId: number, tick: number): boolean {
    return tick < (this.#refusedUntil.get(nodeId) ?? Number.NEGATIVE_INFINITY)
  }

  propose(isr: readonly IsrMember[], effects: PartitionEffect[]): void {
    assert(this.#proposal === undefined, 'one proposal at a time')
    assert(
      isr.every((member) => this.#state.replicas.includes(member.nodeId)),
      'the proposed ISR is within the replicas',
    )
    this.#proposal = { partitionEpoch: this.#state.partitionEpoch, isr, retryTick: undefined }
    for (const member of isr) this.#attempted.add(member.nodeId)
    this.#emit(effects)
  }

  answer(input: { readonly leaderEpoch: number; readonly partitionEpoch: number; readonly code: Code | null }, tick: number, effects: PartitionEffect[]): void {
    const proposal = this.#proposal
    if (proposal === undefined || input.leaderEpoch !== this.#state.leaderEpoch || input.partitionEpoch !== proposal.partitionEpoch) return
    switch (input.code) {
      case 'INELIGIBLE_REPLICA':
        for (const member of proposal.isr) if (!this.isCommitted(member.nodeId)) this.#refusedUntil.set(member.nodeId, tick + REFUSED_TICKS)
        // It raises the partition epoch, which kills every older attempt still on its way.
        this.#proposal = { partitionEpoch: proposal.partitionEpoch, isr: this.#state.isr, retryTick: undefined }
        this.#emit(effects)
        return
      case null:
      case 'INVALID_UPDATE_VERSION':
      case 'FENCED_LEADER_EPOCH':
      case 'NOT_LEADER_OR_FOLLOWER':
      case 'STALE_BROKER_EPOCH':
        // Metadata that ends this proposal is committed and on its way here.
        proposal.retryTick = tick + APPLY_TICKS
        return
      default:
        proposal.retryTick = tick + RETRY_TICKS
    }
  }

  tick(tick: number, effects: PartitionEffect[]): void {
    const proposal = this.#proposal
    if (proposal?.retryTick === undefined || tick < proposal.retryTick) return
    proposal.retryTick = undefined
    this.#emit(effects)
  }

  /** The first tick behind this one at which time alone may change what is proposed. */
  dueTick(tick: number): number {
    if (this.#proposal !== undefined) return this.#proposal.retryTick ?? Number.POSITIVE_INFINITY
    return Math.min(...[...this.#refusedUntil.values()].filter((until) => until > tick))
  }

  #emit(effects: PartitionEffect[]): void {
    const proposal = this.#proposal as Proposal
    assert(proposal.partitionEpoch === this.#state.partitionEpoch, 'a proposal is made at the partition epoch that was applied')
    effects.push({ type: 'proposeIsr', leaderEpoch: this.#state.leaderEpoch, partitionEpoch: proposal.partitionEpoch, isr: proposal.isr })
  }
}
