import { describe, expect, it } from 'vitest'
import type { Disk, DiskFile } from '../../src/base/disk.ts'
import { append, World } from './world.ts'

const NAME = 'partitions/orders-0'

/** The segment files that a process holds open and closed, and the index files that it read. */
class HeldFiles {
  readonly closed: string[] = []
  /** The next read of a segment file completes so much later. */
  lateMs = 0
  readonly read: string[] = []
  readonly #held = new Set<DiskFile>()

  paths(): string[] {
    return [...this.#held].map((file) => file.path).sort()
  }

  watch(disk: Disk, clock: World['clock']): Disk {
    const open: Disk['open'] = (path, options, done) => {
      disk.open(path, options, (error, file) => {
        if (file !== undefined && path.endsWith('.log')) this.#hold(file, clock)
        done(error, file)
      })
    }
    const readFile: Disk['readFile'] = (path, done) => {
      if (path.endsWith('.index')) this.read.push(path)
      disk.readFile(path, done)
    }
    const watched: Partial<Disk> = { open, readFile }
    return new Proxy(disk, {
      get: (target, name: keyof Disk) => {
        const member: unknown = watched[name] ?? Reflect.get(target, name)
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
  }

  #hold(file: DiskFile, clock: World['clock']): void {
    this.#held.add(file)
    const read = file.read.bind(file)
    file.read = (position, length, done) => {
      const { lateMs } = this
      this.lateMs = 0
      read(position, length, (error, bytes) => (lateMs === 0 ? done(error, bytes) : void clock.after(lateMs, () => done(error, bytes))))
    }
    const close = file.close.bind(file)
    file.close = (done) => {
      this.#held.delete(file)
      this.closed.push(file.path)
      close(done)
    }
  }
}

describe('a log whose segments are full', () => {
  const SETTINGS = { tailCacheBytes: 1, segmentBytes: 700_000 }

  /** Six segments; the last ones are in memory still. */
  function rolled(settings: object = SETTINGS) {
    const held = new HeldFiles()
    const world = new World(settings)
    world.start((disk) => held.watch(disk, world.clock))
    const { log } = world.open(NAME)
    const all: Buffer[] = []
    for (let at = 0; at < 3600; at++) {
      all.push(append(log, { payload: 1000 }))
      if (at % 50 === 49) world.clock.run()
    }
    return { world, log, all, held }
  }

  it('holds the file and the index of the last one alone, and opens the others for who reads', () => {
    const { world, log, all, held } = rolled()
    const names = world.clock.wait<readonly string[]>((done) => world.disk.list(NAME, done)).filter((name) => name.endsWith('.log'))
    expect(names).toHaveLength(6)
    expect(held.paths()).toEqual([`${NAME}/${names.at(-1)}`])
    expect(log.readCached(0, 1)).toBeUndefined()
    expect(world.read(log, 100, 1)).toEqual(all[100])
    expect(held.paths()).toEqual([`${NAME}/${names[0]}`, `${NAME}/${names.at(-1)}`])
    expect(held.read).toEqual([`${NAME}/${names[0]!.replace('log', 'index')}`])
  })

  it('can be cut into one that rests, and goes on there', () => {
    const { world, log, all, held } = rolled()
    log.truncate(100)
    world.clock.run()
    const bytes = append(log, { epoch: 1, payload: 1000 })
    world.clock.run()
    expect(held.paths()).toEqual([`${NAME}/00000000000000000000.log`])
    expect(log.syncedEndOffset).toBe(101)
    for (let at = 0; at < 1800; at++) {
      append(log, { epoch: 1, payload: 1000 })
      if (at % 50 === 49) world.clock.run()
    }
    expect(log.readCached(99, 1)).toBeUndefined()
    expect(world.read(log, 99, 2 * bytes.length)).toEqual(Buffer.concat([all[99]!, bytes]))
    world.disk.kill()
    world.start()
    expect(world.open(NAME, { safeEndOffset: 1000 }).recovery.verdict).toBe('whole')
  })

  for (const isCut of [false, true]) {
    it(`closes no file under a reader, and after it ${isCut ? 'none that a cut made the last one again' : 'that of one that rests'}`, () => {
      const { world, log, all, held } = rolled({ tailCacheBytes: 1, segmentBytes: 3600 * 1061 })
      const [first, second] = [`${NAME}/00000000000000000000.log`, `${NAME}/00000000000000003600.log`]
      expect(log.readCached(10, 1)).toBeUndefined()
      append(log)
      held.lateMs = 100
      let found: readonly Buffer[] | undefined
      log.read(10, 1, (_, batches) => {
        found = batches
      })
      const runUntil = (atMs: number) => {
        while (world.clock.monotonicMs() < atMs && world.clock.step());
      }
      const startMs = world.clock.monotonicMs()
      world.clock.after(50, () => undefined)
      runUntil(startMs + 50)
      expect(held.paths()).toEqual([first, second])
      if (isCut) log.truncate(3000)
      world.clock.after(40, () => undefined)
      runUntil(startMs + 90)
      expect([log.syncedEndOffset, found, held.paths()]).toEqual(isCut ? [3000, undefined, [first]] : [3601, undefined, [first, second]])
      world.clock.run()
      expect(found).toEqual([all[10]])
      expect(held.paths()).toEqual(isCut ? [first] : [second])
      expect(held.closed).toEqual(isCut ? [second] : [first])
    })
  }
})
