import type { OxbowClient, Producer, ProducerRecord } from 'oxbow/client'
import { filesToRead, findFiles, type LogFile, nextLines } from './follow.ts'
import { connect, ensureTopics, header, headerOf, readTail, run, sendAll, sleep, topics } from './stage.ts'

/**
 * Follows the text files of a folder: each line becomes a record of `logs.raw`, keyed by its log, in the order of the log, with headers
 *   source: the file's id · position: of the byte behind the line · name: the log that the file is a part of.
 * It keeps nothing on disk. Where it stood it reads from its own output; so that the tail is enough, it writes into each partition, now and
 * then, a record without a key that says how far each file of the partition has been read.
 */
const SUMMARY_EVERY_RECORDS = 2_000
const TAIL_RECORDS = 3 * SUMMARY_EVERY_RECORDS
const LOGS_A_ROUND = 32
const IDLE_MS = 300

interface Progress {
  readonly partition: number
  readonly position: number
}

class Positions {
  readonly #bySource = new Map<string, Progress>()

  of(source: string): number {
    return this.#bySource.get(source)?.position ?? 0
  }

  /** Never back: what a dead process sent last may land behind what its successor wrote. */
  note(source: string, progress: Progress): void {
    if (progress.position > this.of(source)) this.#bySource.set(source, progress)
  }

  summary(partition: number): ProducerRecord {
    const ofPartition = [...this.#bySource].filter(([, progress]) => progress.partition === partition)
    const value = JSON.stringify(Object.fromEntries(ofPartition.map(([source, { position }]) => [source, position])))
    return { topic: topics.raw, partition, value, headers: [header('summary', 1)] }
  }
}

/** Reads the tail of each partition, and further back where it holds no summary. */
async function recover(client: OxbowClient, partitions: number): Promise<Positions> {
  const positions = new Positions()
  for (let partition = 0; partition < partitions; partition++) {
    let hasSummary = false
    let hasMore = true
    for (let count = TAIL_RECORDS; hasMore && !hasSummary; count *= 4) {
      hasMore = await readTail(client, { topic: topics.raw, partition, count }, (record) => {
        const source = headerOf(record, 'source')
        if (source !== undefined) positions.note(source, { partition, position: Number(headerOf(record, 'position')) })
        else if (headerOf(record, 'summary') !== undefined) {
          hasSummary = true
          const known = JSON.parse(String(record.value)) as Record<string, number>
          for (const [file, position] of Object.entries(known)) positions.note(file, { partition, position })
        }
      })
    }
  }
  return positions
}

/** Sends what is new in some logs, and waits until all of it is acknowledged. Returns how many records went into each partition. */
async function sendNew(producer: Producer, logs: readonly (readonly LogFile[])[], positions: Positions): Promise<Map<number, number>> {
  const counts = new Map<number, number>()
  const sent = logs.map(async (files) => {
    const next = await nextLines(files, (id) => positions.of(id))
    if (next === undefined) return
    const { file, lines } = next
    const records = lines.map(({ bytes, end }) => ({
      topic: topics.raw,
      key: file.name,
      value: bytes,
      headers: [header('source', file.id), header('position', end), header('name', file.name)],
    }))
    const [first] = await sendAll(producer, records)
    const last = lines.at(-1)
    if (first === undefined || last === undefined) return
    positions.note(file.id, { partition: first.partition, position: last.end })
    counts.set(first.partition, (counts.get(first.partition) ?? 0) + lines.length)
  })
  await Promise.all(sent)
  return counts
}

run('collect', async (signal) => {
  const folder = process.argv[2] ?? '/var/log'
  const client = connect()
  const partitions = await ensureTopics(client)
  const positions = await recover(client, partitions)
  const producer = client.producer({ compression: 'gzip' })
  const sinceSummary = Array.from({ length: partitions }, () => SUMMARY_EVERY_RECORDS)
  process.stdout.write(`collect: follows ${folder}\n`)
  let before: readonly LogFile[] = []
  while (!signal.aborted) {
    const look = await findFiles(folder)
    const logs = filesToRead(look, before, (id) => positions.of(id))
    before = look
    let sent = 0
    for (let at = 0; at < logs.length; at += LOGS_A_ROUND) {
      for (const [partition, count] of await sendNew(producer, logs.slice(at, at + LOGS_A_ROUND), positions)) {
        sinceSummary[partition] = (sinceSummary[partition] ?? 0) + count
        sent += count
      }
      const due = sinceSummary.flatMap((count, partition) => (count >= SUMMARY_EVERY_RECORDS ? [partition] : []))
      await sendAll(
        producer,
        due.map((partition) => positions.summary(partition)),
      )
      for (const partition of due) sinceSummary[partition] = 0
    }
    if (sent === 0) await sleep(IDLE_MS, signal)
  }
  await client.close()
})
