import type { OxbowClient } from '../../src/client/client.ts'
import { PARTITIONS_PER_TOPIC } from './places.ts'

export interface TopicOptions {
  readonly replicationFactor: number
  readonly configs: Readonly<Record<string, string>>
}

/** Nothing may be deleted: what is gone could not be told from what is lost. */
export const KEEP_TOPIC = { 'retention.ms': '-1', 'retention.bytes': '-1' }

/** Makes each topic when the first client needs it. */
export class Topics {
  readonly #options: TopicOptions
  readonly #made = new Map<string, Promise<void>>()

  constructor(options: TopicOptions) {
    this.#options = options
  }

  /** Fulfilled when it is there; rejects with a BrokerError, and the next one tries again. */
  ensure(topic: string, client: OxbowClient): Promise<void> {
    const known = this.#made.get(topic)
    if (known !== undefined) return known
    const making = this.#make(topic, client)
    this.#made.set(topic, making)
    making.catch(() => this.#made.delete(topic))
    return making
  }

  async #make(topic: string, client: OxbowClient): Promise<void> {
    await client.admin().createTopic({ name: topic, partitions: PARTITIONS_PER_TOPIC, ifNotExists: true, ...this.#options })
  }
}
