import type { Checkpoints, CheckpointWrite } from '../../src/base/checkpoints.ts'
import type { Clock } from '../../src/base/clock.ts'
import type { Done, DoneVoid } from '../../src/base/done.ts'
import type { Random } from '../../src/base/random.ts'

export interface MemoryCheckpointsOptions {
  readonly clock: Pick<Clock, 'after'>
  readonly random: Random
  readonly latencyMs?: number
}

interface Store {
  entries: Map<string, Buffer>
  /** The state before each of the newest batches; `synced`: a power loss keeps the batch. */
  /** The view of the process that lives, if any. */
  current: MemoryCheckpoints | undefined
  readonly history: { readonly before: ReadonlyMap<string, Buffer>; synced: boolean }[]
}

const HISTORY = 32

/** Checkpoints in memory, with all that rules R3.7 allows the store to do: forget the newest batches, go back further, lose everything. */
export class MemoryCheckpoints implements Checkpoints {
  readonly #options: MemoryCheckpointsOptions
  readonly #store: Store
  #alive = true

  constructor(options: MemoryCheckpointsOptions, store: Store = { entries: new Map(), current: undefined, history: [] }) {
    this.#options = options
    this.#store = store
    store.current = this
  }

  #complete(callback: () => void): void {
    if (!this.#alive) return
    this.#options.clock.after(this.#options.latencyMs ?? 0, () => {
      if (this.#alive) callback()
    })
  }

  write(writes: readonly CheckpointWrite[], options: { readonly sync: boolean }, done: DoneVoid): void {
    this.#complete(() => {
      const { history } = this.#store
      history.push({ before: this.#store.entries, synced: false })
      if (history.length > HISTORY) history.shift()
      const entries = new Map(this.#store.entries)
      for (const write of writes) {
        if (write.type === 'put') entries.set(write.key, Buffer.from(write.value))
        else entries.delete(write.key)
      }
      this.#store.entries = entries
      // The store's journal is one file: a synced batch takes those before it along.
      if (options.sync) for (const batch of history) batch.synced = true
      done(undefined)
    })
  }

  get(key: string, done: Done<Buffer | undefined>): void {
    this.#complete(() => {
      const value = this.#store.entries.get(key)
      done(undefined, value && Buffer.from(value))
    })
  }

  close(done: DoneVoid): void {
    this.#complete(() => {
      this.#alive = false
      done(undefined)
    })
  }

  // What follows is for whoever breaks it.

  /** The process that uses the store dies: calls under way did nothing, and never complete. */
  kill(): void {
    if (this.#store.current !== undefined) this.#store.current.#alive = false
    this.#store.current = undefined
  }

  /** Besides, some of the newest unsynced batches are gone. */
  powerLoss(): void {
    this.kill()
    const firstUnsynced = this.#store.history.findIndex((batch) => !batch.synced)
    if (firstUnsynced !== -1) this.#backTo(firstUnsynced + this.#options.random.integer(this.#store.history.length - firstUnsynced + 1))
  }

  /** The next process's view; the process before it is dead from now on. */
  reopen(): MemoryCheckpoints {
    this.kill()
    return new MemoryCheckpoints(this.#options, this.#store)
  }

  loseAll(): void {
    this.#store.entries = new Map()
    this.#store.history.length = 0
  }

  /** Some of the newest batches are gone, synced or not. */
  rollBack(): void {
    this.#backTo(this.#options.random.integer(this.#store.history.length + 1))
  }

  #backTo(batch: number): void {
    const first = this.#store.history[batch]
    if (first === undefined) return
    this.#store.entries = new Map(first.before)
    this.#store.history.length = batch
  }
}
