import { LiveCluster, waitForFullIsr } from '../chaos/live/cluster-process.ts'
import { DEFAULT_BATCH_BYTES } from '../src/client/producer-options.ts'
import { runInProcess } from './bench-process.ts'
import { measureFloor } from './floor.ts'
import { type LoadOptions, type LoadResult, makeTopic } from './load.ts'
import { readMetrics } from './metrics-page.ts'
import { readUsage } from './process-usage.ts'
import { aim, heading, line } from './report.ts'

const PARTITIONS = 6
const MIB = 1024 * 1024
const AIM_SHARE = 0.25
const AIM_RSS_MIB = 250

/** Runs the producer in a process of its own, as a user's is. */
export function runLoadProcess(options: LoadOptions): Promise<LoadResult> {
  return runInProcess('load-process', options)
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

export interface Measurement {
  readonly load: LoadResult
  readonly nodesCpuMsAMegabyte: number
  readonly clientCpuMsAMegabyte: number
  /** Of all nodes together. */
  readonly messagesAMegabyte: number
  readonly syncsAMegabyte: number
  readonly copiesAByteAndNode: number
  /** Of the largest node. */
  readonly peakRssMib: number
}

/** Loads a cluster once for warmth, a tenth as long, and once for the figures. */
export async function measureLoad(cluster: LiveCluster, options: { readonly recordBytes: number; readonly records: number }): Promise<Measurement> {
  const { recordBytes, records } = options
  const topic = `bench-${recordBytes}`
  await makeTopic(cluster.bootstrap, topic, PARTITIONS)
  const megabytes = (records * recordBytes) / MIB
  const load: LoadOptions = { bootstrap: cluster.bootstrap, topic, partitions: PARTITIONS, recordBytes, records }
  await runLoadProcess({ ...load, records: Math.ceil(records / 10) })
  const before = await snapshot(cluster)
  const result = await runLoadProcess(load)
  const after = await snapshot(cluster)
  return {
    load: result,
    nodesCpuMsAMegabyte: after.reduce((sum, one, at) => sum + one.cpuMs - (before[at]?.cpuMs ?? 0), 0) / megabytes,
    clientCpuMsAMegabyte: result.cpuMs / megabytes,
    messagesAMegabyte: grown(before, after, 'oxbow_grpc_messages_total') / megabytes,
    syncsAMegabyte: grown(before, after, 'oxbow_log_sync_calls_total') / megabytes,
    copiesAByteAndNode: grown(before, after, 'oxbow_log_copied_bytes_total') / grown(before, after, 'oxbow_log_appended_bytes_total'),
    peakRssMib: Math.max(...after.map((one) => one.peakRssBytes)) / MIB,
  }
}

async function measure(cluster: LiveCluster, options: { readonly recordBytes: number; readonly records: number }): Promise<void> {
  const { recordBytes, records } = options
  const megabytes = (records * recordBytes) / MIB
  const floor = await measureFloor({ folder: cluster.folder, megabytes, chunkBytes: DEFAULT_BATCH_BYTES, files: PARTITIONS })
  const measured = await measureLoad(cluster, options)
  const { load, peakRssMib } = measured
  heading(`${recordBytes} B records, ${records} of them, acks=all, RF 3, ${PARTITIONS} partitions`)
  line('throughput', `${load.megabytesPerSecond.toFixed(1)} MB/s, ${Math.round(load.recordsPerSecond)} records/s`)
  line('latency p50, p99', `${load.p50Ms.toFixed(1)} ms, ${load.p99Ms.toFixed(1)} ms`)
  line('not acknowledged', String(load.failed))
  line('floor (write and sync, no network)', `${floor.toFixed(1)} MB/s`)
  line('share of the floor', (load.megabytesPerSecond / floor).toFixed(2))
  line('CPU ms a MB: nodes, client', `${measured.nodesCpuMsAMegabyte.toFixed(1)}, ${measured.clientCpuMsAMegabyte.toFixed(1)}`)
  line('gRPC messages a MB, all nodes', measured.messagesAMegabyte.toFixed(1))
  line('syncs a MB, all nodes', measured.syncsAMegabyte.toFixed(1))
  line('bytes copied a byte and node', measured.copiesAByteAndNode.toFixed(3))
  line('peak RSS of a node', `${peakRssMib.toFixed(0)} MiB`)
  if (recordBytes === 1024) aim(`at least ${AIM_SHARE} of the floor`, load.megabytesPerSecond >= AIM_SHARE * floor)
  aim(`under ${AIM_RSS_MIB} MiB a node`, peakRssMib < AIM_RSS_MIB)
  if (load.failed > 0) throw new Error(`${load.failed} records were not acknowledged`)
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
