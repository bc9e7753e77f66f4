import type { NodeAddress } from '../../../src/client/transport.ts'
import { clear, combine, type Condition, type End, type FlowCounts } from '../faults/flow.ts'
import { difference, type Imposed, type Network, noCounts, type Reset, type Ways } from '../faults/network.ts'
import type { Namespaces, Treatment } from './namespaces.ts'

interface Pair {
  readonly from: number
  readonly to: number
}

/** What is in force between nodes. */
interface Order {
  readonly pairs: readonly Pair[]
  readonly condition: Condition
  readonly isReset: boolean
  /** Nodes that are slow as a whole. */
  readonly slowNodes: readonly number[]
}

/** What a node is to be told, and by its text whether it was told that already. */
interface Telling {
  readonly about: string
  readonly text: string
  readonly tell: () => void
}

/**
 * Nodes reach each other as machines do, and packets between them are dropped, changed or kept waiting in the kernel; clients reach them through
 * links of the network within. What an order does is counted between nodes, unless it is about clients only.
 */
export class NamespaceNetwork implements Pick<Network, 'impose' | 'reset' | 'link' | 'close'> {
  readonly #namespaces: Namespaces
  readonly #links: Network
  readonly #clients = new Set<End>()
  /** By what asked for it. */
  readonly #orders = new Map<Imposed | Reset, Order>()
  /** The texts of what is in force in the kernel; none where that is unknown. */
  readonly #told = new Map<string, string>()

  constructor(namespaces: Namespaces, links: Network) {
    this.#namespaces = namespaces
    this.#links = links
    for (const { about, text } of this.#tellings()) this.#told.set(about, text)
  }

  link(from: End, to: End, target: NodeAddress): Promise<number> {
    this.#clients.add(from)
    return this.#links.link(from, to, target)
  }

  /**
   * Between nodes nothing is delayed, and what is slow has to be all that some nodes say and hear: each goes through two queues then. Throws an
   * Error for other ways, and a NamespacesError when the kernel does not do it; then nothing of it is in force.
   */
  impose(ways: Ways, condition: Partial<Condition>): Imposed {
    const pairs = this.#pairs(ways)
    if (pairs.length === 0) return this.#links.impose(ways, condition)
    const whole = { ...clear, ...condition }
    if (whole.delayMs > 0 || whole.jitterMs > 0) throw new Error('in namespaces, nothing is delayed between nodes')
    const isFiltered = whole.isCut || whole.corruptOneIn > 0
    const slowNodes = whole.bytesPerSecond < Infinity ? this.#wholeNodes(ways, pairs) : []
    const order: Order = { pairs: isFiltered ? pairs : [], condition: whole, isReset: false, slowNodes }
    const before = this.#countsOf(order)
    let links: Imposed | undefined
    const imposed: Imposed = {
      effect: () => difference(this.#countsOf(order), before),
      lift: () => {
        this.#orders.delete(imposed)
        try {
          this.#refresh()
        } finally {
          links?.lift()
        }
      },
    }
    this.#enforce(imposed, order)
    links = this.#links.impose(ways, condition)
    return imposed
  }

  /** Between nodes it goes on until it is ended: a connection is reset once something is said. Throws a NamespacesError; then nothing of it is in force. */
  reset(ways: Ways): Reset {
    const pairs = this.#pairs(ways)
    const links = this.#links.reset(ways)
    if (pairs.length === 0) return links
    const nodes = [...new Set(pairs.map(({ to }) => to))]
    const reset: Reset = {
      // Either end of a connection may have reset it, or both.
      count: () => new Set(nodes.flatMap((node) => this.#namespaces.rejected(node))).size,
      end: () => {
        this.#orders.delete(reset)
        this.#refresh()
      },
    }
    this.#enforce(reset, { pairs, condition: clear, isReset: true, slowNodes: [] })
    return reset
  }

  close(): void {
    this.#links.close()
    this.#namespaces.remove()
  }

  #pairs(ways: Ways): readonly Pair[] {
    const { nodeIds } = this.#namespaces
    const all = nodeIds.flatMap((from) => nodeIds.filter((to) => to !== from).map((to) => ({ from, to })))
    return all.filter(({ from, to }) => ways(`node-${from}`, `node-${to}`))
  }

  /** The nodes all of whose ways these are. Throws when they do not make up all of them: a queue is of a node as a whole. */
  #wholeNodes(ways: Ways, pairs: readonly Pair[]): readonly number[] {
    const ends: readonly End[] = [...this.#namespaces.nodeIds.map((id): End => `node-${id}`), ...this.#clients]
    const isWhole = (node: End): boolean => ends.every((end) => end === node || (ways(node, end) && ways(end, node)))
    const nodes = this.#namespaces.nodeIds.filter((id) => isWhole(`node-${id}`))
    if (pairs.some(({ from, to }) => !nodes.includes(from) && !nodes.includes(to)))
      throw new Error('in namespaces, a node is slow as a whole: all that it says and hears, clients included, or nothing')
    return nodes
  }

  /** On all nodes, or on none. */
  #enforce(by: Imposed | Reset, order: Order): void {
    this.#orders.set(by, order)
    try {
      this.#refresh()
    } catch (error) {
      this.#orders.delete(by)
      try {
        this.#refresh()
      } catch {
        // The next order, or the end of one, tries it again.
      }
      throw error
    }
  }

  /** Tells each node what it was not told yet. Throws the first failure once all were told; what failed is told again the next time. */
  #refresh(): void {
    const failures: unknown[] = []
    for (const { about, text, tell } of this.#tellings()) {
      if (this.#told.get(about) === text) continue
      // It may fail halfway.
      this.#told.delete(about)
      try {
        tell()
        this.#told.set(about, text)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  #tellings(): readonly Telling[] {
    const { nodeIds } = this.#namespaces
    const orders = [...this.#orders.values()]
    return nodeIds.flatMap((node) => {
      const treatments = nodeIds.flatMap((from) => treatmentOf(orders, { from, to: node }))
      const { bytesPerSecond } = combine(orders.filter(({ slowNodes }) => slowNodes.includes(node)).map(({ condition }) => condition))
      return [
        { about: `rules ${node}`, text: JSON.stringify(treatments), tell: () => this.#namespaces.filter(node, treatments) },
        { about: `queues ${node}`, text: String(bytesPerSecond), tell: () => this.#namespaces.slow(node, bytesPerSecond) },
      ]
    })
  }

  /** Of its pairs and then of its queues, in the same order each time. */
  #countsOf({ pairs, slowNodes }: Order): readonly FlowCounts[] {
    const byNode = new Map([...new Set(pairs.map(({ to }) => to))].map((to) => [to, this.#namespaces.counts(to)]))
    const filtered = pairs.map(({ from, to }) => byNode.get(to)?.get(from) ?? noCounts)
    const queued = slowNodes.flatMap((node) => this.#namespaces.throttled(node).map((throttled) => ({ ...noCounts, throttled })))
    return [...filtered, ...queued]
  }
}

/** None where all arrives as it was sent. */
function treatmentOf(orders: readonly Order[], { from, to }: Pair): Treatment[] {
  const ofPair = orders.filter(({ pairs }) => pairs.some((pair) => pair.from === from && pair.to === to))
  if (ofPair.length === 0) return []
  const { isCut, corruptOneIn } = combine(ofPair.map(({ condition }) => condition))
  return [{ from, isCut, isReset: ofPair.some(({ isReset }) => isReset), corruptOneIn }]
}
