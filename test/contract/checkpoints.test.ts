import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { MemoryCheckpoints } from '../../chaos/sim/checkpoints.ts'
import type { Checkpoints, CheckpointWrite } from '../../src/base/checkpoints.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { openLevelCheckpoints } from '../../src/checkpoint/level-checkpoints.ts'
import { type LogLine, TestClock, testLogger } from '../log/world.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'oxbow-checkpoints-'))
  folders.push(folder)
  return folder
}

function openLevel(path: string, lines: LogLine[] = []): Promise<Checkpoints> {
  return new Promise((resolve, reject) => openLevelCheckpoints(path, testLogger(lines), (error, store) => (error ? reject(error) : resolve(store))))
}

/** A store, how to let its calls complete, and how to close it and open it again. */
interface Side {
  store: Checkpoints
  settle(): void
  reopen(): Promise<void>
}

const sides: Record<string, () => Promise<Side>> = {
  level: async () => {
    const path = join(temporaryFolder(), 'checkpoints')
    const side: Side = {
      store: await openLevel(path),
      settle: () => undefined,
      reopen: async () => {
        await new Promise<void>((resolve) => side.store.close(() => resolve()))
        side.store = await openLevel(path)
      },
    }
    return side
  },
  MemoryCheckpoints: async () => {
    const clock = new TestClock()
    let memory = new MemoryCheckpoints({ clock, random: new SeededRandom(1), latencyMs: 1 })
    const side: Side = {
      store: memory,
      settle: () => clock.run(),
      reopen: async () => {
        clock.waitVoid((done) => memory.close(done))
        memory = memory.reopen()
        side.store = memory
      },
    }
    return side
  },
}

for (const [name, make] of Object.entries(sides)) {
  describe(`${name} keeps the contract of Checkpoints`, () => {
    const setUp = async () => {
      const side = await make()
      const ask = <T>(start: (done: (error: Error | undefined, value: T) => void) => void) =>
        new Promise<T>((resolve, reject) => {
          let returned = false
          start((error, value) => {
            if (!returned) reject(new Error('completed before the call returned'))
            else if (error) reject(error)
            else resolve(value)
          })
          returned = true
          side.settle()
        })
      const write = (writes: readonly CheckpointWrite[]) =>
        ask<undefined>((done) => side.store.write(writes, { sync: true }, (error) => done(error, undefined)))
      const get = (key: string) => ask<Buffer | undefined>((done) => side.store.get(key, done))
      return { side, write, get }
    }

    it('puts, gets and deletes, before and after it is opened again', async () => {
      const { side, write, get } = await setUp()
      expect(await get('a/1')).toBeUndefined()
      const value = Buffer.from([0, 255, 10])
      await write([
        { type: 'put', key: 'a/2', value: Buffer.from('two') },
        { type: 'put', key: 'a/1', value },
        { type: 'put', key: 'b', value: Buffer.alloc(0) },
      ])
      expect(await get('a/1')).toEqual(value)
      expect((await get('b'))?.length).toBe(0)
      await write([
        { type: 'delete', key: 'a/1' },
        { type: 'delete', key: 'none' },
        { type: 'put', key: 'a/3', value },
      ])
      const found = async () => Promise.all(['a/1', 'a/2', 'a/3', 'b', 'none'].map(get))
      const expected = [undefined, Buffer.from('two'), value, Buffer.alloc(0), undefined]
      expect(await found()).toEqual(expected)
      await side.reopen()
      expect(await found()).toEqual(expected)
    })

    it('keeps what it was given, whatever becomes of the buffers', async () => {
      const { write, get } = await setUp()
      const value = Buffer.from('kept')
      await write([{ type: 'put', key: 'k', value }])
      value.fill(0)
      const seen = (await get('k'))!
      expect(seen.toString()).toBe('kept')
      seen.fill(0)
      expect((await get('k'))?.toString()).toBe('kept')
    })
  })
}

describe('openLevelCheckpoints', () => {
  it('sets a store that cannot be opened aside, says so, and makes a fresh one (R3.7)', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'checkpoints')
    const store = await openLevel(path)
    await new Promise<void>((resolve) => store.write([{ type: 'put', key: 'k', value: Buffer.from('v') }], { sync: true }, () => resolve()))
    await new Promise<void>((resolve) => store.close(() => resolve()))
    writeFileSync(join(path, 'CURRENT'), 'nonsense')
    const lines: LogLine[] = []
    const fresh = await openLevel(path, lines)
    expect(lines).toEqual([{ level: 'warn', message: 'the checkpoints could not be opened: they are set aside, and rebuilt from the logs' }])
    expect(await new Promise((resolve) => fresh.get('k', (_, value) => resolve(value)))).toBeUndefined()
    expect(readdirSync(folder).filter((name) => name.startsWith('checkpoints.broken-'))).toHaveLength(1)
    expect(existsSync(path)).toBe(true)
    await new Promise<void>((resolve) => fresh.close(() => resolve()))
  })
})

describe('MemoryCheckpoints loses what the rules allow it to lose', () => {
  const put = (value: number): CheckpointWrite[] => [
    { type: 'put', key: 'n', value: Buffer.from([value]) },
    { type: 'put', key: 'm', value: Buffer.from([value]) },
  ]

  function written(seed: number, syncUpTo: number): { clock: TestClock; store: MemoryCheckpoints } {
    const clock = new TestClock()
    const store = new MemoryCheckpoints({ clock, random: new SeededRandom(seed) })
    for (let value = 1; value <= 10; value++) clock.waitVoid((done) => store.write(put(value), { sync: value === syncUpTo }, done))
    return { clock, store }
  }

  const read = (clock: TestClock, store: MemoryCheckpoints, key: string) => clock.wait<Buffer | undefined>((done) => store.get(key, done))?.[0] ?? 0

  it('a power loss takes some of the unsynced batches, whole ones, newest first, never a synced one', () => {
    const left = new Set<number>()
    for (let seed = 1; seed <= 60; seed++) {
      const { clock, store } = written(seed, 6)
      store.powerLoss()
      const next = store.reopen()
      expect(read(clock, next, 'm')).toBe(read(clock, next, 'n'))
      left.add(read(clock, next, 'n'))
    }
    expect([...left].sort((a, b) => a - b)).toEqual([6, 7, 8, 9, 10])
  })

  it('a roll back takes synced ones too, and a loss takes all', () => {
    const left = new Set<number>()
    for (let seed = 1; seed <= 100; seed++) {
      const { clock, store } = written(seed, 10)
      store.rollBack()
      left.add(read(clock, store, 'n'))
    }
    expect(left.size).toBe(11)
    const { clock, store } = written(1, 10)
    store.loseAll()
    expect(read(clock, store, 'n')).toBe(0)
  })

  it('never answers a process that died', () => {
    const { clock, store } = written(1, 0)
    store.get('n', () => expect.unreachable())
    store.kill()
    clock.run()
  })
})
