import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ClientWorld, RunningFault } from '../../../../chaos/live/faults/fault.ts'
import { type Network, noCounts } from '../../../../chaos/live/faults/network.ts'
import { slowLinks } from '../../../../chaos/live/faults/slow-links.ts'
import { SeededRandom } from '../../../../src/base/random.ts'

/** A network in which each cut holds three messages, and each reset ends two connections; and any of it can fail. */
class Moments {
  readonly log: string[] = []
  failing = ''
  readonly #network = {
    impose: () => {
      this.#do('cut')
      return { effect: () => ({ ...noCounts, held: 3, ways: 4, waysAffected: 2 }), lift: () => this.#do('lift') }
    },
    reset: () => {
      this.#do('reset')
      return { count: () => 2, end: () => this.#do('end') }
    },
  } as unknown as Network

  async begin(name: string): Promise<RunningFault> {
    const world: Pick<ClientWorld, 'cluster' | 'random'> = {
      cluster: { nodeIds: [1, 2, 3], upNodes: [1, 2, 3], clientHosts: 3, network: this.#network },
      random: new SeededRandom(1),
    }
    return await (slowLinks.find((fault) => fault.name === name) as (typeof slowLinks)[number]).begin(world as ClientWorld)
  }

  #do(what: string): void {
    if (this.failing === what) throw new Error(`${what}: the kernel does not answer`)
    this.log.push(what)
  }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe.each([
  ['stall', 'cut', 'lift', 3, 'messages were held'],
  ['reset', 'reset', 'end', 2, 'connections were reset'],
])('%s', (name, start, end, each, did) => {
  it('has one node after the other for a moment, and counts all of them, the last one too', async () => {
    const moments = new Moments()
    const running = await moments.begin(name)
    expect(await running.observe()).toEqual({ isSeen: true, what: `${each} ${did}` })
    await vi.waitFor(() => expect(moments.log).toEqual([start, end, start]))
    expect(await running.observe()).toEqual({ isSeen: true, what: `${2 * each} ${did}` })
    await running.heal()
    expect(moments.log).toEqual([start, end, start, end])
    await vi.advanceTimersByTimeAsync(5_000)
    expect(moments.log).toHaveLength(4)
  })

  it('cannot be begun where the first moment fails', async () => {
    const moments = new Moments()
    moments.failing = start
    await expect(moments.begin(name)).rejects.toThrow(`${start}: the kernel does not answer`)
  })

  it.each([start, end])('says what failed in between, at its next %s, and is healed where that can be', async (failing) => {
    const moments = new Moments()
    const running = await moments.begin(name)
    moments.failing = failing
    await vi.advanceTimersByTimeAsync(5_000)
    await expect(running.observe()).rejects.toThrow(`${failing}: the kernel does not answer`)
    moments.failing = ''
    await running.heal()
    expect(moments.log).toEqual([start, end])
  })

  it('cannot be healed where its end fails', async () => {
    const moments = new Moments()
    const running = await moments.begin(name)
    moments.failing = end
    await expect(running.heal()).rejects.toThrow(`${end}: the kernel does not answer`)
  })
})
