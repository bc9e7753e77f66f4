import { describe, expect, it } from 'vitest'
import { partition, topicId } from '../metadata/fixtures.ts'
import { FolderBench, NAME } from './folder-bench.ts'

const MIB = 1024 * 1024

/** A leader with `count` batches on folder a. */
function filled(count: number, seed = 1): FolderBench {
  const bench = new FolderBench(seed)
  bench.begin()
  bench.fill(count)
  expect(bench.path).toBe('a')
  return bench
}

function untilOn(bench: FolderBench, path: string): void {
  bench.until(() => bench.path === path && !bench.replica.isHeld, `it stands on ${path}`)
}

/** It ended without success, and nothing of it is left. */
function untilEnded(bench: FolderBench): string | null {
  bench.until(() => bench.partitions.folderMoves.failureOf(NAME) !== null && bench.opened.folders.copies.size === 0, 'it ends')
  return bench.partitions.folderMoves.failureOf(NAME)
}

/** Records below go, as by retention. */
function advance(bench: FolderBench, offset: number): void {
  bench.replica.step({ type: 'advanceStart', offset })
}

describe('R3.8, KIP-113 a move between data folders', () => {
  it('takes the log along while it serves and grows; then the old one goes', () => {
    const bench = filled(10)
    const { log } = bench.replica
    bench.move('b')
    for (let made = 0; made < 5; made++) {
      bench.produce()
      bench.run(3)
    }
    untilOn(bench, 'b')
    expect(bench.replica.log).not.toBe(log)
    bench.fill(2)
    expect(bench.values()).toEqual(bench.acknowledged)
    expect(bench.acknowledged).toHaveLength(17)
    bench.run(6_000)
    expect(bench.holders()).toEqual(['b'])
    expect(bench.told).toMatch(/moves to data folder b\n(?:.*\n)*?moved to data folder b/)
    bench.move('a')
    untilOn(bench, 'a')
    bench.crash('powerLoss')
    expect([bench.path, bench.replica.damaged]).toEqual(['a', false])
    expect(bench.values()).toEqual(bench.acknowledged)
  })

  it('what is read in the old log comes to its end', () => {
    const bench = filled(10)
    bench.move('b')
    untilOn(bench, 'b')
    const { log } = bench.replica
    bench.run(6_000)
    bench.move('a')
    let read: Error | number | undefined
    bench.until(() => {
      if (read === undefined && bench.replica.log !== log) log.read(0, MIB, (error, batches) => (read = error ?? batches.length))
      return bench.replica.log !== log
    }, 'it stands on a')
    bench.until(() => read !== undefined, 'what was asked of the old log is answered')
    expect(read).toBe(1)
    expect(bench.replica.dead).toBe(false)
  })

  it('takes a log along whose beginning is gone, and one whose start moves meanwhile', () => {
    const bench = filled(12)
    advance(bench, 5)
    bench.run(100)
    bench.move('b')
    bench.until(() => bench.isMoving, 'it is copied')
    advance(bench, 7)
    untilOn(bench, 'b')
    expect([bench.replica.log.startOffset, bench.replica.core.logStartOffset]).toEqual([7, 7])
    expect(bench.values()).toEqual(bench.acknowledged.slice(7))
    bench.run(6_000)
    bench.crash('powerLoss')
    const { log, core } = bench.replica
    expect([log.startOffset, log.endOffset, core.epochs]).toEqual([7, 12, [{ epoch: 0, startOffset: 0 }]])
  })

  it('takes a log along whose start lies within a batch', () => {
    const bench = filled(4)
    bench.fill(3, 10)
    advance(bench, 18)
    bench.run(100)
    bench.move('b')
    untilOn(bench, 'b')
    bench.fill(1)
    const held = bench.values()
    expect(held).toEqual([14, 24, 34].map((offset) => bench.acknowledged[offset]))
    bench.run(6_000)
    bench.crash('powerLoss')
    expect([bench.replica.log.startOffset, bench.replica.damaged, bench.values()]).toEqual([18, false, held])
  })

  it('of a follower begins anew when that is cut, or begun anew', () => {
    const isr = [1, 2].map((nodeId) => ({ nodeId, brokerEpoch: nodeId }))
    for (const [result, end] of [
      [{ type: 'diverging', epoch: 0, endOffset: 6 }, 6],
      [{ type: 'reset', offset: 20, epoch: 0, producers: [] }, 20],
    ] as const) {
      const bench = new FolderBench()
      bench.begin({ replicas: [1, 2], isr })
      for (let made = 0; made < 12; made++) bench.produce()
      bench.run(100)
      bench.move('b', { bytesPerSecond: 161 })
      bench.run(9_000)
      const [before] = bench.partitions.folderMoves.copies()
      expect(before?.copy.endOffset).toBeGreaterThan(6)
      const state = { leader: 2, leaderEpoch: 1, partitionEpoch: 1, replicas: [1, 2], isr, leaderGrantedOffset: bench.image.offset }
      bench.apply([{ type: 'partition', state: partition(state) }])
      bench.run(1)
      bench.answer({ result })
      bench.run(10)
      expect(bench.replica.log.endOffset).toBe(end)
      bench.move('b')
      untilOn(bench, 'b')
      const held = bench.values()
      expect(held).toEqual(end === 6 ? [1, 2, 3, 4, 5, 6] : [])
      bench.run(6_000)
      bench.crash('powerLoss')
      const { log, core, damaged } = bench.replica
      expect([log.startOffset, log.endOffset, core.lastEpoch, damaged, bench.values()]).toEqual([end === 6 ? 0 : 20, end, 0, false, held])
    }
  })

  it('takes along what is known of records that are all gone', () => {
    const bench = filled(6)
    advance(bench, 6)
    bench.run(100)
    bench.move('b')
    untilOn(bench, 'b')
    bench.run(6_000)
    bench.crash('powerLoss')
    const { log, core } = bench.replica
    expect([bench.path, log.startOffset, log.endOffset, core.lastEpoch]).toEqual(['b', 6, 6, 0])
  })

  it('begins anew when the start overtakes the copy', () => {
    const bench = filled(12)
    bench.move('b', { bytesPerSecond: 161 })
    bench.until(() => ([...bench.partitions.folderMoves.copies()][0]?.copy.endOffset ?? 0) > 0, 'something is copied')
    advance(bench, 11)
    bench.run(1_000)
    bench.move('b')
    untilOn(bench, 'b')
    expect(bench.values()).toEqual(bench.acknowledged.slice(11))
  })

  it('begins anew when the start overtakes the copy while that is on its way to the disk', () => {
    const bench = filled(12)
    bench.disk('b').slow(200)
    bench.move('b')
    bench.until(() => [...bench.partitions.folderMoves.copies()][0]?.copy.endOffset === 12, 'all is copied')
    bench.fill(3)
    advance(bench, 14)
    bench.run(10)
    expect(bench.replica.log.startOffset).toBe(14)
    bench.disk('b').clearFaults()
    untilOn(bench, 'b')
    expect(bench.values()).toEqual(bench.acknowledged.slice(14))
  })

  it('keeps within its limit, which may be changed', () => {
    const bench = filled(20)
    const beganMs = bench.clock.monotonicMs()
    bench.move('b', { bytesPerSecond: 322 })
    bench.run(2_000)
    const [first] = bench.partitions.folderMoves.copies()
    expect(first?.copy.endOffset).toBeLessThanOrEqual(6)
    expect(first).toMatchObject({ path: 'b' })
    bench.move('b', { bytesPerSecond: 644 })
    untilOn(bench, 'b')
    expect(bench.clock.monotonicMs() - beganMs).toBeGreaterThan(5_000)
    expect(bench.clock.monotonicMs() - beganMs).toBeLessThan(9_000)
  })

  it('is taken back: the old log never knew of it', () => {
    const bench = filled(10)
    const { log } = bench.replica
    bench.move('b', { bytesPerSecond: 161 })
    bench.run(1_500)
    bench.move(null)
    expect(untilEnded(bench)).toBe('it was cancelled')
    bench.fill(2)
    expect([bench.replica.log, bench.path, bench.holders()]).toEqual([log, 'a', ['a']])
    bench.move('b', { bytesPerSecond: 161 })
    bench.run(1_500)
    bench.move('a')
    expect([untilEnded(bench), bench.holders()]).toEqual(['it was cancelled', ['a']])
    bench.move('b')
    untilOn(bench, 'b')
    expect(bench.values()).toEqual(bench.acknowledged)
  })

  it('ends when its topic is deleted, and leaves nothing of it', () => {
    const bench = filled(10)
    bench.move('b', { bytesPerSecond: 161 })
    bench.run(1_500)
    bench.apply([{ type: 'topicDeleted', topicId: topicId(1) }])
    bench.run(100)
    expect(bench.holders()).toEqual([])
    const again = filled(10)
    again.move('b')
    untilOn(again, 'b')
    again.apply([{ type: 'topicDeleted', topicId: topicId(1) }])
    again.run(100)
    expect([again.holders(), again.opened.folders.names]).toEqual([[], []])
  })

  it('ends with a clean stop, and begins anew at the next start, within its limit; what it had copied goes', () => {
    const bench = filled(10)
    bench.move('b', { bytesPerSecond: 161 })
    bench.move('b', { bytesPerSecond: 322 })
    bench.run(1_500)
    expect(bench.stop().get(NAME)).toBe(10)
    expect(bench.holders()).toEqual(['a', 'b'])
    bench.crash('kill')
    const startedMs = bench.clock.monotonicMs()
    expect([bench.path, bench.replica.suspect]).toEqual(['a', false])
    expect(bench.told).toContain('a copy of partitions/orders-0 in b is left of a move between folders: it is removed')
    bench.begin({ leaderEpoch: 1 })
    untilOn(bench, 'b')
    expect(bench.clock.monotonicMs() - startedMs).toBeGreaterThan(4_000)
    expect(bench.values()).toEqual(bench.acknowledged)
    bench.stop()
    bench.crash('kill')
    bench.run(100)
    expect([bench.path, bench.holders(), bench.replica.suspect, bench.isMoving]).toEqual(['b', ['b'], false, false])
  })

  it('goes on after a power loss, if nothing of it was written yet too', () => {
    for (const ranMs of [5, 1_500]) {
      const bench = filled(10)
      bench.move('b', { bytesPerSecond: 161 })
      bench.run(ranMs)
      if (ranMs < 10) bench.until(() => bench.opened.folders.copies.size > 0, 'it is noted')
      bench.run(10)
      bench.crash('powerLoss')
      bench.begin({ leaderEpoch: 1 })
      bench.run(100)
      expect([bench.path, bench.isMoving]).toEqual(['a', true])
      bench.move('b')
      untilOn(bench, 'b')
      expect(bench.values()).toEqual(bench.acknowledged)
    }
  })

  it('once taken back does not go on after a restart, nor one whose folder is not there', () => {
    const bench = filled(10)
    bench.move('b', { bytesPerSecond: 161 })
    bench.run(1_500)
    bench.move(null)
    untilEnded(bench)
    bench.run(50)
    bench.crash('powerLoss')
    bench.run(3_000)
    expect([bench.path, bench.isMoving, bench.holders()]).toEqual(['a', false, ['a']])
    bench.begin({ leaderEpoch: 1 })
    bench.move('b', { bytesPerSecond: 161 })
    bench.run(1_500)
    bench.disk('b').break(true)
    bench.crash('kill')
    bench.run(1_000)
    expect([bench.path, bench.isMoving, bench.replica.dead]).toEqual(['a', false, false])
  })

  it('can be taken back before it goes on', () => {
    const bench = filled(10)
    bench.move('b', { bytesPerSecond: 161 })
    bench.run(1_500)
    bench.disk('b').slow(1_000)
    bench.crash('kill')
    expect(bench.isMoving).toBe(false)
    bench.move(null)
    bench.disk('b').clearFaults()
    bench.run(5_000)
    expect([bench.path, bench.isMoving, bench.holders()]).toEqual(['a', false, ['a']])
    bench.crash('powerLoss')
    bench.run(1_000)
    expect(bench.isMoving).toBe(false)
  })
})

describe('a move that cannot be', () => {
  it('is refused, with what stands in its way', () => {
    const bench = filled(10)
    expect(() => bench.move('c')).toThrow('LOG_DIR_NOT_FOUND: this node has no data folder c that works; those are a, b')
    expect(() => bench.move(null)).toThrow('NO_REASSIGNMENT_IN_PROGRESS')
    bench.move('a')
    bench.move('b', { validateOnly: true })
    expect([bench.isMoving, bench.opened.folders.copies.size]).toEqual([false, 0])
    bench.replica.damaged = true
    expect(() => bench.move('b')).toThrow('the replica is damaged: it is repaired where it is first')
    bench.replica.damaged = false
    bench.partitions.folderFailed(bench.opened.folders.at('b'), new Error('EIO'))
    expect(() => bench.move('b')).toThrow('data folder b failed')
  })

  it('to a third folder, while it is on its way to another', () => {
    const bench = new FolderBench(1, ['a', 'b', 'c'])
    bench.begin()
    bench.fill(10)
    bench.move('b', { bytesPerSecond: 161 })
    expect(() => bench.move('c')).toThrow('the replica is on its way to b: cancel that first')
    bench.move('b')
    untilOn(bench, 'b')
    expect(() => bench.move('c')).toThrow('its old log is being removed: try again')
    bench.run(6_000)
    bench.move('c')
    untilOn(bench, 'c')
  })

  it('while what an earlier one left cannot be removed', () => {
    const bench = new FolderBench(1, ['a', 'b', 'c'])
    bench.begin()
    bench.fill(10)
    bench.move('b', { bytesPerSecond: 161 })
    bench.run(1_500)
    bench.disk('b').break(true)
    bench.until(() => bench.partitions.folderMoves.failureOf(NAME) !== null, 'it ends')
    bench.run(100)
    expect(() => bench.move('c')).toThrow('a copy of partitions/orders-0 in b is still to be removed')
    // Its topic goes and comes again: the new one is made elsewhere.
    bench.apply([{ type: 'topicDeleted', topicId: topicId(1) }])
    bench.run(100)
    const again = partition({ topicId: topicId(9), leaderGrantedOffset: bench.image.offset, replicas: [1], isr: [{ nodeId: 1, brokerEpoch: 1 }] })
    bench.apply([
      { type: 'topic', topicId: topicId(9), name: 'orders' },
      { type: 'partition', state: again },
    ])
    bench.until(() => bench.partitions.find(topicId(9), 0) !== undefined, 'it is made')
    expect(bench.path).not.toBe('b')
    bench.disk('b').break(false)
    bench.crash('kill')
    bench.run(100)
    expect(bench.path).not.toBe('b')
  })

  for (const [what, doIt] of [
    ['is full', (bench: FolderBench) => bench.disk('b').full(true)],
    ['fails', (bench: FolderBench) => bench.disk('b').break(true)],
    ['fails a write', (bench: FolderBench) => bench.disk('b').failNext('write', 'partitions/')],
    ['fails a sync', (bench: FolderBench) => bench.disk('b').failNext('sync', 'partitions/')],
  ] as const) {
    it(`because the other folder ${what}: the replica stays as it is, and serves`, () => {
      let ended = 0
      for (const steps of [0, 5, 20, 40, 60]) {
        const bench = filled(10)
        const { log } = bench.replica
        bench.move('b', { bytesPerSecond: 161 * 4 })
        for (let step = 0; step < steps; step++) bench.clock.step()
        doIt(bench)
        bench.until(() => bench.partitions.folderMoves.failureOf(NAME) !== null || bench.path === 'b', 'it ends')
        // The call that is to fail was not made any more.
        if (bench.path === 'b') continue
        ended++
        bench.run(100)
        expect([bench.replica.log, bench.path, bench.replica.dead]).toEqual([log, 'a', false])
        bench.fill(2)
        expect(bench.values()).toEqual(bench.acknowledged)
        bench.disk('b').break(false)
        bench.disk('b').clearFaults()
        bench.crash('kill')
        bench.run(100)
        expect([bench.path, bench.holders()]).toEqual(['a', ['a']])
        expect(bench.values()).toEqual(bench.acknowledged)
      }
      expect(ended).toBeGreaterThan(1)
    })
  }

  it('R3.5: because the old folder fails: the replica is offline, as without a move', () => {
    const bench = new FolderBench(1, ['x', 'a', 'b'])
    bench.begin()
    bench.move('a')
    untilOn(bench, 'a')
    bench.fill(6)
    bench.run(6_000)
    bench.move('b', { bytesPerSecond: 161 })
    bench.run(1_500)
    bench.disk('a').break(true)
    bench.produce()
    bench.run(100)
    expect([bench.replica.dead, bench.path, bench.isMoving]).toEqual([true, 'a', false])
    expect(bench.partitions.folderMoves.failureOf(NAME)).toContain('went offline')
  })

  it('R3.2, R3.8: to be noted: nobody knows where it stands, so nothing is appended until the next start', () => {
    const bench = filled(6)
    bench.move('b')
    bench.until(() => bench.replica.isHeld, 'it is held for the end')
    bench.disk('a').failNext('sync', 'placements')
    bench.produce()
    bench.run(200)
    expect([bench.replica.dead, bench.acknowledged.length, bench.holders()]).toEqual([true, 6, ['a', 'b']])
    bench.crash('powerLoss')
    bench.until(() => !bench.isMoving && bench.opened.folders.copies.size === 0, 'it is where it was to be')
    expect([bench.replica.damaged, bench.path, bench.holders()]).toEqual([false, 'b', ['b']])
    expect(bench.values()).toEqual(bench.acknowledged)
  })

  it('R5.2: to be noted for a replica whose topic is deleted meanwhile: a log that is not here any more is no dead one', () => {
    const bench = filled(6)
    bench.move('b')
    bench.until(() => bench.replica.isHeld, 'it is held for the end')
    bench.disk('a').failNext('sync', 'placements')
    bench.apply([{ type: 'topicDeleted', topicId: topicId(1) }])
    bench.run(6_000)
    expect(bench.told).toContain('the data folder that it stands on could not be noted')
    expect(bench.partitions.deadLogs()).toEqual([])
  })
})

describe('R1.1, R3.2, R3.8 a crash at any disk call of a move', () => {
  for (const fate of ['kill', 'powerLoss'] as const) {
    it(`by ${fate} leaves one replica, with all that was acknowledged or reported as synced`, () => {
      const met = { a: 0, b: 0, leftovers: 0, held: 0 }
      for (let events = 0, over = false; !over; events++) {
        const bench = filled(5, 1 + events)
        if (events % 2 === 1) {
          advance(bench, 4)
          bench.run(50)
        }
        bench.move('b')
        let reported = 0
        for (let event = 0; event < events && !over; event++) {
          if (event % 10 === 0 && bench.acknowledged.length < 12) bench.produce()
          bench.clock.step()
          reported = Math.max(reported, bench.replica.core.syncedEndOffset)
          over = bench.path === 'b' && bench.opened.folders.copies.size === 0
        }
        const acknowledged = [...bench.acknowledged]
        if (bench.replica.isHeld) met.held++
        bench.crash(fate)
        const { log, damaged } = bench.replica
        if (bench.told.includes('is left of a move between folders')) met.leftovers++
        met[bench.path as 'a' | 'b']++
        expect([...bench.partitions.all()]).toHaveLength(1)
        expect([damaged, log.startOffset <= 4]).toEqual([false, true])
        expect(log.endOffset).toBeGreaterThanOrEqual(Math.max(reported, acknowledged.length))
        expect(bench.values().slice(0, acknowledged.length - log.startOffset)).toEqual(acknowledged.slice(log.startOffset))
        bench.until(() => bench.opened.folders.copies.size === 0, 'what is left is removed')
        expect(bench.holders()).toEqual([bench.path])
        // It goes on, and back or once more.
        bench.begin({ leaderEpoch: 1 })
        const before = bench.values()
        bench.move(bench.path === 'a' ? 'b' : 'a')
        bench.until(() => bench.opened.folders.copies.size === 0 && !bench.isMoving && bench.clock.monotonicMs() > 5_000, 'it is there')
        bench.crash('powerLoss')
        expect([bench.values(), bench.replica.damaged]).toEqual([before, false])
      }
      for (const [what, count] of Object.entries(met)) expect(count, what).toBeGreaterThan(1)
    }, 180_000)
  }
})
