import type { Clock } from '../../src/base/clock.ts'
import { BrokerError } from '../../src/base/errors.ts'
import type { OxbowClient } from '../../src/client/client.ts'
import type { ReadRecord } from '../check/delivery.ts'
import type { History } from '../history.ts'
import { sleep } from '../sleep.ts'
import type { LoadTopic } from './load.ts'

/** What a reader reads: the topics known so far; more may come. */
export type KnownTopics = () => readonly LoadTopic[]

export interface ReaderOptions {
  readonly clock: Clock
  readonly topics: KnownTopics
  /** Called with every record, in the order of its partition. */
  readonly record: (record: ReadRecord) => void
  readonly stopped: () => boolean
}

const POLL_MS = 250

/** Reads all partitions of all topics from the start, until it is stopped. A topic that appears later, or grows, is read as well. */
export async function readAll(client: OxbowClient, options: ReaderOptions): Promise<void> {
  const { clock, topics, record, stopped } = options
  // Records may be deleted before they are read.
  const consumer = client.consumer({ outOfRange: 'earliest' })
  const topicIds = new Map<string, string>()
  const assigned = new Set<string>()
  while (!stopped()) {
    try {
      if (topics().reduce((sum, { partitions }) => sum + partitions, 0) > assigned.size) {
        const known = topics().flatMap(({ name, partitions }) => Array.from({ length: partitions }, (_, partition) => ({ name, partition })))
        for (const { name, topicId } of topics()) topicIds.set(name, topicId)
        await consumer.assign(known.map(({ name, partition }) => position(consumer, assigned.has(`${name}/${partition}`), name, partition)))
        for (const { name, partition } of known) assigned.add(`${name}/${partition}`)
      }
      if (assigned.size === 0) await sleep(clock, POLL_MS)
      for (const { topic, partition, offset, value } of await consumer.poll({ timeoutMs: POLL_MS })) {
        record({ topicId: topicIds.get(topic) ?? topic, partition, offset, value: value?.toString() ?? '' })
      }
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      await sleep(clock, POLL_MS)
    }
  }
  await consumer.close()
}

function position(
  consumer: ReturnType<OxbowClient['consumer']>,
  known: boolean,
  topic: string,
  partition: number,
): { topic: string; partition: number; offset: number | 'earliest' } {
  return { topic, partition, offset: known ? consumer.position(topic, partition) : 'earliest' }
}

/** A reader whose records go into the history: what a consumer saw while the faults went on. */
export function readIntoHistory(client: OxbowClient, name: string, history: History, options: Omit<ReaderOptions, 'record'>): Promise<void> {
  const record = (read: ReadRecord): void => history.add({ type: 'read', atMs: options.clock.monotonicMs(), consumer: name, ...read })
  return readAll(client, { ...options, record })
}
