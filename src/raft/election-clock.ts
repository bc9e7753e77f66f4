import { between, type Random } from '../base/random.ts'
import type { RaftEffect } from './effects.ts'

/** Rules R8, in ticks of 50 ms: 1 s; each wait is drawn anew, between this and twice as long. */
const ELECTION_MIN_TICKS = 20
/** Rules R5.5: after evidence that no leader lives, and after a candidacy on evidence was lost. */
const EVIDENCE_MAX_MS = 50
const RETRY_MIN_MS = 50
const RETRY_MAX_MS = 150

/** When a voter loses its patience: silence is counted in ticks, evidence waits a moment drawn at random. One timer at a time. */
export class ElectionClock {
  readonly #random: Random
  /** The shortest election timeout. */
  readonly minTicks: number
  #elapsedTicks = 0
  #timeoutTicks: number
  #leaderSilentTicks = 0
  #timerId = 0
  #isArmed = false

  constructor(random: Random, minTicks: number = ELECTION_MIN_TICKS) {
    this.#random = random
    this.minTicks = minTicks
    this.#timeoutTicks = between(random, minTicks, 2 * minTicks)
  }

  tick(): void {
    this.#elapsedTicks++
    this.#leaderSilentTicks++
  }

  get isDue(): boolean {
    return this.#elapsedTicks >= this.#timeoutTicks
  }

  /** Whether the leader, if there is one, was heard within the shortest election timeout. */
  get isLeaderRecent(): boolean {
    return this.#leaderSilentTicks < this.minTicks
  }

  restart(): void {
    this.#elapsedTicks = 0
    this.#timeoutTicks = between(this.#random, this.minTicks, 2 * this.minTicks)
  }

  heardLeader(): void {
    this.#elapsedTicks = 0
    this.#leaderSilentTicks = 0
    this.#isArmed = false
  }

  /** Nothing when a timer runs already: evidence that comes twice does not delay. */
  arm(reason: 'evidence' | 'retry'): RaftEffect | undefined {
    if (this.#isArmed) return undefined
    this.#isArmed = true
    this.#timerId++
    const delayMs = reason === 'evidence' ? between(this.#random, 0, EVIDENCE_MAX_MS) : between(this.#random, RETRY_MIN_MS, RETRY_MAX_MS)
    return { type: 'startTimer', timerId: this.#timerId, delayMs }
  }

  disarm(): void {
    this.#isArmed = false
  }

  /** Whether this is the timer that was asked for last, and still wanted. */
  fires(timerId: number): boolean {
    if (!this.#isArmed || timerId !== this.#timerId) return false
    this.#isArmed = false
    return true
  }
}
