import { describe, expect, it } from 'vitest'
import type { ChaosCluster } from '../../../../chaos/live/chaos-cluster.ts'
import type { FaultWorld } from '../../../../chaos/live/faults/fault.ts'
import type { Condition, End } from '../../../../chaos/live/faults/flow.ts'
import type { ImposedEffect, Ways } from '../../../../chaos/live/faults/network.ts'
import { clientCuts, partitions } from '../../../../chaos/live/faults/partitions.ts'
import { SeededRandom } from '../../../../src/base/random.ts'

const effect: ImposedEffect = { held: 3, delayed: 0, throttled: 0, corrupted: 0, ways: 4, waysAffected: 2 }

/** A cluster that only notes what is imposed on its network. */
class Noted {
  readonly cut: Ways[] = []
  lifted = 0
  effect = effect
  readonly world: FaultWorld

  constructor(nodes: number, seed: number) {
    const impose = (ways: Ways, condition: Partial<Condition>): object => {
      expect(condition).toEqual({ isCut: true })
      this.cut.push(ways)
      return { effect: () => this.effect, lift: () => this.lifted++ }
    }
    const cluster = { nodeIds: Array.from({ length: nodes }, (_, at) => at + 1), clientHosts: 2, network: { impose } } as unknown as ChaosCluster
    this.world = {
      cluster,
      random: new SeededRandom(seed),
      admin: undefined as never,
      isOurs: () => true,
      leaders: () => Promise.resolve({ controller: 2, broker: 3 }),
    }
  }

  /** Whom a node hears, itself among them. */
  hears(node: number): number[] {
    const isCut = (from: number): boolean => this.cut.some((ways) => ways(`node-${from}`, `node-${node}`))
    return this.world.cluster.nodeIds.filter((from) => from === node || !isCut(from))
  }
}

async function begun(name: string, nodes: number, seed = 1): Promise<Noted> {
  const noted = new Noted(nodes, seed)
  await [...partitions, ...clientCuts].find((one) => one.name === name)?.begin(noted.world)
  return noted
}

const sizes = (noted: Noted): number[] => noted.world.cluster.nodeIds.map((node) => noted.hears(node).length).sort()

describe('partitions', () => {
  it.each([
    ['partition-one', 5, [1, 4, 4, 4, 4]],
    ['partition-leader', 3, [1, 2, 2]],
    ['partition-halves', 5, [2, 2, 3, 3, 3]],
    ['partition-ring', 5, [3, 3, 3, 3, 3]],
    ['partition-ring', 7, [5, 5, 5, 5, 5, 5, 5]],
    ['partition-bridge', 5, [3, 3, 3, 3, 5]],
  ])('%s of %i: the nodes hear so many', async (name, nodes, expected) => {
    for (const seed of [1, 2, 3]) expect(sizes(await begun(name, nodes, seed))).toEqual(expected)
  })

  it('of the ring are different majorities', async () => {
    const noted = await begun('partition-ring', 5)
    expect(new Set(noted.world.cluster.nodeIds.map((node) => noted.hears(node).join())).size).toBe(5)
  })

  it('one way: a node is deaf, or it is not heard', async () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 20; seed++) seen.add(sizes(await begun('partition-one-way', 3, seed)).join())
    expect(seen).toEqual(new Set(['1,3,3', '2,2,3']))
  })

  it('of nodes leave clients alone, and that of clients the nodes', async () => {
    const ends: End[] = ['node-1', 'node-2', 'node-3', 'client-1', 'client-2']
    for (const { name } of [...partitions, ...clientCuts]) {
      const { cut } = await begun(name, 5)
      const hit = ends.flatMap((from) => ends.filter((to) => cut[0]?.(from, to)).map((to) => [from, to]))
      const ofClients = hit.filter((ways) => ways.some((end) => end.startsWith('client')))
      expect(ofClients.length > 0, name).toBe(name === 'clients-cut')
      if (name === 'clients-cut') expect(hit).toEqual(ofClients)
    }
  })

  it('are seen by what was held, and lifted', async () => {
    const noted = new Noted(3, 1)
    const running = await partitions[0]?.begin(noted.world)
    expect(await running?.observe()).toEqual({ isSeen: true, what: '3 messages were held on 2 of 4 ways' })
    noted.effect = { ...effect, held: 0 }
    expect(await running?.observe()).toMatchObject({ isSeen: false })
    await running?.heal()
    expect(noted.lifted).toBe(1)
  })
})
