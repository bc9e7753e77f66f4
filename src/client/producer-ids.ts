import type { BrokerError } from '../base/errors.ts'
import type { CreateProducerIdResponse } from '../wire/api.ts'
import { AnyNodeCall } from './any-node.ts'
import { asBrokerError } from './api-error.ts'
import { backoffMs } from './backoff.ts'
import type { Cluster } from './cluster.ts'
import type { ProducerIdentity } from './produce-batch.ts'

const ATTEMPT_TIMEOUT_MS = 2_000
const TIMEOUT_MS = 10_000

/** The producer id of one producer, and a newer one whenever the sequence of a partition broke: none → asked for → known → asked for … */
export class ProducerIds {
  readonly #cluster: Cluster
  readonly #onAnswer: () => void
  #identity: ProducerIdentity | undefined
  #call: AnyNodeCall<CreateProducerIdResponse> | undefined
  #failures = 0
  #notBeforeMs = 0
  #lastError: BrokerError | undefined

  /** `onAnswer`: it is known, or may be asked for again. */
  constructor(cluster: Cluster, onAnswer: () => void) {
    this.#cluster = cluster
    this.#onAnswer = onAnswer
  }

  /** Why the last attempt got none; undefined after a success. */
  get lastError(): BrokerError | undefined {
    return this.#lastError
  }

  /** The newest, if it is of that generation or later. */
  from(generation: number): ProducerIdentity | undefined {
    return this.#identity !== undefined && this.#identity.generation >= generation ? this.#identity : undefined
  }

  /** Sees to getting a newer one. Returns when to ask again, ms; Infinity: after an answer. */
  request(nowMs: number): number {
    if (this.#call !== undefined) return Infinity
    if (nowMs < this.#notBeforeMs) return this.#notBeforeMs
    const options = { timeoutMs: TIMEOUT_MS, attemptTimeoutMs: ATTEMPT_TIMEOUT_MS }
    this.#call = new AnyNodeCall(
      this.#cluster,
      (connection, timeoutMs, done) => connection.createProducerId(timeoutMs, done),
      options,
      (error, answer) => this.#answered(error, answer),
    )
    this.#call.start()
    return Infinity
  }

  #answered(error: Error | undefined, answer: CreateProducerIdResponse): void {
    const { clock, random } = this.#cluster
    this.#call = undefined
    this.#failures = error === undefined ? 0 : this.#failures + 1
    this.#lastError = error === undefined ? undefined : asBrokerError(error)
    if (error === undefined) this.#identity = { ...answer, generation: (this.#identity?.generation ?? -1) + 1 }
    else this.#notBeforeMs = clock.monotonicMs() + backoffMs(random, this.#failures)
    this.#onAnswer()
  }

  cancel(): void {
    this.#call?.cancel()
  }
}
