import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parseSimArguments } from '../../../chaos/sim/arguments.ts'
import { runSim, totalsOf } from '../../../chaos/sim/main.ts'
import { readRunLines, RunFile, RunFileError } from '../../../chaos/sim/run-file.ts'
import { situationNames } from '../../../chaos/sim/situations.ts'
import { makeSeedLine } from './seed-lines.ts'

const PHASE_MS = 60_000
const violation = { invariant: 'I4', sentence: 'I4: t0-1: offset 7 is lost' } as const

describe('a run that goes on', () => {
  let folder = ''
  let path = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'oxbow-run-file-'))
    path = join(folder, 'runs.jsonl')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const doneSeeds = (file: RunFile): readonly number[] => [1, 2, 3, 4].filter((seed) => file.isDone(seed, PHASE_MS))

  it('knows what is done, and what is not with another fault phase', () => {
    const file = new RunFile(path, 'aaa')
    file.add(makeSeedLine({ seed: 1 }))
    file.add(makeSeedLine({ seed: 3 }))
    file.add(makeSeedLine({ seed: 2, faultPhaseMs: 3_600_000 }))
    expect(doneSeeds(file)).toEqual([1, 3])
    const later = new RunFile(path, 'bbb')
    expect(doneSeeds(later)).toEqual([1, 3])
    expect(later.isDone(2, 3_600_000)).toBe(true)
    expect(readRunLines(path).map(({ seed, commit }) => [seed, commit])).toEqual([
      [1, 'aaa'],
      [3, 'aaa'],
      [2, 'aaa'],
    ])
  })

  it('tries with another commit what failed, and then the last line counts', () => {
    new RunFile(path, 'aaa').add(makeSeedLine({ seed: 1, violation }))
    expect(doneSeeds(new RunFile(path, 'aaa'))).toEqual([1])
    expect(totalsOf(path).failures).toHaveLength(1)
    const fixed = new RunFile(path, 'bbb')
    expect(doneSeeds(fixed)).toEqual([])
    fixed.add(makeSeedLine({ seed: 1 }))
    expect(doneSeeds(new RunFile(path, 'bbb'))).toEqual([1])
    expect(totalsOf(path).failures).toEqual([])
  })

  it('cuts off a line that a crash left unfinished', () => {
    new RunFile(path, 'aaa').add(makeSeedLine({ seed: 1 }))
    const whole = readFileSync(path, 'utf8')
    for (const unfinished of ['{"se', '{"seed":2,"faultPhaseMs":600']) {
      appendFileSync(path, unfinished)
      expect(readRunLines(path)).toHaveLength(1)
      expect(doneSeeds(new RunFile(path, 'aaa'))).toEqual([1])
      expect(readFileSync(path, 'utf8')).toBe(whole)
    }
  })

  it.each(['{"name":"oxbow"}\n', 'no JSON\n', 'no line at all', 'null\n', '{"seed":1}\n'])('leaves another file alone: %j', (text) => {
    writeFileSync(path, text)
    expect(() => new RunFile(path, 'aaa')).toThrow(RunFileError)
    expect(() => readRunLines(path)).toThrow(RunFileError)
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  it('begins with no file, and a report of none is an error', () => {
    expect(() => totalsOf(path)).toThrow(/there is no file/)
    expect(doneSeeds(new RunFile(path, 'aaa'))).toEqual([])
  })

  /** Goes on with seeds 1 to 3, all of which are done. */
  async function goOn(...args: readonly string[]): Promise<{ readonly code: number; readonly told: string }> {
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    const code = await runSim(parseSimArguments(['--seeds', '1..3', '--resume', path, ...args], 2))
    const told = written.mock.calls.join('')
    written.mockRestore()
    return { code, told }
  }

  it('runs nothing that is done, and says what all of it came to', async () => {
    const file = new RunFile(path, 'aaa')
    for (const seed of [1, 2, 3]) file.add(makeSeedLine({ seed, nodes: seed }))
    const { code, told } = await goOn()
    expect(code).toBe(0)
    expect(told).toMatch(/^seeds +3$/m)
    expect(told).toBe(totalsOf(path).describe())
  })

  it('of ten minutes or more fails, naming them, when some situations were never met', async () => {
    const [first, ...others] = situationNames
    const file = new RunFile(path, 'aaa')
    for (const seed of [1, 2, 3]) file.add(makeSeedLine({ seed, situations: others.map((name) => [name, 1] as const) }))
    expect((await goOn('--time', '599')).code).toBe(0)
    const { code, told } = await goOn('--time', '10m')
    expect(code).toBe(1)
    expect(told).toMatch(new RegExp(`^never met: ${first}$`, 'm'))
    writeFileSync(path, '')
    for (const seed of [1, 2, 3]) new RunFile(path, 'aaa').add(makeSeedLine({ seed, situations: situationNames.map((name) => [name, 1] as const) }))
    expect((await goOn('--time', '10m')).code).toBe(0)
  })
})

describe('what a run came to', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'oxbow-totals-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('is said by size of the cluster, by fault phase, by commit', () => {
    const path = join(folder, 'runs.jsonl')
    const first = new RunFile(path, 'aaa')
    first.add(makeSeedLine({ seed: 1, nodes: 5, cpuMs: 2_000 }))
    first.add(makeSeedLine({ seed: 2, nodes: 3, cpuMs: 500 }))
    new RunFile(path, 'bbb').add(makeSeedLine({ seed: 1, nodes: 5, faultPhaseMs: 3_600_000, simulatedMs: 3_600_000, cpuMs: 40_000, violation }))
    const totals = totalsOf(path)
    expect(totals.describe()).toContain('3 nodes    1 seeds, 0.02 hours, 50000 steps, 100000 a processor second, in which 122.0 seconds are simulated')
    expect(totals.describe()).toContain('commits      aaa (2 seeds), bbb (1 seeds)')
    expect(totals.describe()).toContain('npm run sim -- --seed 1 --fault-phase 3600 --trace')
    expect(totals.failed).toBe(true)
    expect(totals.toJson()).toMatchObject({
      seeds: 3,
      cpuMs: 42_500,
      faults: { kill: 6 },
      byNodes: [
        { nodes: 3, seeds: 1 },
        { nodes: 5, seeds: 2, simulatedMs: 3_661_000 },
      ],
      byFaultPhase: [
        { faultPhaseMs: 60_000, seeds: 2 },
        { faultPhaseMs: 3_600_000, seeds: 1 },
      ],
      commits: { aaa: 2, bbb: 1 },
      failures: [{ seed: 1, sentence: violation.sentence }],
    })
  })
})
