import { assert } from '../base/assert.ts'

/** A produce that was appended (or is a duplicate of one) and waits for its answer. */
export interface Waiter {
  readonly produceId: number
  readonly acks: -1 | 1
  /** −1: none, or a duplicate, which does not count as a batch of its own. */
  readonly producerId: number
  readonly baseOffset: number
  /** Inclusive. */
  readonly lastOffset: number
}

/** Below this many the places of those that are gone are not worth a rebuild. */
const MIN_REBUILD = 64

/**
 * Waiters by last offset, and by id: one node holds hundreds of thousands when batches are small, and each may time out on its own, so
 * nothing here costs a step for each of the others.
 *
 * A binary heap by (last offset, produce id). Who is taken by id leaves the map at once and its place in the heap later: when it comes up, or
 * when more than half of the places are such. Invariants: everyone of the map is in the heap once, and no parent comes after its child.
 */
export class WaiterQueue {
  readonly #byId = new Map<number, Waiter>()
  #heap: Waiter[] = []

  get size(): number {
    return this.#byId.size
  }

  /** Places, those of who is gone included. */
  get held(): number {
    return this.#heap.length
  }

  add(waiter: Waiter): void {
    assert(!this.#byId.has(waiter.produceId), 'a produce waits once')
    this.#byId.set(waiter.produceId, waiter)
    this.#push(waiter)
  }

  /** Takes out one; undefined when it does not wait here. */
  take(produceId: number): Waiter | undefined {
    const waiter = this.#byId.get(produceId)
    if (waiter === undefined) return undefined
    this.#byId.delete(produceId)
    if (this.#heap.length > Math.max(MIN_REBUILD, 2 * this.#byId.size)) this.#rebuild()
    return waiter
  }

  /** Takes out who waits for less than `endOffset`, in the order of offsets. */
  takeBelow(endOffset: number): Waiter[] {
    const taken: Waiter[] = []
    for (let first = this.#heap[0]; first !== undefined && first.lastOffset < endOffset; first = this.#heap[0]) {
      this.#pop()
      if (this.#byId.get(first.produceId) !== first) continue
      this.#byId.delete(first.produceId)
      taken.push(first)
    }
    assert(this.#heap.length >= this.#byId.size, 'each that waits has its place')
    return taken
  }

  /** Takes out all, in the order they came. */
  drain(): Waiter[] {
    const drained = [...this.#byId.values()]
    this.#byId.clear()
    this.#heap = []
    return drained
  }

  /** A sorted list is a heap. */
  #rebuild(): void {
    this.#heap = [...this.#byId.values()].sort((a, b) => (isBefore(a, b) ? -1 : 1))
  }

  #push(waiter: Waiter): void {
    let at = this.#heap.push(waiter) - 1
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = this.#heap[parentAt] as Waiter
      if (!isBefore(waiter, parent)) break
      this.#heap[at] = parent
      at = parentAt
    }
    this.#heap[at] = waiter
  }

  #pop(): void {
    const last = this.#heap.pop() as Waiter
    const { length } = this.#heap
    if (length === 0) return
    let at = 0
    for (;;) {
      let childAt = 2 * at + 1
      if (childAt >= length) break
      if (childAt + 1 < length && isBefore(this.#heap[childAt + 1] as Waiter, this.#heap[childAt] as Waiter)) childAt += 1
      const child = this.#heap[childAt] as Waiter
      if (!isBefore(child, last)) break
      this.#heap[at] = child
      at = childAt
    }
    this.#heap[at] = last
  }
}

function isBefore(a: Waiter, b: Waiter): boolean {
  return a.lastOffset === b.lastOffset ? a.produceId < b.produceId : a.lastOffset < b.lastOffset
}
