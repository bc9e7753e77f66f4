import type { ConsumedRecord, OxbowClient, ProducerRecord } from 'oxbow/client'
import { parseLine } from './parse.ts'
import { connect, ensureTopics, header, headerOf, readTail, run, sendAll, topics } from './stage.ts'

/**
 * Parses the lines of `logs.raw`: events go to `logs.clean`, the malformed to `logs.dead` with a reason, each into the partition it came from,
 * with the source and position of its line and `input`, the offset that it was made from.
 * It keeps nothing: `input` of the last record of a clean partition says where it stood. So what is dead is acknowledged before the events behind
 * it are sent, and where a round ends with dead lines an empty record in clean says so.
 */
const MAX_RECORDS = 2_000

/** Offset in raw to go on from. */
async function recover(client: OxbowClient, partition: number): Promise<number | 'earliest'> {
  let next: number | 'earliest' = 'earliest'
  await readTail(client, { topic: topics.clean, partition, count: 1 }, (record) => {
    next = Number(headerOf(record, 'input')) + 1
  })
  return next
}

/** Undefined: no line of a log, but a summary that collect wrote for itself. */
function cleaned(record: ConsumedRecord): ProducerRecord | undefined {
  const source = headerOf(record, 'source')
  if (source === undefined) return undefined
  const { partition, offset, timestamp, value } = record
  const name = headerOf(record, 'name') ?? ''
  const origin = [header('source', source), header('position', headerOf(record, 'position') ?? 0), header('input', offset)]
  const parsed = parseLine(String(value), timestamp)
  if (parsed.type === 'event') return { topic: topics.clean, partition, key: name, value: JSON.stringify({ name, ...parsed.event }), headers: origin }
  return { topic: topics.dead, partition, key: name, value, headers: [...origin, header('name', name), header('reason', parsed.reason)] }
}

run('clean', async (signal) => {
  const client = connect()
  const partitions = await ensureTopics(client)
  const starts = await Promise.all(Array.from({ length: partitions }, (_, partition) => recover(client, partition)))
  const consumer = client.consumer()
  await consumer.assign(starts.map((offset, partition) => ({ topic: topics.raw, partition, offset })))
  const producer = client.producer({ compression: 'gzip' })
  process.stdout.write('clean: parses\n')
  while (!signal.aborted) {
    const events: ProducerRecord[] = []
    const dead: ProducerRecord[] = []
    /** Of each partition: the last offset of this round, where no event ends it. */
    const ends = new Map<number, number>()
    for (const record of await consumer.poll({ maxRecords: MAX_RECORDS })) {
      const made = cleaned(record)
      if (made?.topic === topics.clean) events.push(made)
      else if (made !== undefined) dead.push(made)
      if (made?.topic === topics.clean) ends.delete(record.partition)
      else ends.set(record.partition, record.offset)
    }
    await sendAll(producer, dead)
    const marks = [...ends].map(([partition, offset]) => ({ topic: topics.clean, partition, value: null, headers: [header('input', offset)] }))
    await sendAll(producer, [...events, ...marks])
  }
  await client.close()
})
