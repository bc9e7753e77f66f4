import type { Done } from '../base/done.ts'
import type { Cluster } from './cluster.ts'
import type { RecordMetadata } from './produce-batch.ts'
import { ProducerCore, type ProducerStats } from './producer-core.ts'
import { type ProducerOptions, type ProducerRecord, resolveProducerOptions } from './producer-options.ts'

export type { RecordMetadata } from './produce-batch.ts'
export type { ProducerStats } from './producer-core.ts'
export type { ProducerOptions, ProducerRecord } from './producer-options.ts'

/**
 * Sends records; follows the leaders by itself. Idempotent by default: every record is appended once, in the order of the calls a partition,
 * until one of them fails for good (then its error says whether it may be in the log all the same).
 * Every rejection is a BrokerError with `code`, `retriable` and `definite`.
 */
export class Producer {
  readonly #core: ProducerCore
  readonly #onClosed: () => void

  /** `onClosed`: who made it need not close it any more. */
  constructor(cluster: Cluster, options: ProducerOptions = {}, onClosed: () => void = () => {}) {
    this.#onClosed = onClosed
    this.#core = new ProducerCore(cluster, resolveProducerOptions(options))
  }

  /**
   * Resolves when the record is acknowledged. Waits for room while the buffer is full. The record's bytes are copied when there is room, until then they must not change.
   * The offset is −1 with acks 0, and when the broker knows the record as a duplicate but no longer where it is.
   */
  send(record: ProducerRecord): Promise<RecordMetadata> {
    return new Promise((resolve, reject) => {
      this.#core.send(record, (error, metadata) => (error === undefined ? resolve(metadata) : reject(error)))
    })
  }

  /** Without a promise. False: the buffer is full and nothing was taken. Otherwise `done` is called once, later, with what `send` would say. */
  trySend(record: ProducerRecord, done: Done<RecordMetadata>): boolean {
    return this.#core.trySend(record, done)
  }

  /** Resolves when a record that `trySend` refused would be taken. */
  whenRoom(): Promise<void> {
    return new Promise((resolve) => this.#core.whenRoom(resolve))
  }

  /** Sends what it has without waiting for more; resolves when all records so far are answered, well or not. */
  flush(): Promise<void> {
    return new Promise((resolve) => this.#core.flush(resolve))
  }

  /** Flushes for at most 5 s; what is left is rejected, as indefinite where it was sent. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#core.close(() => {
        this.#onClosed()
        resolve()
      })
    })
  }

  get stats(): ProducerStats {
    return this.#core.stats
  }
}
