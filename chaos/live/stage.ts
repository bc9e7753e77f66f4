import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { SeededRandom } from '../../src/base/random.ts'
import type { OxbowClient } from '../../src/client/client.ts'
import { ChaosCluster } from './chaos-cluster.ts'
import type { ChaosRunOptions, OthersNodes, OwnNodes } from './run-options.ts'
import { ROOT, waitFor } from './cluster-process.ts'
import { Namespaces } from './netns/namespaces.ts'
import type { ClientWorld, FaultWorld } from './faults/fault.ts'
import { FaultSchedule, type ScheduleOptions } from './faults/schedule.ts'
import type { TargetCluster } from './target-cluster.ts'
import { KEEP_TOPIC } from '../workload/topics.ts'
import { NodeCopies } from './node-copies.ts'

type Timing = Pick<ScheduleOptions<FaultWorld>, 'faultMs' | 'calmMs' | 'nowMs' | 'sleep'>

/** Faults of whatever kind of world, in time. */
export type Schedule = Pick<FaultSchedule<FaultWorld>, 'records' | 'failures' | 'stuck' | 'current' | 'stop' | 'run'>

/** What an experiment is made on, and what is done to it. */
export interface Stage {
  readonly target: TargetCluster
  /** Before the names of all topics of the load. */
  readonly topicPrefix: string
  readonly topicConfigs: Readonly<Record<string, string>>
  schedule(direct: OxbowClient, timing: Timing): Schedule
  /** What each node has on its own disk, some of which was hurt on purpose; undefined: it is not for us to look there. */
  copies(direct: OxbowClient, hurt: ReadonlySet<number>): Promise<NodeCopies | undefined>
  /** When all is read: leaves nothing behind where it is not at home. */
  clear(direct: OxbowClient): Promise<void>
}

const LEADERS_LIMIT_MS = 10_000
/** As KEEP_TOPIC, for nodes of its own. */
const KEEP_ALL = { 'log.retention.ms': -1, 'log.retention.bytes': -1 }

/** Nodes of its own, which do not run yet, or those that there are. */
export async function openStage(options: ChaosRunOptions, random: SeededRandom): Promise<Stage> {
  return options.attached === undefined ? await ownStage(options, random) : attachedStage(options, random)
}

async function ownStage({ out, nodes, faults, dist, topicConfigs, namespaces = false }: OwnNodes, random: SeededRandom): Promise<Stage> {
  const needsOrders = dist !== undefined || faults.some(({ needs }) => needs !== undefined)
  const places = namespaces ? Namespaces.create(nodes) : undefined
  const creating = ChaosCluster.create({
    nodes,
    clientHosts: nodes,
    folder: out,
    config: { ...shortTimings(), ...KEEP_ALL },
    random: random.fork('network'),
    orderedBuild: needsOrders ? (dist ?? join(ROOT, 'dist')) : undefined,
    namespaces: places,
  })
  const cluster = await creating.catch((error) => {
    places?.remove()
    throw error
  })
  const worldOf = (direct: OxbowClient): FaultWorld => ({
    cluster,
    random: random.fork('victims'),
    admin: direct.admin(),
    isOurs: () => true,
    leaders: () => findLeaders(direct),
  })
  return {
    target: cluster,
    topicPrefix: '',
    topicConfigs,
    schedule: (direct, timing) => new FaultSchedule({ faults, world: worldOf(direct), random: random.fork('schedule'), ...timing }),
    copies: async (direct, hurt) => new NodeCopies(await direct.admin().describeTopics(), (node) => cluster.live.dataDir(node), hurt),
    clear: () => Promise.resolve(),
  }
}

function attachedStage({ attached: cluster, faults, topicConfigs }: OthersNodes, random: SeededRandom): Stage {
  const topicPrefix = `chaos-${Date.now().toString(36)}-`
  const isOurs = (topic: string): boolean => topic.startsWith(topicPrefix)
  return {
    target: cluster,
    topicPrefix,
    topicConfigs: { ...KEEP_TOPIC, ...topicConfigs },
    schedule: (direct, timing) =>
      new FaultSchedule<ClientWorld>({
        faults,
        world: { cluster, random: random.fork('victims'), admin: direct.admin(), isOurs },
        random: random.fork('schedule'),
        ...timing,
      }),
    copies: () => Promise.resolve(undefined),
    clear: async (direct) => {
      const admin = direct.admin()
      let failure: unknown
      for (const { name } of await admin.listTopics()) {
        if (!isOurs(name)) continue
        // One that cannot be deleted keeps no other.
        await admin.deleteTopic(name).catch((error) => {
          failure ??= error
        })
      }
      if (failure !== undefined) throw failure
    },
  }
}

/** What waits or rolls does so early: those of the cluster file that is made for this. */
function shortTimings(): Record<string, number | string> {
  const file = parse(readFileSync(join(ROOT, 'cluster-configs', 'chaos.yaml'), 'utf8')) as { readonly defaults: { readonly config: Record<string, number> } }
  const { 'min.insync.replicas': _, ...timings } = file.defaults.config
  return timings
}

async function findLeaders(client: OxbowClient): Promise<{ readonly controller: number; readonly broker: number }> {
  return await waitFor('there is an active controller', LEADERS_LIMIT_MS, async () => {
    try {
      const { controllerId, brokers } = await client.admin().describeCluster()
      const [first] = [...brokers].sort((left, right) => right.leaders - left.leaders)
      return controllerId === -1 || first === undefined ? undefined : { controller: controllerId, broker: first.nodeId }
    } catch {
      return undefined
    }
  })
}
