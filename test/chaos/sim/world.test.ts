import { describe, expect, it } from 'vitest'
import type { Atlas } from '../../../chaos/atlas.ts'
import type { Fault } from '../../../chaos/faults.ts'
import { World } from '../../../chaos/sim/world.ts'

const SLOW_MS = 120_000

const plan: readonly Fault[] = [
  { id: 0, atMs: 4_000, kind: 'powerLoss', target: { type: 'leader' }, durationMs: 800 },
  { id: 1, atMs: 6_500, kind: 'cutOneWay', target: { type: 'link', from: 1, to: 2 }, durationMs: 700 },
  { id: 2, atMs: 8_000, kind: 'pause', target: { type: 'controller' }, durationMs: 500 },
  { id: 3, atMs: 9_500, kind: 'killAll', target: { type: 'all' }, durationMs: 200 },
]

const three = { voters: 3, observers: 0, controllers: 3, voterGapMs: null, splitRoles: false }

describe('a simulated world', () => {
  it.each([1, 2])(
    'seed %i: holds its invariants, and says the same hash when it is run again',
    async (seed) => {
      const story: string[] = []
      const settings = { ...three, faultPhaseMs: 14_000, sendGapMs: 20 }
      const first = await new World({ seed, tell: null, plan, settings }).run()
      const second = await new World({ seed, tell: (line) => story.push(line), plan, settings }).run()
      expect(first.violation).toBeNull()
      expect(second.violation).toBeNull()
      expect(second.hash).toBe(first.hash)
      expect(first.acknowledged).toBeGreaterThanOrEqual(500)
      expect(Object.fromEntries(first.faults)).toEqual({ powerLoss: 1, cutOneWay: 1, pause: 1, killAll: 1 })
      expect(story.some((line) => line.includes('FAULT powerLoss on the leader'))).toBe(true)
      expect(story.some((line) => line.includes('raft: leader in term'))).toBe(true)
    },
    SLOW_MS,
  )

  it(
    'disks lose, change and refuse what they may, each observed, and the same again',
    async () => {
      const victim = { type: 'victim' } as const
      const node = (nodeId: number) => ({ type: 'node', nodeId }) as const
      const plan: readonly Fault[] = [
        { id: 0, atMs: 4_000, kind: 'syncedLost', target: victim, durationMs: 500 },
        { id: 1, atMs: 8_000, kind: 'damage', target: victim, durationMs: 500 },
        { id: 2, atMs: 12_000, kind: 'ioErrors', target: node(1), durationMs: 500 },
        { id: 3, atMs: 16_000, kind: 'diskFull', target: node(3), durationMs: 3_000 },
        { id: 4, atMs: 20_000, kind: 'wipe', target: victim, durationMs: 500 },
        { id: 5, atMs: 24_000, kind: 'diskStall', target: node(1), durationMs: 1_000 },
        { id: 6, atMs: 26_000, kind: 'diskSlow', target: node(3), durationMs: 1_000 },
        { id: 7, atMs: 28_000, kind: 'syncedLostAll', target: { type: 'all' }, durationMs: 500 },
      ]
      const atlas: Atlas = { partitions: { type: 'same', nodeIds: [2] }, metadataOf: [2] }
      const settings = { ...three, folders: 1, faultPhaseMs: 32_000, sendGapMs: 20, atlas }
      const story: string[] = []
      const first = await new World({ seed: 4, tell: (line) => story.push(line), plan, settings }).run()
      expect(first.violation).toBeNull()
      expect(Object.fromEntries(first.faults)).toEqual({
        syncedLost: 1,
        damage: 1,
        ioErrors: 1,
        diskFull: 1,
        wipe: 1,
        diskStall: 1,
        diskSlow: 1,
        syncedLostAll: 1,
      })
      expect(first.situations.get('voter back with an empty folder')).toBeGreaterThan(0)
      // Node 2 alone may be harmed, whatever is done to the others.
      const harmed = story.filter((line) => /world +node \d: .*(is another one|is gone|ends at byte)/.test(line))
      expect(harmed.length).toBeGreaterThan(2)
      for (const line of harmed) expect(line).toContain('node 2: ')
      const second = await new World({ seed: 4, tell: null, plan, settings }).run()
      expect(second.hash).toBe(first.hash)
    },
    SLOW_MS,
  )

  it(
    'a topic comes and goes under one name, replicas change their folder, under faults, and all is well in the end',
    async () => {
      const settings = { ...three, faultPhaseMs: 14_000, sendGapMs: 20, passingGapMs: 300, folders: 2, folderMoveGapMs: 100 }
      const { violation, situations } = await new World({ seed: 5, tell: null, plan, settings }).run()
      expect(violation).toBeNull()
      expect(situations.get('topic deleted')).toBeGreaterThan(10)
      expect(situations.get('replica moved to another data folder')).toBeGreaterThan(10)
    },
    SLOW_MS,
  )

  it(
    'another seed is another world',
    async () => {
      const settings = { faultPhaseMs: 5_000 }
      const left = (await new World({ seed: 7, tell: null, plan: [], settings }).run()).hash
      const right = (await new World({ seed: 8, tell: null, plan: [], settings }).run()).hash
      expect(left).not.toBe(right)
    },
    SLOW_MS,
  )

  it(
    'fails a run in which a planned fault was not observed, or too little happened',
    async () => {
      const late: Fault = { id: 0, atMs: 900_000, kind: 'kill', target: { type: 'node', nodeId: 1 }, durationMs: 10 }
      const unobserved = await new World({ seed: 1, tell: null, plan: [late], settings: { faultPhaseMs: 3_000, experimentRate: null } }).run()
      expect(unobserved.violation?.message).toMatch(/^run: not observed: fault 0: kill on node 1/)
      const idle = await new World({ seed: 1, tell: null, plan: [], settings: { faultPhaseMs: 3_000, sendGapMs: 60_000, experimentRate: null } }).run()
      expect(idle.violation?.message).toMatch(/^run: only \d+ records were acknowledged/)
    },
    SLOW_MS,
  )

  it(
    'goes on until enough was acknowledged',
    async () => {
      const few = await new World({
        seed: 1,
        tell: null,
        plan: [],
        settings: { faultPhaseMs: 3_000, sendGapMs: 200, burstOneIn: 1, experimentRate: null },
      }).run()
      expect(few.violation).toBe(null)
      expect(few.acknowledged).toBeGreaterThanOrEqual(500)
      expect(few.operations).toBeGreaterThanOrEqual(1_000)
      expect(few.simulatedMs).toBeGreaterThan(4_000)
    },
    SLOW_MS,
  )

  it('puts the clocks of the real world back', () => {
    expect(Date.now()).toBeGreaterThan(0)
    expect(Math.random()).toBeLessThan(1)
  })
})
