import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { LiveCluster, waitForBrokers } from '../chaos/live/cluster-process.ts'
import { runInProcess } from './bench-process.ts'
import { readUsage } from './process-usage.ts'
import { runLoadProcess } from './produce.ts'
import type { ReadOptions, ReadResult } from './read-process.ts'
import { heading, line, median } from './report.ts'

const MIB = 1024 * 1024
const RECORD_BYTES = 1024
const TOPIC = 'cold'
const NODE = 1

interface Pass {
  readonly catMbs: number
  readonly readMbs: number
  readonly readerCpuMs: number
  readonly nodeCpuMs: number
}

function run(command: string, args: readonly string[]): string {
  const { error, status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`)
  return stdout
}

/** Out of the page cache, which needs no root: all of it is synced. The kernel may decline, so it is asked what is left. */
function dropFromCache(files: readonly string[]): number {
  for (const file of files) run('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none'])
  const left = run('fincore', ['--bytes', '--noheadings', '--output', 'RES', ...files])
  return left
    .trim()
    .split('\n')
    .reduce((sum, bytes) => sum + Number(bytes), 0)
}

/** Fails rather than measure what is warm. */
function makeCold(files: readonly string[], totalBytes: number): void {
  const leftBytes = dropFromCache(files)
  if (leftBytes > totalBytes / 100) throw new Error(`${Math.round(leftBytes / MIB)} MiB stayed in the page cache`)
}

async function measure(cluster: LiveCluster, files: readonly string[], records: number): Promise<Pass> {
  const fileBytes = files.reduce((sum, file) => sum + statSync(file).size, 0)
  makeCold(files, fileBytes)
  const startedAt = performance.now()
  run('sh', ['-c', 'cat "$@" > /dev/null', 'sh', ...files])
  const catMbs = fileBytes / MIB / ((performance.now() - startedAt) / 1000)
  makeCold(files, fileBytes)
  const before = readUsage(cluster.pid(NODE))?.cpuMs ?? 0
  const read = await runInProcess<ReadOptions, ReadResult>('read-process', { bootstrap: cluster.bootstrap, topic: TOPIC, records })
  const after = readUsage(cluster.pid(NODE))?.cpuMs ?? 0
  return { catMbs, readMbs: read.valueBytes / MIB / read.seconds, readerCpuMs: read.cpuMs, nodeCpuMs: after - before }
}

/** One node, one partition, one copy: what is measured is the way from its disk to a consumer. */
async function fill(cluster: LiveCluster, records: number): Promise<void> {
  cluster.start(NODE)
  const client = cluster.client()
  await waitForBrokers(client, 1)
  await client.admin().createTopic({ name: TOPIC, partitions: 1, replicationFactor: 1 })
  await client.close()
  const { failed } = await runLoadProcess({ bootstrap: cluster.bootstrap, topic: TOPIC, partitions: 1, recordBytes: RECORD_BYTES, records })
  if (failed > 0) throw new Error(`${failed} records were not acknowledged`)
  // Started anew it has nothing of them in memory.
  await cluster.end(NODE, 'SIGTERM')
  cluster.start(NODE)
  const again = cluster.client()
  await waitForBrokers(again, 1)
  await again.close()
}

/** `bench cold-read`: a consumer that catches up on what lies on the disk alone, beside `cat` of the same files. They take turns. */
export async function benchColdRead(options: { readonly megabytes: number; readonly runs: number }): Promise<void> {
  const records = Math.ceil((options.megabytes * MIB) / RECORD_BYTES)
  const cluster = await LiveCluster.create('cold-read', { nodes: 1 })
  let isDone = false
  try {
    await fill(cluster, records)
    const folder = join(cluster.dataDir(NODE), 'partitions', `${TOPIC}-0`)
    const files = readdirSync(folder)
      .filter((name) => name.endsWith('.log'))
      .sort()
      .map((name) => join(folder, name))
    const passes: Pass[] = []
    for (let at = 0; at < options.runs; at++) passes.push(await measure(cluster, files, records))
    const of = (value: (pass: Pass) => number): number => median(passes.map(value))
    heading(`Catch-up read of ${options.megabytes} MiB, cold (posix_fadvise DONTNEED by dd iflag=nocache), median of ${options.runs}`)
    line(`cat of its ${files.length} files > /dev/null`, `${of((pass) => pass.catMbs).toFixed(0)} MB/s`)
    line(`consumer, ${RECORD_BYTES} B records`, `${of((pass) => pass.readMbs).toFixed(0)} MB/s`)
    line('share of cat', of((pass) => pass.readMbs / pass.catMbs).toFixed(2))
    line(
      'CPU ms a MB: node, consumer',
      `${of((pass) => pass.nodeCpuMs / options.megabytes).toFixed(1)}, ${of((pass) => pass.readerCpuMs / options.megabytes).toFixed(1)}`,
    )
    await cluster.stopAll()
    isDone = true
  } finally {
    await cluster.dispose({ keep: !isDone })
  }
}
