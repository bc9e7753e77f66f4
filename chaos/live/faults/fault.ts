import type { Random } from '../../../src/base/random.ts'
import type { Admin } from '../../../src/client/admin.ts'
import type { ChaosCluster } from '../chaos-cluster.ts'
import type { TargetCluster } from '../target-cluster.ts'

/** What faults are done to that end no process: what clients say and hear, and what any client may ask for. */
export interface ClientWorld {
  readonly cluster: Pick<TargetCluster, 'nodeIds' | 'upNodes' | 'clientHosts' | 'network'>
  readonly random: Random
  /** Beside the network: no fault of it reaches this one. */
  readonly admin: Admin
  /** Whether the load made this topic: on a cluster that others use too, theirs stay as they are. */
  isOurs(topic: string): boolean
}

/** What faults are done to, and how they find their victims. */
export interface FaultWorld extends ClientWorld {
  readonly cluster: ChaosCluster
  /** The active controller, and the broker that leads the most. Rejects when there is none for long. */
  leaders(): Promise<{ readonly controller: number; readonly broker: number }>
}

/** A fault's effect, as it was seen from outside. */
export interface Observation {
  /** False: nothing shows that the fault took. */
  readonly isSeen: boolean
  readonly what: string
  /** What was not synced when the power went, in bytes; undefined: it did not go. */
  readonly unsyncedBytes?: number
}

export interface RunningFault {
  /** Whom it hits. */
  readonly detail: string
  /** Nodes whose files it leaves other than they wrote them: they may not have met that yet when all is over. */
  readonly hurt?: readonly number[]
  /** Nodes of whose files it leaves none: of what hurt them before nothing is there any more. */
  readonly renewed?: readonly number[]
  /** To be asked last before it is healed. */
  observe(): Promise<Observation>
  /** Rejects when what it did cannot be undone. */
  heal(): Promise<void>
  /** Once all faults are healed: fulfilled when what this one did has passed. Rejects when it does not. */
  settle?(): Promise<void>
}

/** `World`: what it needs; a fault that needs less can be done to more. */
export interface Fault<World extends ClientWorld = FaultWorld> extends FaultFacts {
  readonly begin: (world: World) => Promise<RunningFault>
}

export interface FaultFacts {
  readonly name: string
  readonly about: string
  /** Of each kind at most one is in force. */
  readonly kind: 'network' | 'process' | 'disk' | 'clock' | 'admin'
  /** Nodes have to run on disks, or by a clock, that can be told to be wrong. */
  readonly needs?: 'disks' | 'clock'
  /** What nodes say to each other has to go through links: it cannot be done to namespaces. */
  readonly needsLinks?: true
  /** With fewer it would do nothing, or everything. */
  readonly minNodes: number
  /** The rules promise nothing under it: it is done only where it is asked for by its name. */
  readonly isBeyondPromise?: true
  /** It was asked for by its name: a run in which it was never in force proves nothing. */
  readonly isNamed?: true
}

/** So many of them, in an order of their own. */
export function pickSome(random: Random, from: readonly number[], count: number): number[] {
  const rest = [...from]
  return Array.from({ length: Math.min(count, rest.length) }, () => rest.splice(random.integer(rest.length), 1)[0] as number)
}

/** At least one, and a majority stays. */
export function pickMinority({ cluster, random }: ClientWorld): number[] {
  return pickSome(random, cluster.nodeIds, drawMinority({ cluster, random }))
}

/** The same of those that are up: at another one nothing would be seen. */
export function pickUpMinority({ cluster, random }: ClientWorld): number[] {
  return pickSome(random, cluster.upNodes, drawMinority({ cluster, random }))
}

function drawMinority({ cluster, random }: Pick<ClientWorld, 'cluster' | 'random'>): number {
  return 1 + random.integer(Math.max(1, Math.floor((cluster.nodeIds.length - 1) / 2)))
}

/** The active controller, or the broker that leads the most. */
export async function pickLeader(world: FaultWorld): Promise<number> {
  const { controller, broker } = await world.leaders()
  return world.random.integer(2) === 0 ? controller : broker
}

export function nodesText(nodes: readonly number[]): string {
  return `${nodes.length === 1 ? 'node' : 'nodes'} ${[...nodes].sort((left, right) => left - right).join(',')}`
}
