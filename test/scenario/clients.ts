import type { ClusterChecker } from '../../chaos/check/cluster-checker.ts'
import type { History } from '../../chaos/history.ts'
import type { LoadTopic } from '../../chaos/sim/load.ts'
import { sleep } from '../../chaos/sleep.ts'
import type { SimClient } from '../../chaos/sim/cluster.ts'
import { BrokerError } from '../../src/base/errors.ts'
import type { ProducerOptions } from '../../src/client/producer-options.ts'

/** What became of some sends; codes and offsets in the order of the sends, null while there is none. */
export interface Batch {
  readonly count: number
  readonly outcomes: (number | BrokerError | null)[]
}

export interface ClientsOptions {
  readonly history: History
  readonly checker: ClusterChecker
}

/** Gives out ids of sends: unique in a story. */
export class SendIds {
  #last = 0

  next(): number {
    this.#last += 1
    return this.#last
  }
}

/** A producer of a story: each send is a record of its own, and its outcome goes into the history. */
export class StoryProducer {
  readonly name: string
  readonly hostId: number
  readonly #client: SimClient
  readonly #producer: ReturnType<SimClient['client']['producer']>
  readonly #acks: ProducerOptions['acks']
  readonly #options: ClientsOptions
  readonly #ids: SendIds

  constructor(name: string, client: SimClient, options: ClientsOptions & { readonly ids: SendIds; readonly producer: ProducerOptions }) {
    this.name = name
    this.hostId = client.hostId
    this.#client = client
    this.#options = options
    this.#ids = options.ids
    this.#acks = options.producer.acks ?? 'all'
    this.#producer = client.client.producer({ lingerMs: 0, batchBytes: 1, ...options.producer })
  }

  /** With a small batch size each record travels as a batch of its own. */
  send(topic: LoadTopic, partition: number, count: number): Batch {
    const batch: Batch = { count, outcomes: Array.from({ length: count }, () => null) }
    for (let at = 0; at < count; at++) this.#sendOne(topic, partition, batch, at)
    return batch
  }

  #sendOne({ name, topicId }: LoadTopic, partition: number, batch: Batch, at: number): void {
    const { history, checker } = this.#options
    const { clock } = this.#client
    const sendId = this.#ids.next()
    const value = `record ${sendId}`
    history.add({ type: 'send', atMs: clock.monotonicMs(), sendId, producer: this.name, topicId, partition, value })
    this.#producer
      .send({ topic: name, partition, value })
      .then(({ offset }) => {
        batch.outcomes[at] = offset
        // The leader alone promised it: it may go with the leader (rules R6.6).
        if (this.#acks !== 'all') return
        history.add({ type: 'ok', atMs: clock.monotonicMs(), sendId, partition, offset })
        checker.acknowledged(topicId, partition, offset)
      })
      .catch((error: unknown) => {
        if (!(error instanceof BrokerError)) throw error
        batch.outcomes[at] = error
        history.add({ type: error.definite ? 'fail' : 'info', atMs: clock.monotonicMs(), sendId, code: error.code })
      })
  }
}

/** Reads a topic from its start, and goes nowhere else when it is told that its position is out of range. */
export class StoryConsumer {
  readonly name: string
  readonly hostId: number
  readonly offsets: number[] = []
  /** The last refusal. */
  error: BrokerError | null = null
  readonly #client: SimClient
  #stopped = false

  constructor(name: string, client: SimClient) {
    this.name = name
    this.hostId = client.hostId
    this.#client = client
  }

  async readAlong(topic: string): Promise<void> {
    const consumer = this.#client.client.consumer()
    await consumer.assign([{ topic, partition: 0, offset: 0 }])
    while (!this.#stopped) {
      try {
        for (const { offset } of await consumer.poll({ timeoutMs: 100 })) this.offsets.push(offset)
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error
        this.error = error
        await sleep(this.#client.clock, 100)
      }
    }
    await consumer.close()
  }

  stop(): void {
    this.#stopped = true
  }
}

/** What became of something that was asked for. */
export interface Asked {
  /** undefined: no answer yet; null: it was done. */
  code: string | null | undefined
}

export function ask(call: Promise<unknown>): Asked {
  const asked: Asked = { code: undefined }
  call.then(
    () => {
      asked.code = null
    },
    (error: unknown) => {
      asked.code = error instanceof BrokerError ? error.code : String(error)
    },
  )
  return asked
}

export const isSettled = ({ outcomes }: Batch): boolean => outcomes.every((outcome) => outcome !== null)

/** `acknowledged at 0 to 4`, `NOT_ENOUGH_REPLICAS, for sure`, and so on: one clause a kind of outcome. */
export function describeOutcome({ outcomes }: Batch): string {
  const offsets = outcomes.filter((outcome): outcome is number => typeof outcome === 'number')
  const refusals = outcomes
    .filter((outcome): outcome is BrokerError => outcome instanceof BrokerError)
    .map(({ code, definite }) => `${code}${definite ? ', for sure' : ', or maybe not'}`)
  const clauses: string[] = []
  if (offsets.length > 0) clauses.push(`${offsets.length} acknowledged at ${ranges(offsets)}`)
  for (const refusal of new Set(refusals)) clauses.push(`${refusals.filter((other) => other === refusal).length} failed with ${refusal}`)
  const waiting = outcomes.filter((outcome) => outcome === null).length
  if (waiting > 0) clauses.push(`${waiting} without an answer`)
  return clauses.join('; ')
}

/** `0 to 4, 7`. */
export function ranges(offsets: readonly number[]): string {
  const parts: string[] = []
  for (let at = 0; at < offsets.length; ) {
    let end = at
    while (offsets[end + 1] === (offsets[end] as number) + 1) end += 1
    parts.push(at === end ? `${offsets[at]}` : `${offsets[at]} to ${offsets[end]}`)
    at = end + 1
  }
  return parts.length === 0 ? 'none' : parts.join(', ')
}
