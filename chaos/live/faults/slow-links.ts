import { type Fault, type ClientWorld, nodesText, pickSome, pickUpMinority, type RunningFault } from './fault.ts'
import type { Condition, End } from './flow.ts'
import type { ImposedEffect, Ways } from './network.ts'
import { nodeOf } from './partitions.ts'

const DELAY_MS = 50
const JITTER_MS = 20
/** A quarter of a megabit: all that a node says at the usual load is more than that now and then, and has to wait where it shares one queue. */
const SLOW_BYTES_PER_SECOND = 31_250
const CORRUPT_ONE_IN = 200
const STALL_MIN_MS = 200
const STALL_SPREAD_MS = 1_300
/** Where a connection is reset once something is said: as long as it takes until each side has. */
const RESET_MS = 300
const RESET_PAUSE_MS = 400

/** From and to these nodes, of nodes and clients. */
function around(nodes: readonly number[]): Ways {
  const isOne = (end: End): boolean => nodes.includes(nodeOf(end) ?? -1)
  return (from, to) => isOne(from) || isOne(to)
}

interface Slowness {
  readonly name: string
  readonly about: string
  readonly condition: Partial<Condition>
  /** What its effect is counted in. */
  readonly counted: 'delayed' | 'throttled' | 'corrupted'
  readonly isBeyondPromise?: true
  readonly needsLinks?: true
}

function slow({ name, about, condition, counted, ...rest }: Slowness): Fault<ClientWorld> {
  return {
    name,
    about,
    kind: 'network',
    minNodes: 1,
    ...rest,
    begin: async (world) => {
      const nodes = pickUpMinority(world)
      const imposed = world.cluster.network.impose(around(nodes), condition)
      return {
        detail: nodesText(nodes),
        observe: async () => {
          const effect: ImposedEffect = imposed.effect()
          return { isSeen: effect[counted] > 0, what: `${counted} ${effect[counted]} times on ${effect.waysAffected} of ${effect.ways} ways` }
        },
        heal: async () => imposed.lift(),
      }
    },
  }
}

/** Something that is done to a node for a moment. */
interface Moment {
  readonly forMs: number
  /** What it did so far. */
  readonly count: () => number
  readonly end: () => void
}

/** One node after the other has its moment, until this is healed. What fails in between is said to who observes it. */
function repeated({ cluster, random }: ClientWorld, begin: (ways: Ways) => Moment, pauseMs: number, did: string): RunningFault {
  let current: Moment | undefined
  let count = 0
  let timer: NodeJS.Timeout
  let failure: unknown
  /** Answers when the next one is due, in ms. */
  const turn = (): number => {
    if (current === undefined) {
      current = begin(around(pickSome(random, cluster.nodeIds, 1)))
      return current.forMs
    }
    count += current.count()
    current.end()
    current = undefined
    return pauseMs
  }
  const go = (): void => {
    timer = setTimeout(() => {
      try {
        go()
      } catch (error) {
        failure = error
      }
    }, turn())
  }
  go()
  return {
    detail: 'one node after the other',
    observe: async () => {
      if (failure !== undefined) throw failure
      const all = count + (current?.count() ?? 0)
      return { isSeen: all > 0, what: `${all} ${did}` }
    },
    heal: async () => {
      clearTimeout(timer)
      current?.end()
    },
  }
}

function stall(world: ClientWorld): RunningFault {
  const begin = (ways: Ways): Moment => {
    const cut = world.cluster.network.impose(ways, { isCut: true })
    return { forMs: STALL_MIN_MS + world.random.integer(STALL_SPREAD_MS), count: () => cut.effect().held, end: () => cut.lift() }
  }
  return repeated(world, begin, STALL_MIN_MS, 'messages were held')
}

function reset(world: ClientWorld): RunningFault {
  const begin = (ways: Ways): Moment => {
    const { count, end } = world.cluster.network.reset(ways)
    return { forMs: RESET_MS, count, end }
  }
  return repeated(world, begin, RESET_PAUSE_MS, 'connections were reset')
}

export const slowLinks: readonly Fault<ClientWorld>[] = [
  slow({
    name: 'delay',
    about: `what some nodes say and hear comes ${DELAY_MS} ms later, unevenly`,
    condition: { delayMs: DELAY_MS, jitterMs: JITTER_MS },
    counted: 'delayed',
    needsLinks: true,
  }),
  slow({
    name: 'rate',
    about: 'each connection of some nodes carries a quarter of a megabit a second',
    condition: { bytesPerSecond: SLOW_BYTES_PER_SECOND },
    counted: 'throttled',
  }),
  { name: 'stall', about: 'one node after the other is cut off from all for a moment', kind: 'network', minNodes: 1, begin: async (world) => stall(world) },
  {
    name: 'reset',
    about: 'the connections of one node after the other are reset',
    kind: 'network',
    minNodes: 1,
    begin: async (world) => reset(world),
  },
  slow({
    name: 'corrupt',
    about: 'bits flip on the way, which TCP lets pass once in a while; nothing is promised then',
    condition: { corruptOneIn: CORRUPT_ONE_IN },
    counted: 'corrupted',
    isBeyondPromise: true,
  }),
]
