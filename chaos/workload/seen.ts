import type { Key, Outcome, Polled, Value } from '../operations/operation.ts'

interface KeyEnds {
  acknowledged: number
  polled: number
  /** Acknowledged, nobody knows where (acks=0, or a copy that came late), and not polled yet. */
  readonly unplaced: Set<Value>
}

/** How far all clients together have come: the greatest offsets a key, and when anything was acknowledged. */
export class Seen {
  readonly outcomes: Record<Outcome, number> = { ok: 0, fail: 0, info: 0 }
  /** Milliseconds of each acknowledgement's second, and the gaps between them, are of who asks. */
  readonly #onAcknowledged: () => void
  readonly #ends = new Map<Key, KeyEnds>()

  constructor(onAcknowledged: () => void = () => undefined) {
    this.#onAcknowledged = onAcknowledged
  }

  completed(outcome: Outcome): void {
    this.outcomes[outcome]++
  }

  /** `offset` null: not known. */
  acknowledged(key: Key, offset: number | null, value: Value): void {
    const ends = this.#of(key)
    if (offset === null) ends.unplaced.add(value)
    else ends.acknowledged = Math.max(ends.acknowledged, offset)
    this.#onAcknowledged()
  }

  polled(polled: Polled): void {
    for (const [name, pairs] of Object.entries(polled)) {
      const ends = this.#of(Number(name))
      for (const [offset, value] of pairs) {
        ends.polled = Math.max(ends.polled, offset)
        ends.unplaced.delete(value)
      }
    }
  }

  /** Keys with something acknowledged beyond all that was polled. */
  unpolled(): Key[] {
    return [...this.#ends].flatMap(([key, { acknowledged, polled }]) => (acknowledged > polled ? [key] : []))
  }

  /** Whether something was acknowledged, and never polled, of which nobody knows where it is. */
  get hasUnplaced(): boolean {
    for (const { unplaced } of this.#ends.values()) if (unplaced.size > 0) return true
    return false
  }

  /** Of every key, the greatest offset that any client knows of. */
  ends(): ReadonlyMap<Key, number> {
    return new Map([...this.#ends].map(([key, { acknowledged, polled }]) => [key, Math.max(acknowledged, polled)]))
  }

  /** It is not there any more. */
  forget(key: Key): void {
    this.#ends.delete(key)
  }

  #of(key: Key): KeyEnds {
    const known = this.#ends.get(key)
    if (known !== undefined) return known
    const ends = { acknowledged: -1, polled: -1, unplaced: new Set<Value>() }
    this.#ends.set(key, ends)
    return ends
  }
}
