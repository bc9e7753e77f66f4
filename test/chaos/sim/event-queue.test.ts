import { describe, expect, it } from 'vitest'
import { SimClock } from '../../../chaos/sim/clock.ts'
import { EventQueue, Owner } from '../../../chaos/sim/event-queue.ts'
import { SeededRandom } from '../../../src/base/random.ts'

function runAll(queue: EventQueue): void {
  while (queue.step() !== undefined);
}

describe('the event queue', () => {
  it('runs events by time, and those of one time in the order in which they were asked for', () => {
    const queue = new EventQueue()
    const random = new SeededRandom(7)
    const ran: (readonly [number, number])[] = []
    const asked = Array.from({ length: 500 }, (_, at) => [random.integer(50), at] as const)
    for (const [delayUs, at] of asked) queue.schedule(delayUs, null, () => ran.push([queue.nowUs, at]))
    runAll(queue)
    expect(ran).toEqual([...asked].sort((left, right) => left[0] - right[0] || left[1] - right[1]))
    expect(queue.steps).toBe(500)
  })

  it('runs what was deferred right after the event, before anything else of that time', () => {
    const queue = new EventQueue()
    const ran: string[] = []
    queue.schedule(5, null, () => {
      queue.defer(null, () => {
        ran.push('deferred')
        queue.defer(null, () => ran.push('deferred by that'))
      })
      ran.push('first')
    })
    queue.schedule(5, null, () => ran.push('second'))
    runAll(queue)
    expect(ran).toEqual(['first', 'deferred', 'deferred by that', 'second'])
  })

  it('never runs the events of a dead owner, nor a cancelled timer', () => {
    const queue = new EventQueue()
    const owner = new Owner('process')
    const clock = new SimClock(queue, owner)
    const ran: string[] = []
    clock.after(1, () => ran.push('kept'))
    clock.after(1, () => ran.push('cancelled')).cancel()
    queue.schedule(2_000, null, () => owner.die())
    clock.after(3, () => ran.push('of the dead'))
    runAll(queue)
    expect(ran).toEqual(['kept'])
  })

  it('holds back the events of a paused owner and runs them in their order when it goes on', () => {
    const queue = new EventQueue()
    const owner = new Owner('process')
    const clock = new SimClock(queue, owner)
    const ran: (readonly [string, number])[] = []
    owner.pause()
    for (const delayMs of [3, 1, 2]) clock.after(delayMs, () => ran.push([`after ${delayMs}`, clock.monotonicMs()]))
    const cancelledLate = clock.after(2.5, () => ran.push(['cancelled after the pause', 0]))
    queue.schedule(10_000, null, () => {
      queue.resume(owner)
      cancelledLate.cancel()
    })
    runAll(queue)
    expect(ran).toEqual([
      ['after 1', 10],
      ['after 2', 10],
      ['after 3', 10],
    ])
    expect(owner.heldCount).toBe(4)
  })
})

describe('the simulated clock', () => {
  it('never fires early, and its wall may jump without anything else', () => {
    const queue = new EventQueue()
    const clock = new SimClock(queue, null)
    const wall = clock.wallMs()
    let firedAtMs = -1
    clock.after(1.0001, () => {
      firedAtMs = clock.monotonicMs()
    })
    clock.jumpWall(-3_600_000)
    runAll(queue)
    expect(firedAtMs).toBeGreaterThanOrEqual(1.0001)
    expect(clock.wallMs() - wall).toBe(-3_599_999)
  })

  it('runs at a rate of its own: time and timers, and the wall clock beside what it was set to', () => {
    const queue = new EventQueue()
    const fast = new SimClock(queue, null, { rate: 1.05 })
    const slow = new SimClock(queue, null, { rate: 0.95, wallOffsetMs: 7 })
    const startMs = slow.wallMs()
    const order: string[] = []
    slow.after(1_000, () => order.push('slow'))
    fast.after(1_000, () => order.push('fast'))
    queue.step()
    expect(Math.round(fast.monotonicMs())).toBe(1_000)
    queue.step()
    expect(order).toEqual(['fast', 'slow'])
    expect(Math.round(slow.monotonicMs())).toBe(1_000)
    expect([slow.wallMs() - startMs, slow.wallOffsetMs]).toEqual([1_000, 7])
  })
})
