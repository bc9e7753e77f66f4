import { OxbowClient } from '../src/client/client.ts'

export interface ReadOptions {
  readonly bootstrap: readonly string[]
  readonly topic: string
  /** Of partition 0, from its beginning. */
  readonly records: number
}

export interface ReadResult {
  readonly seconds: number
  readonly valueBytes: number
  readonly cpuMs: number
}

const RECORDS_A_POLL = 5_000

/** Reads a partition from its beginning, as fast as it comes, with the defaults of a consumer. */
async function read({ bootstrap, topic, records }: ReadOptions): Promise<ReadResult> {
  const client = new OxbowClient({ bootstrap })
  const consumer = client.consumer()
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  await consumer.assign([{ topic, partition: 0, offset: 'earliest' }])
  let valueBytes = 0
  for (let left = records; left > 0; ) {
    const found = await consumer.poll({ maxRecords: Math.min(left, RECORDS_A_POLL) })
    for (const { value } of found) valueBytes += value?.length ?? 0
    left -= found.length
  }
  const seconds = (performance.now() - startedAt) / 1000
  const used = process.cpuUsage(cpu)
  await client.close()
  return { seconds, valueBytes, cpuMs: (used.user + used.system) / 1000 }
}

/** The reader of a measurement in a process of its own: options as JSON in the first argument, the result as JSON on stdout. */
process.stdout.write(`${JSON.stringify(await read(JSON.parse(process.argv[2] ?? '{}') as ReadOptions))}\n`)
