/** How far the first active controller that this process learned of was then, to its own knowledge: what is decided up to there came before. */
export interface Past {
  readonly term: number
  readonly commitIndex: number
}

/**
 * Whether this node knows what the cluster had decided when it first heard of its controller: until then, what is missing from its metadata may be there all
 * the same. Unheard → behind → caught up, and never back.
 */
export class CatchUp {
  #past: Past | undefined
  #term = -1
  #offset = 0

  get isDone(): boolean {
    // A controller that has just been elected may not know yet what is committed: an entry of its own term comes after all of that (Raft §5.4.2).
    return this.#past !== undefined && this.#term >= this.#past.term && this.#offset >= this.#past.commitIndex
  }

  /** Returns whether this was all that was missing. One whose term this process knows to be over is none: what came after it may be decided long since. */
  controllerHeard(past: Past, knownTerm: number): boolean {
    if (this.#past !== undefined || past.term < knownTerm) return false
    this.#past = past
    return this.isDone
  }

  /** `lastTerm` is the term of the last entry that was applied, `offset` is behind it. */
  applied(offset: number, lastTerm: number): void {
    this.#offset = offset
    this.#term = lastTerm
  }
}
