import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import type { BatchHeader } from '../../src/record/batch.ts'
import { type ProducerSnapshot, Producers } from '../../src/replication/producers.ts'
import { headerOf, makeBatch } from './support/batches.ts'

const TOP = 0x7fff_ffff

function header(options: { producerId?: number; epoch?: number; sequence: number; records?: number; offset?: number }): BatchHeader {
  const { producerId = 7, epoch = 0, sequence, records = 1, offset = 0 } = options
  const plain = headerOf(makeBatch('x', { producerId, producerEpoch: epoch, baseSequence: sequence, records }))
  return { ...plain, baseOffset: offset, lastOffset: offset + records - 1 }
}

/** What rules R6.8 says, from the whole list of batches in the log. */
function naiveCheck(log: readonly BatchHeader[], highWatermark: number, asked: BatchHeader): string {
  const own = log.filter((batch) => batch.producerId === asked.producerId)
  const last = own.at(-1)
  if (last === undefined || asked.producerEpoch > last.producerEpoch) return asked.baseSequence === 0 ? 'next' : 'OUT_OF_ORDER_SEQUENCE_NUMBER'
  if (asked.producerEpoch < last.producerEpoch) return 'INVALID_PRODUCER_EPOCH'
  const sameEpoch = own.filter((batch) => batch.producerEpoch === last.producerEpoch)
  const at = sameEpoch.findIndex((batch) => batch.baseSequence === asked.baseSequence)
  if (at >= 0) {
    const found = sameEpoch[at] as BatchHeader
    const isKept = own.indexOf(found) >= own.length - 5 || found.lastOffset >= highWatermark
    return isKept ? `duplicate at ${found.baseOffset}` : 'DUPLICATE_SEQUENCE_NUMBER'
  }
  return asked.baseSequence === last.baseSequence + 1 ? 'next' : 'OUT_OF_ORDER_SEQUENCE_NUMBER'
}

function check(producers: Producers, asked: BatchHeader): string {
  const verdict = producers.check(asked)
  if (verdict.type === 'duplicate') return `duplicate at ${verdict.batch.baseOffset}`
  return verdict.type === 'refused' ? verdict.code : 'next'
}

describe('producers (rules R6.8)', () => {
  it('agrees with the whole log through appends, cuts at or above the high watermark, snapshots and replays', () => {
    let compared = 0
    for (let seed = 1; seed <= 20; seed++) {
      const random = new SeededRandom(seed)
      let log: BatchHeader[] = []
      let highWatermark = 0
      let producers = Producers.restore(undefined)
      for (let step = 0; step < 120; step++) {
        const end = (log.at(-1)?.lastOffset ?? -1) + 1
        const producerId = 1 + random.integer(2)
        const last = log.filter((batch) => batch.producerId === producerId).at(-1)
        const action = random.integer(10)
        if (action < 6) {
          const newEpoch = random.integer(12) === 0
          const epoch = (last?.producerEpoch ?? 0) + (newEpoch ? 1 : 0)
          const batch = header({ producerId, epoch, sequence: newEpoch || last === undefined ? 0 : last.baseSequence + 1, offset: end })
          log.push(batch)
          producers.replay(batch)
        } else if (action < 8) {
          highWatermark += random.integer(end - highWatermark + 1)
          producers.setHighWatermark(highWatermark)
        } else if (action === 8) {
          const to = highWatermark + random.integer(end - highWatermark + 1)
          log = log.filter((batch) => batch.lastOffset < to)
          producers.truncate(to)
        } else {
          // A restart: the checkpoint, as JSON, and a replay of what came after.
          const snapshot = JSON.parse(JSON.stringify(producers.snapshot(highWatermark))) as ProducerSnapshot
          producers = Producers.restore(snapshot)
          for (const batch of log) if (batch.baseOffset >= producers.stateOffset) producers.replay(batch)
          producers.setHighWatermark(highWatermark)
        }
        const epoch = log.filter((batch) => batch.producerId === producerId).at(-1)?.producerEpoch ?? 0
        for (let asked = 0; asked < 3 * 30; asked++) {
          const producerEpoch = epoch - 1 + (asked % 3)
          if (producerEpoch < 0) continue
          const batch = header({ producerId, epoch: producerEpoch, sequence: Math.floor(asked / 3) })
          const said = check(producers, batch)
          const expected = naiveCheck(log, highWatermark, batch)
          // What is beyond the five may still be known until it is trimmed: then the offset is answered, which is more than is asked for.
          if (said === expected || (expected === 'DUPLICATE_SEQUENCE_NUMBER' && said.startsWith('duplicate'))) continue
          throw new Error(
            `seed ${seed} step ${step} producer ${producerId} epoch ${producerEpoch} sequence ${batch.baseSequence}: ${said}, expected ${expected}`,
          )
        }
        compared += 1
      }
    }
    expect(compared).toBe(20 * 120)
  })

  it('goes on from 2^31 − 1 to 0, and tells old from new across it', () => {
    const producers = Producers.restore(undefined)
    for (const [offset, sequence] of [TOP - 3, TOP - 2, TOP - 1].entries()) producers.replay(header({ sequence, offset }))
    expect(check(producers, header({ sequence: 0 }))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    producers.replay(header({ sequence: TOP, records: 3, offset: 3 }))
    expect(check(producers, header({ sequence: TOP, records: 3 }))).toBe('duplicate at 3')
    expect(check(producers, header({ sequence: 2 }))).toBe('next')
    producers.replay(header({ sequence: 2, offset: 6 }))
    expect(check(producers, header({ sequence: TOP - 9 }))).toBe('DUPLICATE_SEQUENCE_NUMBER')
    expect(check(producers, header({ sequence: 4 }))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  })

  it('never calls a duplicate what was not appended: a batch that overlaps the last ones is refused', () => {
    const producers = Producers.restore(undefined)
    producers.replay(header({ sequence: 0, records: 4, offset: 0 }))
    expect(check(producers, header({ sequence: 0, records: 2 }))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(check(producers, header({ sequence: 2, records: 4 }))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(check(producers, header({ sequence: TOP - 2 }))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  })

  it('forgets who was idle for the expiration time; going on is refused then, never taken twice', () => {
    const producers = Producers.restore(undefined, { expireTicks: 3 })
    producers.replay(header({ sequence: 0, offset: 0 }))
    for (let left = 2; left > 0; left--) producers.tick()
    expect(check(producers, header({ sequence: 1 }))).toBe('next')
    producers.tick()
    expect(producers.size).toBe(0)
    expect(check(producers, header({ sequence: 1 }))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  })

  it('holds at most so many producers: a new one waits unless another was idle for 10 minutes', () => {
    const producers = Producers.restore(undefined, { maxProducers: 2 })
    producers.replay(header({ producerId: 1, sequence: 0, offset: 0 }))
    producers.replay(header({ producerId: 2, sequence: 0, offset: 1 }))
    expect(check(producers, header({ producerId: 3, sequence: 0 }))).toBe('THROTTLING_QUOTA_EXCEEDED')
    for (let left = 12_000; left > 0; left--) producers.tick()
    expect(check(producers, header({ producerId: 3, sequence: 0 }))).toBe('next')
    expect(producers.size).toBe(1)
  })

  it('holds at most so many on a follower and after a restart too, the last of the log: with them a new leader takes a new producer at once', () => {
    const follower = Producers.restore(undefined, { maxProducers: 100 })
    for (let id = 0; id < 5_000; id++) follower.replay(header({ producerId: id, sequence: 0, offset: id }))
    expect(follower.size).toBe(100)
    expect(check(follower, header({ producerId: 4_900, sequence: 0 }))).toBe('duplicate at 4900')
    expect(check(follower, header({ producerId: 4_899, sequence: 1 }))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(check(follower, header({ producerId: 5_000, sequence: 0 }))).toBe('THROTTLING_QUOTA_EXCEEDED')
    for (let left = 12_000; left > 0; left--) follower.tick()
    for (let id = 5_000; id < 5_010; id++) {
      expect(check(follower, header({ producerId: id, sequence: 0 }))).toBe('next')
      follower.replay(header({ producerId: id, sequence: 0, offset: id }))
    }
    const restored = Producers.restore(follower.snapshot(5_010), { maxProducers: 50 })
    expect(restored.size).toBe(50)
    expect(check(restored, header({ producerId: 4_960, sequence: 0 }))).toBe('duplicate at 4960')
  })

  it('knows after a restart who was idle before it', () => {
    const before = Producers.restore(undefined, { maxProducers: 2 })
    before.replay(header({ producerId: 1, sequence: 0, offset: 0 }))
    for (let left = 11_999; left > 0; left--) before.tick()
    before.replay(header({ producerId: 2, sequence: 0, offset: 1 }))
    const snapshot = JSON.parse(JSON.stringify(before.snapshot(2))) as ProducerSnapshot
    const after = Producers.restore(snapshot, { maxProducers: 2 })
    expect(check(after, header({ producerId: 3, sequence: 0 }))).toBe('THROTTLING_QUOTA_EXCEEDED')
    after.tick()
    expect(check(after, header({ producerId: 3, sequence: 0 }))).toBe('next')
    expect(check(after, header({ producerId: 2, sequence: 0 }))).toBe('duplicate at 1')
    expect(check(Producers.restore(snapshot, { expireTicks: 11_999 }), header({ producerId: 1, sequence: 0 }))).toBe('duplicate at 0')
  })

  it('never forgets by its number whom the leader still knows, also when a cut takes the last that a producer wrote', () => {
    const producers = Producers.restore(undefined, { maxProducers: 3 })
    for (const [offset, producerId] of [1, 2, 3, 1].entries()) {
      producers.replay(header({ producerId, sequence: offset === 3 ? 1 : 0, offset }))
    }
    // A snapshot without the last batch, and a cut of it: producer 1 is the oldest again.
    const restored = Producers.restore(producers.snapshot(3), { maxProducers: 3 })
    producers.truncate(3)
    for (const each of [producers, restored]) {
      each.replay(header({ producerId: 4, sequence: 0, offset: 3 }))
      expect([1, 2, 3, 4].map((producerId) => check(each, header({ producerId, sequence: 0 })))).toEqual([
        'THROTTLING_QUOTA_EXCEEDED',
        'duplicate at 1',
        'duplicate at 2',
        'duplicate at 3',
      ])
    }
  })

  it('bounds what one producer may have above the high watermark', () => {
    const producers = Producers.restore(undefined)
    for (let sequence = 0; sequence < 1000; sequence++) producers.replay(header({ sequence, offset: sequence }))
    expect(check(producers, header({ sequence: 1000 }))).toBe('THROTTLING_QUOTA_EXCEEDED')
    producers.setHighWatermark(1)
    expect(check(producers, header({ sequence: 1000 }))).toBe('next')
  })
})
