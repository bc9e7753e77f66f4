/** Produce requests that a node has read from its clients and has not answered. What is answered in one turn, and maybe read on in it, leaves with the next. */
export class UnansweredProduce {
  #heldBytes = 0
  #largestBytes = 0

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** A stream is read on while there is room at all: the last request may be beyond it. */
  limitBytes(roomBytes: number): number {
    return 2 * (roomBytes + this.#largestBytes)
  }

  read(sizeBytes: number): void {
    this.#heldBytes += sizeBytes
    this.#largestBytes = Math.max(this.#largestBytes, sizeBytes)
  }

  answered(sizeBytes: number): void {
    this.#heldBytes -= sizeBytes
  }
}
