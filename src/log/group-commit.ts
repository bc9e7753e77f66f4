import type { Clock } from '../base/clock.ts'
import { runTask, type Task } from '../base/task.ts'

/** A log, as the rounds see it. */
export interface FlushTarget<T> {
  /** Something waits to be written or cut. */
  readonly hasWork: boolean
  /** Writes and syncs what waits when it starts. */
  flush(): Task<T>
  /** How that ended. */
  flushed(error: Error | undefined, result: T): void
}

/**
 * Rounds of write and sync (rules R3.2). One round at a time: what logs gather while it is in flight goes out with the next one.
 * idle → (somebody has work) → waiting for the end of the turn → round → round … → idle.
 * A log hears of its own sync at once; the round ends with the slowest of its files, but for those that wait for room on the disk: they leave it, and take
 * part again once they are through.
 */
export class GroupCommit<T> {
  readonly #clock: Pick<Clock, 'defer'>
  readonly #counters: { rounds: number }
  readonly #dirty = new Set<FlushTarget<T>>()
  #idleCallbacks: (() => void)[] = []
  /** Of the round. */
  readonly #inFlight = new Set<FlushTarget<T>>()
  /** Those that left it. */
  readonly #away = new Set<FlushTarget<T>>()
  #scheduled = false

  constructor(clock: Pick<Clock, 'defer'>, counters: { rounds: number }) {
    this.#clock = clock
    this.#counters = counters
  }

  /** The log has work: it is in the next round. */
  add(target: FlushTarget<T>): void {
    this.#dirty.add(target)
    if (this.#inFlight.size > 0 || this.#scheduled) return
    this.#scheduled = true
    this.#clock.defer(() => {
      this.#scheduled = false
      this.#startRound()
    })
  }

  /** Calls back in a later turn, once nothing is in flight and nothing waits. */
  whenIdle(callback: () => void): void {
    this.#idleCallbacks.push(callback)
    if (this.#inFlight.size > 0 || this.#scheduled) return
    this.#clock.defer(() => this.#callIdle())
  }

  /** Its flush takes as long as it takes: nobody else waits for it. */
  leave(target: FlushTarget<T>): void {
    if (!this.#inFlight.delete(target)) return
    this.#away.add(target)
    if (this.#inFlight.size === 0) this.#startRound()
  }

  #startRound(): void {
    const targets = [...this.#dirty].filter((target) => target.hasWork && !this.#away.has(target))
    this.#dirty.clear()
    if (targets.length === 0) {
      this.#callIdle()
      return
    }
    this.#counters.rounds++
    for (const target of targets) this.#inFlight.add(target)
    for (const target of targets) runTask(target.flush(), (error, result) => this.#finish(target, error, result))
  }

  #finish(target: FlushTarget<T>, error: Error | undefined, result: T): void {
    target.flushed(error, result)
    if (target.hasWork) this.#dirty.add(target)
    this.#away.delete(target)
    this.#inFlight.delete(target)
    if (this.#inFlight.size === 0 && !this.#scheduled) this.#startRound()
  }

  #callIdle(): void {
    if (this.#inFlight.size > 0 || this.#away.size > 0 || this.#scheduled || this.#dirty.size > 0) return
    const callbacks = this.#idleCallbacks
    this.#idleCallbacks = []
    for (const callback of callbacks) callback()
  }
}
