import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { TopicInfo } from '../../../../src/wire/api.ts'
import { NotedCluster } from './noted-cluster.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function topic(name: string, addingReplicas: readonly number[]): TopicInfo {
  return {
    name,
    partitions: [{ partition: 0, leader: 1, replicas: [1, 2, 3, ...addingReplicas], isr: [1, 2, 3], addingReplicas, removingReplicas: [] }],
  } as unknown as TopicInfo
}

/** An operator moves a partition of their own for hours; of ours one is still on its way for a while. */
it('a move of somebody else is not waited for, one of ours is', async () => {
  let ours = topic('chaos-t0', [4])
  const noted = new NotedCluster(4, {
    admin: { describeTopics: async () => [topic('theirs', [4]), ours], alterReassignments: async () => [] },
  })
  const running = await noted.begin('reassign', (name) => name.startsWith('chaos-'))
  await vi.advanceTimersByTimeAsync(2_000)
  const healing = running.heal()
  await vi.advanceTimersByTimeAsync(1_000)
  await healing
  let isSettled = false
  const settling = running.settle?.().then(() => {
    isSettled = true
  })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(isSettled).toBe(false)
  ours = topic('chaos-t0', [])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(isSettled).toBe(true)
  await settling
})
