import { describe, expect, it } from 'vitest'
import type { Fault, FaultWorld } from '../../../../chaos/live/faults/fault.ts'
import { FaultSchedule } from '../../../../chaos/live/faults/schedule.ts'
import { SeededRandom } from '../../../../src/base/random.ts'

/** Notes its begins and ends. */
class Fake {
  readonly log: string[] = []
  active = 0
  most = 0
  isSeen = true
  failsTo: 'begin' | 'observe' | 'heal' | undefined

  fault(name: string, kind: Fault['kind']): Fault {
    const fail = (what: 'begin' | 'observe' | 'heal'): void => {
      if (this.failsTo === what) throw new Error('it broke')
    }
    return {
      name,
      kind,
      about: '',
      minNodes: 1,
      begin: async () => {
        fail('begin')
        this.log.push(`+${name}`)
        this.most = Math.max(this.most, ++this.active)
        return {
          detail: 'node 1',
          observe: async () => {
            fail('observe')
            return { isSeen: this.isSeen, what: 'so' }
          },
          heal: async () => {
            this.active--
            this.log.push(`-${name}`)
            fail('heal')
          },
        }
      },
    }
  }
}

function schedule(faults: readonly Fault[], seed = 1): FaultSchedule {
  const world = undefined as unknown as FaultWorld
  const begunMs = performance.now()
  return new FaultSchedule({ faults, world, random: new SeededRandom(seed), faultMs: 30, calmMs: 10, nowMs: () => performance.now() - begunMs })
}

describe('FaultSchedule', () => {
  it('has one fault of a kind at a time, quiet periods between, and everything healed in the end', async () => {
    const fake = new Fake()
    const planned = schedule([fake.fault('cut', 'network'), fake.fault('slow', 'network'), fake.fault('kill', 'process')])
    await planned.run(1_200)
    expect(fake.active).toBe(0)
    expect(fake.most).toBe(2)
    for (const { fromMs } of planned.records) expect(fromMs).toBeGreaterThan(5)
    expect(new Set(planned.records.map(({ name }) => name))).toEqual(new Set(['cut', 'slow', 'kill']))
    for (const { fromMs, toMs, detail, isSeen, observation } of planned.records) {
      expect(toMs - fromMs).toBeGreaterThan(20)
      expect([detail, isSeen, observation]).toEqual(['node 1', true, 'so'])
    }
    const begins = [...new Set(planned.records.map(({ fromMs }) => Math.round(fromMs / 10)))].sort((left, right) => left - right)
    const pauses = begins.slice(1).map((begin, at) => begin - (begins[at] as number))
    // Longer than a period and its calm: a quiet one was between.
    expect(Math.max(...pauses)).toBeGreaterThan(6)
    expect(planned.failures).toEqual([])
  })

  it('says in each of three ways that a fault did not take', async () => {
    for (const [failsTo, sentence] of [
      ['begin', 'cut could not be injected: it broke'],
      ['observe', 'the effect of cut could not be seen: it broke'],
      ['heal', 'cut could not be healed: it broke'],
    ] as const) {
      const fake = new Fake()
      fake.failsTo = failsTo
      const planned = schedule([fake.fault('cut', 'network')])
      await planned.run(45)
      expect(planned.failures).toEqual([sentence])
      expect(fake.active).toBe(0)
    }
    const fake = new Fake()
    fake.isSeen = false
    const planned = schedule([fake.fault('cut', 'network')])
    await planned.run(45)
    expect(planned.failures).toEqual(['cut (node 1) had no effect: so'])
  })

  it('does nothing where there is no fault, for as long as it should', async () => {
    const planned = schedule([])
    const begunMs = performance.now()
    await planned.run(100)
    expect(performance.now() - begunMs).toBeGreaterThan(95)
    expect(planned.records).toEqual([])
  })

  it('heals soon when it is stopped', async () => {
    const fake = new Fake()
    const planned = schedule([fake.fault('cut', 'network')])
    const running = planned.run(60_000)
    await expect.poll(() => planned.current).toEqual(['cut'])
    planned.stop()
    await running
    expect(fake.log.at(-1)).toBe('-cut')
  })
})
