import { describe, expect, it } from 'vitest'
import { KeyPool } from '../../../chaos/workload/key-pool.ts'
import { type ClientRequest, Requests } from '../../../chaos/workload/requests.ts'
import { Seen } from '../../../chaos/workload/seen.ts'
import { SeededRandom } from '../../../src/base/random.ts'

function requests(seen: Seen): Requests {
  const random = new SeededRandom(3)
  return new Requests(random, { pool: new KeyPool(random.fork('keys'), { activeKeys: 4, maxWritesPerKey: 100 }), seen, crashOneIn: 500 })
}

function draw(count: number, seen: Seen, assigned = 1): ClientRequest[] {
  const drawn = requests(seen)
  return Array.from({ length: count }, () => drawn.next(assigned))
}

describe('Requests', () => {
  it('are sends and polls in halves, an assignment in 64, few crashes', () => {
    const drawn = draw(10_000, new Seen())
    const share = (f: ClientRequest['f']): number => drawn.filter((one) => one.f === f).length / drawn.length
    expect(share('send')).toBeCloseTo(0.49, 1)
    expect(share('poll')).toBeCloseTo(0.49, 1)
    expect(share('assign') * 64).toBeCloseTo(1, 0)
    expect(share('crash') * 500).toBeCloseTo(1, 0)
  })

  it('assign first where nothing is assigned', () => {
    expect(draw(1_000, new Seen(), 0).filter(({ f }) => f === 'poll')).toEqual([])
  })

  it('chase in a third of the assignments what was acknowledged and not polled', () => {
    const seen = new Seen()
    seen.acknowledged(1_000, 5, 1)
    seen.acknowledged(1_001, 5, 2)
    seen.polled({ 1001: [[5, 1]] })
    const assigned = draw(20_000, seen).flatMap((one) => (one.f === 'assign' ? [one.keys] : []))
    const chasing = assigned.filter((keys) => keys.includes(1_000))
    expect(chasing.length / assigned.length).toBeCloseTo(1 / 3, 1)
    expect(assigned.filter((keys) => keys.includes(1_001))).toEqual([])
  })
})
