import { describe, expect, it } from 'vitest'
import type { StoredBatches } from '../../src/log/surface.ts'
import { batch, append, headersOf, World } from './world.ts'

const NAME = 'partitions/orders-0'

function opened(settings = {}) {
  const world = new World(settings)
  world.start()
  const { log, recovery } = world.open(NAME)
  return { world, log, recovery, directory: world.directory! }
}

describe('a log', () => {
  it('is new, takes batches, says when they are synced, and has them after a restart', () => {
    const { world, log, recovery } = opened()
    expect(recovery.verdict).toBe('new')
    const first = append(log, { count: 3 })
    const second = append(log, { epoch: 2, payload: Buffer.from('two') })
    expect([log.endOffset, log.syncedEndOffset]).toEqual([4, 0])
    world.clock.run()
    expect(world.said).toEqual([{ type: 'synced', log: NAME, endOffset: 4, cutCount: 0 }])
    expect(log.syncedEndOffset).toBe(4)
    world.disk.powerLoss()
    world.start()
    const again = world.open(NAME)
    expect(again.recovery).toMatchObject({
      verdict: 'whole',
      cutBytes: 0,
      epochs: [
        { epoch: 0, startOffset: 0 },
        { epoch: 2, startOffset: 3 },
      ],
    })
    expect(world.read(again.log, 0)).toEqual(Buffer.concat([first, second]))
    expect(world.directory!.names).toEqual([NAME])
  })

  it('stamps the copy, never the bytes it was given, and keeps the checksum right', () => {
    const { world, log } = opened()
    append(log, { count: 5 })
    const bytes = batch({ baseOffset: 0, epoch: 0 })
    const before = Buffer.from(bytes)
    log.appendAsLeader(bytes, { baseOffset: 5, leaderEpoch: 9 })
    expect(bytes).toEqual(before)
    expect(headersOf(Buffer.concat(log.readCached(5, 1)! as Buffer[]))).toMatchObject([{ baseOffset: 5, leaderEpoch: 9 }])
    world.clock.run()
    world.start()
    expect(world.open(NAME).recovery).toMatchObject({ verdict: 'whole', detail: 'whole up to offset 6' })
  })

  it('R3.1: refuses what does not follow its end (assertions)', () => {
    const { log } = opened()
    append(log, { epoch: 3 })
    expect(() => log.appendAsLeader(batch({}), { baseOffset: 0, leaderEpoch: 3 })).toThrow('begins where the log ends')
    expect(() => log.appendAsLeader(batch({}), { baseOffset: 1, leaderEpoch: 2 })).toThrow('epochs never fall')
    const gap = batch({ baseOffset: 2, epoch: 3 })
    expect(() => log.appendFetched(gap, headersOf(gap))).toThrow('begin where the log ends')
    expect(() => log.truncate(2)).toThrow('within the log')
  })

  it('copies a byte once and answers reads of many batches with few slices', () => {
    const { world, log, directory } = opened()
    let sizeBytes = 0
    const fetched = Buffer.concat(Array.from({ length: 50 }, (_, at) => batch({ baseOffset: at, payload: 100 })))
    log.appendFetched(fetched, headersOf(fetched))
    sizeBytes += fetched.length
    for (let at = 0; at < 50; at++) sizeBytes += append(log, { payload: 100 }).length
    const slices = log.readCached(0, 1024 * 1024)!
    expect(slices).toHaveLength(1)
    expect(slices[0]!.length).toBe(sizeBytes)
    expect(slices[0]!.subarray(0, fetched.length)).toEqual(fetched)
    world.clock.run()
    expect(directory.counters).toMatchObject({ appendedBytes: sizeBytes, copiedBytes: sizeBytes })
    const offsetSeven = headersOf(Buffer.concat(log.readCached(7, 0)! as Buffer[]))
    expect(offsetSeven).toMatchObject([{ baseOffset: 7 }])
    expect(log.readCached(100, 1000)).toEqual([])
    expect(log.sizeBytes).toBe(sizeBytes)
  })

  it('gathers what comes while a round is in flight into one write and one sync a file (R3.2)', () => {
    const { world, log, directory } = opened()
    const other = world.open('partitions/orders-1').log
    append(log)
    world.clock.step() // The first round starts at the end of the turn, and takes this one alone.
    for (let at = 0; at < 20; at++) {
      append(log)
      append(other)
    }
    const before = { ...directory.counters }
    world.clock.run()
    expect(before.rounds).toBe(1)
    expect(directory.counters.rounds).toBe(2)
    expect(directory.counters.writeCalls).toBe(3)
    expect(directory.counters.syncCalls).toBe(3)
    expect(world.said).toHaveLength(3)
    expect([log.syncedEndOffset, other.syncedEndOffset]).toEqual([21, 20])
  })

  it('reads from disk what is no longer in memory, from the right batch, at least one, at most maxBytes', () => {
    const { world, log } = opened({ tailCacheBytes: 64 * 1024, segmentBytes: 50_000 })
    const all: Buffer[] = []
    for (let at = 0; at < 400; at++) {
      all.push(append(log, { count: 2, payload: 900 }))
      if (at % 10 === 9) world.clock.run()
    }
    expect(log.readCached(0, 1)).toBeUndefined()
    expect(world.read(log, 0, 1)).toEqual(all[0])
    expect(world.read(log, 101, 1)).toEqual(all[50])
    expect(world.read(log, 41, 3 * all[0]!.length).equals(Buffer.concat(all.slice(20, 23)))).toBe(true)
    const seen: Buffer[] = []
    for (let offset = 0; offset < log.endOffset; ) {
      const bytes = world.read(log, offset, 20_000)
      seen.push(bytes)
      offset = headersOf(bytes).at(-1)!.lastOffset + 1
    }
    expect(Buffer.concat(seen).equals(Buffer.concat(all))).toBe(true)
    expect(world.read(log, log.endOffset)).toHaveLength(0)
    expect(() => world.read(log, -1)).toThrow('OFFSET_OUT_OF_RANGE')
  })

  it('says CORRUPT_MESSAGE for a flipped byte on disk, and only for reads that meet it (R3.3)', () => {
    const { world, log } = opened({ tailCacheBytes: 1 })
    for (let at = 0; at < 400; at++) append(log, { payload: 1000 })
    world.clock.run()
    for (let at = 0; at < 200; at++) append(log, { payload: 1000 })
    world.clock.run()
    expect(log.readCached(0, 1)).toBeUndefined()
    expect(world.disk.flipByte(`${NAME}/00000000000000000000.log`, 1061 * 100 + 500)).toBe(true)
    expect(world.read(log, 50, 1061 * 50)).toHaveLength(1061 * 50)
    expect(() => world.read(log, 50, 1061 * 51)).toThrow('CORRUPT_MESSAGE')
    expect(() => world.read(log, 100)).toThrow('checksum of a batch is wrong')
    expect(world.read(log, 101, 1)).toHaveLength(1061)
  })

  it('says what the disk has though memory has it too, up to what is bad there, and within one segment', () => {
    const { world, log } = opened({ segmentBytes: 10 * 1061 })
    for (let at = 0; at < 15; at++) append(log, { payload: 1000 })
    world.clock.run()
    const stored = (offset: number, endOffset: number, maxBytes = 1024 * 1024) =>
      world.clock.wait<StoredBatches>((done) => log.readStored({ offset, endOffset, maxBytes }, done))
    const [first, second] = [`${NAME}/00000000000000000000.log`, `${NAME}/00000000000000000010.log`]
    expect(stored(2, 15)).toMatchObject({ path: first, position: 2 * 1061, bytes: { length: 8 * 1061 }, fault: null })
    expect(stored(2, 5)).toMatchObject({ bytes: { length: 3 * 1061 } })
    expect(stored(2, 15, 2 * 1061)).toMatchObject({ bytes: { length: 2 * 1061 } })
    expect(stored(10, 15)).toMatchObject({ path: second, position: 0, bytes: { length: 5 * 1061 } })
    expect(world.disk.flipByte(first, 4 * 1061 + 500)).toBe(true)
    expect(world.read(log, 4, 1)).toHaveLength(1061)
    expect(stored(2, 15)).toMatchObject({ position: 2 * 1061, bytes: { length: 2 * 1061 }, fault: { code: 'CORRUPT_MESSAGE' } })
    expect(stored(4, 15)).toMatchObject({ bytes: { length: 0 }, fault: { code: 'CORRUPT_MESSAGE' } })
    expect(() => stored(-1, 15)).toThrow('OFFSET_OUT_OF_RANGE')
  })

  it('what a start takes away while the disk is read is no fault of it', () => {
    const { world, log } = opened({ segmentBytes: 10 * 1061 })
    for (let at = 0; at < 35; at++) append(log, { payload: 1000 })
    world.clock.run()
    const first = `${NAME}/00000000000000000000.log`
    const open = world.disk.open.bind(world.disk)
    let isLate = false
    world.disk.open = (path, options, done) => {
      isLate ||= path === first
      if (path === first) world.clock.after(1_000, () => open(path, options, done))
      else open(path, options, done)
    }
    let failure: Error | undefined
    log.readStored({ offset: 3, endOffset: 35, maxBytes: 1024 * 1024 }, (error) => (failure = error))
    while (!isLate) expect(world.clock.step()).toBe(true)
    log.advanceStart(25, () => undefined)
    world.clock.run()
    expect(world.fileNames(NAME)).not.toContain('00000000000000000000.log')
    expect(String(failure)).toContain('OFFSET_OUT_OF_RANGE')
  })

  it('reads from disk while what follows is still being written to the same file', () => {
    for (let steps = 0; steps < 12; steps++) {
      const { world, log } = opened({ tailCacheBytes: 1 })
      for (let at = 0; at < 300; at++) append(log, { payload: 1000 })
      world.clock.run()
      for (let at = 0; at < 100; at++) append(log, { payload: 1000 })
      world.clock.run()
      expect(log.readCached(10, 1)).toBeUndefined()
      append(log, { payload: 1000 })
      let length: number | undefined
      let failure: Error | undefined
      log.read(10, 1_000_000, (error, batches) => {
        failure = error
        length = batches?.reduce((sum, bytes) => sum + bytes.length, 0)
      })
      for (let step = 0; step < steps; step++) world.clock.step()
      append(log, { payload: 1000 })
      world.clock.run()
      expect(failure).toBeUndefined()
      expect(length).toBeGreaterThanOrEqual(1061 * 390)
    }
  })

  it('gives a larger batch a slab of its own and keeps what is not synced whatever the limit', () => {
    const { world, log } = opened({ tailCacheBytes: 64 * 1024 })
    const large = append(log, { payload: 3_000_000 })
    for (let at = 0; at < 200; at++) append(log, { payload: 1000 })
    expect(Buffer.concat(log.readCached(0, 1)! as Buffer[]).equals(large)).toBe(true)
    world.clock.run()
    append(log, { payload: 60_000 })
    append(log, { payload: 60_000 })
    expect(log.readCached(0, 1)).toBeUndefined()
    expect(world.read(log, 0, 1).equals(large)).toBe(true)
  })

  it('lives on in memory alone after a failed sync: said once, never retried, nothing appended (R3.5)', () => {
    const { world, log, directory } = opened()
    const other = world.open('partitions/orders-1').log
    const kept = append(log)
    world.clock.run()
    world.disk.failNext('sync', `${NAME}/`)
    append(log)
    append(other)
    world.clock.run()
    expect(world.said.filter((said) => said.type === 'failed')).toEqual([{ type: 'failed', log: NAME, endOffset: 2, cutCount: 0 }])
    const { syncCalls } = directory.counters
    append(log)
    log.truncate(0)
    world.clock.run()
    expect([log.endOffset, log.syncedEndOffset, log.cutCount, directory.counters.syncCalls]).toEqual([2, 1, 0, syncCalls])
    expect(world.read(log, 0, 1)).toEqual(kept)
    expect(other.syncedEndOffset).toBe(1)
    expect(world.close()).toEqual(new Map([['partitions/orders-1', 1]]))
    world.start()
    expect(world.directory!.start).toEqual({ number: 2, stoppedCleanly: false })
  })

  it('ends in good order after a log could not be set aside; what failed before that makes the next start an unclean one', () => {
    const close = (isBroken: boolean): unknown => {
      const { world, log, directory } = opened()
      append(log)
      world.clock.run()
      if (isBroken) world.disk.failNext('write', NAME)
      append(log)
      if (isBroken) world.clock.run()
      world.disk.failNext('sync', '')
      expect(() => world.clock.waitVoid((done) => directory.quarantine(NAME, done))).toThrow(/DISK_FAILED/)
      expect(world.close()).toEqual(new Map())
      world.start()
      return world.directory!.start
    }
    expect([close(false), close(true)]).toEqual([
      { number: 2, stoppedCleanly: true },
      { number: 2, stoppedCleanly: false },
    ])
  })

  it('dies of a failed write', () => {
    const { world, log } = opened()
    append(log)
    world.clock.run()
    world.disk.failNext('write', NAME)
    append(log)
    world.clock.run()
    expect(world.said.map((said) => said.type)).toEqual(['synced', 'failed'])
    expect(log.syncedEndOffset).toBe(1)
  })
})

describe('cuts (R3.2)', () => {
  it('take effect at once, are synced before the next append, and report their own end', () => {
    const { world, log } = opened()
    for (let at = 0; at < 10; at++) append(log, { epoch: at < 5 ? 1 : 2 })
    world.clock.run()
    log.truncate(4)
    expect([log.endOffset, log.syncedEndOffset, log.cutCount]).toEqual([4, 4, 1])
    const bytes = append(log, { epoch: 3, payload: Buffer.from('after the cut') })
    world.clock.run()
    expect(world.said.slice(1)).toEqual([
      { type: 'synced', log: NAME, endOffset: 4, cutCount: 1 },
      { type: 'synced', log: NAME, endOffset: 5, cutCount: 1 },
    ])
    expect(world.read(log, 4)).toEqual(bytes)
    world.disk.powerLoss()
    world.start()
    expect(world.open(NAME).recovery).toMatchObject({
      verdict: 'whole',
      epochs: [
        { epoch: 1, startOffset: 0 },
        { epoch: 3, startOffset: 4 },
      ],
    })
  })

  it('lower the round in flight: no completion counts bytes that were cut', () => {
    const { world, log } = opened()
    append(log)
    world.clock.run()
    for (let at = 0; at < 5; at++) append(log)
    world.clock.step() // The round with offsets 1 to 5 is in flight.
    log.truncate(3)
    append(log, { epoch: 1 })
    world.onSaid = (said) => expect(said.endOffset).toBeLessThanOrEqual(log.endOffset)
    world.clock.run()
    expect(world.said.slice(1)).toEqual([
      { type: 'synced', log: NAME, endOffset: 3, cutCount: 1 },
      { type: 'synced', log: NAME, endOffset: 4, cutCount: 1 },
    ])
    world.start()
    expect(world.open(NAME).recovery).toMatchObject({
      verdict: 'whole',
      detail: 'whole up to offset 4',
      epochs: [
        { epoch: 0, startOffset: 0 },
        { epoch: 1, startOffset: 3 },
      ],
    })
  })

  it('of bytes that were never written need no disk, and are reported all the same', () => {
    const { world, log, directory } = opened()
    for (let at = 0; at < 5; at++) append(log)
    log.truncate(2)
    log.truncate(0)
    world.clock.run()
    expect(world.said).toEqual([{ type: 'synced', log: NAME, endOffset: 0, cutCount: 2 }])
    expect(directory.counters.writeCalls).toBe(0)
  })

  it('across segments remove the later files, and appends go on where the cut is', () => {
    const { world, log } = opened({ segmentBytes: 3000, tailCacheBytes: 1 })
    const all = Array.from({ length: 40 }, () => append(log, { payload: 500 }))
    world.clock.run()
    const count = () => world.disk.files().filter(([path]) => path.endsWith('.log')).length
    expect(count()).toBe(8)
    log.truncate(12)
    all.length = 12
    for (let at = 0; at < 9; at++) all.push(append(log, { epoch: 1, payload: 700 }))
    world.clock.run()
    expect(count()).toBe(6)
    expect(world.read(log, 0).length).toBeGreaterThan(0)
    world.disk.powerLoss()
    world.start()
    const again = world.open(NAME, { safeEndOffset: 21 })
    expect(again.recovery).toMatchObject({ verdict: 'whole', detail: 'whole up to offset 21' })
    const seen: Buffer[] = []
    for (let offset = 0; offset < 21; offset = headersOf(seen.at(-1)!).at(-1)!.lastOffset + 1) seen.push(world.read(again.log, offset))
    expect(Buffer.concat(seen).equals(Buffer.concat(all))).toBe(true)
  })

  it('under a read make it begin anew: it never mixes what was cut with what came after', () => {
    const { world, log } = opened({ tailCacheBytes: 1 })
    for (let at = 0; at < 300; at++) append(log, { payload: 1000 })
    world.clock.run()
    for (let at = 0; at < 100; at++) append(log, { payload: 1000 })
    world.clock.run()
    expect(log.readCached(10, 1)).toBeUndefined()
    let outcome: readonly Buffer[] | undefined
    log.read(10, 1, (error, batches) => {
      expect(error).toBeUndefined()
      outcome = batches
    })
    world.clock.step()
    log.truncate(10)
    const bytes = append(log, { epoch: 1, payload: Buffer.from('new') })
    world.clock.run()
    expect(Buffer.concat(outcome as Buffer[])).toEqual(bytes)
  })
})

describe('a log directory', () => {
  it('counts its starts before it recovers, and tells whether the last process stopped in good order (R3.4)', () => {
    const { world, log } = opened()
    expect(world.directory!.start).toEqual({ number: 1, stoppedCleanly: true })
    append(log)
    expect(world.close()).toEqual(new Map([[NAME, 1]]))
    expect(world.start().start).toEqual({ number: 2, stoppedCleanly: true })
    world.disk.powerLoss()
    expect(world.start().start).toEqual({ number: 3, stoppedCleanly: false })
    world.disk.kill()
    expect(world.start().start).toEqual({ number: 4, stoppedCleanly: false })
    world.close()
    expect(world.start().start).toEqual({ number: 5, stoppedCleanly: true })
  })

  it('R3.4: a lost or damaged count of starts is an unclean start, under a number that none was noted with', () => {
    const { world } = opened()
    world.close()
    world.disk.flipByte('starts', 8)
    const { start } = world.start()
    expect(start.stoppedCleanly).toBe(false)
    expect(start.number).toBeGreaterThan(1_000_000)
    world.close()
    world.disk.removeTree('starts')
    expect(world.start().start.stoppedCleanly).toBe(false)
  })

  it('R2.3: is held by one process', () => {
    const { world } = opened()
    expect(() => world.clock.waitVoid((done) => world.disk.lock('lock', done))).toThrow('DATA_FOLDER_IN_USE')
    world.close()
    world.clock.waitVoid((done) => world.disk.lock('lock', done))
  })

  it('keeps notes through a power loss, the last one written', () => {
    const { world } = opened()
    const write = (content: string | null) => world.clock.waitVoid((done) => world.directory!.writeNote(NAME, 'partition.metadata', content, done))
    const read = () => world.clock.wait<string | undefined>((done) => world.directory!.readNote(NAME, 'partition.metadata', done))
    expect(read()).toBeUndefined()
    world.directory!.writeNote(NAME, 'partition.metadata', 'one', () => undefined)
    write('two')
    world.disk.powerLoss()
    world.start()
    expect(read()).toBe('two')
    write(null)
    world.disk.powerLoss()
    world.start()
    expect(read()).toBeUndefined()
  })

  it('R3.4: sets a log aside, durable, frees its name, and removes it only when it is old', () => {
    const { world, log, directory } = opened()
    append(log)
    world.clock.step() // With a round in flight.
    world.clock.waitVoid((done) => directory.quarantine(NAME, done))
    expect(directory.names).toEqual([])
    world.clock.run()
    expect(world.said).toEqual([])
    world.disk.powerLoss()
    world.start()
    expect(world.directory!.names).toEqual([])
    expect(world.open(NAME).recovery.verdict).toBe('new')
    const aside = () => world.clock.wait<readonly string[]>((done) => world.disk.list('quarantine', done))
    expect(aside()).toHaveLength(1)
    expect(aside()[0]).toMatch(/^partitions~orders-0\.\d+$/)
    const purge = (nowMs: number) => world.clock.waitVoid((done) => world.directory!.purgeQuarantine({ nowMs, olderThanMs: 60_000 }, done))
    purge(world.clock.wallMs())
    expect(aside()).toHaveLength(1)
    purge(world.clock.wallMs() + 60_001)
    expect(aside()).toHaveLength(0)
  })

  it('stops reads and appends of a log that was set aside', () => {
    const { world, log, directory } = opened()
    append(log)
    world.clock.run()
    world.clock.waitVoid((done) => directory.quarantine(NAME, done))
    append(log)
    expect(log.endOffset).toBe(1)
    expect(() => world.read(log, 0)).toThrow('KAFKA_STORAGE_ERROR')
  })
})
