import { describe, expect, it } from 'vitest'
import type { Fault } from '../../../chaos/faults.ts'
import type { FailureFile } from '../../../chaos/sim/failure-file.ts'
import { drawCase, type SeedCase } from '../../../chaos/sim/seed-case.ts'
import { fewestEntries, type RunCase, shortestFaults, shortestTime, smallestFailure } from '../../../chaos/sim/shrink.ts'

const fault = (id: number): Fault => ({ id, atMs: id, kind: 'kill', target: { type: 'all' }, durationMs: 800 })

describe('making a failure small', () => {
  it('keeps the entries that are needed together, and no other', async () => {
    let tries = 0
    const needed = [2, 11, 12]
    const left = await fewestEntries(
      Array.from({ length: 20 }, (_, at) => at),
      async (entries) => {
        tries += 1
        return needed.every((entry) => entries.includes(entry))
      },
    )
    expect(left).toEqual(needed)
    expect(tries).toBeLessThan(40)
  })

  it('leaves nothing of a plan that plays no part', async () => {
    expect(await fewestEntries([1, 2, 3], async () => true)).toEqual([])
  })

  it('tries again what could not be left out before others were gone', async () => {
    // 0 is needed only as long as 3 is there.
    const left = await fewestEntries([0, 1, 2, 3], async (entries) => entries.includes(1) && (!entries.includes(3) || entries.includes(0)))
    expect(left).toEqual([1])
  })

  it('shortens each fault as long as it still fails', async () => {
    const left = await shortestFaults([fault(0), fault(1)], async ([first, second]) => (first?.durationMs ?? 0) >= 400 && (second?.durationMs ?? 0) >= 1)
    expect(left.map(({ id, durationMs }) => [id, durationMs])).toEqual([
      [0, 400],
      [1, 100],
    ])
  })

  it('finds the shortest time within a second', async () => {
    const time = await shortestTime(60_000, 1_000, async (ms) => ms >= 7_300)
    expect(time).toBeGreaterThanOrEqual(7_300)
    expect(time).toBeLessThanOrEqual(8_300)
  })
})

/** A seed in which everything goes on that may be left out. */
function busyCase(): SeedCase {
  const limits = { followerFetchBytes: 300, snapshotChunkBytes: 50, roundBytes: 300 }
  const operators = { voterGapMs: 900, voterOperators: 2, alterGapMs: 900, maintenanceGapMs: 900, deleteGapMs: 900, passingGapMs: 900, folderMoveGapMs: 900 }
  const conditions = { baseDelayUs: 100, jitterUs: 100, reorder: true }
  const strange = { limits, clockRates: [1.05], lateSyncOneIn: 20, throughWire: true, conditions }
  return drawCase(5, { plan: [0, 1, 2, 3].map(fault), settings: { ...operators, ...strange, producers: 3, consumers: 2 } })
}

const broken = (one: SeedCase, invariant: FailureFile['invariant'] = 'I1'): FailureFile => ({
  ...one,
  invariant,
  broke: `${invariant}: it broke`,
  hash: '',
  trace: [],
})

describe('the smallest failure', () => {
  it('has the faults, the operators, the strangeness, the topics and the time that it takes, and nothing else', async () => {
    const recorded = broken(busyCase())
    const [first, second] = recorded.settings.topics
    const run: RunCase = async (one) => {
      const { alterGapMs, clockRates, topics, producers, faultPhaseMs } = one.settings
      const isBroken = one.plan.some(({ id }) => id === 2) && alterGapMs !== null && clockRates.length > 0 && producers > 1 && faultPhaseMs > 20_000
      return isBroken && topics.some(({ name }) => name === second?.name) ? broken(one) : null
    }
    const tried: FailureFile[] = []
    const smallest = await smallestFailure(recorded, run, (failure) => tried.push(failure))
    expect(smallest).toBe(tried.at(-1))
    const { settings, plan } = smallest as FailureFile
    expect(plan).toEqual([{ ...fault(2), durationMs: 100 }])
    expect(first?.name).not.toBe(second?.name)
    expect(settings).toEqual({
      ...recorded.settings,
      limits: undefined,
      topics: [second],
      faultPhaseMs: settings.faultPhaseMs,
      voterGapMs: null,
      voterOperators: 1,
      maintenanceGapMs: null,
      deleteGapMs: null,
      passingGapMs: null,
      folderMoveGapMs: null,
      lateSyncOneIn: null,
      throughWire: false,
      conditions: { baseDelayUs: 100, jitterUs: 100, reorder: false },
      consumers: 1,
    })
    expect(settings.faultPhaseMs).toBeGreaterThan(20_000)
    expect(settings.faultPhaseMs).toBeLessThanOrEqual(21_000)
  })

  it('breaks what was broken: another invariant is another failure, and a cluster without a topic is none', async () => {
    const recorded = broken(busyCase())
    const seen: number[] = []
    const other = await smallestFailure(
      recorded,
      async (one) => {
        seen.push(one.settings.topics.length)
        return broken(one, one.plan.length === recorded.plan.length ? 'I1' : 'convergence')
      },
      () => undefined,
    )
    expect(other?.plan.map(({ id }) => id)).toEqual([0, 1, 2, 3])
    expect(Math.min(...seen)).toBe(1)
  })

  it('is none when it holds now', async () => {
    expect(
      await smallestFailure(
        broken(busyCase()),
        async () => null,
        () => expect.unreachable(),
      ),
    ).toBeNull()
  })
})
