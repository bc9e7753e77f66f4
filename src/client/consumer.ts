import type { Cluster } from './cluster.ts'
import { type Assignment, ConsumerCore, type ConsumerOptions } from './consumer-core.ts'
import type { ConsumedRecord } from './fetch-partition.ts'

export type { Assignment, ConsumerOptions, StartOffset } from './consumer-core.ts'
export type { ConsumedRecord } from './fetch-partition.ts'

const DEFAULT_MAX_RECORDS = 500
const DEFAULT_POLL_TIMEOUT_MS = 500

/**
 * Reads assigned partitions, each in the order of its offsets, no record twice and none skipped. Follows the leaders by itself and fetches ahead
 * within bounds. Every rejection is a BrokerError; one that concerns a partition comes again with each poll until `seek` or `assign`.
 */
export class Consumer implements AsyncIterable<ConsumedRecord> {
  readonly #core: ConsumerCore
  readonly #onClosed: () => void

  /** `onClosed`: who made it need not close it any more. */
  constructor(cluster: Cluster, options: ConsumerOptions = {}, onClosed: () => void = () => {}) {
    this.#onClosed = onClosed
    this.#core = new ConsumerCore(cluster, options)
  }

  /** Replaces what is assigned. 'latest' is fixed when it resolves: the high watermark, exclusive. */
  assign(partitions: readonly Assignment[]): Promise<void> {
    return new Promise((resolve, reject) => this.#core.assign(partitions, (error) => (error === undefined ? resolve() : reject(error))))
  }

  /** Goes on from another offset, of an assigned partition. */
  seek(target: Assignment): Promise<void> {
    return new Promise((resolve, reject) => this.#core.seek(target, (error) => (error === undefined ? resolve() : reject(error))))
  }

  /** Offset of the next record that poll or the iterator will give. Throws INVALID_REQUEST when it is not known. */
  position(topic: string, partition: number): number {
    return this.#core.position(topic, partition)
  }

  /** Resolves as soon as there are records, at the latest after timeoutMs (default 500) with none. */
  poll(options: { readonly maxRecords?: number; readonly timeoutMs?: number } = {}): Promise<ConsumedRecord[]> {
    return new Promise((resolve, reject) => {
      this.#core.poll(options.maxRecords ?? DEFAULT_MAX_RECORDS, options.timeoutMs ?? DEFAULT_POLL_TIMEOUT_MS, (error, records) =>
        error === undefined ? resolve(records) : reject(error),
      )
    })
  }

  /** All records from the positions on, without end; ends when the consumer is closed. Leaving the loop keeps the position. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ConsumedRecord, void, undefined> {
    while (!this.#core.isClosed) {
      const record = this.#core.takeNow() ?? (await this.#wait())
      if (record !== undefined) yield record
    }
  }

  #wait(): Promise<ConsumedRecord | undefined> {
    return new Promise((resolve, reject) => {
      this.#core.poll(1, Infinity, (error, records) => {
        if (error === undefined || this.#core.isClosed) resolve(records[0])
        else reject(error)
      })
    })
  }

  /** Nothing is under way that could not be dropped: it resolves at once. */
  async close(): Promise<void> {
    this.#core.close()
    this.#onClosed()
  }
}
