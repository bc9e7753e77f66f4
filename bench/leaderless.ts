import { type LiveCluster, type LogLine, waitFor } from '../chaos/live/cluster-process.ts'
import type { OxbowClient } from '../src/client/client.ts'
import { withKillBench } from './kill-bench.ts'
import { heading, line, quantile } from './report.ts'

const TOPIC = 'leaderless'
const TIMEOUT_MS = 60_000
const ACTIVE = 'controller: active'

interface Gap {
  /** From the kill until another node leads the quorum and has committed and applied an entry of its term, by its log. */
  readonly leaderMs: number
  /** From the kill until a decision that was asked for right then is acknowledged to a client. */
  readonly decisionMs: number
}

/** `bench leaderless --kills N`: SIGKILL of the active controller of three nodes, again and again, and how long the quorum has no leader. */
export async function benchLeaderless(options: { readonly kills: number }): Promise<void> {
  await withKillBench(TOPIC, async ({ cluster, client, restart }) => {
    const gaps: Gap[] = []
    for (let kill = 0; kill < options.kills; kill++) {
      const { controllerId } = await client.admin().describeCluster()
      gaps.push(await killLeader(cluster, client, controllerId, kill))
      await restart(controllerId)
    }
    report(gaps)
  })
}

async function killLeader(cluster: LiveCluster, client: OxbowClient, controllerId: number, kill: number): Promise<Gap> {
  const others = cluster.nodeIds.filter((nodeId) => nodeId !== controllerId)
  const seen = new Map(others.map((nodeId) => [nodeId, cluster.log(nodeId).length]))
  // Of the wall clock, as the lines of the nodes are: all of them are on this machine.
  const killedAtMs = Date.now()
  const from = performance.now()
  const killed = cluster.kill(controllerId)
  const decided = client
    .admin()
    .alterTopic({ name: TOPIC, set: { 'retention.ms': String(1_000_000 + kill) } })
    .then(() => performance.now() - from)
  const findActive = (): LogLine | undefined => {
    for (const [nodeId, lines] of seen) {
      const found = cluster
        .log(nodeId)
        .slice(lines)
        .find(({ msg }) => msg === ACTIVE)
      if (found !== undefined) return found
    }
    return undefined
  }
  const active = await waitFor('another active controller', TIMEOUT_MS, findActive)
  const decisionMs = await decided
  await killed
  return { leaderMs: Date.parse(String(active.time)) - killedAtMs, decisionMs }
}

function report(gaps: readonly Gap[]): void {
  heading(`kill -9 of the active controller of three nodes, ${gaps.length} times, ms`)
  const say = (what: string, times: readonly number[]): void => {
    const sorted = times.toSorted((left, right) => left - right)
    const [min, median, p90, max] = [0, 0.5, 0.9, 1].map((share) => quantile(sorted, share).toFixed(0))
    line(what, `min ${min}  median ${median}  p90 ${p90}  max ${max}`)
  }
  say(
    'another leads and has committed',
    gaps.map(({ leaderMs }) => leaderMs),
  )
  say(
    'a decision is acknowledged',
    gaps.map(({ decisionMs }) => decisionMs),
  )
}
