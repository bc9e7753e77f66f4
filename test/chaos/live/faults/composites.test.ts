import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { TopicInfo } from '../../../../src/wire/api.ts'
import { NotedCluster } from './noted-cluster.ts'

let signals: string[] = []
beforeEach(() => {
  vi.useFakeTimers()
  signals = []
  vi.spyOn(process, 'kill').mockImplementation((pid, signal) => {
    signals.push(`${String(signal)} ${pid - 1_000_000}`)
    return true
  })
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

function topicOn(replicas: readonly number[]): TopicInfo {
  return { partitions: [{ replicas }] } as unknown as TopicInfo
}

describe('outlive', () => {
  it('halts a replica, kills the other ones while it sleeps, wakes it, and starts them only when it is healed', async () => {
    const noted = new NotedCluster(5, { admin: { describeTopics: () => Promise.resolve([topicOn([2, 4, 5])]) } })
    const running = await noted.begin('outlive')
    expect(signals).toHaveLength(1)
    const [last] = /\d/.exec(signals[0] ?? '') ?? []
    const others = ['2', '4', '5'].filter((node) => node !== last)
    await vi.advanceTimersByTimeAsync(4_000)
    expect([...noted.log].sort()).toEqual(others.map((node) => `kill ${node}`))
    expect(signals).toEqual([`SIGSTOP ${last}`, `SIGCONT ${last}`])
    const healing = running.heal()
    await vi.advanceTimersByTimeAsync(3_000)
    expect(noted.log).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(3_000)
    await healing
    expect([...noted.log].sort()).toEqual([...others.map((node) => `kill ${node}`), ...others.map((node) => `start ${node}`)])
    expect(await running.observe()).toMatchObject({ isSeen: true, what: expect.stringMatching(/^SIGKILL ended \d, \d$/) })
  })

  it('is refused where the quorum would go with them', async () => {
    const noted = new NotedCluster(5, { admin: { describeTopics: () => Promise.resolve([topicOn([1, 2, 3, 4])]) } })
    await expect(noted.begin('outlive')).rejects.toThrow('no partition has replicas of which all but one may go')
    expect(signals).toEqual([])
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
    expect(of('slow')).toHaveLength(2)
    expect(of('kill')).toEqual(['1', '2', '3'])
    expect(of('start')).toEqual(of('slow'))
    const healing = running.heal()
    await vi.advanceTimersByTimeAsync(8_000)
    await healing
    expect(of('start')).toEqual(['1', '2', '3'])
    expect(await running.observe()).toMatchObject({ isSeen: true, what: expect.stringMatching(/^6 syncs were slowed; SIGKILL ended/) })
  })
})
