import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { runTask, type Task } from '../../src/base/task.ts'
import { SystemClock } from '../../src/client/system-clock.ts'
import { SnapshotFiles, type SnapshotReader, type SnapshotWriter } from '../../src/log/snapshot-files.ts'
import { applyEntries } from '../../src/metadata/apply.ts'
import { emptyImage, type MetadataImage } from '../../src/metadata/image.ts'
import { NodeDisk } from '../../src/node/disk.ts'
import { decodeEntry, encodeEntry } from '../../src/runtime/decision-entry.ts'
import { readSnapshot, writeSnapshot } from '../../src/runtime/snapshot-content.ts'
import { heading, line, quantile } from '../report.ts'
import { heapBytes } from './heap.ts'
import { brokerEntries, isrEntry, TOPIC_PARTITIONS, topicEntry } from './image-source.ts'

const MIB = 1_048_576
const CHANGES = 100_000

export function promised<T>(task: Task<T>): Promise<T> {
  return new Promise((resolve, reject) => runTask(task, (error, value) => (error === undefined ? resolve(value) : reject(error))))
}

/** The image alone, in this process: what a decision costs, what it holds, and its snapshot. */
export async function benchImage(partitions: number): Promise<void> {
  heading(`image of ${partitions} partitions in topics of ${TOPIC_PARTITIONS}, three replicas each, every decision decoded and applied alone`)
  const before = heapBytes()
  const image = grow(partitions)
  line('heap of the image', `${((heapBytes() - before) / MIB).toFixed(0)} MiB, ${Math.round((heapBytes() - before) / partitions)} bytes a partition`)
  const changed = change(image, partitions)
  await snapshot(changed)
}

function grow(partitions: number): MetadataImage {
  let { image } = applyEntries(emptyImage, brokerEntries(0))
  const topics = partitions / TOPIC_PARTITIONS
  let tookMs = 0
  for (let number = 0; number < topics; number++) {
    const entry = topicEntry(image, number)
    const batch = encodeEntry(entry.records, 0)
    const from = performance.now()
    image = applyEntries(image, [{ offset: entry.offset, records: decodeEntry(batch) }]).image
    tookMs += performance.now() - from
  }
  line('topics made', `${Math.round((topics / tookMs) * 1_000)} a second, ${Math.round((partitions / tookMs) * 1_000)} partitions a second`)
  return image
}

function change(whole: MetadataImage, partitions: number): MetadataImage {
  let image = whole
  const tookUs: number[] = []
  for (let made = 0; made < CHANGES; made++) {
    const at = (made * 7919) % partitions
    const entry = isrEntry(image, Math.floor(at / TOPIC_PARTITIONS), at % TOPIC_PARTITIONS)
    const batch = encodeEntry(entry.records, 0)
    const from = performance.now()
    image = applyEntries(image, [{ offset: entry.offset, records: decodeEntry(batch) }]).image
    tookUs.push((performance.now() - from) * 1_000)
  }
  const total = tookUs.reduce((sum, one) => sum + one, 0)
  const sorted = tookUs.toSorted((left, right) => left - right)
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => quantile(sorted, share).toFixed(0))
  line('ISR changes', `${Math.round((CHANGES / total) * 1_000_000)} a second, p50 ${p50} µs  p99 ${p99} µs  max ${max} µs`)
  return image
}

async function snapshot(image: MetadataImage): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'oxbow-metadata-'))
  try {
    const files = new SnapshotFiles(new NodeDisk(folder), '.')
    const clock = new SystemClock()
    const name = { endOffset: image.offset, lastTerm: 1 }
    const writer: SnapshotWriter = await promised(files.begin('own'))
    const written = await timed(async () => {
      await promised(writeSnapshot(writer, { image, lastTerm: 1, writtenMs: 0, clock, isStopped: () => false }))
      await promised(writer.finish(name))
    })
    line('snapshot written', `${written}, ${(writer.sizeBytes / MIB).toFixed(1)} MiB`)
    const before = heapBytes()
    let loaded: MetadataImage | undefined
    const read = await timed(async () => {
      const reader = (await promised(files.open(name))) as SnapshotReader
      loaded = (await promised(readSnapshot(reader, name, clock))).image
      await promised(reader.close())
    })
    line('snapshot loaded', `${read}, heap ${((heapBytes() - before) / MIB).toFixed(0)} MiB for ${loaded?.topics.size} topics`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** How long it takes in turns of the event loop, and the longest that others wait meanwhile. */
async function timed(work: () => Promise<void>): Promise<string> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const from = performance.now()
  await work()
  const tookMs = performance.now() - from
  delay.disable()
  return `${tookMs.toFixed(0)} ms, others waited at most ${(delay.max / 1e6).toFixed(0)} ms`
}
