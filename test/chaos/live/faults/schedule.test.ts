import { describe, expect, it } from 'vitest'
import type { Fault, FaultWorld } from '../../../../chaos/live/faults/fault.ts'
import { type FaultRecord, FaultSchedule, hurtNodes } from '../../../../chaos/live/faults/schedule.ts'
import { StuckError } from '../../../../chaos/live/faults/stuck.ts'
import { SeededRandom } from '../../../../src/base/random.ts'

/** Notes its begins and ends. */
class Fake {
  readonly log: string[] = []
  active = 0
  most = 0
  isSeen = true
  /** What else is seen. */
  more: { readonly unsyncedBytes?: number } = {}
  failsTo: 'begin' | 'observe' | 'heal' | 'settle' | undefined
  error = new Error('it broke')

  fault(name: string, kind: Fault['kind']): Fault {
    const fail = (what: 'begin' | 'observe' | 'heal' | 'settle'): void => {
      if (this.failsTo === what) throw this.error
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
            return { isSeen: this.isSeen, what: 'so', ...this.more }
          },
          heal: async () => {
            this.active--
            this.log.push(`-${name}`)
            fail('heal')
          },
          settle: async () => {
            this.log.push(`.${name}`)
            fail('settle')
          },
        }
      },
    }
  }
}

function schedule(faults: readonly Fault[]): FaultSchedule<FaultWorld> {
  let nowMs = 0
  const sleep = async (delayMs: number): Promise<void> => {
    nowMs += delayMs
    await Promise.resolve()
  }
  return new FaultSchedule({
    faults,
    world: undefined as unknown as FaultWorld,
    random: new SeededRandom(1),
    faultMs: 300,
    calmMs: 100,
    nowMs: () => nowMs,
    sleep,
  })
}

describe('FaultSchedule', () => {
  it('has one fault of a kind at a time, quiet periods between, and everything healed in the end', async () => {
    const fake = new Fake()
    const planned = schedule([fake.fault('cut', 'network'), fake.fault('slow', 'network'), fake.fault('kill', 'process')])
    await planned.run(10_000)
    expect(fake.active).toBe(0)
    expect(fake.most).toBe(2)
    expect(new Set(planned.records.map(({ name }) => name))).toEqual(new Set(['cut', 'slow', 'kill']))
    for (const record of planned.records) expect(record).toMatchObject({ toMs: record.fromMs + 300, detail: 'node 1', isSeen: true, observation: 'so' })
    // All is well at first, and between; twice as long and longer where a period was quiet.
    const begins = [...new Set(planned.records.map(({ fromMs }) => fromMs))].sort((left, right) => left - right)
    expect(begins[0]).toBe(100)
    const pauses = new Set(begins.slice(1).map((begin, at) => begin - (begins[at] as number)))
    expect([...pauses].every((pause) => pause % 400 === 0)).toBe(true)
    expect(pauses.size).toBeGreaterThan(1)
    const quiet = 24 - begins.length
    expect(quiet).toBeGreaterThan(2)
    expect(quiet).toBeLessThan(11)
    expect(planned.failures).toEqual([])
  })

  it('says in each of four ways that a fault did not take', async () => {
    for (const [failsTo, sentence] of [
      ['begin', 'cut could not be injected: it broke'],
      ['observe', 'the effect of cut could not be seen: it broke'],
      ['heal', 'cut could not be healed: it broke'],
      ['settle', 'what cut did did not pass: it broke'],
    ] as const) {
      const fake = new Fake()
      fake.failsTo = failsTo
      const planned = schedule([fake.fault('cut', 'network')])
      await planned.run(400)
      expect([planned.failures, planned.stuck]).toEqual([[sentence], []])
      expect(fake.active).toBe(0)
    }
    const fake = new Fake()
    fake.isSeen = false
    const planned = schedule([fake.fault('cut', 'network')])
    await planned.run(400)
    expect(planned.failures).toEqual(['cut (node 1) had no effect: so'])
  })

  it('notes how much went with the power, of what had any', async () => {
    const fake = new Fake()
    const planned = schedule([fake.fault('dark', 'process')])
    fake.more = { unsyncedBytes: 7 }
    await planned.run(400)
    expect(planned.records).toEqual([expect.objectContaining({ observation: 'so', unsyncedBytes: 7 })])
  })

  it('has no node as hurt that has lost all since', () => {
    const record = { name: '', detail: '', fromMs: 0, toMs: 1, isSeen: true, observation: '' }
    const hurt = (...nodes: readonly number[]): FaultRecord => ({ ...record, hurt: nodes, renewed: [] })
    const renewed = (...nodes: readonly number[]): FaultRecord => ({ ...record, hurt: [], renewed: nodes })
    expect(hurtNodes([hurt(1), hurt(2), renewed(1), hurt(3), renewed(3), hurt(3)])).toEqual(new Set([2, 3]))
  })

  it('tells apart what the cluster did not recover from', async () => {
    const fake = new Fake()
    fake.failsTo = 'settle'
    fake.error = new StuckError('every node votes: not within 60000 ms')
    const planned = schedule([fake.fault('wipe', 'process')])
    await planned.run(400)
    expect([planned.failures, planned.stuck]).toEqual([[], ['what wipe did did not pass: every node votes: not within 60000 ms']])
  })

  it('gives each fault of a kind its turn', async () => {
    const fake = new Fake()
    const names = ['a', 'b', 'c', 'd', 'e']
    const planned = schedule(names.map((name) => fake.fault(name, 'process')))
    await planned.run(4_000)
    const turns = names.map((name) => planned.records.filter((record) => record.name === name).length)
    expect(planned.records.length).toBeGreaterThan(5)
    expect(Math.max(...turns) - Math.min(...turns)).toBeLessThanOrEqual(1)
  })

  it('waits for what is to come back only when all faults of a period are healed', async () => {
    const fake = new Fake()
    await schedule([fake.fault('votes', 'admin'), fake.fault('kill', 'process')]).run(10_000)
    expect(fake.log.join(' ')).toContain('+kill +votes -votes -kill .votes .kill')
    expect(fake.log.join(' ')).not.toMatch(/\.\w+ -/)
  })

  it('does nothing where there is no fault', async () => {
    const planned = schedule([])
    await planned.run(5_000)
    expect([planned.records, planned.current]).toEqual([[], []])
  })

  it('heals soon when it is stopped', async () => {
    const fake = new Fake()
    const planned = schedule([fake.fault('cut', 'network')])
    const running = planned.run(1e9)
    while (!planned.current.includes('cut')) await Promise.resolve()
    planned.stop()
    await running
    expect(fake.log.slice(-2)).toEqual(['-cut', '.cut'])
  })
})
