import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { retentionOffset } from '../../src/log/retention.ts'
import { Segment } from '../../src/log/segment.ts'
import { append, World } from './world.ts'

const NAME = 'partitions/orders-0'

interface Piece {
  readonly sizeBytes: number
  readonly count: number
  readonly maxTimestampMs: number
}

const piece: fc.Arbitrary<Piece> = fc.record({ sizeBytes: fc.nat(20), count: fc.integer({ min: 1, max: 5 }), maxTimestampMs: fc.integer({ min: -1, max: 20 }) })

/** How many pieces go, told one by one: the naive way. */
function naive(pieces: readonly Piece[], allowed: number, expiredBeforeMs: number | null, retentionBytes: number | null): number {
  let gone = 0
  for (let count = 1; count <= allowed; count++) {
    const leftBytes = pieces.slice(count).reduce((sum, one) => sum + one.sizeBytes, 0)
    const last = pieces[count - 1]!
    const isSurplus = retentionBytes !== null && leftBytes >= retentionBytes
    const isExpired = expiredBeforeMs !== null && last.maxTimestampMs < expiredBeforeMs
    if (!isSurplus && !isExpired) break
    if (isSurplus || last.maxTimestampMs !== -1) gone = count
  }
  return gone
}

describe('what retention may drop', () => {
  it('is what a naive count of segments says', () => {
    const limit = fc.option(fc.nat(40), { nil: null })
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), limit, limit, fc.nat(45), (pieces, expiredBeforeMs, retentionBytes, upTo) => {
        let endOffset = 0
        const ends: number[] = []
        const segments = pieces.map((one) => {
          const segment = new Segment('log', endOffset)
          segment.sizeBytes = one.sizeBytes
          segment.noteTimestamp(one.maxTimestampMs)
          endOffset += one.count
          ends.push(endOffset)
          return segment
        })
        const allowed = ends.filter((end) => end <= upTo).length
        const gone = naive(pieces, allowed, expiredBeforeMs, retentionBytes)
        expect(retentionOffset(segments, { startOffset: 0, endOffset }, { upTo, expiredBeforeMs, retentionBytes })).toBe(gone === 0 ? 0 : ends[gone - 1])
      }),
      { numRuns: 500 },
    )
  })

  /** Segments of two batches, timestamps 0, 100, 200, …: bases 0, 2, 4 and 6, the last with one batch. */
  function written() {
    const world = new World({ segmentBytes: 2 * 161 })
    world.start()
    const { log } = world.open(NAME)
    for (let at = 0; at < 7; at++) append(log, { payload: 100, timestampMs: 100 * at })
    world.clock.run()
    return { world, log }
  }
  const none = { upTo: 7, expiredBeforeMs: null, retentionBytes: null }

  it('is whole segments, by age and by size, the last one too, after a restart as before', () => {
    const { world, log } = written()
    const look = (one: typeof log) => [
      one.retentionOffset(none),
      one.retentionOffset({ ...none, expiredBeforeMs: 100 }),
      one.retentionOffset({ ...none, expiredBeforeMs: 101 }),
      one.retentionOffset({ ...none, expiredBeforeMs: 10_000 }),
      one.retentionOffset({ ...none, expiredBeforeMs: 10_000, upTo: 5 }),
      one.retentionOffset({ ...none, retentionBytes: 3 * 161 }),
      one.retentionOffset({ ...none, retentionBytes: 3 * 161 + 1 }),
      one.retentionOffset({ ...none, retentionBytes: 0 }),
    ]
    const expected = [0, 0, 2, 7, 4, 4, 2, 7]
    expect(look(log)).toEqual(expected)
    world.disk.powerLoss()
    world.start()
    // Of closed segments below the marks the index alone is read.
    const { log: again } = world.clock.wait<import('../../src/log/surface.ts').OpenedLog>((done) =>
      world.directory!.openLog({ name: NAME, marks: { safeEndOffset: 7, cleanEndOffset: -1 }, visitFrom: 7, visit: () => undefined }, done),
    )
    expect(look(again)).toEqual(expected)
  })

  it('is nothing that is not synced, and nothing twice', () => {
    const { world, log } = written()
    append(log, { timestampMs: 1 })
    expect(log.retentionOffset({ ...none, upTo: 8, expiredBeforeMs: 10_000 })).toBe(6)
    world.clock.run()
    world.advance(log, 5)
    expect(log.retentionOffset({ ...none, upTo: 8, expiredBeforeMs: 350 })).toBe(5)
    expect(log.retentionOffset({ ...none, upTo: 8, expiredBeforeMs: 501 })).toBe(6)
    world.advance(log, 8)
    expect(log.retentionOffset({ ...none, upTo: 8, expiredBeforeMs: 10_000, retentionBytes: 0 })).toBe(8)
  })
})

describe('segments roll by time (segment.ms)', () => {
  const bases = (world: World) =>
    world
      .fileNames(NAME)
      .filter((name) => name.endsWith('.log'))
      .map((name) => Number.parseInt(name, 10))

  it('where a batch is more than ageMs above the first of its segment, across a restart too', () => {
    const world = new World()
    world.start()
    let { log } = world.open(NAME)
    log.limitSegments({ sizeBytes: 1_000_000, ageMs: 100 })
    for (const timestampMs of [1000, 1100, 900, 1101, 1150]) {
      append(log, { timestampMs })
      world.clock.run()
    }
    expect(bases(world)).toEqual([0, 3])
    world.disk.powerLoss()
    world.start()
    log = world.open(NAME).log
    log.limitSegments({ sizeBytes: 1_000_000, ageMs: 100 })
    for (const timestampMs of [1201, 1202, 5000]) {
      append(log, { timestampMs })
      world.clock.run()
    }
    expect(bases(world)).toEqual([0, 3, 6, 7])
  })

  it('counts from the first batch that has a time, and anew after a cut to the start of a segment', () => {
    const world = new World()
    world.start()
    const { log } = world.open(NAME)
    log.limitSegments({ sizeBytes: 1_000_000, ageMs: 100 })
    for (const timestampMs of [-1, 50_000, 50_100]) append(log, { timestampMs })
    world.clock.run()
    expect(bases(world)).toEqual([0])
    log.truncate(0)
    append(log, { timestampMs: 7, epoch: 1 })
    append(log, { timestampMs: 107, epoch: 1 })
    append(log, { timestampMs: 108, epoch: 1 })
    world.clock.run()
    expect(bases(world)).toEqual([0, 2])
  })
})
