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

/** Waiting answers of one leader epoch, by last offset. acks=all wait for the high watermark, acks=1 for the leader's own sync. */
export class Waiters {
  readonly #committing: Waiter[] = []
  readonly #syncing: Waiter[] = []
  readonly #unanswered = new Map<number, number>()

  get size(): number {
    return this.#committing.length + this.#syncing.length
  }

  /** Batches of this producer that were appended and not yet answered. */
  unansweredOf(producerId: number): number {
    return this.#unanswered.get(producerId) ?? 0
  }

  add(waiter: Waiter): void {
    const queue = waiter.acks === -1 ? this.#committing : this.#syncing
    let at = queue.length
    while (at > 0 && (queue[at - 1] as Waiter).lastOffset > waiter.lastOffset) at -= 1
    queue.splice(at, 0, waiter)
    if (waiter.producerId >= 0) this.#unanswered.set(waiter.producerId, this.unansweredOf(waiter.producerId) + 1)
  }

  /** Takes out who is done: acks=all below the high watermark, acks=1 below the synced end. */
  release(options: { readonly highWatermark: number; readonly syncedEndOffset: number }): Waiter[] {
    const released = [...takeBelow(this.#committing, options.highWatermark), ...takeBelow(this.#syncing, options.syncedEndOffset)]
    for (const waiter of released) this.#forget(waiter)
    return released
  }

  /** Takes out those named; who was answered already is not among them. */
  take(produceIds: ReadonlySet<number>): Waiter[] {
    const taken: Waiter[] = []
    for (const queue of [this.#committing, this.#syncing]) {
      const kept = queue.filter((waiter) => !produceIds.has(waiter.produceId))
      taken.push(...queue.filter((waiter) => produceIds.has(waiter.produceId)))
      queue.splice(0, queue.length, ...kept)
    }
    for (const waiter of taken) this.#forget(waiter)
    return taken
  }

  /** Takes out all. */
  drain(): Waiter[] {
    const drained = [...this.#committing.splice(0), ...this.#syncing.splice(0)]
    this.#unanswered.clear()
    return drained
  }

  #forget(waiter: Waiter): void {
    if (waiter.producerId < 0) return
    const left = this.unansweredOf(waiter.producerId) - 1
    assert(left >= 0, 'each unanswered batch is counted once')
    if (left === 0) this.#unanswered.delete(waiter.producerId)
    else this.#unanswered.set(waiter.producerId, left)
  }
}

function takeBelow(queue: Waiter[], endOffset: number): Waiter[] {
  let count = 0
  while (count < queue.length && (queue[count] as Waiter).lastOffset < endOffset) count += 1
  return queue.splice(0, count)
}
