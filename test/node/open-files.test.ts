import { expect, it } from 'vitest'
import { SimDisk } from '../../chaos/sim/disk.ts'
import type { Disk, DiskFile } from '../../src/base/disk.ts'
import type { Done, DoneVoid } from '../../src/base/done.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { descriptorLimit, LimitedDisk, OpenFiles, openFilesFor } from '../../src/node/open-files.ts'
import { TestClock } from '../log/world.ts'

/** What of a disk is open, under a limit of two files. */
class Bench {
  readonly clock = new TestClock()
  readonly open = new Set<string>()
  readonly disk: Disk
  full = 0
  readonly files = new OpenFiles(2, () => void this.full++)

  constructor() {
    const simulated = new SimDisk({ clock: this.clock, random: new SeededRandom(1), minLatencyMs: 0.1, maxLatencyMs: 1 })
    const counting: Disk = Object.create(simulated)
    counting.open = (path, options, done) =>
      simulated.open(path, options, (error, file) => {
        if (file === undefined) return done(error, file)
        this.open.add(path)
        const counted: DiskFile = Object.create(file)
        for (const name of ['read', 'writev', 'writevSynced', 'sync', 'truncate', 'size'] as const) counted[name] = (file[name] as () => void).bind(file)
        counted.close = (closed) => {
          this.open.delete(path)
          file.close(closed)
        }
        return done(error, counted)
      })
    for (const name of ['mkdir', 'remove'] as const) counting[name] = (simulated[name] as () => void).bind(simulated)
    this.disk = new LimitedDisk(counting, this.files)
    this.clock.waitVoid((done) => this.disk.mkdir('', done))
  }

  file(path: string): DiskFile {
    return this.clock.wait<DiskFile | undefined>((done) => this.disk.open(path, { create: true }, done)) as DiskFile
  }

  write(file: DiskFile, text: string, position = 0): void {
    this.clock.waitVoid((done) => file.writevSynced([Buffer.from(text)], position, done))
  }

  read(file: DiskFile): string {
    return this.clock.wait<Buffer>((done) => file.read(0, 99, done)).toString()
  }
}

it('closes those that were used longest ago, and opens them again when they are used', () => {
  const bench = new Bench()
  const files = ['a', 'b', 'c', 'd'].map((path) => bench.file(path))
  for (const [at, file] of files.entries()) bench.write(file, `text ${at}`)
  expect([...bench.open].sort()).toEqual(['c', 'd'])
  expect(bench.read(files[0]!)).toBe('text 0')
  expect([...bench.open].sort()).toEqual(['a', 'd'])
  for (const file of files) bench.write(file, ' more', 6)
  expect(files.map((file) => bench.read(file))).toEqual(['text 0 more', 'text 1 more', 'text 2 more', 'text 3 more'])
  expect([bench.open.size, bench.files.open, bench.full]).toEqual([2, 2, 1])
  for (const file of files) file.close(() => undefined)
  bench.clock.run()
  expect([bench.open.size, bench.files.open]).toEqual([0, 0])
})

it('never one in use, nor one whose bytes no sync has reached', () => {
  const bench = new Bench()
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((path) => bench.file(path)) as [DiskFile, DiskFile, DiskFile, DiskFile]
  bench.clock.waitVoid((done) => a.writev([Buffer.from('unsynced')], 0, done))
  bench.clock.waitVoid((done) => b.truncate(0, done))
  bench.write(c, 'c')
  bench.write(d, 'd')
  expect([...bench.open].sort()).toEqual(expect.arrayContaining(['a', 'b']))
  bench.clock.waitVoid((done) => a.sync(done))
  bench.write(c, 'c')
  expect(bench.open.has('a')).toBe(false)
  expect(bench.open.has('b')).toBe(true)
  const seen: string[] = []
  for (const file of [a, c, d]) file.read(0, 9, (_, bytes) => seen.push(bytes.toString()))
  bench.clock.run()
  expect(seen.sort()).toEqual(['c', 'd', 'unsynced'])
  expect(bench.open.size).toBe(2)
})

it('of two syncs at a time the later one counts, whichever answers last', () => {
  const held: DoneVoid[] = []
  const file = {
    path: 'a',
    writev: (_buffers: unknown, _at: number, done: DoneVoid) => done(undefined),
    sync: (done: DoneVoid) => held.push(done),
    close: (done: DoneVoid) => done(undefined),
  }
  const inner = { open: (_path: string, _options: unknown, done: Done<DiskFile | undefined>) => done(undefined, file as unknown as DiskFile) }
  const files = new OpenFiles(1)
  const disk = new LimitedDisk(inner as unknown as Disk, files)
  disk.open('a', { create: true }, (_, a) => {
    for (const text of ['one', 'two']) {
      a?.writev([Buffer.from(text)], 0, () => undefined)
      a?.sync(() => undefined)
    }
  })
  for (const done of held.reverse()) done(undefined)
  disk.open('b', { create: true }, () => undefined)
  expect(files.open).toBe(1)
})

it('says so when the file is gone', () => {
  const bench = new Bench()
  const a = bench.file('a')
  bench.write(a, 'a')
  for (const path of ['b', 'c']) bench.write(bench.file(path), path)
  bench.clock.waitVoid((done) => bench.disk.remove('a', done))
  expect(() => bench.read(a)).toThrow('DISK_FAILED: open a: ENOENT it was there before')
})

it('a quarter of what the process may open', () => {
  expect([openFilesFor(1_024), openFilesFor(262_144), openFilesFor(3)]).toEqual([256, 65_536, 1])
  expect(descriptorLimit()).toBeGreaterThan(100)
})
