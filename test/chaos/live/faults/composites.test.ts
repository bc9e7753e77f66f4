import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { TopicInfo } from '../../../../src/wire/api.ts'
import { NotedCluster } from './noted-cluster.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function topicOn(replicas: readonly number[]): TopicInfo {
  return { partitions: [{ replicas }] } as unknown as TopicInfo
}

describe('outlive', () => {
  it('halts a replica, kills the other ones while it sleeps, wakes it, and starts them only when it is healed', async () => {
    const noted = new NotedCluster(5, { admin: { describeTopics: () => Promise.resolve([topicOn([2, 4, 5])]) } })
    const running = await noted.begin('outlive')
    expect(noted.log).toEqual([expect.stringMatching(/^halt [245]$/)])
    const [last] = /\d/.exec(noted.log.splice(0)[0] ?? '') ?? []
    const others = ['2', '4', '5'].filter((node) => node !== last)
    await vi.advanceTimersByTimeAsync(4_000)
    expect(noted.log.at(-1)).toBe(`wake ${last}`)
    expect(noted.log.slice(0, -1).sort()).toEqual(others.map((node) => `kill ${node}`))
    noted.log.length = 0
    const healing = running.heal()
    await vi.advanceTimersByTimeAsync(3_000)
    expect(noted.log).toEqual([])
    await vi.advanceTimersByTimeAsync(3_000)
    await healing
    expect(noted.log.sort()).toEqual(others.map((node) => `start ${node}`))
    expect(await running.observe()).toMatchObject({ isSeen: true, what: expect.stringMatching(/^the processes were in state Tl; SIGKILL ended \d, \d$/) })
  })

  it('is refused where the quorum would go with them', async () => {
    const noted = new NotedCluster(5, { admin: { describeTopics: () => Promise.resolve([topicOn([1, 2, 3, 4])]) } })
    await expect(noted.begin('outlive')).rejects.toThrow('no partition has replicas of which all but one may go')
    expect(noted.log).toEqual([])
  })
})

describe.each(['pause-kill', 'part-kill'])('%s', (name) => {
  it.each([0, 7])('says that %i bytes were not synced when the power went', async (bytes) => {
    const noted = new NotedCluster(3)
    noted.unsyncedBytes = bytes
    const cut = { effect: () => ({ held: 1, waysAffected: 1, ways: 1 }), lift: () => undefined }
    Object.assign(noted.world.cluster, { network: { impose: () => cut } })
    const running = await noted.begin(name)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(noted.log.filter((line) => line.startsWith('kill'))).toHaveLength(1)
    expect(await running.observe()).toMatchObject({
      unsyncedBytes: bytes,
      what: expect.stringMatching(new RegExp(`; SIGKILL ended \\d; ${bytes} bytes were not synced`)),
    })
    await running.heal()
  })
})

describe('power-loss', () => {
  it('says what was not synced, and that it took nowhere where nobody could say so', async () => {
    const noted = new NotedCluster(3, { seed: 1 })
    noted.unsyncedBytes = 7
    const beginning = noted.begin('power-loss')
    await vi.advanceTimersByTimeAsync(2_000)
    const { isSeen, unsyncedBytes } = await (await beginning).observe()
    expect([isSeen, unsyncedBytes]).toEqual([true, 7 * noted.log.filter((line) => line.startsWith('kill')).length])
    noted.world.cluster.orderDisk = () => Promise.resolve(undefined)
    const again = noted.begin('power-loss')
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await (await again).observe()).toMatchObject({ isSeen: false, unsyncedBytes: 0, what: expect.stringContaining('as far as was heard: not from ') })
  })
})

describe('slow-power-loss', () => {
  it('makes a majority slow, kills all, and leaves who was not slow away until it is healed', async () => {
    const noted = new NotedCluster(3)
    const running = await noted.begin('slow-power-loss')
    await vi.advanceTimersByTimeAsync(2_000)
    const of = (what: string): string[] =>
      noted.log
        .filter((line) => line.startsWith(what))
        .map((line) => line.slice(-1))
        .sort()
    expect(new Set(of('slow')).size).toBe(2)
    expect(of('kill')).toEqual(['1', '2', '3'])
    expect(of('start')).toEqual([...new Set(of('slow'))])
    const healing = running.heal()
    await vi.advanceTimersByTimeAsync(8_000)
    await healing
    expect(of('start')).toEqual(['1', '2', '3'])
    expect(await running.observe()).toMatchObject({ isSeen: true, what: expect.stringMatching(/^6 syncs were slowed; SIGKILL ended/) })
  })
})
