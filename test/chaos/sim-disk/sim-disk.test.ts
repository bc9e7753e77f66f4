import { describe, expect, it } from 'vitest'
import { SimDisk } from '../../../chaos/sim/disk.ts'
import type { DiskFile, DiskSpace } from '../../../src/base/disk.ts'
import { SeededRandom } from '../../../src/base/random.ts'
import { TestClock } from '../../log/world.ts'

function setUp(seed = 1) {
  const clock = new TestClock()
  const disk = new SimDisk({ clock, random: new SeededRandom(seed), minLatencyMs: 0.1, maxLatencyMs: 1 })
  const open = (at: SimDisk, path: string) => clock.wait<DiskFile | undefined>((done) => at.open(path, { create: true }, done))!
  const write = (file: DiskFile, position: number, text: string | Buffer) =>
    clock.waitVoid((done) => file.writev([Buffer.from(text as string)], position, done))
  const sync = (file: DiskFile) => clock.waitVoid((done) => file.sync(done))
  const syncFolder = (at: SimDisk, path: string) => clock.waitVoid((done) => at.syncFolder(path, done))
  const read = (at: SimDisk, path: string) => clock.wait<Buffer | undefined>((done) => at.readFile(path, done))
  return { clock, disk, open, write, sync, syncFolder, read }
}

/** What a seed leaves, over many seeds. */
function outcomes<T>(count: number, run: (seed: number) => T): Map<string, number> {
  const seen = new Map<string, number>()
  for (let seed = 1; seed <= count; seed++) {
    const key = String(run(seed))
    seen.set(key, (seen.get(key) ?? 0) + 1)
  }
  return seen
}

describe('a power loss', () => {
  it('keeps what was synced, name and bytes', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { disk, open, write, sync, syncFolder, read } = setUp(seed)
      const file = open(disk, 'f')
      write(file, 0, 'synced')
      sync(file)
      syncFolder(disk, '')
      write(file, 6, ' unsynced')
      disk.powerLoss()
      expect(read(disk.reopen(), 'f')?.toString().slice(0, 6)).toBe('synced')
    }
  })

  it('may take a name whose bytes were synced', () => {
    const seen = outcomes(50, (seed) => {
      const { disk, open, write, sync, read } = setUp(seed)
      const file = open(disk, 'f')
      write(file, 0, 'x')
      sync(file)
      disk.powerLoss()
      return read(disk.reopen(), 'f')?.toString()
    })
    expect([...seen.keys()].sort()).toEqual(['undefined', 'x'])
  })

  it('keeps, tears or takes each unsynced write, whatever became of the one before it', () => {
    let torn = 0
    const seen = outcomes(300, (seed) => {
      const { disk, open, write, syncFolder, read } = setUp(seed)
      const file = open(disk, 'f')
      syncFolder(disk, '')
      write(file, 0, 'a'.repeat(1500))
      write(file, 1500, 'b'.repeat(1500))
      disk.powerLoss()
      torn += disk.losses.tornWrites
      const bytes = read(disk.reopen(), 'f')!.toString()
      const part = (text: string, letter: string) => (text === letter.repeat(1500) ? 'whole' : text.includes(letter) ? 'part' : 'none')
      return `${part(bytes.slice(0, 1500), 'a')}-${part(bytes.slice(1500), 'b')}`
    })
    expect(seen.size).toBe(9)
    expect(torn).toBeGreaterThan(50)
  })

  it('does what is foretold, and calls under way have done nothing', () => {
    const left = (foretold: Parameters<SimDisk['powerLoss']>[0]): string[] =>
      [1, 2, 3, 4].map((seed) => {
        const { clock, disk, open, write, sync, syncFolder, read } = setUp(seed)
        const file = open(disk, 'f')
        write(file, 0, 'a'.repeat(600))
        sync(file)
        syncFolder(disk, '')
        clock.waitVoid((done) => file.truncate(500, done))
        write(file, 500, 'b'.repeat(14))
        file.sync(() => undefined)
        disk.powerLoss(foretold)
        return read(disk.reopen(), 'f')!.toString().replace('a'.repeat(500), '…')
      })
    const each = (text: string): string[] => Array.from({ length: 4 }, () => text)
    const a = 'a'.repeat(86)
    expect(left({ truncate: 'lost', write: 'kept' })).toEqual(each(`…${'b'.repeat(14)}${a}`))
    expect(left({ truncate: 'lost', write: 'headless' })).toEqual(each(`…${'a'.repeat(12)}bb${a}`))
    expect(left({ truncate: 'kept', write: 'lost' })).toEqual(each('…'))
    expect(left({ truncate: 'kept', write: 'headless' })).toEqual(each(`…${'\0'.repeat(12)}bb`))
  })

  it('may bring back what an unsynced truncation cut, and what an unsynced overwrite changed', () => {
    const seen = outcomes(80, (seed) => {
      const { clock, disk, open, write, sync, syncFolder, read } = setUp(seed)
      const file = open(disk, 'f')
      write(file, 0, 'old content')
      sync(file)
      syncFolder(disk, '')
      clock.waitVoid((done) => file.truncate(4, done))
      write(file, 0, 'N')
      disk.powerLoss()
      return read(disk.reopen(), 'f')
    })
    expect([...seen.keys()].sort()).toEqual(['Nld ', 'Nld content', 'old ', 'old content'])
  })

  it('keeps all that completed before the sync was called, and promises nothing of what came after', () => {
    const seen = outcomes(100, (seed) => {
      const { clock, disk, open, write, syncFolder, read } = setUp(seed)
      const file = open(disk, 'f')
      syncFolder(disk, '')
      write(file, 0, '1')
      let synced = false
      file.sync(() => {
        synced = true
      })
      file.writev([Buffer.from('2')], 1, () => undefined)
      while (!synced) clock.step()
      disk.powerLoss()
      return read(disk.reopen(), 'f')
    })
    expect([...seen.keys()].sort()).toEqual(['1', '12'])
  })

  it('never loses a file to a rename: it has one of its names, or both folders are as before', () => {
    const seen = outcomes(100, (seed) => {
      const { clock, disk, open, write, sync, syncFolder, read } = setUp(seed)
      clock.waitVoid((done) => disk.mkdir('a', done))
      clock.waitVoid((done) => disk.mkdir('b', done))
      const file = open(disk, 'a/f')
      write(file, 0, 'x')
      sync(file)
      for (const folder of ['', 'a']) syncFolder(disk, folder)
      clock.waitVoid((done) => disk.rename('a/f', 'b/f', done))
      if (seed % 2 === 0) syncFolder(disk, 'b')
      disk.powerLoss()
      const next = disk.reopen()
      return `${seed % 2 === 0} ${read(next, 'a/f') !== undefined} ${read(next, 'b/f') !== undefined}`
    })
    expect([...seen.keys()].sort()).toEqual(['false false true', 'false true false', 'true false true'])
  })
})

describe('a kill', () => {
  it('keeps the page cache, completes nothing, and may have done what was under way', () => {
    const seen = outcomes(60, (seed) => {
      const { clock, disk, open, write, read } = setUp(seed)
      const file = open(disk, 'f')
      write(file, 0, 'done,')
      file.writev([Buffer.from('way')], 5, () => expect.unreachable())
      disk.kill()
      clock.run()
      write(open(disk.reopen(), 'g'), 0, 'later')
      return read(disk.reopen(), 'f')
    })
    expect(seen.has('done,')).toBe(true)
    expect(seen.has('done,way')).toBe(true)
    for (const text of seen.keys()) expect('done,way'.startsWith(text)).toBe(true)
  })

  it('frees the locks, and the dead process can never act again', () => {
    const { clock, disk, open, read } = setUp()
    clock.waitVoid((done) => disk.lock('lock', done))
    const file = open(disk, 'f')
    const next = disk.reopen()
    clock.waitVoid((done) => next.lock('lock', done))
    file.writev([Buffer.from('ghost')], 0, () => expect.unreachable())
    disk.remove('f', () => expect.unreachable())
    clock.run()
    expect(read(next, 'f')?.length).toBe(0)
    expect([disk.alive, next.alive]).toEqual([false, true])
    // Asked of any view, it is the living process that dies.
    disk.kill()
    expect(next.alive).toBe(false)
  })
})

describe('faults', () => {
  it('fail the next call of their kind below a path, once, and count', () => {
    const { clock, disk, open, write, sync } = setUp()
    const file = open(disk, 'dir.log')
    disk.failNext('sync', 'dir')
    disk.failNext('write', 'other')
    write(file, 0, 'x')
    expect(() => sync(file)).toThrow('DISK_FAILED: fdatasync dir.log: EIO simulated')
    sync(file)
    disk.failNext('read', 'dir')
    expect(() => clock.wait<Buffer>((done) => file.read(0, 1, done))).toThrow('EIO')
    expect(disk.failedCalls).toBe(2)
  })

  it('after a failed sync the bytes may be gone', () => {
    const seen = outcomes(40, (seed) => {
      const { disk, open, write, sync, read } = setUp(seed)
      const file = open(disk, 'f')
      write(file, 0, 'x')
      disk.failNext('sync', 'f')
      expect(() => sync(file)).toThrow('EIO')
      return read(disk, 'f')
    })
    expect([...seen.keys()].sort()).toEqual(['', 'x'])
  })

  it('change, shorten and remove what is durable, and say whether there was anything', () => {
    const { disk, open, write, sync, syncFolder, read } = setUp()
    const file = open(disk, 'f')
    write(file, 0, 'abcdef')
    sync(file)
    syncFolder(disk, '')
    expect([disk.flipByte('f', 2), disk.flipByte('f', 6), disk.flipByte('g', 0)]).toEqual([true, false, false])
    expect([disk.truncateFile('f', 4), disk.truncateFile('f', 4)]).toEqual([true, false])
    expect(disk.files()).toEqual([['f', 4]])
    const bytes = disk.durableContent('f')!
    expect([bytes.length, bytes[0], bytes[2] === 'c'.charCodeAt(0)]).toEqual([4, 'a'.charCodeAt(0), false])
    expect([disk.removeTree('f'), disk.removeTree('f')]).toEqual([true, false])
    disk.powerLoss()
    expect(read(disk.reopen(), 'f')).toBeUndefined()
  })

  it('say what is durable before the power goes', () => {
    const { disk, open, write, sync, syncFolder } = setUp()
    const file = open(disk, 'f')
    write(file, 0, 'abc')
    sync(file)
    expect(disk.files()).toEqual([])
    syncFolder(disk, '')
    write(file, 1, 'XYZ')
    expect(disk.files()).toEqual([['f', 3]])
    expect(disk.durableContent('f')?.toString()).toBe('abc')
    expect(disk.sizeOf('f')).toBe(4)
    disk.wipe()
    expect(disk.files()).toEqual([])
  })

  it('leave so much room and no more, until they are over', () => {
    const { clock, disk, open, write } = setUp()
    const file = open(disk, 'f')
    write(file, 0, 'abc')
    disk.leave(2)
    expect(clock.wait<DiskSpace>((done) => disk.space(done)).freeBytes).toBe(2)
    write(file, 3, 'de')
    expect(() => write(file, 5, 'f')).toThrow('ENOSPC')
    write(file, 0, 'ABC')
    disk.clearFaults()
    write(file, 5, 'f')
  })

  it('fill the disk and slow it', () => {
    const { clock, disk, open, write } = setUp()
    const file = open(disk, 'f')
    disk.full(true)
    expect(() => write(file, 0, 'x')).toThrow('ENOSPC')
    expect(clock.wait<DiskSpace>((done) => disk.space(done)).freeBytes).toBe(0)
    disk.full(false)
    write(file, 0, 'x')
    const before = clock.monotonicMs()
    disk.slow(1000)
    write(file, 0, 'x')
    expect(clock.monotonicMs() - before).toBeGreaterThanOrEqual(100)
  })
})

describe('a seed', () => {
  it('means the same each time', () => {
    const story = (): string => {
      const { clock, disk, open, write } = setUp(77)
      const file = open(disk, 'f')
      for (let at = 0; at < 30; at++) write(file, at * 700, Buffer.alloc(700, at))
      disk.powerLoss()
      return JSON.stringify([clock.monotonicMs(), disk.losses, disk.files()])
    }
    expect(story()).toBe(story())
  })
})

describe('a disk with troubles of its own', () => {
  it('stands still until it goes on, and does what waits in its order', () => {
    const { clock, disk, open, write } = setUp()
    const file = open(disk, 'f')
    disk.stall(true)
    const done: string[] = []
    file.writev([Buffer.from('a')], 0, () => done.push('first'))
    clock.run()
    file.writev([Buffer.from('b')], 1, () => done.push('second'))
    clock.run()
    expect(done).toEqual([])
    expect(disk.lateCalls).toBe(2)
    disk.stall(false)
    clock.run()
    expect(done).toEqual(['first', 'second'])
    write(file, 2, 'c')
    expect(disk.lateCalls).toBe(2)
  })

  it('forgets calls that were to fail, and has room again', () => {
    const { disk, open, write } = setUp()
    const file = open(disk, 'f')
    disk.failNext('write', '')
    disk.forgetFailures()
    write(file, 0, 'a')
    disk.full(true)
    expect(() => write(file, 1, 'b')).toThrow(/ENOSPC/)
    expect(disk.fullCalls).toBe(1)
    disk.makeRoom()
    write(file, 1, 'b')
  })
})
