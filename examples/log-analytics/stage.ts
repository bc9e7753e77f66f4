import { setTimeout } from 'node:timers/promises'
import { type ConsumedRecord, OxbowClient, type Producer, type ProducerRecord } from 'oxbow/client'

/** The pipeline's topics. clean and dead have the partitions of raw: partition P of both is made from partition P of raw alone. */
export const topics = { raw: 'logs.raw', clean: 'logs.clean', dead: 'logs.dead', windows: 'logs.windows', alerts: 'logs.alerts' } as const

const DEFAULT_BOOTSTRAP = '127.0.0.1:9192,127.0.0.1:9193,127.0.0.1:9194'
const RAW_PARTITIONS = 3
const WANTED_COPIES = 3

export function connect(): OxbowClient {
  return new OxbowClient({ bootstrap: (process.env.OXBOW_BOOTSTRAP ?? DEFAULT_BOOTSTRAP).split(',') })
}

/** Makes what is missing: any of the four may be first. Returns the number of partitions of raw, clean and dead. */
export async function ensureTopics(client: OxbowClient): Promise<number> {
  const admin = client.admin()
  const { brokers } = await admin.describeCluster()
  const replicationFactor = Math.min(WANTED_COPIES, brokers.length)
  for (const name of [topics.raw, topics.clean, topics.dead])
    await admin.createTopic({ name, partitions: RAW_PARTITIONS, replicationFactor, ifNotExists: true })
  for (const name of [topics.windows, topics.alerts]) await admin.createTopic({ name, partitions: 1, replicationFactor, ifNotExists: true })
  const [raw] = await admin.describeTopics([topics.raw])
  return raw?.partitions.length ?? RAW_PARTITIONS
}

/**
 * Runs one of the programs until SIGINT or SIGTERM. There is one answer to every failure: end, and be started again. What was sent and not
 * acknowledged may be in the log or not; a new process looks at its own output and knows.
 */
export function run(name: string, main: (signal: AbortSignal) => Promise<void>): void {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  main(stop.signal).then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)} (start it again: it goes on where its output ends)\n`)
      process.exit(1)
    },
  )
}

/** Resolves when all are acknowledged; where and at which offset, in their order. */
export function sendAll(producer: Producer, records: readonly ProducerRecord[]): Promise<{ readonly partition: number; readonly offset: number }[]> {
  return Promise.all(records.map((record) => producer.send(record)))
}

export function header(key: string, value: string | number): { readonly key: string; readonly value: Buffer } {
  return { key, value: Buffer.from(String(value)) }
}

/** Undefined when the record has none. */
export function headerOf(record: ConsumedRecord, key: string): string | undefined {
  return record.headers.find((one) => one.key === key)?.value?.toString()
}

/** Visits the last `count` records of a partition as it is now, in order. Returns whether there are older ones. */
export async function readTail(
  client: OxbowClient,
  where: { readonly topic: string; readonly partition: number; readonly count: number },
  visit: (record: ConsumedRecord) => void,
): Promise<boolean> {
  const { topic, partition, count } = where
  const consumer = client.consumer()
  await consumer.assign([{ topic, partition, offset: 'latest' }])
  const end = consumer.position(topic, partition)
  await consumer.assign([{ topic, partition, offset: 'earliest' }])
  const earliest = consumer.position(topic, partition)
  const start = Math.max(earliest, end - count)
  if (start < end) await consumer.seek({ topic, partition, offset: start })
  while (consumer.position(topic, partition) < end) for (const record of await consumer.poll()) if (record.offset < end) visit(record)
  await consumer.close()
  return start > earliest
}

/** Ends early when the program is to stop. */
export async function sleep(delayMs: number, signal: AbortSignal): Promise<void> {
  await setTimeout(delayMs, undefined, { signal }).catch(() => undefined)
}
