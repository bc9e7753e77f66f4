import { describe, expect, it } from 'vitest'
import type { Condition } from '../../../../chaos/live/faults/flow.ts'
import { Network, noCounts, type Ways } from '../../../../chaos/live/faults/network.ts'
import { NamespaceNetwork } from '../../../../chaos/live/netns/namespace-network.ts'
import { type Namespaces, NamespacesError, type Treatment } from '../../../../chaos/live/netns/namespaces.ts'
import { SeededRandom } from '../../../../src/base/random.ts'

const gentle = { isCut: false, isReset: false, corruptOneIn: 0 }
const cutFrom = (from: number): Treatment => ({ ...gentle, from, isCut: true })

interface Counts {
  held: number
  delayed: number
  throttled: number
  corrupted: number
}

/** Notes the rules of each node, and how fast it is; each time that they change seven packets meet each of them. */
class Rules {
  readonly filters = new Map<number, readonly Treatment[]>()
  readonly rates = new Map<number, number>()
  readonly #counts = new Map<string, Counts>()
  readonly #throttled = new Map<number, readonly number[]>()
  /** By node, as both of its ends name them. */
  readonly rejected = new Map<number, string[]>()
  /** What is told to these nodes fails, and it is unknown what came of it. */
  readonly failing = new Set<number>()
  changes = 0
  removed = 0

  readonly namespaces = {
    nodeIds: [1, 2, 3],
    filter: (node: number, treatments: readonly Treatment[]) => {
      this.changes++
      this.#failFor(node)
      this.filters.set(node, treatments)
      for (const { from, isCut, corruptOneIn } of treatments) {
        const counts = this.#of(from, node)
        if (isCut) counts.held += 7
        if (corruptOneIn > 0) counts.corrupted += 7
      }
    },
    slow: (node: number, bytesPerSecond: number) => {
      this.rates.set(node, bytesPerSecond)
      this.#failFor(node)
      if (bytesPerSecond < Infinity) this.#throttled.set(node, [7, 0])
    },
    throttled: (node: number) => this.#throttled.get(node) ?? [0, 0],
    counts: (node: number) => new Map([1, 2, 3].map((from) => [from, { ...this.#of(from, node) }])),
    rejected: (node: number) => this.rejected.get(node) ?? [],
    remove: () => this.removed++,
  } as unknown as Namespaces

  readonly links = new Network(new SeededRandom(1))
  readonly network = new NamespaceNetwork(this.namespaces, this.links)

  impose(ways: Ways, condition: Partial<Condition>): ReturnType<NamespaceNetwork['impose']> {
    return this.network.impose(ways, condition)
  }

  #failFor(node: number): void {
    if (this.failing.has(node)) throw new NamespacesError(`node ${node} is out of reach`)
  }

  #of(from: number, to: number): Counts {
    const name = `${from} ${to}`
    const known = this.#counts.get(name) ?? { held: 0, delayed: 0, throttled: 0, corrupted: 0 }
    this.#counts.set(name, known)
    return known
  }
}

const around = (node: number): Ways => {
  return (from, to) => from === `node-${node}` || to === `node-${node}`
}

describe('between namespaces', () => {
  it('what is cut is dropped where it would arrive, and counted, until it is lifted', () => {
    const rules = new Rules()
    const deaf = rules.impose((_, to) => to === 'node-2', { isCut: true })
    expect([...rules.filters]).toEqual([[2, [cutFrom(1), cutFrom(3)]]])
    const mute = rules.impose((from) => from === 'node-1', { isCut: true })
    expect(rules.filters.get(3)).toEqual([cutFrom(1)])
    expect(mute.effect()).toMatchObject({ held: 7, ways: 2, waysAffected: 1 })
    expect(deaf.effect()).toMatchObject({ held: 14, ways: 2, waysAffected: 2 })
    deaf.lift()
    expect(rules.filters.get(2)).toEqual([cutFrom(1)])
    mute.lift()
    expect([...rules.filters.values()]).toEqual([[], []])
  })

  it('a node whose rules stay as they are is left alone', () => {
    const rules = new Rules()
    const twice = [rules.impose((_, to) => to === 'node-2', { isCut: true }), rules.impose((_, to) => to === 'node-2', { isCut: true })]
    expect(rules.changes).toBe(1)
    twice[0]?.lift()
    expect(rules.changes).toBe(1)
    twice[1]?.lift()
    expect(rules.changes).toBe(2)
  })

  it('connections are reset until that is over, and each is counted once, whichever end has reset it', () => {
    const rules = new Rules()
    const reset = rules.network.reset(around(1))
    expect([rules.filters.get(1), rules.filters.get(2)]).toEqual([
      [2, 3].map((from) => ({ ...gentle, from, isReset: true })),
      [{ ...gentle, from: 1, isReset: true }],
    ])
    expect(reset.count()).toBe(0)
    rules.rejected.set(1, ['1:5 2:9', '1:6 3:9'])
    rules.rejected.set(2, ['1:5 2:9'])
    expect(reset.count()).toBe(2)
    reset.end()
    expect([...rules.filters.values()]).toEqual([[], [], []])
  })

  it('bits flip, and what cuts besides does so at once', () => {
    const rules = new Rules()
    const cut = rules.impose((from, to) => from === 'node-1' && to === 'node-2', { isCut: true })
    const wrong = rules.impose((_, to) => to === 'node-2', { corruptOneIn: 200 })
    expect(rules.filters.get(2)).toEqual([
      { ...gentle, from: 1, isCut: true, corruptOneIn: 200 },
      { ...gentle, from: 3, corruptOneIn: 200 },
    ])
    expect(wrong.effect()).toMatchObject({ corrupted: 14, ways: 2, waysAffected: 2 })
    cut.lift()
    expect(rules.filters.get(2)).toEqual([1, 3].map((from) => ({ ...gentle, from, corruptOneIn: 200 })))
  })

  it('a node is slow as a whole, and both of its queues are looked at', () => {
    const rules = new Rules()
    const slow = rules.impose(around(2), { bytesPerSecond: 1_000 })
    const slower = rules.impose((from, to) => from !== 'node-3' || to !== 'node-3', { bytesPerSecond: 500 })
    expect([...rules.rates]).toEqual([
      [2, 500],
      [1, 500],
      [3, 500],
    ])
    expect(slow.effect()).toMatchObject({ throttled: 7, ways: 2, waysAffected: 1 })
    slower.lift()
    expect([...rules.rates.values()]).toEqual([1_000, Infinity, Infinity])
    slow.lift()
    expect(rules.rates.get(2)).toBe(Infinity)
    expect(rules.filters.size).toBe(0)
  })

  it('ways that are not all of some nodes cannot be slow', async () => {
    const rules = new Rules()
    const sentence = 'in namespaces, a node is slow as a whole: all that it says and hears, clients included, or nothing'
    expect(() => rules.impose((from, to) => from === 'node-1' && to === 'node-2', { bytesPerSecond: 1_000 })).toThrow(sentence)
    expect(() => rules.impose((from) => from === 'node-1', { bytesPerSecond: 1_000 })).toThrow(sentence)
    await rules.network.link('client-1', 'node-1', { host: '127.0.0.1', port: 9 })
    const withoutClients: Ways = (from, to) => around(1)(from, to) && from !== 'client-1' && to !== 'client-1'
    expect(() => rules.impose(withoutClients, { bytesPerSecond: 1_000 })).toThrow(sentence)
    expect(rules.rates.size).toBe(0)
    rules.impose(around(1), { bytesPerSecond: 1_000 })
    expect([...rules.rates]).toEqual([[1, 1_000]])
    rules.network.close()
  })

  it('what is done to clients does not pass for anything between nodes', () => {
    const rules = new Rules()
    const lifted: string[] = []
    const busy = { held: 9, delayed: 9, throttled: 9, corrupted: 9, ways: 9, waysAffected: 9 }
    rules.links.impose = () => ({ effect: () => busy, lift: () => void lifted.push('lifted') })
    const imposed = rules.impose(around(1), { corruptOneIn: 200 })
    expect(imposed.effect()).toEqual({ held: 0, delayed: 0, throttled: 0, corrupted: 4 * 7, ways: 4, waysAffected: 4 })
    expect(rules.impose((from) => from === 'client-1', { isCut: true }).effect()).toEqual(busy)
    rules.links.reset = () => ({ count: () => 9, end: () => undefined })
    expect(rules.network.reset(around(1)).count()).toBe(0)
    expect(rules.network.reset((from) => from === 'client-1').count()).toBe(9)
  })

  it.each([
    ['cut', (rules: Rules) => rules.impose(around(2), { isCut: true })],
    ['slow', (rules: Rules) => rules.impose(around(2), { bytesPerSecond: 1_000 })],
    ['reset', (rules: Rules) => rules.network.reset(around(2))],
  ])('what cannot be %s everywhere is so nowhere, and can be once it works again', (_, act) => {
    const rules = new Rules()
    rules.failing.add(2)
    const imposed: unknown[] = []
    const links = rules.links.impose.bind(rules.links)
    rules.links.impose = (...args) => {
      imposed.push(args)
      return links(...args)
    }
    expect(() => act(rules)).toThrow('node 2 is out of reach')
    expect(imposed).toEqual([])
    expect([1, 3].flatMap((node) => rules.filters.get(node) ?? [])).toEqual([])
    rules.failing.clear()
    // Another order takes back what came of the first one.
    rules.impose((from, to) => from === 'node-1' && to === 'node-3', { isCut: true }).lift()
    expect([1, 2, 3].flatMap((node) => rules.filters.get(node) ?? [])).toEqual([])
    expect(rules.rates.get(2) ?? Infinity).toBe(Infinity)
    act(rules)
    expect([rules.filters.get(2) ?? [], rules.rates.get(2) ?? Infinity]).not.toEqual([[], Infinity])
  })

  it('what cannot be lifted at one node is lifted at the others and for clients, and there when it is tried again', () => {
    const rules = new Rules()
    const lifted: string[] = []
    rules.links.impose = () => ({ effect: () => ({ ...noCounts, ways: 0, waysAffected: 0 }), lift: () => void lifted.push('lifted') })
    const cut = rules.impose(() => true, { isCut: true })
    rules.failing.add(1)
    expect(() => cut.lift()).toThrow('node 1 is out of reach')
    expect([1, 2, 3].map((node) => rules.filters.get(node)?.length)).toEqual([2, 0, 0])
    expect(lifted).toEqual(['lifted'])
    rules.failing.clear()
    cut.lift()
    expect(rules.filters.get(1)).toEqual([])
  })

  it('nothing is delayed; what clients say may be', () => {
    const rules = new Rules()
    expect(() => rules.impose(() => true, { delayMs: 5 })).toThrow('in namespaces, nothing is delayed between nodes')
    rules.impose((from) => from.startsWith('client'), { delayMs: 5 })
    expect(rules.filters.size).toBe(0)
  })

  it('all is removed in the end', () => {
    const rules = new Rules()
    rules.network.close()
    expect(rules.removed).toBe(1)
  })
})
