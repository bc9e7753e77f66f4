import type { OxbowClient } from '../../src/client/client.ts'
import { isMicroOperations, type Key, type Operation } from '../operations/operation.ts'
import { ClientProcess, type ClientProcessOptions, type Completion, invocationOf } from './client-process.ts'
import type { ClientRequest } from './requests.ts'
import type { Seen } from './seen.ts'

export interface WorkerOptions extends ClientProcessOptions {
  /** Its first process; the next ones are each so many later. */
  readonly thread: number
  readonly threads: number
  readonly openClient: () => OxbowClient
  readonly note: (operation: Omit<Operation, 'index' | 'time'>) => void
  readonly seen: Seen
}

/**
 * One thread of the workload: it is a process with a client, until an operation ends unknown; then it is the next process, with a fresh one.
 * So no process does anything after what may still be under way.
 */
export class Worker {
  readonly #options: WorkerOptions
  /** Of the next record a key, over all its processes. */
  readonly #positions = new Map<Key, number>()
  readonly #closing = new Set<Promise<void>>()
  #process: number
  #client: ClientProcess

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#process = options.thread
    this.#client = new ClientProcess(options.openClient(), options)
  }

  get thread(): number {
    return this.#options.thread
  }

  /** As its process does it: what is not of the history, such as making and deleting topics. */
  get client(): OxbowClient {
    return this.#client.client
  }

  /** How many keys it may poll. */
  get assigned(): number {
    return this.#client.assigned.length
  }

  /** Does it, notes its begin and its end, and answers how it ended. */
  async perform(request: ClientRequest): Promise<Completion> {
    return await this.#noted(invocationOf(request), () => this.#client.perform(request, this.#positions))
  }

  /** For the last phase: many at once, and with patience. */
  async poll(options: ClientProcessOptions['poll']): Promise<Completion> {
    return await this.#noted(invocationOf({ f: 'poll' }), () => this.#client.poll(options))
  }

  /** Fulfilled when all its clients are closed. */
  async close(): Promise<void> {
    this.#retire(this.#client)
    await Promise.all(this.#closing)
  }

  async #noted(invocation: Pick<Operation, 'f' | 'value' | 'seekToBeginning'>, act: () => Promise<Completion>): Promise<Completion> {
    const { note, seen } = this.#options
    note({ process: this.#process, type: 'invoke', ...invocation })
    const completion = await act()
    note({ process: this.#process, f: invocation.f, ...completion })
    seen.completed(completion.type)
    this.#learn(invocation, completion)
    if (completion.type === 'info') this.#renew()
    return completion
  }

  #learn({ f, seekToBeginning, value: asked }: Pick<Operation, 'f' | 'value' | 'seekToBeginning'>, { type, value }: Completion): void {
    const { seen } = this.#options
    if (type !== 'ok') return
    if (f === 'assign' && seekToBeginning === true) for (const key of asked as readonly Key[]) this.#positions.delete(key)
    if (!isMicroOperations(value)) return
    for (const part of value) {
      if (part[0] === 'send') {
        if (typeof part[2] !== 'number') seen.acknowledged(part[1], ...part[2])
        continue
      }
      if (part[1] === undefined) continue
      seen.polled(part[1])
      for (const [key, pairs] of Object.entries(part[1])) this.#positions.set(Number(key), (pairs.at(-1)?.[0] ?? -1) + 1)
    }
  }

  #renew(): void {
    const { threads, openClient } = this.#options
    this.#retire(this.#client)
    this.#process += threads
    this.#client = new ClientProcess(openClient(), this.#options)
  }

  /** In the background: a client that waits for what is under way takes seconds. */
  #retire(client: ClientProcess): void {
    const closed = client.close().finally(() => this.#closing.delete(closed))
    this.#closing.add(closed)
  }
}
