import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Assignment, ConsumedRecord } from 'oxbow/client'
import type { LogEvent } from './parse.ts'
import { connect, ensureTopics, header, headerOf, run, sendAll, topics } from './stage.ts'
import { readState, writeState } from './state-file.ts'
import { type Update, Windows, type WindowsState } from './windows.ts'

/**
 * Counts the events of `logs.clean` in windows of event time, by log and level, and the lines of `logs.dead`; writes what changed to
 * `logs.windows`, whole rows with a version, so that a row sent twice changes nothing.
 * Its state is one file, replaced in one step: counts, the offsets they are made of, and of each source the position of the last line that was
 * counted. The same line may come again, with another offset, when a process before this one was killed: it is not counted again.
 */
interface State {
  version: number
  /** Next offset to read, by `topic:partition`. */
  readonly offsets: Record<string, number>
  /** Position of the last line, by topic and source. */
  readonly seen: Record<string, Record<string, number>>
  windows: WindowsState
}

const COMMIT_MS = 300
const MAX_RECORDS = 2_000
const MINUTE_MS = 60_000
const LATENESS_MS = 30_000
const KEEP = 240

function apply(state: State, windows: Windows, record: ConsumedRecord): void {
  const { topic, partition, offset, value } = record
  state.offsets[`${topic}:${partition}`] = offset + 1
  const source = headerOf(record, 'source')
  if (source === undefined || value === null) return
  const position = Number(headerOf(record, 'position'))
  const seen = (state.seen[topic] ??= {})
  if (position <= (seen[source] ?? 0)) return
  seen[source] = position
  if (topic === topics.dead) windows.addMalformed(headerOf(record, 'name') ?? '')
  else {
    const event = JSON.parse(String(value)) as LogEvent & { readonly name: string }
    windows.add(event.name, event)
  }
}

function row(
  update: Update,
  version: number,
): { readonly topic: string; readonly key: string; readonly value: string; readonly headers: ReturnType<typeof header>[] } {
  const key = update.type === 'window' ? `${update.start} ${update.name}` : update.name
  return { topic: topics.windows, key, value: JSON.stringify(update), headers: [header('version', version)] }
}

run('analyse', async (signal) => {
  const path = process.argv[2] ?? 'log-analytics-state.json'
  await mkdir(dirname(path), { recursive: true })
  const client = connect()
  const partitions = await ensureTopics(client)
  const state = (await readState<State>(path)) ?? { version: 0, offsets: {}, seen: {}, windows: { totals: [], windows: [] } }
  const windows = new Windows({ sizeMs: MINUTE_MS, latenessMs: LATENESS_MS, keep: KEEP }, state.windows)
  const producer = client.producer({ compression: 'gzip' })
  // What was written down and perhaps not sent.
  const { totals, windows: kept } = windows.state
  const all: Update[] = [...totals.map((one) => ({ type: 'totals' as const, ...one })), ...kept.map((one) => ({ type: 'window' as const, ...one }))]
  await sendAll(
    producer,
    all.map((update) => row(update, state.version)),
  )
  const consumer = client.consumer()
  const assignments: Assignment[] = [topics.clean, topics.dead].flatMap((topic) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: state.offsets[`${topic}:${partition}`] ?? ('earliest' as const) })),
  )
  await consumer.assign(assignments)
  process.stdout.write(`analyse: counts, from version ${state.version} of ${path}\n`)
  let isDirty = false
  let committedAtMs = performance.now()
  while (!signal.aborted || isDirty) {
    const records = signal.aborted ? [] : await consumer.poll({ maxRecords: MAX_RECORDS, timeoutMs: COMMIT_MS })
    for (const record of records) apply(state, windows, record)
    isDirty ||= records.length > 0
    if (!isDirty || (!signal.aborted && performance.now() - committedAtMs < COMMIT_MS)) continue
    state.version++
    state.windows = windows.state
    // First the file, then the rows: a row that was sent is never taken back.
    await writeState(path, state)
    await sendAll(
      producer,
      windows.takeChanges().map((update) => row(update, state.version)),
    )
    isDirty = false
    committedAtMs = performance.now()
  }
  await client.close()
})
