import { describe, expect, it } from 'vitest'
import { parseDamagedNote } from '../../src/log/damaged-note.ts'
import type { Log, LogMarks } from '../../src/log/surface.ts'
import { append, batch, headersOf, World } from './world.ts'

const NAME = 'partitions/orders-0'
const BATCH_BYTES = 161
const SEGMENT = (base: number) => `${NAME}/${String(base).padStart(20, '0')}.log`

/** 20 batches of one record in segments of five, one round each, then a kill. Small rounds: what lies 200 bytes apart was synced apart. */
function written(settings = {}): { world: World; log: Log; all: Buffer[] } {
  const world = new World({ segmentBytes: 5 * BATCH_BYTES, indexIntervalBytes: 64, roundBytes: 200, ...settings })
  world.start()
  const { log } = world.open(NAME)
  const all: Buffer[] = []
  for (let at = 0; at < 20; at++) {
    all.push(append(log, { epoch: Math.floor(at / 8), payload: 100 }))
    world.clock.run()
  }
  return { world, log, all }
}

interface Case {
  readonly what: string
  readonly marks?: Partial<LogMarks>
  readonly harm: (world: World, all: readonly Buffer[]) => boolean
  readonly verdict: string
  readonly endOffset: number
  readonly detail: RegExp
  readonly claimed?: number
}

/** Appends bytes to a file, durable, as a process that died would have. */
function write(world: World, path: string, position: number, bytes: Buffer): boolean {
  world.disk = world.disk.reopen()
  const file = world.clock.wait<import('../../src/base/disk.ts').DiskFile | undefined>((done) => world.disk.open(path, { create: true }, done))!
  world.clock.waitVoid((done) => file.writev([bytes], position, done))
  world.clock.waitVoid((done) => file.sync(done))
  return true
}

const cases: readonly Case[] = [
  { what: 'nothing', harm: () => true, verdict: 'whole', endOffset: 20, detail: /^whole up to offset 20$/ },
  { what: 'nothing, at the marks', marks: { safeEndOffset: 20, cleanEndOffset: 20 }, harm: () => true, verdict: 'whole', endOffset: 20, detail: /^whole/ },
  {
    what: 'a half batch at the end',
    harm: (world, all) => write(world, SEGMENT(15), 5 * BATCH_BYTES, all[0]!.subarray(0, 90)),
    verdict: 'torn',
    endOffset: 20,
    detail: /ends inside a batch of 161 bytes; cut at offset 20, 90 bytes/,
  },
  {
    what: 'a half header at the end',
    harm: (world, all) => write(world, SEGMENT(15), 5 * BATCH_BYTES, all[0]!.subarray(0, 20)),
    verdict: 'torn',
    endOffset: 20,
    detail: /inside a batch header/,
  },
  {
    what: 'zeros at the end',
    harm: (world) => write(world, SEGMENT(15), 5 * BATCH_BYTES, Buffer.alloc(5000)),
    verdict: 'torn',
    endOffset: 20,
    detail: /5000 bytes dropped/,
  },
  {
    what: 'a flipped byte in the last batch',
    harm: (world) => world.disk.flipByte(SEGMENT(15), 4 * BATCH_BYTES + 100),
    verdict: 'torn',
    endOffset: 19,
    detail: /checksum of a batch is wrong; cut at offset 19, 161 bytes/,
  },
  {
    what: 'a flipped byte in the last batch, below the mark',
    marks: { safeEndOffset: 20 },
    harm: (world) => world.disk.flipByte(SEGMENT(15), 4 * BATCH_BYTES + 100),
    verdict: 'damaged',
    endOffset: 19,
    detail: /below the mark at 20/,
    claimed: 20,
  },
  {
    what: 'a flipped byte in the last batch after a clean stop',
    marks: { cleanEndOffset: 20 },
    harm: (world) => world.disk.flipByte(SEGMENT(15), 4 * BATCH_BYTES + 100),
    verdict: 'damaged',
    endOffset: 19,
    detail: /below the mark at 20/,
    claimed: 20,
  },
  {
    what: 'a flipped byte in the last batch but one, next to the end',
    harm: (world) => world.disk.flipByte(SEGMENT(15), 3 * BATCH_BYTES + 100),
    verdict: 'torn',
    endOffset: 18,
    detail: /322 bytes/,
  },
  {
    what: 'a flipped byte in an older batch of the active segment',
    harm: (world) => world.disk.flipByte(SEGMENT(15), BATCH_BYTES + 100),
    verdict: 'damaged',
    endOffset: 16,
    detail: /a good batch follows at 18/,
    claimed: 19,
  },
  {
    what: 'a flipped length in an older batch of the active segment',
    harm: (world) => world.disk.flipByte(SEGMENT(15), BATCH_BYTES + 8),
    verdict: 'damaged',
    endOffset: 16,
    detail: /a good batch follows at 18/,
    claimed: 19,
  },
  {
    what: 'a flipped byte in an older batch, below the mark',
    marks: { safeEndOffset: 17 },
    harm: (world) => world.disk.flipByte(SEGMENT(15), BATCH_BYTES + 100),
    verdict: 'damaged',
    endOffset: 16,
    detail: /below the mark at 17/,
    claimed: 17,
  },
  {
    what: 'a flipped byte in a closed segment',
    harm: (world) => world.disk.flipByte(SEGMENT(5), 2 * BATCH_BYTES + 100),
    verdict: 'damaged',
    endOffset: 7,
    detail: /the segment at 15 follows/,
    claimed: 15,
  },
  {
    what: 'a closed segment that lost its last batch',
    harm: (world) => world.disk.truncateFile(SEGMENT(5), 4 * BATCH_BYTES),
    verdict: 'damaged',
    endOffset: 9,
    detail: /begins at offset 10 where 9 should be/,
    claimed: 15,
  },
  {
    what: 'a missing segment in the middle',
    harm: (world) => world.disk.removeTree(SEGMENT(10)),
    verdict: 'damaged',
    endOffset: 10,
    detail: /begins at offset 15 where 10 should be/,
    claimed: 15,
  },
  {
    what: 'a missing first segment',
    harm: (world) => world.disk.removeTree(SEGMENT(0)),
    verdict: 'damaged',
    endOffset: 0,
    detail: /begins at offset 5 where 0/,
    claimed: 15,
  },
  {
    what: 'a missing last segment, without a mark',
    harm: (world) => world.disk.removeTree(SEGMENT(15)),
    verdict: 'whole',
    endOffset: 15,
    detail: /whole up to offset 15/,
  },
  {
    what: 'a missing last segment, with a mark',
    marks: { safeEndOffset: 16 },
    harm: (world) => world.disk.removeTree(SEGMENT(15)),
    verdict: 'damaged',
    endOffset: 15,
    detail: /it ends at offset 15, below the mark at 16/,
    claimed: 16,
  },
  {
    what: 'an end that is shorter than the mark',
    marks: { safeEndOffset: 20 },
    harm: (world) => world.disk.truncateFile(SEGMENT(15), 3 * BATCH_BYTES),
    verdict: 'damaged',
    endOffset: 18,
    detail: /it ends at offset 18, below the mark at 20/,
    claimed: 20,
  },
  {
    what: 'everything gone, with a mark',
    marks: { safeEndOffset: 20 },
    harm: (world) => world.disk.removeTree(NAME),
    verdict: 'damaged',
    endOffset: 0,
    detail: /it ends at offset 0/,
    claimed: 20,
  },
  { what: 'everything gone, without a mark', harm: (world) => world.disk.removeTree(NAME), verdict: 'new', endOffset: 0, detail: /a new log/ },
  {
    what: 'a batch of a lower epoch at the end',
    harm: (world) => write(world, SEGMENT(15), 5 * BATCH_BYTES, batch({ baseOffset: 20, epoch: 1 })),
    verdict: 'damaged',
    endOffset: 20,
    detail: /a batch of epoch 1 follows epoch 2, at offset 20: one of the two was changed/,
    claimed: 21,
  },
  {
    what: 'a last batch of an epoch that nobody can have been granted',
    marks: { greatestEpoch: 2 },
    harm: (world) => write(world, SEGMENT(15), 5 * BATCH_BYTES, batch({ baseOffset: 20, epoch: 9 })),
    verdict: 'torn',
    endOffset: 20,
    detail: /a batch is of epoch 9, the newest can be 2/,
  },
  {
    what: 'such an epoch below the mark',
    marks: { greatestEpoch: 1, safeEndOffset: 17 },
    harm: () => true,
    verdict: 'damaged',
    endOffset: 16,
    detail: /a batch is of epoch 2, the newest can be 1, at offset 16, below the mark at 17/,
    claimed: 17,
  },
  {
    what: 'a last batch whose epoch was noted to be another one',
    marks: { safeEndOffset: 20, epochs: [{ epoch: 1, startOffset: 8 }] },
    harm: () => true,
    verdict: 'damaged',
    endOffset: 16,
    detail: /a batch is of epoch 2, it was noted to be of 1, at offset 16/,
    claimed: 20,
  },
  {
    what: 'epochs as they were noted, as far as they were',
    marks: {
      safeEndOffset: 17,
      epochs: [
        { epoch: 1, startOffset: 8 },
        { epoch: 2, startOffset: 16 },
        { epoch: 3, startOffset: 17 },
      ],
    },
    harm: () => true,
    verdict: 'whole',
    endOffset: 20,
    detail: /whole/,
  },
  {
    what: 'a gap of offsets at the end',
    harm: (world) => write(world, SEGMENT(15), 5 * BATCH_BYTES, batch({ baseOffset: 21, epoch: 2 })),
    verdict: 'torn',
    endOffset: 20,
    detail: /a batch begins at offset 21/,
  },
  {
    what: 'an empty segment behind the last',
    harm: (world) => write(world, SEGMENT(20), 0, Buffer.alloc(0)),
    verdict: 'whole',
    endOffset: 20,
    detail: /whole/,
  },
  {
    what: 'files of other names',
    harm: (world) => write(world, `${NAME}/notes.log`, 0, Buffer.from('hello')) && write(world, `${NAME}/00000000000000000099.log.tmp`, 0, Buffer.from('x')),
    verdict: 'whole',
    endOffset: 20,
    detail: /whole/,
  },
]

describe('recovery verdicts (R3.3)', () => {
  for (const { what, marks, harm, verdict, endOffset, detail, claimed } of cases) {
    it(`${what}: ${verdict}`, () => {
      const { world, all } = written()
      world.disk.kill()
      expect(harm(world, all)).toBe(true)
      world.start()
      const { log, recovery } = world.open(NAME, marks)
      expect([recovery.verdict, log.endOffset, log.syncedEndOffset]).toEqual([verdict, endOffset, endOffset])
      expect(recovery.detail).toMatch(detail)
      expect(world.lines.some((line) => line.message === recovery.detail)).toBe(verdict === 'torn' || verdict === 'damaged')
      const note = world.clock.wait<string | undefined>((done) => world.directory!.readNote(NAME, 'damaged', done))
      if (verdict === 'damaged') expect(parseDamagedNote(note!)).toMatchObject({ claimedEndOffset: claimed, firstBadOffset: endOffset })
      else expect(note).toBeUndefined()
      // What is left is good, durable, and takes appends.
      const after = append(log, { epoch: 7 })
      world.clock.run()
      world.disk.powerLoss()
      world.start()
      const again = world.open(NAME)
      expect([again.recovery.verdict, again.log.endOffset]).toEqual(['whole', endOffset + 1])
      const seen: Buffer[] = []
      for (let offset = 0; offset <= endOffset; offset = headersOf(seen.at(-1)!).at(-1)!.lastOffset + 1) seen.push(world.read(again.log, offset))
      expect(Buffer.concat(seen)).toEqual(Buffer.concat([...all.slice(0, endOffset), after]))
      expect(again.recovery.epochs.at(-1)).toEqual({ epoch: 7, startOffset: endOffset })
    })
  }

  it('notes the damage, synced, before it cuts anything', () => {
    for (let calls = 0; ; calls++) {
      const { world } = written()
      world.disk.kill()
      world.disk.flipByte(SEGMENT(5), 400)
      world.start()
      let opened = false
      world.directory!.openLog({ name: NAME, marks: { safeEndOffset: 0, cleanEndOffset: -1 }, visitFrom: 0, visit: () => undefined }, () => {
        opened = true
      })
      for (let step = 0; step < calls && !opened; step++) world.clock.step()
      world.disk.powerLoss()
      const noted = world.disk.files().some(([path]) => path === `${NAME}/damaged`)
      const whole = world.disk.files().filter(([path]) => path.endsWith('.log')).length === 4
      expect(noted || whole).toBe(true)
      world.start()
      const { recovery, log } = world.open(NAME)
      expect(log.endOffset).toBe(7)
      expect(recovery.verdict === 'damaged' || noted).toBe(true)
      if (opened) break
    }
  })

  it('keeps the greater claim when a damaged log is found damaged again', () => {
    const { world } = written()
    world.disk.kill()
    world.disk.flipByte(SEGMENT(15), BATCH_BYTES + 100)
    world.start()
    expect(world.open(NAME, { safeEndOffset: 20 }).recovery.verdict).toBe('damaged')
    world.disk.kill()
    world.disk.flipByte(SEGMENT(0), 100)
    world.start()
    expect(world.open(NAME).recovery.verdict).toBe('damaged')
    const note = world.clock.wait<string | undefined>((done) => world.directory!.readNote(NAME, 'damaged', done))
    expect(parseDamagedNote(note!)).toMatchObject({ claimedEndOffset: 20, firstBadOffset: 0 })
  })

  it('takes the word of a good index for closed segments below the marks, and reads all where there is a damaged note', () => {
    const { world } = written()
    world.disk.kill()
    expect(world.disk.flipByte(SEGMENT(5), 2 * BATCH_BYTES + 100)).toBe(true)
    world.start()
    const marks = { safeEndOffset: 15, cleanEndOffset: -1 }
    const visited: number[] = []
    const opened = world.clock.wait<import('../../src/log/surface.ts').OpenedLog>((done) =>
      world.directory!.openLog({ name: NAME, marks, visitFrom: 15, visit: (header) => visited.push(header.baseOffset) }, done),
    )
    expect(opened.recovery).toMatchObject({
      verdict: 'whole',
      epochs: [
        { epoch: 0, startOffset: 0 },
        { epoch: 1, startOffset: 8 },
        { epoch: 2, startOffset: 16 },
      ],
    })
    expect(visited).toEqual([15, 16, 17, 18, 19])
    expect(() => world.read(opened.log, 7)).toThrow('CORRUPT_MESSAGE')
    world.clock.waitVoid((done) => world.directory!.writeNote(NAME, 'damaged', 'found by a read', done))
    world.start()
    expect(world.open(NAME, marks, () => undefined, 15).recovery.verdict).toBe('damaged')
  })

  it('does without an index that is missing, damaged or of another content', () => {
    const harms: readonly ((world: World) => unknown)[] = [
      (world) => world.disk.removeTree(`${NAME}/00000000000000000005.index`),
      (world) => world.disk.flipByte(`${NAME}/00000000000000000005.index`, 50),
      (world) => write(world, `${NAME}/00000000000000000005.index`, 0, world.disk.durableContent(`${NAME}/00000000000000000000.index`) ?? Buffer.from('x')),
    ]
    for (const harm of harms) {
      const { world, all } = written()
      world.disk.kill()
      harm(world)
      world.start()
      const { log, recovery } = world.open(NAME, { safeEndOffset: 20 }, () => undefined, 20)
      expect(recovery.verdict).toBe('whole')
      for (const offset of [4, 5, 6, 9, 10]) expect(world.read(log, offset, 1)).toEqual(all[offset])
    }
  })

  it('shows every header from visitFrom on, in order', () => {
    const { world } = written()
    world.start()
    const visited: number[] = []
    world.open(NAME, { safeEndOffset: 20 }, (header) => visited.push(header.baseOffset), 7)
    expect(visited).toEqual([7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
  })

  it('does not call a round that persisted out of order damage', () => {
    // One round of three batches; the power fails, and only the last of them reaches the disk.
    const world = new World({ roundBytes: 1000 })
    world.start()
    const { log } = world.open(NAME)
    for (let at = 0; at < 3; at++) append(log, { payload: 100 })
    world.clock.run()
    world.disk.kill()
    write(world, SEGMENT(0), 0, Buffer.alloc(2 * BATCH_BYTES))
    world.start()
    expect(world.open(NAME).recovery).toMatchObject({ verdict: 'torn', cutBytes: 3 * BATCH_BYTES })
  })
})
