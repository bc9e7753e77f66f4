import type { Admin } from '../client/admin.ts'
import type { ClusterLook } from './health-reasons.ts'
import type { TcpProbe } from './tcp-probe.ts'
import { minInSyncReplicas } from './topic-filters.ts'

const PROBE_MS = 1_000

/** Asks for all that `healthReasons` judges. `quorumAdmin`: has little time, as one that is gone is asked for until it is over. */
export async function lookAtCluster(admin: Admin, quorumAdmin: Admin, probe: TcpProbe): Promise<ClusterLook> {
  const [cluster, topics] = await Promise.all([admin.describeCluster(), admin.listTopics()])
  const hasController = cluster.controllerId !== -1
  const quorum = hasController ? await quorumAdmin.describeQuorum().catch(() => undefined) : undefined
  const states = hasController ? [] : await Promise.all(cluster.brokers.map(({ host, grpcPort }) => probe(host, grpcPort, PROBE_MS)))
  const unreachable = cluster.brokers.filter((_, at) => states[at] !== undefined).map((broker) => broker.nodeId)
  const up = cluster.brokers.filter(({ state, nodeId }) => state !== 'offline' && !unreachable.includes(nodeId))
  // One that does not say is named for other reasons, or by none.
  const said = await Promise.all(up.map(({ nodeId }) => quorumAdmin.describeLogDirs({ nodeId }).catch(() => undefined)))
  const folders = said.filter((one) => one !== undefined)
  return { cluster, quorum, unreachable, folders, topics, minIsr: await minInSyncReplicas(admin, topics) }
}
