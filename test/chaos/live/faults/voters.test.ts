import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { BrokerError } from '../../../../src/base/errors.ts'
import type { Admin } from '../../../../src/client/admin.ts'
import { NotedCluster } from './noted-cluster.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Who votes, as the cluster says it; every third change is refused. */
class Quorum {
  readonly voters = new Set([1, 2, 3, 4])
  readonly sizes: number[] = []
  #asked = 0

  readonly admin: Partial<Admin> = {
    describeQuorum: async () =>
      ({ replicas: [1, 2, 3, 4].map((nodeId) => ({ nodeId, status: this.voters.has(nodeId) ? 'Voter' : 'Observer' })) }) as unknown as Awaited<
        ReturnType<Admin['describeQuorum']>
      >,
    addVoter: ({ nodeId }) => this.#change(() => this.voters.add(nodeId)),
    removeVoter: ({ nodeId }) => this.#change(() => this.voters.delete(nodeId)),
  }

  async #change(act: () => void): ReturnType<Admin['addVoter']> {
    if (this.#asked++ % 3 === 1) throw new BrokerError('REQUEST_TIMED_OUT', 'nobody answers')
    act()
    this.sizes.push(this.voters.size)
    return { isChanged: true, voters: [], warnings: [] }
  }
}

it('one node at a time has no vote, and all have one in the end', async () => {
  const quorum = new Quorum()
  const running = await new NotedCluster(4, { admin: quorum.admin }).begin('voters')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(quorum.sizes.length).toBeGreaterThan(10)
  expect(Math.min(...quorum.sizes)).toBe(3)
  expect(await running.observe()).toEqual({ isSeen: true, what: `${quorum.sizes.length} changes of the voters` })
  const healing = running.heal().then(running.settle)
  await vi.advanceTimersByTimeAsync(2_000)
  await healing
  expect(quorum.voters.size).toBe(4)
})
