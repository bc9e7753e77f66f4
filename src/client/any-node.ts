import type { Timer } from '../base/clock.ts'
import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import { asBrokerError, asIndefinite } from './api-error.ts'
import { backoffMs } from './backoff.ts'
import type { Cluster } from './cluster.ts'
import type { ClientConnection, NodeAddress } from './transport.ts'

export type NodeCall<T> = (connection: ClientConnection, timeoutMs: number, done: Done<T>) => void

export interface AnyNodeOptions {
  /** For all attempts together. */
  readonly timeoutMs: number
  /** For one attempt. */
  readonly attemptTimeoutMs: number
  /** Whether to go on after this error; default: when it is retriable. */
  readonly retries?: (error: BrokerError) => boolean
  /** Only this node can answer; default: any can. */
  readonly address?: NodeAddress
}

/**
 * One call that any node can answer, tried on one node after the other until `timeoutMs` is over. Repeating it must be harmless.
 * The last error that a node said is reported, else the last one; called indefinite when any attempt may have succeeded.
 */
export class AnyNodeCall<T> {
  readonly #cluster: Cluster
  readonly #call: NodeCall<T>
  readonly #options: AnyNodeOptions
  readonly #done: Done<T>
  readonly #deadlineMs: number
  #nextNode: number
  /** Who the node asked last named instead of itself. */
  #named: NodeAddress | undefined
  #attempts = 0
  #maybeDone = false
  #said: BrokerError | undefined
  #isOver = false
  #timer: Timer | undefined

  constructor(cluster: Cluster, call: NodeCall<T>, options: AnyNodeOptions, done: Done<T>) {
    this.#cluster = cluster
    this.#call = call
    this.#options = options
    this.#done = done
    this.#deadlineMs = cluster.clock.monotonicMs() + options.timeoutMs
    this.#nextNode = cluster.random.integer(1_000)
  }

  /** Some attempt ended without saying whether it was done. */
  get maybeDone(): boolean {
    return this.#maybeDone
  }

  start(): this {
    this.#cluster.connections.whenReady((error) => {
      if (error === undefined) this.#attempt()
      else this.#finish(asBrokerError(error))
    })
    return this
  }

  #attempt(): void {
    if (this.#isOver) return
    const only = this.#options.address
    const candidates = only === undefined ? this.#cluster.metadata.candidates() : [only]
    const address = this.#named ?? (candidates[this.#nextNode++ % candidates.length] as NodeAddress)
    this.#named = undefined
    this.#attempts++
    const remainingMs = Math.max(1, this.#deadlineMs - this.#cluster.clock.monotonicMs())
    let connection: ClientConnection
    try {
      connection = this.#cluster.connections.to(address)
    } catch (error) {
      this.#finish(asBrokerError(error as Error))
      return
    }
    this.#call(connection, Math.min(remainingMs, this.#options.attemptTimeoutMs), (error, value) => {
      if (this.#isOver) return
      if (error === undefined) this.#finish(undefined, value)
      else this.#failed(asBrokerError(error), candidates.length)
    })
  }

  #failed(error: BrokerError, nodes: number): void {
    if (!error.definite) this.#maybeDone = true
    if (!error.unanswered) this.#said = error
    if (error.leader !== undefined && this.#options.address === undefined) this.#named = { host: error.leader.host, port: error.leader.grpcPort }
    const { clock, random } = this.#cluster
    // One turn around all nodes is fast, then each attempt waits longer.
    const delayMs = this.#attempts < nodes ? 0 : backoffMs(random, this.#attempts - nodes + 1)
    const retries = this.#options.retries?.(error) ?? error.retriable
    if (!retries || clock.monotonicMs() + delayMs >= this.#deadlineMs) this.#finish(this.#said ?? error)
    else this.#timer = clock.after(delayMs, () => this.#attempt())
  }

  #finish(error: BrokerError | undefined, value?: T): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#timer?.cancel()
    this.#done(error === undefined ? undefined : this.#maybeDone ? asIndefinite(error) : error, value as T)
  }

  /** Ends the call now; what is under way is indefinite. */
  cancel(): void {
    this.#maybeDone ||= this.#attempts > 0
    this.#finish(new BrokerError('CLIENT_CLOSED', 'the client was closed during the call'))
  }
}
