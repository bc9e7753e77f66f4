import type { End } from './flow.ts'
import { type ClientWorld, type Fault, type FaultWorld, nodesText, type Observation, pickLeader, pickSome, type RunningFault } from './fault.ts'
import type { ImposedEffect, Ways } from './network.ts'

/** The number of a node; undefined for a machine of clients. */
export function nodeOf(end: End): number | undefined {
  const [kind, id] = end.split('-')
  return kind === 'node' ? Number(id) : undefined
}

interface Cut {
  readonly detail: string
  /** Whether nothing from the one arrives at the other; both are nodes. */
  readonly isCut: (from: number, to: number) => boolean
}

/** Cuts between nodes. Clients reach every node. */
function partition(name: string, about: string, minNodes: number, choose: (world: FaultWorld) => Cut | Promise<Cut>): Fault {
  return {
    name,
    about,
    kind: 'network',
    minNodes,
    begin: async (world) => {
      const { detail, isCut } = await choose(world)
      return cutting(world, betweenNodes(isCut), detail)
    },
  }
}

function cutting({ cluster }: ClientWorld, ways: Ways, detail: string): RunningFault {
  const cut = cluster.network.impose(ways, { isCut: true })
  return {
    detail,
    observe: async () => observeCut(cut.effect()),
    heal: async () => cut.lift(),
  }
}

/** Whether something was held where it was cut. */
export function observeCut({ held, waysAffected, ways }: ImposedEffect): Observation {
  return { isSeen: held > 0, what: `${held} messages were held on ${waysAffected} of ${ways} ways` }
}

export function betweenNodes(isCut: Cut['isCut']): Ways {
  return (from, to) => {
    const [one, other] = [nodeOf(from), nodeOf(to)]
    return one !== undefined && other !== undefined && isCut(one, other)
  }
}

/** Neither hears these from the others, nor the others from these. */
export function between(one: readonly number[]): Cut['isCut'] {
  return (from, to) => one.includes(from) !== one.includes(to)
}

/** How far a node of the ring reaches to either side: so that it sees a majority, and each another one. */
function reachInRing(nodes: number): number {
  return Math.ceil(Math.floor(nodes / 2) / 2)
}

export const partitions: readonly Fault[] = [
  partition('partition-one', 'one node is cut off from the others', 3, ({ cluster, random }) => {
    const [one] = pickSome(random, cluster.nodeIds, 1) as [number]
    return { detail: nodesText([one]), isCut: between([one]) }
  }),
  partition('partition-leader', 'the active controller, or who leads the most, is cut off from the others', 3, async (world) => {
    const leader = await pickLeader(world)
    return { detail: nodesText([leader]), isCut: between([leader]) }
  }),
  partition('partition-halves', 'a minority and a majority do not see each other', 3, ({ cluster: { nodeIds }, random }) => {
    const half = pickSome(random, nodeIds, Math.floor(nodeIds.length / 2))
    return { detail: `${nodesText(half)} and the others`, isCut: between(half) }
  }),
  partition('partition-ring', 'every node sees a majority, each a different one', 5, ({ cluster: { nodeIds }, random }) => {
    const ring = pickSome(random, nodeIds, nodeIds.length)
    const reach = reachInRing(ring.length)
    const distance = (from: number, to: number): number => {
      const steps = Math.abs(ring.indexOf(from) - ring.indexOf(to))
      return Math.min(steps, ring.length - steps)
    }
    return { detail: `ring ${ring.join(',')}`, isCut: (from, to) => distance(from, to) > reach }
  }),
  partition('partition-bridge', 'two halves see each other through one node only', 3, ({ cluster: { nodeIds }, random }) => {
    const [bridge, ...others] = pickSome(random, nodeIds, nodeIds.length) as [number, ...number[]]
    const half = others.slice(0, Math.floor(others.length / 2))
    const apart = between(half)
    return { detail: `${nodesText(half)} and the others, over ${bridge}`, isCut: (from, to) => from !== bridge && to !== bridge && apart(from, to) }
  }),
  partition('partition-one-way', 'one node hears nothing of the others, or is not heard', 3, ({ cluster: { nodeIds }, random }) => {
    const [one] = pickSome(random, nodeIds, 1) as [number]
    const isDeaf = random.integer(2) === 0
    const isCut: Cut['isCut'] = (from, to) => (isDeaf ? to : from) === one && from !== to
    return { detail: `node ${one} ${isDeaf ? 'hears nothing' : 'is not heard'}`, isCut }
  }),
]

export const clientCuts: readonly Fault<ClientWorld>[] = [
  {
    name: 'clients-cut',
    about: 'the clients of one machine do not reach half of the nodes',
    kind: 'network',
    minNodes: 1,
    begin: async (world) => {
      const { cluster, random } = world
      const host: End = `client-${1 + random.integer(cluster.clientHosts)}`
      const nodes = pickSome(random, cluster.nodeIds, Math.ceil(cluster.nodeIds.length / 2))
      const isOne = (end: End): boolean => nodes.includes(nodeOf(end) ?? -1)
      return cutting(world, (from, to) => (from === host && isOne(to)) || (to === host && isOne(from)), `${host} and ${nodesText(nodes)}`)
    },
  },
]
