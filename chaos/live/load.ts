import type { OxbowClient } from '../../src/client/client.ts'
import type { Producer } from '../../src/client/producer.ts'
import type { PlacedLine } from './read-back.ts'

const RECORD_BYTES = 1_000
const RECORDS_A_TURN = 40
const TURN_MS = 20

/** A producer that never pauses for long: numbered records of 1 KB at about 2 MB/s, and what was promised for each. */
export class Load {
  readonly sent: string[] = []
  readonly acknowledged: PlacedLine[] = []
  readonly failures: string[] = []
  readonly #producer: Producer
  readonly #topic: string
  readonly #timer: NodeJS.Timeout

  constructor(client: OxbowClient, topic: string) {
    this.#producer = client.producer()
    this.#topic = topic
    this.#timer = setInterval(() => this.#turn(), TURN_MS)
  }

  #turn(): void {
    for (let at = 0; at < RECORDS_A_TURN; at++) {
      const value = `${this.sent.length + 1} ${'.'.repeat(RECORD_BYTES)}`
      const taken = this.#producer.trySend({ topic: this.#topic, value }, (error, place) => {
        if (error === undefined) this.acknowledged.push({ partition: place.partition, offset: place.offset, value })
        else this.failures.push(error.message)
      })
      if (!taken) return
      this.sent.push(value)
    }
  }

  get acknowledgedBytes(): number {
    return this.acknowledged.length * RECORD_BYTES
  }

  /** Sends no more; everything sent is answered or given up. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#producer.flush()
    await this.#producer.close()
  }
}
