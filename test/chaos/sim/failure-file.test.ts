import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Fault } from '../../../chaos/faults.ts'
import { type FailureFile, readFailure, runCase, writeFailure } from '../../../chaos/sim/failure-file.ts'
import { replay, shrink } from '../../../chaos/sim/replay.ts'
import { drawCase } from '../../../chaos/sim/seed-case.ts'

const LONG_MS = 120_000
const late: Fault = { id: 0, atMs: 900_000, kind: 'kill', target: { type: 'node', nodeId: 1 }, durationMs: 10 }

describe('the file of a failure', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'failure-file-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true })
    vi.restoreAllMocks()
  })

  it(
    'says in one line what broke, holds the story, and breaks again with the same trace when it is replayed',
    async () => {
      const failure = await runCase(drawCase(5, { plan: [late], settings: { faultPhaseMs: 3_000 } }))
      expect(failure?.broke).toMatch(/^run: not observed: fault 0: kill on node 1/)
      expect(failure?.trace.some((line) => line.includes('raft: leader in term'))).toBe(true)
      const read = readFailure(writeFailure(join(folder, 'made'), 'seed-5', failure as FailureFile))
      expect(read).toEqual(failure)
      const said: string[] = []
      vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0)
      expect(await replay(read)).toBe(1)
      expect(said.at(-1)).toBe(`seed 5 broke again, with the same trace ${read.hash}: ${read.broke}\n`)
    },
    LONG_MS,
  )

  it('is made small beside it, in a file that can be replayed; what holds now leaves none', async () => {
    const recorded: FailureFile = { ...drawCase(3, { plan: [late, { ...late, id: 1 }] }), broke: 'I1: it broke', invariant: 'I1', hash: 'abc', trace: [] }
    const path = writeFailure(folder, 'seed-3', recorded)
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const said: string[] = []
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0)
    expect(await shrink(path, recorded, async () => null)).toBe(1)
    expect(said).toEqual(['seed 3 holds now: there is nothing to shrink\n'])
    expect(await shrink(path, recorded, async (one) => (one.plan.some(({ id }) => id === 1) ? { ...recorded, ...one } : null))).toBe(0)
    const smaller = join(folder, 'seed-3-small.json')
    expect(said.at(-1)).toMatch(/^2 faults became 1, \d+ runs: I1: it broke\n {2}npx oxbow sim replay /)
    expect(said.at(-1)).toContain(smaller)
    expect(readFailure(smaller).plan.map(({ id }) => id)).toEqual([1])
  })

  it('of an older simulator goes on without what there was not then', () => {
    const { settings, ...recorded } = { ...drawCase(3), broke: 'I1: it broke', invariant: 'I1', hash: 'abc', trace: [] } as const
    const { passingGapMs, folderMoveGapMs, ...older } = settings
    const path = join(folder, 'seed-3.json')
    writeFileSync(path, JSON.stringify({ ...recorded, settings: older }))
    expect([passingGapMs, folderMoveGapMs]).not.toContain(undefined)
    expect(readFailure(path).settings).toEqual({ ...older, passingGapMs: null, folderMoveGapMs: null })
  })

  it('is refused with a sentence when it is none', () => {
    const path = join(folder, 'other.json')
    writeFileSync(path, '{"seed":1}')
    expect(() => readFailure(path)).toThrow(/is no failure of the simulator/)
    writeFileSync(path, '{')
    expect(() => readFailure(path)).toThrow(/cannot be read as a failure of the simulator/)
    expect(() => readFailure(join(folder, 'none.json'))).toThrow(/cannot be read/)
  })
})
