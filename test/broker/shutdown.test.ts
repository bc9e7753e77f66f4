import { describe, expect, it } from 'vitest'
import { Shutdown } from '../../src/broker/shutdown.ts'
import { silentLogger } from '../contract/silent-logger.ts'
import { World } from '../log/world.ts'

/** A node that stops: what was asked of it, in order, with the time. */
function stopping(node: { readonly mustDrain: boolean; readonly leads: boolean }) {
  const { clock } = new World()
  const told: string[] = []
  const state = { isFollowing: false }
  const shutdown = new Shutdown({
    clock,
    logger: silentLogger,
    mustDrain: () => node.mustDrain,
    leadsQuorum: () => node.leads,
    isFollowing: () => state.isFollowing,
    handOver: () => told.push(`hand over at ${clock.monotonicMs()}`),
    close: (done) => {
      told.push(`close at ${clock.monotonicMs()}`)
      done(undefined)
    },
  })
  const run = (ms: number): void => {
    let isOver = false
    clock.after(ms, () => {
      isOver = true
    })
    while (!isOver) clock.step()
  }
  return { shutdown, told, state, run }
}

describe('R5.9 a clean stop', () => {
  it('moves leaderships, then hands the quorum over, then closes', () => {
    const { shutdown, told, state, run } = stopping({ mustDrain: true, leads: true })
    const outcomes: unknown[] = []
    shutdown.begin((error) => outcomes.push(error))
    run(100)
    expect([shutdown.isStopping, told]).toEqual([true, []])
    shutdown.released()
    run(10)
    shutdown.roleChanged(undefined)
    run(10)
    expect(told).toEqual(['hand over at 100'])
    state.isFollowing = true
    shutdown.roleChanged(undefined)
    run(1_000)
    expect(told).toEqual(['hand over at 100', 'close at 120'])
    expect(outcomes).toEqual([undefined])
  })

  it('does without what it has not: nothing to drain, no quorum to hand over', () => {
    const { shutdown, told, run } = stopping({ mustDrain: false, leads: false })
    shutdown.begin(() => undefined)
    run(1)
    expect(told).toEqual(['close at 0'])
  })

  it('leaves each step in time, and at once when nobody can take the quorum over', () => {
    const late = stopping({ mustDrain: true, leads: true })
    late.shutdown.begin(() => undefined)
    late.run(5_000)
    expect(late.told).toEqual(['hand over at 3000', 'close at 3500'])
    const refused = stopping({ mustDrain: false, leads: true })
    refused.shutdown.begin(() => undefined)
    refused.run(10)
    refused.shutdown.roleChanged('refused')
    refused.run(1)
    expect(refused.told).toEqual(['hand over at 0', 'close at 10'])
  })

  it('stops once', () => {
    const { shutdown, told, run } = stopping({ mustDrain: false, leads: false })
    const outcomes: (string | undefined)[] = []
    for (let at = 0; at < 2; at++) shutdown.begin((error) => outcomes.push(error?.message))
    run(10)
    expect(outcomes).toEqual([expect.stringContaining('stopping already'), undefined])
    shutdown.released()
    expect(told).toHaveLength(1)
  })
})
