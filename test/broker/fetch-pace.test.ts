import { describe, expect, it } from 'vitest'
import { FetchPace } from '../../src/broker/fetch-pace.ts'
import type { Replica } from '../../src/broker/replica.ts'
import { TestClock } from '../log/world.ts'
import { fetchOf } from './harness.ts'

const KIB = 1024

interface WaitingReplica {
  readonly core: { role: string }
  readonly log: { cutCount: number }
}

/** A follower that always asks for the next 16 KiB and gets them at once. `limit`: bytes a second, while it is being moved. */
function follow(options: { readonly limit: number | undefined; readonly seconds: number; readonly replicas?: number }): {
  readonly got: number[]
  readonly asked: number
} {
  const clock = new TestClock()
  const got: number[] = []
  let asked = 0
  const pace: FetchPace = new FetchPace({
    clock,
    isLow: () => false,
    moveBytesPerSecond: () => options.limit,
    send: (replica, _to, fetch) =>
      clock.after(1, () => {
        asked += 1
        const at = replicas.indexOf(replica)
        if (fetch.maxBytes > 0) {
          got[at] = (got[at] ?? 0) + 16 * KIB
          pace.fetched(replica, 16 * KIB)
        }
        pace.send(replica, 2, fetchOf({ fetchOffset: got[at] ?? 0, maxBytes: 16 * KIB }))
      }),
  })
  const replicas = Array.from({ length: options.replicas ?? 1 }, () => ({ core: { role: 'follower' }, log: { cutCount: 0 } }) as Replica)
  for (const replica of replicas) pace.send(replica, 2, fetchOf({ fetchOffset: 0, maxBytes: 16 * KIB }))
  let isOver = false
  clock.after(options.seconds * 1000, () => {
    isOver = true
  })
  while (!isOver) clock.step()
  return { got, asked }
}

describe('how much followers ask for', () => {
  it('R5.10, KIP-73: replicas that are being moved share their limit; a second of it may come at once', () => {
    const { got, asked } = follow({ limit: 256 * KIB, seconds: 10, replicas: 3 })
    const total = got.reduce((sum, bytes) => sum + bytes, 0)
    expect(total).toBeGreaterThan(0.9 * 10 * 256 * KIB)
    expect(total).toBeLessThan(1.05 * 11 * 256 * KIB)
    for (const bytes of got) expect(bytes).toBeGreaterThan(0.1 * total)
    // Who waits does not ask meanwhile.
    expect(asked).toBeLessThan((1.5 * total) / (16 * KIB))
  })

  it.each<[string, (replica: WaitingReplica) => void]>([
    ['set aside', (replica) => (replica.core.role = 'offline')],
    ['cut', (replica) => (replica.log.cutCount += 1)],
  ])('R5.10: says no more of a replica that was %s while its report waited', (_, change) => {
    const clock = new TestClock()
    const sent: number[] = []
    const pace = new FetchPace({
      clock,
      isLow: () => true,
      moveBytesPerSecond: () => undefined,
      send: (_replica, _to, { fetchOffset }) => sent.push(fetchOffset),
    })
    const replica: WaitingReplica = { core: { role: 'follower' }, log: { cutCount: 0 } }
    const say = (): void => pace.send(replica as unknown as Replica, 2, fetchOf({ fetchOffset: 7, maxBytes: 16 * KIB }))
    say()
    say()
    expect(sent).toEqual([7])
    change(replica)
    clock.run()
    expect(sent).toEqual([7])
  })

  it('asks for a second of the limit at most: a move that is nearly over does not take the rest at once', () => {
    const asked: number[] = []
    const clock = new TestClock()
    clock.after(1_000, () => undefined)
    clock.run()
    for (const limit of [4 * KIB, undefined]) {
      const pace = new FetchPace({ clock, isLow: () => false, moveBytesPerSecond: () => limit, send: (_replica, _to, { maxBytes }) => asked.push(maxBytes) })
      pace.send({} as Replica, 2, fetchOf({ maxBytes: 16 * KIB }))
    }
    expect(asked).toEqual([4 * KIB, 16 * KIB])
  })

  it('one that is in sync, or moves without a limit, takes what it can', () => {
    expect(follow({ limit: undefined, seconds: 1 }).got[0]).toBeGreaterThan(900 * 16 * KIB)
  })
})
