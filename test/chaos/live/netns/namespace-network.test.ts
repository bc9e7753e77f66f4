import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Condition } from '../../../../chaos/live/faults/flow.ts'
import { Network, type Ways } from '../../../../chaos/live/faults/network.ts'
import { NamespaceNetwork } from '../../../../chaos/live/netns/namespace-network.ts'
import type { Namespaces } from '../../../../chaos/live/netns/namespaces.ts'
import { SeededRandom } from '../../../../src/base/random.ts'

/** Notes the rules of each node; what is cut drops seven packets. */
class Rules {
  readonly filters = new Map<number, { readonly cut: readonly number[]; readonly reset: readonly number[] }>()
  readonly #dropped = new Map<string, number>()
  changes = 0
  removed = 0

  readonly namespaces = {
    nodeIds: [1, 2, 3],
    filter: (node: number, filter: { cut: number[]; reset: number[] }) => {
      this.changes++
      this.filters.set(node, filter)
      for (const from of filter.cut) this.#dropped.set(`${from} ${node}`, (this.#dropped.get(`${from} ${node}`) ?? 0) + 7)
    },
    dropped: (node: number) => new Map([1, 2, 3].map((from) => [from, this.#dropped.get(`${from} ${node}`) ?? 0])),
    connections: () => 2,
    remove: () => this.removed++,
  } as unknown as Namespaces

  readonly network = new NamespaceNetwork(this.namespaces, new Network(new SeededRandom(1)))

  impose(ways: Ways, condition: Partial<Condition>): ReturnType<NamespaceNetwork['impose']> {
    return this.network.impose(ways, condition)
  }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('between namespaces', () => {
  it('what is cut is dropped where it would arrive, and counted, until it is lifted', () => {
    const rules = new Rules()
    const deaf = rules.impose((_, to) => to === 'node-2', { isCut: true })
    expect([...rules.filters]).toEqual([[2, { cut: [1, 3], reset: [] }]])
    const mute = rules.impose((from) => from === 'node-1', { isCut: true })
    expect(rules.filters.get(3)).toEqual({ cut: [1], reset: [] })
    expect(mute.effect()).toMatchObject({ held: 7, ways: 2, waysAffected: 1 })
    expect(deaf.effect()).toMatchObject({ held: 14, ways: 2, waysAffected: 2 })
    deaf.lift()
    expect(rules.filters.get(2)).toEqual({ cut: [1], reset: [] })
    mute.lift()
    for (const { cut } of rules.filters.values()) expect(cut).toEqual([])
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

  it('connections are reset for a moment', async () => {
    const rules = new Rules()
    expect(rules.network.reset((from) => from === 'node-1')).toBe(4)
    expect(rules.filters.get(2)).toEqual({ cut: [], reset: [1] })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(rules.filters.get(2)).toEqual({ cut: [], reset: [] })
  })

  it('nothing is slow or changed; that of clients may be', () => {
    const rules = new Rules()
    expect(() => rules.impose(() => true, { delayMs: 5 })).toThrow('in namespaces, nodes can only be cut off from each other')
    rules.impose((from) => from.startsWith('client'), { delayMs: 5 })
    expect(rules.filters.size).toBe(0)
  })

  it('all is removed in the end', () => {
    const rules = new Rules()
    rules.network.close()
    expect(rules.removed).toBe(1)
  })
})
