import { assert } from '../base/assert.ts'
import { type Waiter, WaiterQueue } from './waiter-queue.ts'

/** Waiting answers of one leader epoch, by last offset. acks=all wait for the high watermark, acks=1 for the leader's own sync. */
export class Waiters {
  readonly #committing = new WaiterQueue()
  readonly #syncing = new WaiterQueue()
  readonly #unanswered = new Map<number, number>()

  get size(): number {
    return this.#committing.size + this.#syncing.size
  }

  /** Places in memory: at most about twice as many as there are waiters. */
  get held(): number {
    return this.#committing.held + this.#syncing.held
  }

  /** Batches of this producer that were appended and not yet answered. */
  unansweredOf(producerId: number): number {
    return this.#unanswered.get(producerId) ?? 0
  }

  add(waiter: Waiter): void {
    const queue = waiter.acks === -1 ? this.#committing : this.#syncing
    queue.add(waiter)
    if (waiter.producerId >= 0) this.#unanswered.set(waiter.producerId, this.unansweredOf(waiter.producerId) + 1)
  }

  /** Takes out who is done: acks=all below the high watermark, acks=1 below the synced end. */
  release(options: { readonly highWatermark: number; readonly syncedEndOffset: number }): Waiter[] {
    const released = [...this.#committing.takeBelow(options.highWatermark), ...this.#syncing.takeBelow(options.syncedEndOffset)]
    for (const waiter of released) this.#forget(waiter)
    return released
  }

  /** Takes out those named; who was answered already is not among them. */
  take(produceIds: readonly number[]): Waiter[] {
    const taken: Waiter[] = []
    for (const produceId of produceIds) {
      const waiter = this.#committing.take(produceId) ?? this.#syncing.take(produceId)
      if (waiter === undefined) continue
      this.#forget(waiter)
      taken.push(waiter)
    }
    return taken
  }

  /** Takes out all. */
  drain(): Waiter[] {
    const drained = [...this.#committing.drain(), ...this.#syncing.drain()]
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
