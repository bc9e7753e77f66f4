import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { LiveCluster, waitForFullIsr } from '../chaos/live/cluster-process.ts'
import { measureFloor } from './floor.ts'
import { type LoadOptions, type LoadResult, makeTopic } from './load.ts'
import { readMetrics } from './metrics-page.ts'
import { readUsage } from './process-usage.ts'
import { aim, heading, line } from './report.ts'

const LOAD_PROCESS = fileURLToPath(new URL('./load-process.js', import.meta.url))
const PARTITIONS = 6
const MIB = 1024 * 1024
const CHUNK_BYTES = 64 * 1024
const AIM_SHARE = 0.25
const AIM_RSS_MIB = 250

/** Runs the producer in a process of its own, as a user's is. */
export function runLoadProcess(options: LoadOptions): Promise<LoadResult> {
  const child = spawn(process.execPath, [LOAD_PROCESS, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve(JSON.parse(output) as LoadResult) : reject(new Error(`the load ended with ${code}`))))
  })
}

interface Snapshot {
  readonly cpuMs: number
  readonly peakRssBytes: number
  readonly counters: ReadonlyMap<string, number>
}

async function snapshot(cluster: LiveCluster): Promise<Snapshot[]> {
  return Promise.all(
    cluster.nodeIds.map(async (nodeId) => {
      const usage = readUsage(cluster.pid(nodeId))
      return { cpuMs: usage?.cpuMs ?? 0, peakRssBytes: usage?.peakRssBytes ?? 0, counters: await readMetrics(cluster.metricsUrl(nodeId)) }
    }),
  )
}

function grown(before: readonly Snapshot[], after: readonly Snapshot[], name: string): number {
  return after.reduce((sum, one, at) => sum + (one.counters.get(name) ?? 0) - (before[at]?.counters.get(name) ?? 0), 0)
}

async function measure(cluster: LiveCluster, options: { readonly recordBytes: number; readonly records: number }): Promise<void> {
  const { recordBytes, records } = options
  const topic = `bench-${recordBytes}`
  await makeTopic(cluster.bootstrap, topic, PARTITIONS)
  const megabytes = (records * recordBytes) / MIB
  const floor = await measureFloor({ folder: cluster.folder, megabytes, chunkBytes: CHUNK_BYTES, files: PARTITIONS })
  const load: LoadOptions = { bootstrap: cluster.bootstrap, topic, partitions: PARTITIONS, recordBytes, records }
  await runLoadProcess({ ...load, records: Math.ceil(records / 10) })
  const before = await snapshot(cluster)
  const result = await runLoadProcess(load)
  const after = await snapshot(cluster)
  const nodesCpuMs = after.reduce((sum, one, at) => sum + one.cpuMs - (before[at]?.cpuMs ?? 0), 0)
  const peakRss = Math.max(...after.map((one) => one.peakRssBytes)) / MIB
  const appended = grown(before, after, 'oxbow_log_appended_bytes_total')
  heading(`${recordBytes} B records, ${records} of them, acks=all, RF 3, ${PARTITIONS} partitions`)
  line('throughput', `${result.megabytesPerSecond.toFixed(1)} MB/s, ${Math.round(result.recordsPerSecond)} records/s`)
  line('latency p50, p99', `${result.p50Ms.toFixed(1)} ms, ${result.p99Ms.toFixed(1)} ms`)
  line('not acknowledged', String(result.failed))
  line('floor (write and sync, no network)', `${floor.toFixed(1)} MB/s`)
  line('share of the floor', (result.megabytesPerSecond / floor).toFixed(2))
  line('CPU ms a MB: nodes, client', `${(nodesCpuMs / megabytes).toFixed(1)}, ${(result.cpuMs / megabytes).toFixed(1)}`)
  line('gRPC messages a MB, all nodes', (grown(before, after, 'oxbow_grpc_messages_total') / megabytes).toFixed(1))
  line('syncs a MB, all nodes', (grown(before, after, 'oxbow_log_sync_calls_total') / megabytes).toFixed(1))
  line('bytes copied a byte and node', (grown(before, after, 'oxbow_log_copied_bytes_total') / appended).toFixed(3))
  line('peak RSS of a node', `${peakRss.toFixed(0)} MiB`)
  if (recordBytes === 1024) aim(`at least ${AIM_SHARE} of the floor`, result.megabytesPerSecond >= AIM_SHARE * floor)
  aim(`under ${AIM_RSS_MIB} MiB a node`, peakRss < AIM_RSS_MIB)
  if (result.failed > 0) throw new Error(`${result.failed} records were not acknowledged`)
}

/** `bench produce [--megabytes N]`: what a record costs, and the floor in the same run. */
export async function benchProduce(options: { readonly megabytes: number }): Promise<void> {
  const cluster = await LiveCluster.create('bench')
  let isDone = false
  try {
    cluster.startAll()
    const client = cluster.client()
    await makeTopic(cluster.bootstrap, 'ready', 1)
    await waitForFullIsr(client, 'ready')
    await client.close()
    for (const recordBytes of [1024, 100]) await measure(cluster, { recordBytes, records: Math.ceil((options.megabytes * MIB) / recordBytes) })
    await cluster.stopAll()
    isDone = true
  } finally {
    await cluster.dispose({ keep: !isDone })
  }
}
