import type { ClockProbe } from '../clock-probe.ts'
import { type ClusterLook, healthReasons } from '../health-reasons.ts'
import type { TcpProbe } from '../tcp-probe.ts'
import { replicationFactorOf } from '../topic-filters.ts'
import { type Check, fault, ok, warning } from './check.ts'
import { checkVoters } from './cluster-file.ts'

const PROBE_MS = 2_000
const SKEW_MS = 2_000
const NAMED_TOPICS = 3

export interface Probes {
  readonly tcp: TcpProbe
  readonly clock: ClockProbe
  readonly nowMs: () => number
}

const LOOPBACK = /^(?:127\.|localhost$|\[?::1\]?$)/

function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(':')
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) }
}

export interface BootstrapChecks {
  readonly checks: readonly Check[]
  /** Addresses where somebody listens. */
  readonly answering: readonly string[]
}

/** `isAsked`: somebody said that a cluster is there. Without one nothing is wrong yet. */
export async function checkBootstrap(addresses: readonly string[], isAsked: boolean, probe: TcpProbe): Promise<BootstrapChecks> {
  const results = await Promise.all(
    addresses.map((address) => {
      const { host, port } = splitAddress(address)
      return probe(host, port, PROBE_MS)
    }),
  )
  const failed = addresses.flatMap((address, at) => (results[at] === undefined ? [] : [`${address} (${results[at]})`]))
  const answering = addresses.filter((_, at) => results[at] === undefined)
  if (failed.length === 0) return { checks: [ok('bootstrap', `${addresses.join(', ')}: somebody listens`)], answering }
  const message = `nobody listens on ${failed.join(', ')}`
  if (failed.length < addresses.length) return { checks: [warning('bootstrap', message, 'start that node, or take its address out of --bootstrap')], answering }
  const advice = 'start a cluster (oxbow dev), or say where it is: --bootstrap HOST:PORT'
  return { checks: [isAsked ? fault('bootstrap', message, advice) : warning('bootstrap', message, advice)], answering }
}

/** Clients are sent where brokers say they are: that must be reachable from here. */
async function checkAdvertised({ cluster }: ClusterLook, bootstrap: readonly string[], probe: TcpProbe): Promise<Check[]> {
  const up = cluster.brokers.filter((broker) => broker.state !== 'offline')
  const results = await Promise.all(up.map(({ host, grpcPort }) => probe(host, grpcPort, PROBE_MS)))
  const isRemote = bootstrap.every((address) => !LOOPBACK.test(splitAddress(address).host))
  const checks = up.flatMap(({ nodeId, host, grpcPort }, at) => {
    const advice = `set host of node ${nodeId} in the cluster file to a name or address that clients can reach`
    const place = `broker ${nodeId} says it is at ${host}:${grpcPort}`
    if (isRemote && LOOPBACK.test(host)) return [fault('advertised', `${place}, which on every other machine is that machine itself`, advice)]
    return results[at] === undefined
      ? []
      : [
          fault(
            'advertised',
            `${place}, which cannot be reached from here (${results[at]}): clients are sent there`,
            `start it if it is down; if not, ${advice}`,
          ),
        ]
  })
  return checks.length > 0 ? checks : [ok('advertised', 'every broker that is up can be reached where it says it is')]
}

async function checkClocks({ cluster }: ClusterLook, probes: Probes): Promise<Check[]> {
  const up = cluster.brokers.filter((broker) => broker.state !== 'offline' && broker.httpPort !== null)
  const skews = await Promise.all(
    up.map(async ({ host, httpPort }) => {
      const clockMs = await probes.clock(host, httpPort as number, PROBE_MS)
      return clockMs === undefined ? undefined : clockMs - probes.nowMs()
    }),
  )
  const checks = up.flatMap(({ nodeId }, at) => {
    const skewMs = skews[at]
    if (skewMs === undefined || Math.abs(skewMs) < SKEW_MS) return []
    const message = `the clock of node ${nodeId} is ${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? 'ahead of' : 'behind'} this machine's: retention and offsets by time go by clocks`
    return [warning('clocks', message, 'let a time service such as chrony set the clocks of all machines')]
  })
  if (checks.length > 0) return checks
  return skews.some((skew) => skew !== undefined) ? [ok('clocks', 'the clocks of the nodes agree with this one')] : []
}

function named(topics: readonly string[]): string {
  return topics.length <= NAMED_TOPICS ? topics.join(', ') : `${topics.slice(0, NAMED_TOPICS).join(', ')} and ${topics.length - NAMED_TOPICS} more`
}

function checkTopics({ topics, minIsr, cluster }: ClusterLook): Check[] {
  const single = topics.filter((topic) => replicationFactorOf(topic) === 1).map((topic) => topic.name)
  const wide = topics.filter((topic) => replicationFactorOf(topic) > cluster.brokers.length).map((topic) => topic.name)
  const strict = topics.filter((topic) => replicationFactorOf(topic) > 1 && minIsr.get(topic.name) === replicationFactorOf(topic)).map((topic) => topic.name)
  return [
    ...(single.length === 0 || cluster.brokers.length === 1
      ? []
      : [warning('topics', `one copy only: ${named(single)}; with its broker the records are away`, 'create topics with --replication-factor 3')]),
    ...(wide.length === 0 ? [] : [warning('topics', `more copies than there are brokers: ${named(wide)}`, 'start the brokers that are missing')]),
    ...(strict.length === 0
      ? []
      : [
          warning(
            'topics',
            `min.insync.replicas is the replication factor: ${named(strict)}; one broker down stops acks=all`,
            'oxbow config alter topic NAME --set min.insync.replicas=2',
          ),
        ]),
  ]
}

/** All that a cluster which answers can tell. */
export async function checkCluster(look: ClusterLook, bootstrap: readonly string[], probes: Probes): Promise<Check[]> {
  const reasons = healthReasons(look)
  const { cluster, quorum } = look
  return [
    ok('cluster', `cluster ${cluster.clusterId ?? 'without an id yet'} answers: ${cluster.brokers.length} brokers, ${look.topics.length} topics`),
    ...(await checkAdvertised(look, bootstrap, probes.tcp)),
    ...(reasons.length === 0 ? [ok('health', 'the cluster is healthy')] : reasons.map((reason) => fault('health', reason, 'see: oxbow cluster health'))),
    ...(quorum === undefined ? [] : [checkVoters(quorum.status.voters.length)]),
    ...(await checkClocks(look, probes)),
    ...checkTopics(look),
  ]
}
