import { waitFor } from '../../chaos/live/cluster-process.ts'
import type { PlacedLine } from '../../chaos/live/read-back.ts'
import type { OxbowClient } from '../../src/client/client.ts'
import type { Producer } from '../../src/client/producer.ts'

const RECORD_BYTES = 500
const TURN_MS = 10
const RECORDS_A_TURN = 12
const PROGRESS_LIMIT_MS = 120_000
/** A send that waits for longer has failed: measured are some 100 ms a restart, and half a second when all of it shares two busy cores. */
const DELIVERY_TIMEOUT_MS = 60_000

/** Numbered records to every partition in turn, without a pause, and what was promised for each. */
export class SteadyLoad {
  readonly sent: string[] = []
  readonly acknowledged: PlacedLine[] = []
  readonly failures: string[] = []
  readonly #producer: Producer
  readonly #topic: string
  readonly #partitions: number
  readonly #timer: NodeJS.Timeout

  constructor(client: OxbowClient, topic: string, partitions: number) {
    this.#topic = topic
    this.#partitions = partitions
    this.#producer = client.producer({ deliveryTimeoutMs: DELIVERY_TIMEOUT_MS })
    this.#timer = setInterval(() => this.#turn(), TURN_MS)
  }

  #turn(): void {
    for (let at = 0; at < RECORDS_A_TURN; at++) {
      const partition = this.sent.length % this.#partitions
      const value = `${this.sent.length + 1} ${'.'.repeat(RECORD_BYTES)}`
      const taken = this.#producer.trySend({ topic: this.#topic, partition, value }, (error, place) => {
        if (error === undefined) this.acknowledged.push({ partition: place.partition, offset: place.offset, value })
        else this.failures.push(error.message)
      })
      if (!taken) return
      this.sent.push(value)
    }
  }

  /** Waits for so many more acknowledgements. */
  async more(records: number): Promise<void> {
    const wanted = this.acknowledged.length + records
    await waitFor(`${records} more acknowledgements`, PROGRESS_LIMIT_MS, () => (this.acknowledged.length >= wanted ? true : undefined))
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#producer.flush()
    await this.#producer.close()
  }
}
