import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { cutTail, flipBit } from '../../../../chaos/live/faults/damaged-files.ts'
import { SeededRandom } from '../../../../src/base/random.ts'
import { NotedCluster } from './noted-cluster.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oxbow-flip-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('flips one bit of a file, anywhere in it', () => {
  const path = join(folder, 'some.log')
  const positions = new Set<number>()
  for (let seed = 0; seed < 60; seed++) {
    const before = Buffer.from('0123456789')
    writeFileSync(path, before)
    flipBit(path, new SeededRandom(seed))
    const after = readFileSync(path)
    expect(after).toHaveLength(before.length)
    const changed = [...before].flatMap((byte, at) => (byte === after[at] ? [] : [{ at, bits: byte ^ (after[at] as number) }]))
    expect(changed).toHaveLength(1)
    expect(Math.log2(changed[0]?.bits as number) % 1).toBe(0)
    positions.add(changed[0]?.at as number)
  }
  expect(positions.size).toBe(10)
})

it('cuts off the end of a file, at least a byte of it and mostly few', () => {
  const path = join(folder, 'some.log')
  const left: number[] = []
  for (let seed = 0; seed < 60; seed++) {
    writeFileSync(path, Buffer.alloc(1_000, 'x'))
    cutTail(path, new SeededRandom(seed))
    left.push(readFileSync(path).length)
  }
  expect(Math.max(...left)).toBeLessThan(1_000)
  expect(left.filter((length) => length >= 936).length).toBeGreaterThan(30)
  expect(Math.min(...left)).toBeLessThan(900)
})

describe('files of a node that is down', () => {
  /** One node, its files, and a cluster that says that all is well again. */
  function oneNode(seed: number): { readonly noted: NotedCluster; readonly logPath: string; readonly dataDir: string } {
    const dataDir = join(folder, '1')
    const logPath = join(dataDir, 'partitions', 't0-0', '0.log')
    mkdirSync(join(logPath, '..'), { recursive: true })
    writeFileSync(logPath, 'as it was')
    const describeQuorum = (): Promise<never> => Promise.resolve({ replicas: [{ nodeId: 1, status: 'Leader' }] } as never)
    return { noted: new NotedCluster(1, { admin: { describeQuorum, describeTopics: () => Promise.resolve([]) }, folder, seed }), logPath, dataDir }
  }

  it.each([1, 2, 3, 4])('are rolled back to what they were (seed %i)', async (seed) => {
    vi.useFakeTimers()
    try {
      const { noted, logPath } = oneNode(seed)
      const beginning = noted.begin('roll-back')
      writeFileSync(logPath, 'as it was, and more')
      await vi.advanceTimersByTimeAsync(2_500)
      const running = await beginning
      expect(noted.log).toEqual([expect.stringMatching(/^(?:kill|stop) 1$/), 'start 1'])
      expect(readFileSync(logPath, 'utf8')).toBe('as it was')
      expect(await running.observe()).toEqual({ isSeen: true, what: '1 of 1 files that had changed were as they had been 2 s before' })
    } finally {
      vi.useRealTimers()
    }
  })

  it('are not rolled back where nothing changed, and that is no effect', async () => {
    vi.useFakeTimers()
    try {
      const { noted } = oneNode(1)
      const beginning = noted.begin('roll-back')
      await vi.advanceTimersByTimeAsync(2_500)
      expect(await (await beginning).observe()).toMatchObject({ isSeen: false })
    } finally {
      vi.useRealTimers()
    }
  })

  it('are all gone, and who comes back without a vote gets it again', async () => {
    const { noted, dataDir } = oneNode(1)
    const voters: number[] = []
    const { admin } = noted.world
    admin.describeQuorum = () => Promise.resolve({ replicas: [{ nodeId: 1, status: voters.includes(1) ? 'Voter' : 'Observer' }] } as never)
    admin.addVoter = async ({ nodeId }) => {
      voters.push(nodeId)
      return { isChanged: true, voters: [], warnings: [] }
    }
    const running = await noted.begin('wipe')
    expect(existsSync(dataDir)).toBe(false)
    expect(await running.observe()).toMatchObject({ isSeen: true })
    // What it has later it has fetched anew: a hole there is its own doing.
    expect(running.hurt ?? []).toEqual([])
    expect(running.renewed).toEqual([1])
    await running.heal()
    expect(voters).toEqual([])
    await running.settle?.()
    expect(voters).toEqual([1])
  })

  it('are truncated; where there is none, nothing was done', async () => {
    const { noted, logPath } = oneNode(1)
    const running = await noted.begin('truncate')
    expect(readFileSync(logPath).length).toBeLessThan('as it was'.length)
    expect(await running.observe()).toEqual({ isSeen: true, what: 'the end was cut off 1 files' })
    expect(running.hurt).toEqual([1])
    rmSync(logPath)
    expect(await (await noted.begin('truncate')).observe()).toMatchObject({ isSeen: false })
  })
})
