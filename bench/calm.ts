import { LiveCluster, waitForFullIsr } from '../chaos/live/cluster-process.ts'
import { makeTopic } from './load.ts'
import { runLoadProcess } from './produce.ts'
import { heading, line } from './report.ts'

const TOPIC = 'calm'
const PARTITIONS = 6
const RECORD_BYTES = 1024

/** `bench calm --minutes N`: full load, and nobody fenced, no election, no ISR change. Throws otherwise. */
export async function benchCalm(options: { readonly minutes: number }): Promise<void> {
  const cluster = await LiveCluster.create('calm')
  let isDone = false
  try {
    cluster.startAll()
    await makeTopic(cluster.bootstrap, TOPIC, PARTITIONS)
    const client = cluster.client()
    await waitForFullIsr(client, TOPIC)
    await client.close()
    const load = { bootstrap: cluster.bootstrap, topic: TOPIC, partitions: PARTITIONS, recordBytes: RECORD_BYTES }
    // Once every partition has acknowledged, its leader has said so in its log: what is said from here on counts.
    await runLoadProcess({ ...load, records: PARTITIONS * 100 })
    const from = new Map(cluster.nodeIds.map((nodeId) => [nodeId, cluster.log(nodeId).length]))
    const result = await runLoadProcess({ ...load, records: Number.MAX_SAFE_INTEGER, forMs: options.minutes * 60_000 })
    const noted = cluster.nodeIds.flatMap((nodeId) =>
      cluster
        .log(nodeId)
        .slice(from.get(nodeId))
        .map((entry) => `node ${nodeId}: ${entry.msg}`),
    )
    const unrest = noted.filter((text) => /fenced|raft:|ISR changed|leader:|connection closed|is gone/.test(text))
    heading(`${options.minutes} minutes of full load`)
    line('throughput', `${result.megabytesPerSecond.toFixed(1)} MB/s, ${result.records} records, ${result.failed} not acknowledged`)
    line('fencings, elections, ISR changes', String(unrest.length))
    for (const text of unrest.slice(0, 20)) line('', text)
    await cluster.stopAll()
    if (unrest.length > 0 || result.failed > 0) throw new Error('the cluster was not calm under full load')
    isDone = true
  } finally {
    await cluster.dispose({ keep: !isDone })
  }
}
