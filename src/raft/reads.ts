import { assert } from '../base/assert.ts'

interface WaitingRead {
  readonly readId: number
  readonly commitIndex: number
  readonly round: number
}

/**
 * Reads that wait until a majority has said that no later term is known to it; one instance a term (rules R4.6, etcd's ReadIndex).
 * A read is early until an entry of the own term is committed: before that the leader does not know what is.
 */
export class Reads {
  #early: number[] = []
  #waiting: WaitingRead[] = []
  #round = 0
  /** The last round that a peer has confirmed. */
  readonly #confirmed = new Map<number, number>()

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** That of the last read: it confirms the older ones too. */
  get round(): number {
    return this.#round
  }

  addEarly(readId: number): void {
    this.#early.push(readId)
  }

  /** An entry of the own term is committed: what was early begins its round now. */
  takeEarly(): readonly number[] {
    return this.#early.splice(0)
  }

  begin(readId: number, commitIndex: number): void {
    assert(commitIndex >= (this.#waiting.at(-1)?.commitIndex ?? 0), 'later reads see no less')
    this.#round++
    this.#waiting.push({ readId, commitIndex, round: this.#round })
  }

  confirm(nodeId: number, round: number): void {
    if (round > this.#round) return
    this.#confirmed.set(nodeId, Math.max(round, this.#confirmed.get(nodeId) ?? 0))
  }

  confirmedRound(nodeId: number): number {
    return this.#confirmed.get(nodeId) ?? 0
  }

  /** The reads of rounds up to `round`, in order: a majority has confirmed it. */
  takeConfirmed(round: number): readonly { readonly readId: number; readonly commitIndex: number }[] {
    const ready = this.#waiting.filter((read) => read.round <= round)
    this.#waiting = this.#waiting.filter((read) => read.round > round)
    return ready
  }

  /** The term is over: nobody here can tell any more. */
  takeAll(): readonly number[] {
    return [...this.#early.splice(0), ...this.#waiting.splice(0).map((read) => read.readId)]
  }
}
