import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { AilingDisk } from '../../chaos/live/disk/ailing-disk.ts'
import { VolatileDisk } from '../../chaos/live/disk/volatile-disk.ts'
import { SimDisk } from '../../chaos/sim/disk.ts'
import type { Disk, DiskFile, DiskSpace } from '../../src/base/disk.ts'
import type { Done } from '../../src/base/done.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { NodeDisk } from '../../src/node/disk.ts'
import { LimitedDisk, OpenFiles } from '../../src/node/open-files.ts'
import { TestClock } from '../log/world.ts'

/** A disk and how to wait for one of its calls. */
interface Side {
  readonly disk: Disk
  wait<T>(start: (done: Done<T>) => void): Promise<T>
}

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'oxbow-disk-'))
  folders.push(folder)
  return folder
}

function realSide(disk: Disk): Side {
  return {
    disk,
    wait: (start) =>
      new Promise((resolve, reject) => {
        let returned = false
        start((error, value) => {
          if (!returned) reject(new Error('completed before the call returned'))
          else if (error !== undefined) reject(error)
          else resolve(value)
        })
        returned = true
      }),
  }
}

const sides: Record<string, () => Side> = {
  NodeDisk: () => realSide(new NodeDisk(join(temporaryFolder(), 'data'))),
  'an AilingDisk over a VolatileDisk': () => realSide(new AilingDisk(new VolatileDisk(new NodeDisk(join(temporaryFolder(), 'data'))))),
  'a LimitedDisk that may have one file open': () => realSide(new LimitedDisk(new NodeDisk(join(temporaryFolder(), 'data')), new OpenFiles(1))),
  SimDisk: () => {
    const clock = new TestClock()
    return {
      disk: new SimDisk({ clock, random: new SeededRandom(1), minLatencyMs: 0, maxLatencyMs: 3 }),
      wait: async (start) => {
        let returned = false
        const value = clock.wait<Awaited<ReturnType<typeof start>>>((done) => {
          start((error, result) => {
            if (!returned) throw new Error('completed before the call returned')
            done(error, result as never)
          })
          returned = true
        })
        return value as never
      },
    }
  },
}

for (const [name, make] of Object.entries(sides)) {
  describe(`${name} keeps the contract of Disk`, () => {
    const setUp = async () => {
      const { disk, wait } = make()
      const run = (start: (done: (error: Error | undefined) => void) => void) => wait<undefined>((done) => start((error) => done(error, undefined)))
      await run((done) => disk.mkdir('', done))
      const open = (path: string, create = true) => wait<DiskFile | undefined>((done) => disk.open(path, { create }, done))
      return { disk, wait, run, open }
    }

    it('writes, reads, truncates, and answers short at the end', async () => {
      const { disk, wait, run, open } = await setUp()
      const file = (await open('a.log'))!
      expect(file.path).toBe('a.log')
      await run((done) => file.writev([Buffer.from('hello '), Buffer.alloc(0), Buffer.from('world')], 0, done))
      await run((done) => file.writev([Buffer.from('W')], 6, done))
      expect((await wait<Buffer>((done) => file.read(6, 100, done))).toString()).toBe('World')
      expect((await wait<Buffer>((done) => file.read(0, 5, done))).toString()).toBe('hello')
      expect(await wait<Buffer>((done) => file.read(50, 5, done))).toHaveLength(0)
      expect(await wait<number>((done) => file.size(done))).toBe(11)
      await run((done) => file.truncate(5, done))
      await run((done) => file.sync(done))
      await run((done) => file.writev([Buffer.from('!')], 8, done))
      expect((await wait<Buffer | undefined>((done) => disk.readFile('a.log', done)))?.toString()).toBe('hello\0\0\0!')
      await run((done) => file.truncate(10, done))
      expect((await wait<Buffer | undefined>((done) => disk.readFile('a.log', done)))?.length).toBe(10)
      await run((done) => file.close(done))
    })

    it('writes and syncs in one call, beside plain writes of the same file', async () => {
      const { wait, run, open } = await setUp()
      const file = (await open('a.log'))!
      await run((done) => file.writev([Buffer.from('plain ')], 0, done))
      await run((done) => file.writevSynced([Buffer.from('syn'), Buffer.from('ced')], 6, done))
      await run((done) => file.writevSynced([Buffer.from('S')], 6, done))
      expect((await wait<Buffer>((done) => file.read(0, 100, done))).toString()).toBe('plain Synced')
      await run((done) => file.close(done))
    })

    it('writes more buffers than one system call takes', async () => {
      const { wait, run, open } = await setUp()
      const file = (await open('many'))!
      const buffers = Array.from({ length: 2500 }, (_, at) => Buffer.from([at & 255, at >> 8]))
      await run((done) => file.writev(buffers, 3, done))
      expect((await wait<Buffer>((done) => file.read(3, 10_000, done))).equals(Buffer.concat(buffers))).toBe(true)
      await run((done) => file.writev([], 0, done))
    })

    it('answers undefined for what is missing, and fails with the call, the path and the reason', async () => {
      const { disk, wait, run, open } = await setUp()
      expect(await open('none', false)).toBeUndefined()
      expect(await wait<Buffer | undefined>((done) => disk.readFile('none', done))).toBeUndefined()
      expect(await wait<readonly string[]>((done) => disk.list('none', done))).toEqual([])
      await run((done) => disk.remove('none', done))
      await expect(open('no/folder')).rejects.toMatchObject({ code: 'DISK_FAILED', detail: expect.stringMatching(/^open no\/folder: ENOENT/) })
      await expect(run((done) => disk.rename('none', 'other', done))).rejects.toMatchObject({
        code: 'DISK_FAILED',
        detail: expect.stringMatching(/^rename none: ENOENT/),
      })
      await expect(run((done) => disk.syncFolder('none', done))).rejects.toMatchObject({ code: 'DISK_FAILED' })
    })

    it('makes, lists, renames and removes', async () => {
      const { disk, wait, run, open } = await setUp()
      const list = (path: string) => wait<readonly string[]>((done) => disk.list(path, done))
      await run((done) => disk.mkdir('p/q', done))
      await run((done) => disk.mkdir('p/q', done))
      for (const path of ['p/b', 'p/a', 'p/q/c', 'p/B']) {
        const made = (await open(path))!
        await run((done) => made.close(done))
      }
      expect(await list('p')).toEqual(['B', 'a', 'b', 'q'])
      const file = (await open('p/a'))!
      await run((done) => file.writev([Buffer.from('A')], 0, done))
      await run((done) => disk.rename('p/a', 'p/b', done))
      expect(await list('p')).toEqual(['B', 'b', 'q'])
      expect((await wait<Buffer | undefined>((done) => disk.readFile('p/b', done)))?.toString()).toBe('A')
      // An open file follows its renames, and a reader keeps what was removed.
      await run((done) => file.writev([Buffer.from('B')], 1, done))
      await run((done) => disk.mkdir('aside', done))
      await run((done) => disk.rename('p', 'aside/p', done))
      expect((await wait<Buffer | undefined>((done) => disk.readFile('aside/p/b', done)))?.toString()).toBe('AB')
      await run((done) => disk.syncFolder('aside', done))
      await run((done) => disk.syncFolder('', done))
      await run((done) => disk.remove('aside', done))
      expect(await list('')).toEqual([])
      expect((await wait<Buffer>((done) => file.read(0, 9, done))).toString()).toBe('AB')
      await run((done) => file.close(done))
    })

    it('lets one hold a lock until it is removed', async () => {
      const { disk, run } = await setUp()
      await run((done) => disk.lock('lock', done))
      await expect(run((done) => disk.lock('lock', done))).rejects.toMatchObject({ code: 'DATA_FOLDER_IN_USE' })
      await run((done) => disk.remove('lock', done))
      await run((done) => disk.lock('lock', done))
    })

    it('knows its space', async () => {
      const { disk, wait } = await setUp()
      const { freeBytes, totalBytes } = await wait<DiskSpace>((done) => disk.space(done))
      expect(freeBytes).toBeGreaterThan(0)
      expect(totalBytes).toBeGreaterThanOrEqual(freeBytes)
    })
  })
}

describe('the lock of NodeDisk', () => {
  const lock = (folder: string) => new Promise<Error | undefined>((resolve) => new NodeDisk(folder).lock('lock', resolve))

  it('is held against another user of the folder, and says which process holds it', async () => {
    const folder = temporaryFolder()
    expect(await lock(folder)).toBeUndefined()
    expect(await lock(folder)).toMatchObject({ code: 'DATA_FOLDER_IN_USE', detail: expect.stringContaining(`process ${process.pid} uses ${folder}`) })
  })

  for (const [what, content] of [
    ['a process that is gone', '4194305 1\n'],
    ['an older process with this pid', `${process.pid} 1\n`],
    ['nobody', ''],
  ] as const) {
    it(`is taken over from ${what}`, async () => {
      const folder = temporaryFolder()
      writeFileSync(join(folder, 'lock'), content)
      expect(await lock(folder)).toBeUndefined()
      expect(await lock(folder)).toMatchObject({ code: 'DATA_FOLDER_IN_USE' })
    })
  }

  it('goes to one of many that take it over at once', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'lock'), '4194305 1\n')
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => lock(folder)))
    expect(outcomes.filter((error) => error === undefined)).toHaveLength(1)
  })
})
