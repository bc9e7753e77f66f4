import { describe, expect, it } from 'vitest'
import { parseDamagedNote } from '../../src/log/damaged-note.ts'
import type { Log, LogMarks } from '../../src/log/surface.ts'
import { append, headersOf, World } from './world.ts'

const NAME = 'partitions/orders-0'
const BATCH_BYTES = 161
const FILE = (base: number, type = 'log') => `${String(base).padStart(20, '0')}.${type}`

/** Ten batches of two records, an epoch each four, in segments of three batches: 0 to 5, 6 to 11, 12 to 17, 18 to 19. Nothing of it in memory. */
function written(): { world: World; log: Log; all: Buffer[] } {
  const world = new World({ segmentBytes: 3 * BATCH_BYTES, indexIntervalBytes: 64, roundBytes: 200, tailCacheBytes: 1 })
  world.start()
  const { log } = world.open(NAME)
  const all: Buffer[] = []
  for (let at = 0; at < 10; at++) {
    all.push(append(log, { count: 2, epoch: Math.floor(at / 4), payload: 100, timestampMs: 1000 * at }))
    world.clock.run()
  }
  return { world, log, all }
}

function reopen(world: World, marks: Partial<LogMarks> = {}) {
  world.disk.powerLoss()
  world.start()
  return world.open(NAME, marks)
}

function outcomes(log: Log, offset: number): (Error | undefined)[] {
  const heard: (Error | undefined)[] = []
  log.advanceStart(offset, (error) => heard.push(error))
  return heard
}

describe('R6.9 advanceStart', () => {
  it('is seen by readers at once, and its done comes before any file is gone', () => {
    const { world, log, all } = written()
    let names: readonly string[] = []
    let done = false
    log.advanceStart(13, (error) => {
      expect(error).toBeUndefined()
      names = world.disk.durableNames(NAME)
      done = true
    })
    expect([log.startOffset, log.endOffset, log.cutCount]).toEqual([13, 20, 0])
    expect(log.readCached(12, 1)).toBeUndefined()
    expect(() => world.read(log, 12)).toThrow('OFFSET_OUT_OF_RANGE')
    expect(world.read(log, 13, 1)).toEqual(all[6])
    world.clock.run()
    expect(done).toBe(true)
    expect(names).toContain('log-start')
    expect(names).toContain(FILE(0))
    expect(world.fileNames(NAME)).toEqual([FILE(12, 'index'), FILE(12), FILE(12, 'timeindex'), FILE(18), 'log-start'].sort())
    expect(world.disk.durableNames(NAME).toSorted()).toEqual(world.fileNames(NAME))
    expect(log.sizeBytes).toBe(4 * BATCH_BYTES)
    expect(world.said.filter((said) => said.endOffset < 20 && said.cutCount > 0)).toEqual([])
  })

  it('keeps a start inside a segment, and inside a batch, across restarts; the epoch that holds it stays', () => {
    const { world, log, all } = written()
    world.advance(log, 9)
    for (let life = 0; life < 2; life++) {
      const again = reopen(world, { safeEndOffset: 20 })
      expect(again.recovery).toMatchObject({ verdict: 'whole', detail: 'whole from offset 9 up to 20' })
      expect(again.recovery.epochs.map(({ epoch }) => epoch)).toEqual([1, 2])
      expect([again.log.startOffset, again.log.endOffset]).toEqual([9, 20])
      expect(world.readAll(again.log)).toEqual(Buffer.concat(all.slice(4)))
    }
  })

  it('forgets the epochs wholly below it', () => {
    const { world, log } = written()
    world.advance(log, 16)
    expect(reopen(world).recovery.epochs).toEqual([{ epoch: 2, startOffset: 16 }])
  })

  it('to the end leaves an empty log that goes on there, with the epoch it ended with', () => {
    const { world, log } = written()
    world.advance(log, 20)
    world.clock.run()
    expect(world.fileNames(NAME)).toEqual(['log-start'])
    expect([log.startOffset, log.endOffset, log.sizeBytes]).toEqual([20, 20, 0])
    const again = reopen(world, { safeEndOffset: 15 })
    expect(again.recovery).toMatchObject({ verdict: 'whole', detail: 'whole from offset 20 up to 20', epochs: [{ epoch: 2, startOffset: 20 }] })
    expect(() => append(again.log, { epoch: 1 })).toThrow('epochs never fall')
    const bytes = append(again.log, { epoch: 2 })
    world.clock.run()
    expect(world.fileNames(NAME)).toEqual([FILE(20), 'log-start'])
    expect(world.readAll(reopen(world).log)).toEqual(bytes)
  })

  it('says KAFKA_STORAGE_ERROR when the note cannot be written, and the log is dead', () => {
    const { world, log } = written()
    world.disk.failNext('sync', `${NAME}/log-start`)
    expect(() => world.advance(log, 6)).toThrow('KAFKA_STORAGE_ERROR')
    expect(world.said.at(-1)).toMatchObject({ type: 'failed' })
    expect(() => world.advance(log, 7)).toThrow('KAFKA_STORAGE_ERROR')
    expect(world.fileNames(NAME)).toContain(FILE(0))
    expect(reopen(world).log.startOffset).toBe(0)
  })

  it('that was not durable yet is answered when the log is closed under it, and the files stay', () => {
    const { world, log } = written()
    const heard = outcomes(log, 13)
    world.clock.waitVoid((done) => world.directory!.quarantine(NAME, done))
    world.clock.run()
    expect(heard).toHaveLength(1)
    expect(String(heard[0])).toContain('KAFKA_STORAGE_ERROR')
  })

  it('is done by the time the folder is closed', () => {
    const { world, log } = written()
    const heard = outcomes(log, 13)
    expect(world.close()).toEqual(new Map([[NAME, 20]]))
    expect(heard).toEqual([undefined])
    world.start()
    expect(world.open(NAME, { safeEndOffset: 20, cleanEndOffset: 20 }).recovery.verdict).toBe('whole')
    expect(world.fileNames(NAME)).not.toContain(FILE(0))
  })

  it('takes no file from under a reader', () => {
    const { world, log, all } = written()
    for (let steps = 0; steps < 8; steps++) {
      const offset = log.startOffset
      let found: readonly Buffer[] | undefined
      let failure: Error | undefined
      log.read(offset, 1, (error, batches) => {
        failure = error
        found = batches
      })
      for (let step = 0; step < steps; step++) world.clock.step()
      world.advance(log, offset + 2)
      world.clock.run()
      if (failure === undefined) expect(Buffer.concat(found as Buffer[])).toEqual(all[offset / 2])
      else expect(String(failure)).toContain('OFFSET_OUT_OF_RANGE')
    }
    expect(log.startOffset).toBe(16)
  })

  it('answers all who asked meanwhile with one note', () => {
    const { world, log } = written()
    const heard = [outcomes(log, 3), outcomes(log, 7), outcomes(log, 12)]
    world.clock.run()
    expect(heard).toEqual([[undefined], [undefined], [undefined]])
    expect(reopen(world).log.startOffset).toBe(12)
  })

  it('while a cut waits, at the very cut, lets the cut reach the disk first', () => {
    const { world, log } = written()
    log.truncate(8)
    const heard = outcomes(log, 8)
    const bytes = append(log, { epoch: 5 })
    const cutSizes: (number | undefined)[] = []
    world.onSaid = ({ endOffset }) => {
      if (endOffset === 8) cutSizes.push(world.disk.durableContent(`${NAME}/${FILE(6)}`)?.length)
    }
    world.clock.run()
    expect(cutSizes).toEqual([BATCH_BYTES])
    expect(heard).toEqual([undefined])
    expect(world.said.slice(-2)).toEqual([
      { type: 'synced', log: NAME, endOffset: 8, cutCount: 1 },
      { type: 'synced', log: NAME, endOffset: 9, cutCount: 1 },
    ])
    expect(world.fileNames(NAME)).toEqual([FILE(8), 'log-start'])
    const again = reopen(world, { safeEndOffset: 8 })
    expect([again.recovery.verdict, again.log.startOffset]).toEqual(['whole', 8])
    expect(world.readAll(again.log)).toEqual(bytes)
  })

  it('moves up only, within what is synced (assertions)', () => {
    const { log } = written()
    append(log, { epoch: 2 })
    expect(() => log.advanceStart(0, () => undefined)).toThrow('the start moves up')
    expect(() => log.advanceStart(21, () => undefined)).toThrow('within what is synced')
    expect(() => log.resetTo(21)).toThrow('behind its end')
  })
})

describe('R6.9 resetTo', () => {
  it('drops all and goes on there; synced is said once it is durable', () => {
    const { world, log } = written()
    const before = world.said.length
    log.resetTo(100)
    expect([log.startOffset, log.endOffset, log.syncedEndOffset, log.cutCount, log.sizeBytes]).toEqual([100, 100, 20, 1, 0])
    expect(() => world.read(log, 19)).toThrow('OFFSET_OUT_OF_RANGE')
    const bytes = append(log, { epoch: 0 })
    world.onSaid = (said) => {
      if (said.endOffset === 100) expect(world.disk.durableNames(NAME)).toContain('log-start')
    }
    world.clock.run()
    expect(world.said.slice(before)).toEqual([
      { type: 'synced', log: NAME, endOffset: 100, cutCount: 1 },
      { type: 'synced', log: NAME, endOffset: 101, cutCount: 1 },
    ])
    expect(world.fileNames(NAME)).toEqual([FILE(100), 'log-start'])
    const again = reopen(world, { safeEndOffset: 20 })
    expect(again.recovery).toMatchObject({ verdict: 'whole', epochs: [{ epoch: 0, startOffset: 100 }] })
    expect(world.readAll(again.log)).toEqual(bytes)
  })

  it('to an offset that bytes of a waiting cut still reach does not take them for its own', () => {
    const { world, log } = written()
    log.truncate(7)
    log.resetTo(9)
    world.clock.run()
    expect(world.said.at(-1)).toEqual({ type: 'synced', log: NAME, endOffset: 9, cutCount: 2 })
    const again = reopen(world)
    expect([again.recovery.verdict, again.log.startOffset, again.log.endOffset]).toEqual(['whole', 9, 9])
    expect(again.recovery.epochs).toEqual([])
  })

  it('counts no round that was in flight, and the last of several resets counts', () => {
    for (let steps = 0; steps < 12; steps++) {
      const { world, log } = written()
      append(log, { epoch: 2 })
      for (let step = 0; step < steps; step++) world.clock.step()
      log.resetTo(50)
      for (let step = 0; step < steps; step++) world.clock.step()
      log.resetTo(60)
      append(log)
      world.clock.run()
      expect(world.said.at(-1)).toEqual({ type: 'synced', log: NAME, endOffset: 61, cutCount: 2 })
      expect(world.said.filter((said) => said.cutCount === 2)[0]).toMatchObject({ endOffset: 60 })
      expect(log.syncedEndOffset).toBe(61)
      expect(world.fileNames(NAME)).toEqual([FILE(60), 'log-start'])
    }
  })

  it('answers who waited for a start below', () => {
    const { world, log } = written()
    const heard = outcomes(log, 13)
    log.resetTo(30)
    world.clock.run()
    expect(heard).toEqual([undefined])
    expect(reopen(world).log.startOffset).toBe(30)
  })
})

interface Harm {
  readonly what: string
  readonly harm: (world: World) => boolean
  readonly marks?: Partial<LogMarks>
  readonly verdict: 'whole' | 'damaged'
  readonly range: readonly [startOffset: number, endOffset: number]
  readonly detail: RegExp
}

const flip = (fileName: string, at: number) => (world: World) => world.disk.flipByte(`${NAME}/${fileName}`, at)
const lose = (fileName: string) => (world: World) => world.disk.removeTree(`${NAME}/${fileName}`)

/** The start is at 9: the first segment begins at 6. */
const harms: readonly Harm[] = [
  { what: 'nothing', harm: () => true, verdict: 'whole', range: [9, 20], detail: /from offset 9/ },
  {
    what: 'marks below the start',
    marks: { safeEndOffset: 4, cleanEndOffset: 2 },
    harm: () => true,
    verdict: 'whole',
    range: [9, 20],
    detail: /from offset 9/,
  },
  { what: 'the segment of the start is missing', harm: lose(FILE(6)), verdict: 'damaged', range: [9, 9], detail: /begins at offset 12 where 6 should be/ },
  { what: 'a segment above the start is missing', harm: lose(FILE(12)), verdict: 'damaged', range: [9, 12], detail: /begins at offset 18 where 12/ },
  {
    what: 'the segment of the start ends below it',
    harm: (world) => [12, 18].every((base) => lose(FILE(base))(world)) && world.disk.truncateFile(`${NAME}/${FILE(6)}`, BATCH_BYTES),
    verdict: 'damaged',
    range: [9, 9],
    detail: /ends at offset 8, below the mark at 9/,
  },
  { what: 'a flipped byte below the start', harm: flip(FILE(6), 100), verdict: 'damaged', range: [9, 9], detail: /checksum.* at offset 6/ },
  {
    what: 'all segments are missing, and the marks are below the start',
    marks: { safeEndOffset: 9 },
    harm: (world) => [6, 12, 18].every((base) => lose(FILE(base))(world)),
    verdict: 'damaged',
    range: [9, 9],
    detail: /ends at offset 6, below the mark at 9/,
  },
  {
    what: 'a flipped byte in each note of the start but one',
    harm: (world) => [6, 4102, 8198].every((at) => flip('log-start', at)(world)),
    verdict: 'whole',
    range: [9, 20],
    detail: /whole from offset 9/,
  },
  {
    what: 'the note cannot be read',
    harm: (world) => [6, 4102, 8198, 12294].every((at) => flip('log-start', at)(world)),
    verdict: 'damaged',
    range: [6, 20],
    detail: /log-start cannot be read.* before offset 6/,
  },
  { what: 'the note is missing', harm: lose('log-start'), verdict: 'damaged', range: [0, 0], detail: /begins at offset 6 where 0 should be/ },
]

describe('recovery with a start (R3.3)', () => {
  it('a flipped byte in the very batch of the start is found at once, though nothing else of a closed segment is read; one behind it is not', () => {
    for (const [startOffset, batch, verdict] of [
      [6, 0, 'damaged'],
      [9, 1, 'damaged'],
      [9, 2, 'whole'],
    ] as const) {
      const { world, log } = written()
      log.advanceStart(startOffset, () => undefined)
      world.clock.run()
      world.disk.kill()
      expect(world.disk.flipByte(`${NAME}/${FILE(6)}`, batch * BATCH_BYTES + 100)).toBe(true)
      world.start()
      const { recovery } = world.open(NAME, { safeEndOffset: 20 }, () => undefined, 20)
      expect([startOffset, batch, recovery.verdict]).toEqual([startOffset, batch, verdict])
    }
  })

  for (const { what, harm, marks, verdict, range, detail } of harms) {
    it(`${what}: ${verdict}`, () => {
      const { world, log, all } = written()
      world.advance(log, 9)
      world.clock.run()
      world.disk.powerLoss()
      expect(harm(world)).toBe(true)
      world.start()
      const { log: found, recovery } = world.open(NAME, marks)
      expect([recovery.verdict, found.startOffset, found.endOffset]).toEqual([verdict, ...range])
      expect(recovery.detail).toMatch(detail)
      const note = world.clock.wait<string | undefined>((done) => world.directory!.readNote(NAME, 'damaged', done))
      expect(note !== undefined).toBe(verdict === 'damaged')
      if (note !== undefined) {
        expect(parseDamagedNote(note).claimedEndOffset).toBeGreaterThanOrEqual(found.startOffset)
        expect(parseDamagedNote(note).isStartLost).toBe(what === 'the note cannot be read')
      }
      if (range[1] > range[0]) expect(world.readAll(found)).toEqual(Buffer.concat(all.slice(Math.floor(range[0] / 2), range[1] / 2)))
      // What is left is whole: told once, it is not told again.
      const bytes = append(found, { epoch: 3 })
      world.clock.waitVoid((done) => world.directory!.writeNote(NAME, 'damaged', null, done))
      world.clock.run()
      const again = reopen(world)
      expect([again.recovery.verdict, again.log.startOffset, again.log.endOffset]).toEqual(['whole', range[0], range[1] + 1])
      expect(headersOf(world.readAll(again.log)).at(-1)).toEqual(headersOf(bytes)[0])
    })
  }

  it('removes what a crash left below the start, and indexes of no segment', () => {
    const { world, log } = written()
    const before = world.fileNames(NAME)
    let done = false
    log.advanceStart(13, () => {
      done = true
    })
    while (!done) world.clock.step()
    world.disk.kill()
    expect(before.filter((name) => !world.disk.durableNames(NAME).includes(name))).toEqual([])
    world.start()
    const { recovery } = world.open(NAME)
    expect(recovery.verdict).toBe('whole')
    expect(
      world.disk
        .durableNames(NAME)
        .filter((name) => name.startsWith('0'))
        .map((name) => Number.parseInt(name, 10))
        .every((base) => base >= 12),
    ).toBe(true)
  })
})
