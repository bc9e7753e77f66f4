import { createHistogram } from 'node:perf_hooks'
import { waitForBrokers } from '../chaos/live/cluster-process.ts'
import { OxbowClient } from '../src/client/client.ts'
import type { Producer, ProducerOptions } from '../src/client/producer.ts'

/** Sends handed over between two looks at the event loop, so that acknowledgements are taken in meanwhile. */
const SENDS_A_TURN = 500

export interface LoadResult {
  readonly records: number
  readonly failed: number
  readonly seconds: number
  readonly megabytesPerSecond: number
  readonly recordsPerSecond: number
  /** From `send` to the acknowledgement. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly cpuMs: number
}

export interface LoadOptions {
  readonly bootstrap: readonly string[]
  readonly topic: string
  readonly partitions: number
  readonly recordBytes: number
  /** Stops after so many records, or after so many ms, whatever comes first. */
  readonly records: number
  readonly forMs?: number
  readonly producer?: ProducerOptions
}

const BROKERS_WITHIN_MS = 60_000

/** Makes the topic when it is not there; a cluster that just starts is waited for. */
export async function makeTopic(bootstrap: readonly string[], topic: string, partitions: number): Promise<void> {
  const client = new OxbowClient({ bootstrap })
  const admin = client.admin()
  await waitForBrokers(client, 3, BROKERS_WITHIN_MS)
  await admin.createTopic({ name: topic, partitions, replicationFactor: 3, ifNotExists: true })
  await client.close()
}

/** As many sends as the producer takes, round robin over the partitions, until all are acknowledged. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const client = new OxbowClient({ bootstrap: options.bootstrap })
  const producer = client.producer(options.producer)
  await producer.send({ topic: options.topic, partition: 0, value: 'warm' })
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  const tally = await pump(producer, options, startedAt)
  const seconds = (performance.now() - startedAt) / 1000
  const used = process.cpuUsage(cpu)
  await producer.close()
  await client.close()
  const { records, failed, histogram } = tally
  return {
    records,
    failed,
    seconds,
    megabytesPerSecond: (records * options.recordBytes) / 1024 / 1024 / seconds,
    recordsPerSecond: records / seconds,
    p50Ms: histogram.percentile(50) / 1e6,
    p99Ms: histogram.percentile(99) / 1e6,
    cpuMs: (used.user + used.system) / 1000,
  }
}

interface Tally {
  records: number
  failed: number
  readonly histogram: ReturnType<typeof createHistogram>
}

async function pump(producer: Producer, options: LoadOptions, startedAt: number): Promise<Tally> {
  const { topic, partitions, recordBytes, records, forMs = Number.POSITIVE_INFINITY } = options
  const tally: Tally = { records: 0, failed: 0, histogram: createHistogram() }
  const value = Buffer.alloc(recordBytes, 'oxbow ')
  let sent = 0
  while (sent < records && performance.now() - startedAt < forMs) {
    const sentAt = performance.now()
    const taken = producer.trySend({ topic, partition: sent % partitions, value }, (error) => {
      if (error === undefined) tally.records++
      else tally.failed++
      tally.histogram.record(Math.max(1, Math.round((performance.now() - sentAt) * 1e6)))
    })
    if (taken) sent++
    else await producer.whenRoom()
    if (sent % SENDS_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await producer.flush()
  return tally
}
