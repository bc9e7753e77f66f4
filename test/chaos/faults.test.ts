import { describe, expect, it } from 'vitest'
import { describeFault, drawFaultPlan } from '../../chaos/faults.ts'
import { SeededRandom } from '../../src/base/random.ts'

const options = { nodeIds: [1, 2, 3], startMs: 4_000, endMs: 55_000 }

describe('fault plans', () => {
  it('are the same for the same seed, and another for another', () => {
    expect(drawFaultPlan(new SeededRandom(5), options)).toEqual(drawFaultPlan(new SeededRandom(5), options))
    expect(drawFaultPlan(new SeededRandom(5), options)).not.toEqual(drawFaultPlan(new SeededRandom(6), options))
  })

  it('hold at least three faults of processes or network, in the order of time, within their bounds; every kind is drawn', () => {
    const kinds = new Set<string>()
    for (let seed = 1; seed <= 300; seed++) {
      const plan = drawFaultPlan(new SeededRandom(seed), options)
      expect(plan.filter(({ kind }) => kind !== 'clockJump' && kind !== 'checkpointsLost').length).toBeGreaterThanOrEqual(3)
      expect(plan.map(({ id }) => id)).toEqual(plan.map((_, at) => at))
      expect(plan.map(({ atMs }) => atMs)).toEqual(plan.map(({ atMs }) => atMs).sort((left, right) => left - right))
      for (const fault of plan) {
        kinds.add(fault.kind)
        expect(fault.atMs).toBeGreaterThanOrEqual(options.startMs)
        expect(fault.atMs).toBeLessThan(options.endMs)
        if (fault.target.type === 'link') expect(fault.target.from).not.toBe(fault.target.to)
      }
    }
    expect([...kinds].sort()).toEqual([
      'checkpointsLost',
      'clockJump',
      'cutOneWay',
      'cutTwoWay',
      'delay',
      'duplicate',
      'isolate',
      'kill',
      'killAll',
      'loss',
      'pause',
      'powerLoss',
      'powerLossAll',
      'restart',
      'rollingRestart',
    ])
  })

  it('can be read', () => {
    expect(describeFault({ id: 0, atMs: 1, kind: 'cutOneWay', target: { type: 'link', from: 1, to: 3 }, durationMs: 2_500 })).toBe(
      'cutOneWay on link 1→3 for 2.5 s',
    )
  })
})
