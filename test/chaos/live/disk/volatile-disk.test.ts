import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AilingDisk, healthy } from '../../../../chaos/live/disk/ailing-disk.ts'
import { VolatileDisk } from '../../../../chaos/live/disk/volatile-disk.ts'
import type { Disk, DiskFile } from '../../../../src/base/disk.ts'
import type { Done, DoneVoid } from '../../../../src/base/done.ts'
import { SeededRandom } from '../../../../src/base/random.ts'
import { NodeDisk } from '../../../../src/node/disk.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oxbow-volatile-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function wait<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => start((error, value) => (error === undefined ? resolve(value) : reject(error))))
}

function call(start: (done: DoneVoid) => void): Promise<void> {
  return new Promise((resolve, reject) => start((error) => (error === undefined ? resolve() : reject(error))))
}

async function open(disk: Disk, path: string): Promise<DiskFile> {
  return (await wait<DiskFile | undefined>((done) => disk.open(path, { create: true }, done))) as DiskFile
}

const write = (file: DiskFile, text: string, at: number): Promise<void> => call((done) => file.writev([Buffer.from(text)], at, done))
const sync = (file: DiskFile): Promise<void> => call((done) => file.sync(done))
const textOf = async (disk: Disk, path: string): Promise<string | undefined> =>
  (await wait<Buffer | undefined>((done) => disk.readFile(path, done)))?.toString()

/** What is found after the process was killed. */
const survives = (path: string): Promise<string | undefined> => textOf(new NodeDisk(folder), path)

describe('VolatileDisk', () => {
  it('shows what is written, and keeps what is synced alone', async () => {
    const disk = new VolatileDisk(new NodeDisk(folder))
    const file = await open(disk, 'log')
    await write(file, 'synced', 0)
    await sync(file)
    await write(file, ' and not', 6)
    expect(await textOf(disk, 'log')).toBe('synced and not')
    expect(disk.unsyncedBytes).toBe(8)
    expect(await survives('log')).toBe('synced')
    await call((done) => file.writevSynced([Buffer.from('!')], 20, done))
    expect((await survives('log'))?.slice(0, 7)).toBe('synced\0')
    await sync(file)
    expect(await survives('log')).toBe('synced and not\0\0\0\0\0\0!')
    expect(disk.unsyncedBytes).toBe(0)
  })

  it('loses the bytes of a file that was renamed before it was synced, as a real one may', async () => {
    const disk = new VolatileDisk(new NodeDisk(folder))
    const file = await open(disk, 'new')
    await write(file, 'bytes', 0)
    await call((done) => disk.rename('new', 'old', done))
    expect(await textOf(disk, 'old')).toBe('bytes')
    expect(await survives('old')).toBe('')
    await sync(file)
    expect(await survives('old')).toBe('bytes')
  })

  it('forgets what is removed, and cuts what is truncated once that is synced', async () => {
    const disk = new VolatileDisk(new NodeDisk(folder))
    const file = await open(disk, 'log')
    await write(file, '0123456789', 0)
    await sync(file)
    await call((done) => file.truncate(4, done))
    expect(await wait<number>((done) => file.size(done))).toBe(4)
    expect(await survives('log')).toBe('0123456789')
    await call((done) => file.writevSynced([Buffer.from('x')], 4, done))
    expect(await survives('log')).toBe('0123x')
    await write(file, 'gone', 0)
    await call((done) => disk.remove('log', done))
    expect(await textOf(disk, 'log')).toBeUndefined()
    expect(disk.unsyncedBytes).toBe(0)
  })

  it('is read as a disk that loses nothing, whatever is written, cut and synced', async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const random = new SeededRandom(seed)
      const disk = new VolatileDisk(new NodeDisk(folder))
      const [file, twin] = [await open(disk, `log-${seed}`), await open(new NodeDisk(folder), `twin-${seed}`)]
      const both = async (act: (one: DiskFile) => Promise<unknown>): Promise<unknown[]> => await Promise.all([act(file), act(twin)])
      for (let step = 0; step < 40; step++) {
        const [at, length] = [random.integer(60), random.integer(30)]
        const text = String.fromCharCode(97 + random.integer(26)).repeat(length + 1)
        const choice = random.integer(6)
        if (choice < 2) await both((one) => write(one, text, at))
        else if (choice === 2) await both((one) => call((done) => one.truncate(at, done)))
        else if (choice === 3) await both((one) => call((done) => one.writevSynced([Buffer.from(text)], at, done)))
        else if (choice === 4) await both(sync)
        const [mine, its] = await both((one) => wait<Buffer>((done) => one.read(at, length, done)))
        expect(mine).toEqual(its)
        const [size, itsSize] = await both((one) => wait<number>((done) => one.size(done)))
        expect(size).toBe(itsSize)
      }
      await sync(file)
      expect(await survives(`log-${seed}`)).toBe(await survives(`twin-${seed}`))
    }
  })
})

describe('AilingDisk', () => {
  it('fails writes and syncs while it is told to, and says that it was made up', async () => {
    const disk = new AilingDisk(new NodeDisk(folder))
    const file = await open(disk, 'log')
    disk.ailment = { ...healthy, failWith: 'ENOSPC' }
    await expect(write(file, 'a', 0)).rejects.toMatchObject({ code: 'DISK_FULL', detail: 'writev log: ENOSPC made up by chaos' })
    await expect(sync(file)).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(await wait<{ freeBytes: number }>((done) => disk.space(done))).toMatchObject({ freeBytes: 0 })
    expect(disk.counts).toEqual({ slowed: 0, failed: 2 })
    disk.ailment = healthy
    await write(file, 'a', 0)
    await sync(file)
    expect(await survives('log')).toBe('a')
  })

  it('makes syncs wait', async () => {
    const disk = new AilingDisk(new NodeDisk(folder))
    const file = await open(disk, 'log')
    disk.ailment = { ...healthy, syncDelayMs: 60 }
    const begunMs = performance.now()
    const writing = call((done) => file.writevSynced([Buffer.from('a')], 0, done))
    expect(await survives('log')).toBe('')
    await writing
    expect(performance.now() - begunMs).toBeGreaterThan(55)
    expect([disk.counts.slowed, await survives('log')]).toEqual([1, 'a'])
  })
})
