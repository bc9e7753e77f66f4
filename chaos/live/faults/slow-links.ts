import { type Fault, type ClientWorld, nodesText, pickSome, pickUpMinority, type RunningFault } from './fault.ts'
import type { Condition, End } from './flow.ts'
import type { ImposedEffect, Ways } from './network.ts'
import { nodeOf } from './partitions.ts'

const DELAY_MS = 50
const JITTER_MS = 20
/** One megabit. */
const SLOW_BYTES_PER_SECOND = 125_000
const CORRUPT_ONE_IN = 200
const STALL_MIN_MS = 200
const STALL_SPREAD_MS = 1_300
const RESET_EVERY_MS = 700

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
          return { isSeen: effect[counted] > 0, what: `${effect[counted]} messages were ${counted} on ${effect.waysAffected} of ${effect.ways} ways` }
        },
        heal: async () => imposed.lift(),
      }
    },
  }
}

/** Does something again and again until it is healed. */
function repeated(
  detail: string,
  act: () => { readonly count: number; readonly nextMs: number },
  what: (count: number) => string,
  undo: () => void,
): RunningFault {
  let count = 0
  let timer: NodeJS.Timeout
  const turn = (): void => {
    const done = act()
    count += done.count
    timer = setTimeout(turn, done.nextMs)
  }
  turn()
  return {
    detail,
    observe: async () => ({ isSeen: count > 0, what: what(count) }),
    heal: async () => {
      clearTimeout(timer)
      undo()
    },
  }
}

function stall({ cluster, random }: ClientWorld): RunningFault {
  let lift: () => void = () => undefined
  let isStalled = false
  let held = 0
  const act = (): { count: number; nextMs: number } => {
    lift()
    isStalled = !isStalled
    if (!isStalled) return { count: held, nextMs: STALL_MIN_MS }
    const cut = cluster.network.impose(around(pickSome(random, cluster.nodeIds, 1)), { isCut: true })
    lift = () => {
      held = cut.effect().held
      cut.lift()
      lift = () => undefined
    }
    return { count: 0, nextMs: STALL_MIN_MS + random.integer(STALL_SPREAD_MS) }
  }
  return repeated(
    'one node after the other',
    act,
    (count) => `${count} messages were held`,
    () => lift(),
  )
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
    about: 'each connection of some nodes carries a megabit a second',
    condition: { bytesPerSecond: SLOW_BYTES_PER_SECOND },
    counted: 'throttled',
  }),
  { name: 'stall', about: 'one node after the other is cut off from all for a moment', kind: 'network', minNodes: 1, begin: async (world) => stall(world) },
  {
    name: 'reset',
    about: 'the connections of one node after the other are reset',
    kind: 'network',
    minNodes: 1,
    begin: async ({ cluster, random }) =>
      repeated(
        'one node after the other',
        () => ({ count: cluster.network.reset(around(pickSome(random, cluster.nodeIds, 1))), nextMs: RESET_EVERY_MS }),
        (count) => `${count} connections were reset`,
        () => undefined,
      ),
  },
  slow({
    name: 'corrupt',
    about: 'bits flip on the way, which TCP lets pass once in a while; nothing is promised then',
    condition: { corruptOneIn: CORRUPT_ONE_IN },
    counted: 'corrupted',
    isBeyondPromise: true,
  }),
]
