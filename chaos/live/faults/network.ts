import type { Random } from '../../../src/base/random.ts'
import type { NodeAddress } from '../../../src/client/transport.ts'
import { clear, combine, type Condition, type End, Flow, type FlowCounts } from './flow.ts'
import { Link } from './link.ts'

/** Which ways a fault is about. */
export type Ways = (from: End, to: End) => boolean

/** A condition that is in force, until it is lifted. */
export interface Imposed {
  /** What it did since, and on how many of its ways it did anything. */
  effect(): ImposedEffect
  lift(): void
}

/** A reset of connections that goes on, where it takes time, until it is ended. */
export interface Reset {
  /** How many it has reset so far; to be asked before it is ended. */
  count(): number
  /** What is connected from now on stays. May be called again where it has thrown. */
  end(): void
}

export interface ImposedEffect extends Readonly<FlowCounts> {
  readonly ways: number
  readonly waysAffected: number
}

/** All connections between nodes, and from clients to nodes, each through a link of its own. */
export class Network {
  readonly #random: Random
  readonly #flows = new Map<string, Flow>()
  readonly #links: Link[] = []
  readonly #imposed = new Map<Imposed, { readonly ways: Ways; readonly condition: Condition }>()

  constructor(random: Random) {
    this.#random = random
  }

  /** The port of this machine that `from` is to dial in order to reach `to`, which listens at `target`. */
  async link(from: End, to: End, { host, port }: NodeAddress): Promise<number> {
    const link = await Link.open({ there: this.#flow(from, to), back: this.#flow(to, from), target: { host, port }, random: this.#random })
    this.#links.push(link)
    return link.port
  }

  impose(ways: Ways, condition: Partial<Condition>): Imposed {
    const flows = [...this.#flows.values()].filter(({ from, to }) => ways(from, to))
    const before = countsOf(flows)
    const imposed: Imposed = {
      effect: () => difference(countsOf(flows), before),
      lift: () => {
        this.#imposed.delete(imposed)
        this.#refresh()
      },
    }
    this.#imposed.set(imposed, { ways, condition: { ...clear, ...condition } })
    this.#refresh()
    return imposed
  }

  /** Resets the connections on these ways that there are, all at once. */
  reset(ways: Ways): Reset {
    const hit = this.#links.filter(({ there, back }) => ways(there.from, there.to) || ways(back.from, back.to))
    const count = hit.reduce((sum, link) => sum + link.reset(), 0)
    return { count: () => count, end: () => undefined }
  }

  close(): void {
    for (const link of this.#links) link.close()
  }

  #flow(from: End, to: End): Flow {
    const name = `${from} ${to}`
    const known = this.#flows.get(name)
    if (known !== undefined) return known
    const flow = new Flow(from, to)
    this.#flows.set(name, flow)
    return flow
  }

  #refresh(): void {
    for (const flow of this.#flows.values()) {
      const conditions = [...this.#imposed.values()].filter(({ ways }) => ways(flow.from, flow.to)).map(({ condition }) => condition)
      flow.condition = conditions.length === 0 ? clear : combine(conditions)
    }
  }
}

function countsOf(flows: readonly Flow[]): readonly FlowCounts[] {
  return flows.map(({ counts }) => ({ ...counts }))
}

const kinds = ['held', 'delayed', 'throttled', 'corrupted'] as const
export const noCounts: Readonly<FlowCounts> = { held: 0, delayed: 0, throttled: 0, corrupted: 0 }

/** What was counted on each way since `before`. */
export function difference(now: readonly Readonly<FlowCounts>[], before: readonly Readonly<FlowCounts>[]): ImposedEffect {
  const sum = { ...noCounts }
  let waysAffected = 0
  now.forEach((counts, at) => {
    let any = 0
    for (const name of kinds) {
      const more = counts[name] - (before[at]?.[name] ?? 0)
      sum[name] += more
      any += more
    }
    if (any > 0) waysAffected++
  })
  return { ...sum, ways: now.length, waysAffected }
}
