import { describe, expect, it } from 'vitest'
import { mayWipe } from '../../../chaos/atlas.ts'
import { drawCase, type SeedCase } from '../../../chaos/sim/seed-case.ts'
import { brokerIds } from '../../../chaos/sim/settings.ts'

const cases: readonly SeedCase[] = Array.from({ length: 400 }, (_, at) => drawCase(at + 1))
const kindsOf = ({ plan }: SeedCase): readonly string[] => plan.map(({ kind }) => kind)
const nodesOf = ({ settings }: SeedCase): readonly number[] => Array.from({ length: settings.voters + settings.observers }, (_, at) => at + 1)

describe('what a seed is', () => {
  it('is the same each time, and data: a file of it is the seed', () => {
    for (const one of cases.slice(0, 20)) {
      expect(drawCase(one.seed)).toEqual(one)
      expect(drawCase(one.seed, JSON.parse(JSON.stringify(one)) as SeedCase)).toEqual(one)
    }
  })

  it('names its faults in turn', () => {
    for (const { plan } of cases) expect(plan.map(({ id }) => id)).toEqual(plan.map((_, at) => at))
  })

  it('harms what was synced only within an atlas, and loses whole folders only of nodes that may lose everything', () => {
    let harming = 0
    for (const one of cases) {
      const { atlas } = one.settings
      const kinds = kindsOf(one)
      const isHarmless = atlas.partitions.type === 'none' && atlas.metadataOf.length === 0
      const harms = kinds.filter((kind) => kind === 'syncedLost' || kind === 'syncedLostAll' || kind === 'damage')
      if (isHarmless) expect(harms).toEqual([])
      if (kinds.includes('wipe')) expect(nodesOf(one).some((nodeId) => mayWipe(atlas, nodeId))).toBe(true)
      harming += harms.length > 0 ? 1 : 0
      for (const { kind, target } of one.plan) {
        if (kind !== 'folderFails' || target.type !== 'node') continue
        expect(atlas.partitions.type).not.toBe('each')
        if (atlas.partitions.type === 'same') expect(atlas.partitions.nodeIds).toContain(target.nodeId)
      }
    }
    expect(harming).toBeGreaterThan(100)
  })

  it('loses all that hold a partition only where a topic rather loses records, and somebody is left to elect', () => {
    let losing = 0
    for (const one of cases) {
      const isDue = nodesOf(one).length > 3 && one.settings.topics.some(({ mayElectUnclean }) => mayElectUnclean === true)
      expect(kindsOf(one).includes('holdersLost')).toBe(isDue)
      losing += isDue ? 1 : 0
    }
    expect(losing).toBeGreaterThan(20)
  })

  it('has longer segments in longer runs, but where old ones go', () => {
    const segmentsOf = ({ settings }: SeedCase): number => settings.config.segmentBytes
    for (const one of cases) {
      const long = drawCase(one.seed, { settings: { faultPhaseMs: 600_000 } })
      const { retentionBytes, retentionMs } = one.settings.config
      const letsGo = retentionBytes >= 0 || retentionMs < 604_800_000
      expect(segmentsOf(long)).toBe(segmentsOf(one) * (letsGo ? 1 : 10))
      expect(drawCase(one.seed, long)).toEqual(long)
    }
  })

  it('has clocks that drift, small limits, late syncs, brokers in maintenance, topics that pass and replicas that change their folder in some seeds, not in all', () => {
    const some = (has: (one: SeedCase['settings']) => boolean): void => {
      const count = cases.filter(({ settings }) => has(settings)).length
      expect(count > 40 && count < 360).toBe(true)
    }
    some(({ clockRates }) => clockRates.length > 0)
    some(({ limits }) => limits !== undefined)
    some(({ lateSyncOneIn }) => lateSyncOneIn !== null)
    some(({ maintenanceGapMs }) => maintenanceGapMs !== null)
    some(({ passingGapMs }) => passingGapMs !== null)
    some(({ folderMoveGapMs }) => folderMoveGapMs !== null)
    expect(cases.filter(({ settings }) => settings.folders === 1 && settings.folderMoveGapMs !== null)).toEqual([])
    some(({ config }) => config.tailCacheBytes < 1_048_576)
    for (const { settings } of cases) for (const rate of settings.clockRates) expect(Math.abs(rate - 1)).toBeLessThan(0.0501)
    expect(cases.some(({ settings }) => brokerIds(settings).length > 5)).toBe(true)
  })
})
