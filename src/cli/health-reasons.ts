import type { Admin } from '../client/admin.ts'
import { type BrokerFolders, folderReasons, OfflineReplicas } from './folder-reasons.ts'
import { isUnavailable, isUnderReplicated } from './topic-filters.ts'
import type { TopicDescription } from './topic-names.ts'

type Cluster = Awaited<ReturnType<Admin['describeCluster']>>
type Broker = Cluster['brokers'][number]
type Quorum = Awaited<ReturnType<Admin['describeQuorum']>>
type Partition = TopicDescription['partitions'][number]

/** What one look at a cluster shows. */
export interface ClusterLook {
  readonly cluster: Cluster
  /** Undefined: nobody could say. */
  readonly quorum: Quorum | undefined
  /** Brokers whose port is closed, tried only when no controller can say who is there. */
  readonly unreachable: readonly number[]
  /** Of the brokers that said. */
  readonly folders: readonly BrokerFolders[]
  readonly topics: readonly TopicDescription[]
  /** By topic. */
  readonly minIsr: ReadonlyMap<string, number>
}

/** The controller counts a broker as gone after so long (rules R5.5). */
const SILENT_MS = 3_000
const NAMED_PARTITIONS = 5

function list(words: readonly (string | number)[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}

function count(number: number, word: string): string {
  return number === 1 ? `one ${word}` : `${number} ${word}s`
}

function restart(nodeIds: readonly number[]): string {
  const which = nodeIds.length === 1 ? `node ${nodeIds[0]} again` : `nodes ${list(nodeIds)} again, each by its own id`
  return `start ${which}: oxbow server --config FILE --node ${nodeIds[0]}`
}

function controllerReasons({ cluster, quorum, unreachable }: ClusterLook): string[] {
  if (cluster.controllerId !== -1)
    return quorum === undefined ? [`The active controller, node ${cluster.controllerId}, does not answer: see its log, and oxbow quorum status.`] : []
  const missing = unreachable.length === 0 ? 'every known broker still listens, so look at their logs for what keeps the voters apart' : restart(unreachable)
  const who = unreachable.length === 0 ? '' : ` ${unreachable.length === 1 ? 'Node' : 'Nodes'} ${list(unreachable)} cannot be reached.`
  return [`No controller is active: a majority of the voters must be up and reach each other, until then nothing can change.${who} Next: ${missing}.`]
}

function brokerReason({ nodeId, host, grpcPort, state, replicas }: Broker): string | undefined {
  const name = `Broker ${nodeId} (${host}:${grpcPort})`
  switch (state) {
    case 'running':
      return undefined
    case 'offline':
      return `${name} is offline: ${restart([nodeId])}.${replicas > 0 ? '' : ` It holds no replica; if it is gone for good: oxbow broker unregister ${nodeId}.`}`
    case 'fenced':
      return `${name} is fenced: it is up, but has not caught up with the metadata. If that stays so for longer than some seconds, see its log and oxbow quorum replication.`
    case 'draining':
      return `${name} is draining: it hands its partitions over and stops. Next: ${restart([nodeId])}.`
  }
}

function voterReasons(quorum: Quorum): string[] {
  const { voters } = quorum.status
  const byId = new Map(quorum.replicas.map((replica) => [replica.nodeId, replica]))
  // The leader's own line is now, by the same clock.
  const nowMs = quorum.replicas.find((replica) => replica.status === 'Leader')?.lastFetchTimestamp ?? 0
  const silent = voters.filter((nodeId) => nowMs - (byId.get(nodeId)?.lastFetchTimestamp ?? -1) > SILENT_MS)
  if (silent.length === 0) return []
  const spare = voters.length - silent.length - (Math.floor(voters.length / 2) + 1)
  const rest = spare > 0 ? `${count(spare, 'more voter')} may be lost` : 'if one more is lost, nothing can change any more'
  const who = silent.length === 1 ? `Voter ${silent[0]} is` : `Voters ${list(silent)} are`
  return [`${who} not heard by the active controller; ${voters.length - silent.length} of ${voters.length} are left, and ${rest}. Next: ${restart(silent)}.`]
}

interface Ill {
  readonly name: string
  readonly partition: Partition
}

function nameThem(ill: readonly Ill[]): string {
  const named = ill.slice(0, NAMED_PARTITIONS).map(({ name, partition }) => `${name}-${partition.partition}`)
  return ill.length > named.length ? `${named.join(', ')} and ${ill.length - named.length} more` : list(named)
}

function outOfSync({ replicas, isr }: Partition): number[] {
  return replicas.filter((nodeId) => !isr.includes(nodeId))
}

function missingReplicas(ill: readonly Ill[]): number[] {
  const missing = ill.flatMap(({ partition }) => outOfSync(partition))
  return [...new Set(missing)].sort((a, b) => a - b)
}

/** Without those that do not come back by themselves: their folders are named for it. */
function withoutOffline(ill: readonly Ill[], offline: OfflineReplicas): Ill[] {
  return ill.flatMap(({ name, partition }) => {
    const replicas = partition.replicas.filter((nodeId) => partition.isr.includes(nodeId) || !offline.has(nodeId, name, partition.partition))
    return replicas.length > partition.isr.length ? [{ name, partition: { ...partition, replicas } }] : []
  })
}

function partitionReasons({ topics, minIsr, folders }: ClusterLook): string[] {
  const all = topics.flatMap((topic) => topic.partitions.map((partition) => ({ name: topic.name, partition, min: minIsr.get(topic.name) ?? 1 })))
  const leaderless = all.filter(({ partition }) => isUnavailable(partition))
  const underMin = all.filter(({ partition, min }) => !isUnavailable(partition) && partition.isr.length < min)
  const away = all.filter(({ partition, min }) => !isUnavailable(partition) && partition.isr.length >= min && isUnderReplicated(partition))
  const behind = withoutOffline(away, new OfflineReplicas(folders))
  const has = (ill: readonly Ill[]): string => (ill.length === 1 ? 'One partition has' : `${ill.length} partitions have`)
  const brokers = (ill: readonly Ill[]): string => `broker${missingReplicas(ill).length === 1 ? '' : 's'} ${list(missingReplicas(ill))}`
  return [
    ...(leaderless.length === 0
      ? []
      : [
          `${has(leaderless)} no leader, so that nothing is written or read there: ${nameThem(leaderless)}. Next: bring back the brokers of their replicas (${brokers(leaderless)}). If those are gone for good: oxbow partition elect --all --unclean --dry-run says what a leader would cost.`,
        ]),
    ...(underMin.length === 0
      ? []
      : [
          `${has(underMin)} fewer in-sync replicas than min.insync.replicas, so that acks=all is refused: ${nameThem(underMin)}. Next: bring back ${brokers(underMin)}.`,
        ]),
    ...(behind.length === 0
      ? []
      : [
          `${has(behind)} a replica that is not in sync: ${nameThem(behind)}. Missing: ${brokers(behind)}; each comes back in sync by itself once it is up and has caught up.`,
        ]),
  ]
}

/** In sentences: what is wrong, who is missing, what to do next. None: the cluster is healthy. */
export function healthReasons(look: ClusterLook): string[] {
  const brokers = look.cluster.brokers.flatMap((broker) => brokerReason(broker) ?? [])
  return [
    ...controllerReasons(look),
    // Without a controller nobody judges states anew.
    ...(look.cluster.controllerId === -1 ? [] : brokers),
    ...(look.quorum === undefined ? [] : voterReasons(look.quorum)),
    ...folderReasons(look.folders),
    ...partitionReasons(look),
  ]
}
