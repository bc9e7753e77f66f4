import { assert } from '../base/assert.ts'

/** The producer's buffer in bytes: what is accepted and not answered yet (rules 8). */
export class ProducerRoom {
  readonly #limitBytes: number
  #usedBytes = 0
  /** What the last refused record needs; 0: none was refused since there was room. */
  #wantedBytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  get limitBytes(): number {
    return this.#limitBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  get isWanted(): boolean {
    return this.#wantedBytes > 0
  }

  /** False: there is no room. */
  take(sizeBytes: number): boolean {
    assert(sizeBytes <= this.#limitBytes, 'a record fits in an empty buffer')
    if (this.#usedBytes + sizeBytes > this.#limitBytes) return false
    this.#usedBytes += sizeBytes
    return true
  }

  /** A record of that size was refused. */
  want(sizeBytes: number): void {
    this.#wantedBytes = Math.max(this.#wantedBytes, Math.min(sizeBytes, this.#limitBytes))
  }

  give(sizeBytes: number): void {
    assert(sizeBytes <= this.#usedBytes, 'only what was taken is given back')
    this.#usedBytes -= sizeBytes
  }

  /** Whether what was refused would fit now; then it is no longer wanted. */
  satisfies(): boolean {
    if (this.#usedBytes + this.#wantedBytes > this.#limitBytes) return false
    this.#wantedBytes = 0
    return true
  }
}
