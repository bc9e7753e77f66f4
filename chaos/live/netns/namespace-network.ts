import type { NodeAddress } from '../../../src/client/transport.ts'
import { clear, type Condition, type End } from '../faults/flow.ts'
import type { Imposed, ImposedEffect, Network, Ways } from '../faults/network.ts'
import type { Namespaces } from './namespaces.ts'

interface Pair {
  readonly from: number
  readonly to: number
}

/** As long as it takes until each side has said something. */
const RESET_MS = 300

/** Nodes reach each other as machines do, and packets between them are dropped in the kernel; clients reach them through links of the network within. */
export class NamespaceNetwork implements Pick<Network, 'impose' | 'reset' | 'link' | 'close'> {
  readonly #namespaces: Namespaces
  readonly #links: Network
  readonly #cuts = new Map<Imposed, readonly Pair[]>()
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

  /** Between nodes only cuts: what is slow or wrong would need links. */
  impose(ways: Ways, condition: Partial<Condition>): Imposed {
    const pairs = this.#pairs(ways)
    const { isCut, ...rest } = { ...clear, ...condition }
    const isShaped = Object.entries(rest).some(([name, value]) => value !== clear[name as keyof Condition])
    if (isShaped && pairs.length > 0) throw new Error('in namespaces, nodes can only be cut off from each other')
    const links = this.#links.impose(ways, condition)
    const before = this.#droppedOf(pairs)
    const imposed: Imposed = {
      effect: () => this.#effect(pairs, before, links.effect()),
      lift: () => {
        this.#cuts.delete(imposed)
        this.#refresh()
        links.lift()
      },
    }
    if (isCut) this.#cuts.set(imposed, pairs)
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
      const sources = (pairs: readonly Pair[]): number[] => [...new Set(pairs.flatMap(({ from, to }) => (to === node ? [from] : [])))]
      const filter = { cut: sources([...this.#cuts.values()].flat()), reset: sources(this.#resetting) }
      const text = JSON.stringify(filter)
      if ((this.#filters.get(node) ?? JSON.stringify({ cut: [], reset: [] })) === text) continue
      this.#filters.set(node, text)
      this.#namespaces.filter(node, filter)
    }
  }

  /** In the order of the pairs. */
  #droppedOf(pairs: readonly Pair[]): readonly number[] {
    const counts = new Map([...new Set(pairs.map(({ to }) => to))].map((to) => [to, this.#namespaces.dropped(to)]))
    return pairs.map(({ from, to }) => counts.get(to)?.get(from) ?? 0)
  }

  #effect(pairs: readonly Pair[], before: readonly number[], links: ImposedEffect): ImposedEffect {
    const dropped = this.#droppedOf(pairs).map((count, at) => count - (before[at] ?? 0))
    return {
      ...links,
      held: links.held + dropped.reduce((sum, count) => sum + count, 0),
      ways: links.ways + pairs.length,
      waysAffected: links.waysAffected + dropped.filter((count) => count > 0).length,
    }
  }
}
