import type { NodeAddress } from '../../../src/client/transport.ts'
import { clear, combine, type Condition, type End, type FlowCounts } from '../faults/flow.ts'
import { difference, type Imposed, type Network, together, type Ways } from '../faults/network.ts'
import type { Namespaces, Treatment } from './namespaces.ts'

interface Pair {
  readonly from: number
  readonly to: number
}

/** As long as it takes until each side has said something. */
const RESET_MS = 300

/** Nodes reach each other as machines do, and packets between them are dropped or changed in the kernel; clients reach them through links of the network within. */
export class NamespaceNetwork implements Pick<Network, 'impose' | 'reset' | 'link' | 'close'> {
  readonly #namespaces: Namespaces
  readonly #links: Network
  readonly #imposed = new Map<Imposed, { readonly pairs: readonly Pair[]; readonly condition: Condition }>()
  #resetting: readonly Pair[] = []
  #timer: NodeJS.Timeout | undefined
  /** By node: the rules that are in force. */
  readonly #filters = new Map<number, string>()

  constructor(namespaces: Namespaces, links: Network) {
    this.#namespaces = namespaces
    this.#links = links
  }

  link(from: End, to: End, target: NodeAddress): Promise<number> {
    return this.#links.link(from, to, target)
  }

  /** Between nodes nothing is delayed: nftables holds no packet back. */
  impose(ways: Ways, condition: Partial<Condition>): Imposed {
    const pairs = this.#pairs(ways)
    const whole = { ...clear, ...condition }
    if (pairs.length > 0 && (whole.delayMs > 0 || whole.jitterMs > 0)) throw new Error('in namespaces, nothing is delayed between nodes')
    const links = this.#links.impose(ways, condition)
    const before = this.#countsOf(pairs)
    const imposed: Imposed = {
      effect: () => together(difference(this.#countsOf(pairs), before), links.effect()),
      lift: () => {
        this.#imposed.delete(imposed)
        this.#refresh()
        links.lift()
      },
    }
    this.#imposed.set(imposed, { pairs, condition: whole })
    this.#refresh()
    return imposed
  }

  reset(ways: Ways): number {
    const pairs = this.#pairs(ways)
    const count = pairs.reduce((sum, { from, to }) => sum + this.#namespaces.connections(to, from), 0)
    clearTimeout(this.#timer)
    this.#resetting = pairs
    this.#refresh()
    this.#timer = setTimeout(() => {
      this.#resetting = []
      this.#refresh()
    }, RESET_MS)
    return count + this.#links.reset(ways)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#links.close()
    this.#namespaces.remove()
  }

  #pairs(ways: Ways): readonly Pair[] {
    const { nodeIds } = this.#namespaces
    const all = nodeIds.flatMap((from) => nodeIds.filter((to) => to !== from).map((to) => ({ from, to })))
    return all.filter(({ from, to }) => ways(`node-${from}`, `node-${to}`))
  }

  #refresh(): void {
    for (const node of this.#namespaces.nodeIds) {
      const treatments = this.#namespaces.nodeIds.flatMap((from) => this.#treatment({ from, to: node }))
      const text = JSON.stringify(treatments)
      if ((this.#filters.get(node) ?? '[]') === text) continue
      this.#filters.set(node, text)
      this.#namespaces.filter(node, treatments)
    }
  }

  /** None where all arrives as it was sent. */
  #treatment(pair: Pair): Treatment[] {
    const isAmong = (pairs: readonly Pair[]): boolean => pairs.some(({ from, to }) => from === pair.from && to === pair.to)
    const conditions = [...this.#imposed.values()].filter(({ pairs }) => isAmong(pairs)).map(({ condition }) => condition)
    const isReset = isAmong(this.#resetting)
    if (conditions.length === 0 && !isReset) return []
    const { isCut, bytesPerSecond, corruptOneIn } = combine(conditions)
    return [{ from: pair.from, isCut, isReset, bytesPerSecond, corruptOneIn }]
  }

  /** In the order of the pairs. */
  #countsOf(pairs: readonly Pair[]): readonly FlowCounts[] {
    const byNode = new Map([...new Set(pairs.map(({ to }) => to))].map((to) => [to, this.#namespaces.counts(to)]))
    return pairs.map(({ from, to }) => byNode.get(to)?.get(from) ?? { held: 0, delayed: 0, throttled: 0, corrupted: 0 })
  }
}
