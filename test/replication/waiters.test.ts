import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import type { Waiter } from '../../src/replication/waiter-queue.ts'
import { Waiters } from '../../src/replication/waiters.ts'

function waiter(produceId: number, lastOffset: number, changes: Partial<Waiter> = {}): Waiter {
  return { produceId, acks: -1, producerId: -1, baseOffset: lastOffset, lastOffset, ...changes }
}

/** What `Waiters` says, from a plain list. */
class NaiveWaiters {
  list: Waiter[] = []

  takeOut(isOut: (waiter: Waiter) => boolean): Waiter[] {
    const out = this.list.filter(isOut)
    this.list = this.list.filter((one) => !isOut(one))
    return out
  }

  release(highWatermark: number, syncedEndOffset: number): Waiter[] {
    const byOffset = (a: Waiter, b: Waiter): number => a.acks - b.acks || a.lastOffset - b.lastOffset || a.produceId - b.produceId
    return this.takeOut(({ acks, lastOffset }) => lastOffset < (acks === -1 ? highWatermark : syncedEndOffset)).sort(byOffset)
  }
}

describe('waiters', () => {
  it('agrees with a plain list through appends, duplicates, releases, expiries and the end of a leadership', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new SeededRandom(seed)
      const waiters = new Waiters()
      const naive = new NaiveWaiters()
      let highWatermark = 0
      let synced = 0
      let end = 0
      let nextId = 1
      for (let step = 0; step < 2_000; step++) {
        const action = random.integer(100)
        if (action < 70) {
          // One in four is a duplicate of a batch that is not committed: it waits below the others.
          const isDuplicate = end > highWatermark && random.integer(4) === 0
          const lastOffset = isDuplicate ? highWatermark + random.integer(end - highWatermark) : end++
          const added = waiter(nextId++, lastOffset, { acks: random.integer(2) === 0 ? -1 : 1, producerId: isDuplicate ? -1 : random.integer(4) - 1 })
          waiters.add(added)
          naive.list.push(added)
        } else if (action < 85) {
          synced += random.integer(Math.min(20, end - synced) + 1)
          highWatermark += random.integer(Math.min(20, synced - highWatermark) + 1)
          expect(waiters.release({ highWatermark, syncedEndOffset: synced })).toEqual(naive.release(highWatermark, synced))
        } else if (action < 99) {
          const ids = Array.from({ length: random.integer(12) }, () => 1 + random.integer(nextId))
          expect(new Set(waiters.take(ids))).toEqual(new Set(naive.takeOut(({ produceId }) => ids.includes(produceId))))
        } else {
          expect(new Set(waiters.drain())).toEqual(new Set(naive.takeOut(() => true)))
        }
        expect(waiters.size).toBe(naive.list.length)
        for (const producerId of [0, 1, 2]) {
          expect(waiters.unansweredOf(producerId)).toBe(naive.list.filter((one) => one.producerId === producerId).length)
        }
      }
    }
  })

  it('takes each of 40,000 out at the cost of one, in any order, and holds no place for those that are gone', () => {
    const count = 20_000
    const waiters = new Waiters()
    for (let id = 0; id < count; id++) waiters.add(waiter(id, id))
    // Duplicates of the first batch come before all others.
    for (let id = count; id < 2 * count; id++) waiters.add(waiter(id, 0))
    let taken = 0
    // Quadratic, this is billions of steps: beyond the time that a test has.
    for (let id = 0; id < 2 * count; id++) if (id % 1_000 !== 999) taken += waiters.take([id]).length
    expect([taken, waiters.size]).toEqual([2 * count - 40, 40])
    expect(waiters.held).toBeLessThan(100)
    expect(
      waiters
        .release({ highWatermark: 1, syncedEndOffset: 1 })
        .map(({ produceId }) => produceId)
        .slice(0, 2),
    ).toEqual([20_999, 21_999])
    expect(waiters.drain()).toHaveLength(20)
  })

  it('takes out 200,000 at once', () => {
    const ids = Array.from({ length: 200_000 }, (_, id) => id)
    const waiters = new Waiters()
    for (const id of ids) waiters.add(waiter(id, id))
    expect(waiters.take(ids.slice(0, 1))).toHaveLength(1)
    expect(waiters.take(ids)).toHaveLength(199_999)
    for (const id of ids) waiters.add(waiter(id, id))
    expect(waiters.release({ highWatermark: 200_000, syncedEndOffset: 0 })).toHaveLength(200_000)
  })
})
