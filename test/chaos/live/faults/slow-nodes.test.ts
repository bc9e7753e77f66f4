import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { NotedCluster } from './noted-cluster.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function slowNodes({ log }: NotedCluster): Set<string> {
  return new Set(log.filter((line) => line.startsWith('slow')).map((line) => line.slice(-1)))
}

describe('slow-disk', () => {
  it('makes the disks of a minority slow, and sees what that did since', async () => {
    const noted = new NotedCluster(5, { seed: 2 })
    // Of a fault before this one.
    for (const node of noted.world.cluster.nodeIds) await noted.world.cluster.orderDisk(node)
    const running = await noted.begin('slow-disk')
    expect(await running.observe()).toMatchObject({ isSeen: true, what: expect.stringMatching(/^[36] syncs were slowed$/) })
    const healing = running.heal()
    await vi.advanceTimersByTimeAsync(2_000)
    await healing
    expect([1, 2]).toContain(slowNodes(noted).size)
    expect(noted.log.filter((line) => line.startsWith('cure')).length).toBe(slowNodes(noted).size)
  })

  it.each([1, 2, 3, 4, 5, 6])('leaves nodes alone that another fault holds down (seed %i)', async (seed) => {
    const noted = new NotedCluster(5, { seed })
    for (const node of [1, 2]) noted.down.add(node)
    const running = await noted.begin('slow-disk')
    expect(await running.observe()).toMatchObject({ isSeen: true })
    expect([...slowNodes(noted)].filter((node) => node === '1' || node === '2')).toEqual([])
  })

  it('is told again to a node that was started meanwhile, which counts anew', async () => {
    const noted = new NotedCluster(3)
    const running = await noted.begin('slow-disk')
    await vi.advanceTimersByTimeAsync(5_000)
    const [node] = [...slowNodes(noted)].map(Number) as [number]
    await noted.world.cluster.killNode(node)
    await vi.advanceTimersByTimeAsync(2_000)
    noted.world.cluster.startNode(node)
    noted.log.length = 0
    await vi.advanceTimersByTimeAsync(2_000)
    expect(noted.log).toContain(`slow ${node}`)
    expect(await running.observe()).toMatchObject({ what: expect.stringMatching(/^(?:1[5-9]|2\d) syncs were slowed$/) })
  })
})
