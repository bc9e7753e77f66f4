import type { Checkpoints, CheckpointWrite } from '../base/checkpoints.ts'
import type { Done, DoneVoid } from '../base/done.ts'

/** Opens the store behind it. */
export type OpenCheckpoints = (done: Done<Checkpoints>) => void

type State =
  | { readonly type: 'unopened' }
  | { readonly type: 'opening'; readonly waiting: Done<Checkpoints>[] }
  | { readonly type: 'open'; readonly store: Checkpoints }
  | { readonly type: 'closed' }

/**
 * Checkpoints that are opened by the first call: unopened → opening → open → closed. A node locks its folder before it asks for any, so
 * another node's store is never touched, and a node without partitions starts without the store. An open that failed is tried again by the next call.
 */
export class LazyCheckpoints implements Checkpoints {
  readonly #openStore: OpenCheckpoints
  #state: State = { type: 'unopened' }

  constructor(openStore: OpenCheckpoints) {
    this.#openStore = openStore
  }

  write(writes: readonly CheckpointWrite[], options: { readonly sync: boolean }, done: DoneVoid): void {
    if (writes.length === 0 && this.#state.type === 'unopened') {
      setImmediate(done, undefined)
      return
    }
    this.#with((error, store) => (error === undefined ? store.write(writes, options, done) : done(error)))
  }

  get(key: string, done: Done<Buffer | undefined>): void {
    this.#with((error, store) => (error === undefined ? store.get(key, done) : done(error, undefined)))
  }

  close(done: DoneVoid): void {
    const state = this.#state
    if (state.type === 'opening') {
      state.waiting.push(() => this.close(done))
      return
    }
    this.#state = { type: 'closed' }
    if (state.type === 'open') state.store.close(done)
    else setImmediate(done, undefined)
  }

  #with(then: Done<Checkpoints>): void {
    const state = this.#state
    if (state.type === 'open') then(undefined, state.store)
    else if (state.type === 'closed') setImmediate(then, new Error('the checkpoints are closed'), undefined as never)
    else if (state.type === 'opening') state.waiting.push(then)
    else this.#open(then)
  }

  #open(first: Done<Checkpoints>): void {
    const waiting = [first]
    this.#state = { type: 'opening', waiting }
    this.#openStore((error, store) => {
      this.#state = error === undefined ? { type: 'open', store } : { type: 'unopened' }
      for (const then of waiting) then(error, store)
    })
  }
}
