import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Condition } from '../../../../chaos/live/faults/flow.ts'
import { Network, type Ways } from '../../../../chaos/live/faults/network.ts'
import { NamespaceNetwork } from '../../../../chaos/live/netns/namespace-network.ts'
import type { Namespaces, Treatment } from '../../../../chaos/live/netns/namespaces.ts'
import { SeededRandom } from '../../../../src/base/random.ts'

const gentle = { isCut: false, isReset: false, bytesPerSecond: Infinity, corruptOneIn: 0 }
const cutFrom = (from: number): Treatment => ({ ...gentle, from, isCut: true })

/** Notes the rules of each node; each time that they change seven packets meet each of them. */
class Rules {
  readonly filters = new Map<number, readonly Treatment[]>()
  readonly #counts = new Map<string, { held: number; delayed: number; throttled: number; corrupted: number }>()
  changes = 0
  removed = 0

  readonly namespaces = {
    nodeIds: [1, 2, 3],
    filter: (node: number, treatments: readonly Treatment[]) => {
      this.changes++
      this.filters.set(node, treatments)
      for (const { from, isCut, bytesPerSecond, corruptOneIn } of treatments) {
        const counts = this.#of(from, node)
        if (isCut) counts.held += 7
        if (bytesPerSecond < Infinity) counts.throttled += 7
        if (corruptOneIn > 0) counts.corrupted += 7
      }
    },
    counts: (node: number) => new Map([1, 2, 3].map((from) => [from, { ...this.#of(from, node) }])),
    connections: () => 2,
    remove: () => this.removed++,
  } as unknown as Namespaces

  readonly network = new NamespaceNetwork(this.namespaces, new Network(new SeededRandom(1)))

  impose(ways: Ways, condition: Partial<Condition>): ReturnType<NamespaceNetwork['impose']> {
    return this.network.impose(ways, condition)
  }

  #of(from: number, to: number): { held: number; delayed: number; throttled: number; corrupted: number } {
    const name = `${from} ${to}`
    const known = this.#counts.get(name) ?? { held: 0, delayed: 0, throttled: 0, corrupted: 0 }
    this.#counts.set(name, known)
    return known
  }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

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

  it('connections are reset for a moment', async () => {
    const rules = new Rules()
    expect(rules.network.reset((from) => from === 'node-1')).toBe(4)
    expect(rules.filters.get(2)).toEqual([{ ...gentle, from: 1, isReset: true }])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(rules.filters.get(2)).toEqual([])
  })

  it('what comes too fast is dropped, and bits flip, both at once where both are asked for', () => {
    const rules = new Rules()
    const slow = rules.impose((from, to) => from === 'node-1' && to === 'node-2', { bytesPerSecond: 1_000 })
    const wrong = rules.impose((_, to) => to === 'node-2', { corruptOneIn: 200 })
    expect(rules.filters.get(2)).toEqual([
      { ...gentle, from: 1, bytesPerSecond: 1_000, corruptOneIn: 200 },
      { ...gentle, from: 3, corruptOneIn: 200 },
    ])
    expect(slow.effect()).toMatchObject({ throttled: 14, ways: 1, waysAffected: 1 })
    expect(wrong.effect()).toMatchObject({ corrupted: 14, ways: 2, waysAffected: 2 })
    slow.lift()
    expect(rules.filters.get(2)).toEqual([
      { ...gentle, from: 1, corruptOneIn: 200 },
      { ...gentle, from: 3, corruptOneIn: 200 },
    ])
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
