import { readFileSync } from 'node:fs'
import { compareReadBack, type PlacedLine } from '../../chaos/live/read-back.ts'
import type { OxbowClient } from '../../src/client/client.ts'

const LINE_BYTES = 8_000
const READ_LIMIT_MS = 30_000

/** Numbered lines, what was promised for each, and whether that is what the cluster holds. */
export class Ledger {
  readonly topic: string
  readonly #partitions: number
  readonly #sent: string[] = []
  readonly #acknowledged: PlacedLine[] = []

  constructor(topic: string, partitions: number) {
    this.topic = topic
    this.#partitions = partitions
  }

  get count(): number {
    return this.#acknowledged.length
  }

  /** Sends so many more lines; every one of them must be acknowledged. */
  async produce(client: OxbowClient, lines: number): Promise<void> {
    const producer = client.producer({ deliveryTimeoutMs: 20_000 })
    const answers = Array.from({ length: lines }, async () => {
      const number = this.#sent.length + 1
      const value = `${number} ${'.'.repeat(LINE_BYTES)}`
      this.#sent.push(value)
      const { partition, offset } = await producer.send({ topic: this.topic, partition: number % this.#partitions, value })
      this.#acknowledged.push({ partition, offset, value })
    })
    await Promise.all(answers)
    await producer.close()
  }

  /** Reads all that is there. Answers what breaks the promise of rules R1.1, and lines that are there beyond what was acknowledged. */
  async violations(client: OxbowClient): Promise<readonly string[]> {
    const read = await readAll(client, this.topic, this.#partitions)
    const { violations } = compareReadBack({ sent: this.#sent, acknowledged: this.#acknowledged, refused: new Set(), read })
    return read.length === this.#acknowledged.length ? violations : [...violations, `${read.length} records for ${this.#acknowledged.length} acknowledgements`]
  }
}

async function readAll(client: OxbowClient, topic: string, partitions: number): Promise<PlacedLine[]> {
  const numbers = Array.from({ length: partitions }, (_, partition) => partition)
  const ends = client.consumer()
  await ends.assign(numbers.map((partition) => ({ topic, partition, offset: 'latest' })))
  const total = numbers.reduce((sum, partition) => sum + ends.position(topic, partition), 0)
  const consumer = client.consumer()
  await consumer.assign(numbers.map((partition) => ({ topic, partition, offset: 'earliest' })))
  const read: PlacedLine[] = []
  const deadline = performance.now() + READ_LIMIT_MS
  while (numbers.reduce((sum, partition) => sum + consumer.position(topic, partition), 0) < total) {
    if (performance.now() > deadline) throw new Error(`${read.length} records of ${topic} were read, offsets say ${total}`)
    for (const { partition, offset, value } of await consumer.poll()) read.push({ partition, offset, value: String(value) })
  }
  await Promise.all([ends.close(), consumer.close()])
  return read
}

/** The most memory that a process ever held, in MB (10^6 bytes). */
export function peakRssMb(pid: number): number {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Math.round((Number(found?.[1]) * 1024) / 1e6)
}
