import type { Clock } from '../base/clock.ts'
import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { FetchRequest, FetchResponse, ProduceRequest, ProduceResponse } from '../wire/api.ts'
import type { FetchRecordsRequest, FetchRecordsResponse, ProduceRecordsRequest, ProduceRecordsResponse } from '../wire/plain-api.ts'
import type { BrokerSession } from './api.ts'
import { type FetchContext, PendingFetch } from './consumer-fetch.ts'
import { namingLeaders, type PartitionAnswer } from './leader-hint.ts'
import type { PlainCalls } from './plain-calls.ts'
import { PendingProduce, type ProduceContext } from './produce.ts'

/** What one connection waits for. When it ends, all of that is forgotten; what was appended stays. */
export class ClientSession implements BrokerSession {
  readonly #clock: Clock
  readonly #produceContext: ProduceContext
  readonly #fetchContext: FetchContext
  readonly #plainCalls: PlainCalls
  readonly #image: () => MetadataImage
  readonly #pending = new Set<{ abandon(): void }>()
  readonly #resumes = new Set<() => void>()
  #closed = false

  constructor(options: {
    readonly produce: ProduceContext
    readonly fetch: FetchContext
    readonly plainCalls: PlainCalls
    /** Tells who leads a partition instead. */
    readonly image: () => MetadataImage
  }) {
    this.#clock = options.produce.clock
    this.#produceContext = options.produce
    this.#fetchContext = options.fetch
    this.#plainCalls = options.plainCalls
    this.#image = options.image
  }

  produce(request: ProduceRequest, reply: (response: ProduceResponse) => void): void {
    if (this.#closed) return
    const pending = new PendingProduce(this.#produceContext, request, this.#inOwnTurn(this.#named(reply)), (ended) => this.#pending.delete(ended))
    this.#pending.add(pending)
    pending.start()
  }

  fetch(request: FetchRequest, reply: (response: FetchResponse) => void): void {
    if (this.#closed) return
    const pending = new PendingFetch(this.#fetchContext, request, this.#inOwnTurn(this.#named(reply)), (ended) => this.#pending.delete(ended))
    this.#pending.add(pending)
    pending.start()
  }

  produceRecords(request: ProduceRecordsRequest, done: Done<ProduceRecordsResponse>): void {
    this.#plain(done, () => this.#plainCalls.produce(this, request, done))
  }

  fetchRecords(request: FetchRecordsRequest, done: Done<FetchRecordsResponse>): void {
    this.#plain(done, () => this.#plainCalls.fetch(this, request, done))
  }

  get paused(): boolean {
    return this.#produceContext.budget.isExceeded
  }

  onResume(handler: () => void): void {
    const resume = (): void => {
      this.#resumes.delete(resume)
      if (!this.#closed) handler()
    }
    this.#resumes.add(resume)
    this.#produceContext.budget.onRoom(resume)
  }

  close(): void {
    this.#closed = true
    for (const pending of [...this.#pending]) pending.abandon()
    this.#pending.clear()
    for (const resume of this.#resumes) this.#produceContext.budget.forget(resume)
  }

  /** What the call throws is its answer. */
  #plain<T>(done: Done<T>, call: () => void): void {
    if (this.#closed) return
    try {
      call()
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      this.#inOwnTurn(() => done(error, undefined as T))(undefined)
    }
  }

  #named<Answer extends PartitionAnswer, Response extends { readonly partitions: readonly Answer[] }>(
    reply: (response: Response) => void,
  ): (response: Response) => void {
    return (response) => {
      const partitions = namingLeaders(this.#image(), response.partitions)
      reply(partitions === response.partitions ? response : { ...response, partitions })
    }
  }

  /** Replies never come inside the call that asked, and those of one turn leave together. */
  #inOwnTurn<T>(reply: (response: T) => void): (response: T) => void {
    return (response) =>
      this.#clock.defer(() => {
        if (!this.#closed) reply(response)
      })
  }
}
