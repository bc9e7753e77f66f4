import { LiveCluster, waitForFullIsr } from '../chaos/live/cluster-process.ts'
import { makeTopic } from './load.ts'
import { runLoadProcess } from './produce.ts'
import { heading, line } from './report.ts'

const MIB = 1024 * 1024
const PARTITIONS = 6
const RECORD_BYTES = 1024
/** Of load on one topic; the one before it is deleted meanwhile, so that hours of full load need no more disk than two minutes. */
const TOPIC_MS = 60_000
const DELETE_DELAY_MS = 1_000

interface Told {
  readonly nodeId: number
  readonly text: string
}

/** What the nodes have logged that should not happen under load, each behind its first `from` lines. A topic's first leaders are no election. */
function unrest(cluster: LiveCluster, from: ReadonlyMap<number, number>): Told[] {
  return cluster.nodeIds.flatMap((nodeId) =>
    cluster
      .log(nodeId)
      .slice(from.get(nodeId))
      .filter((entry) => /fenced|raft:|ISR changed|leader:|connection closed|is gone|disk/.test(String(entry.msg)))
      .filter((entry) => !(String(entry.msg).startsWith('leader:') && entry.leaderEpoch === 0))
      .map((entry) => ({ nodeId, text: String(entry.msg) })),
  )
}

/** `bench calm --minutes N`: full load, and nobody fenced, no election, no ISR change. Throws otherwise. */
export async function benchCalm(options: { readonly minutes: number }): Promise<void> {
  const cluster = await LiveCluster.create('calm', { config: { 'log.segment.delete.delay.ms': DELETE_DELAY_MS } })
  let isDone = false
  try {
    cluster.startAll()
    const { bootstrap } = cluster
    const client = cluster.client()
    const admin = client.admin()
    await makeTopic(bootstrap, 'ready', 1)
    await waitForFullIsr(client, 'ready')
    const from = new Map(cluster.nodeIds.map((nodeId) => [nodeId, cluster.log(nodeId).length]))
    const endsAtMs = performance.now() + options.minutes * 60_000
    let records = 0
    let failed = 0
    let seconds = 0
    for (let round = 1; performance.now() < endsAtMs; round++) {
      const topic = `calm-${round}`
      await makeTopic(bootstrap, topic, PARTITIONS)
      const forMs = Math.min(TOPIC_MS, endsAtMs - performance.now())
      const load = runLoadProcess({ bootstrap, topic, partitions: PARTITIONS, recordBytes: RECORD_BYTES, records: Number.MAX_SAFE_INTEGER, forMs })
      if (round > 1) await admin.deleteTopic(`calm-${round - 1}`)
      const result = await load
      records += result.records
      failed += result.failed
      seconds += result.seconds
    }
    await client.close()
    const told = unrest(cluster, from)
    heading(`${options.minutes} minutes of full load`)
    line('throughput', `${((records * RECORD_BYTES) / MIB / seconds).toFixed(1)} MB/s, ${records} records, ${failed} not acknowledged`)
    line('fencings, elections, ISR changes', String(told.length))
    for (const { nodeId, text } of told.slice(0, 20)) line('', `node ${nodeId}: ${text}`)
    await cluster.stopAll()
    if (told.length > 0 || failed > 0) throw new Error('the cluster was not calm under full load')
    isDone = true
  } finally {
    await cluster.dispose({ keep: !isDone })
  }
}
