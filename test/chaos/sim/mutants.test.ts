import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Mutant } from '../../../chaos/sim/mutant.ts'
import { emptyMutant, mutants } from '../../../chaos/sim/mutant-list.ts'
import { logMutants } from '../../../chaos/sim/log-mutants.ts'
import { makeMutantBuild } from '../../../chaos/sim/mutant-build.ts'
import { digestOf, fileOf, type MutantResult, patchOf, readResult, RESULTS, writeResult } from '../../../chaos/sim/mutant-result.ts'
import { describeTable, tableIn } from '../../../chaos/sim/mutant-table.ts'
import { drawCase } from '../../../chaos/sim/seed-case.ts'
import { raftMutants } from '../../../chaos/sim/raft-mutants.ts'
import { replicationMutants } from '../../../chaos/sim/replication-mutants.ts'
import { isKilledAsNamed, seedsOf } from '../../../chaos/sim/mutants.ts'

const mutant: Mutant = { name: 'm', file: 'src/a.js', find: 'x > 1', replace: 'x > $&', rule: 'R1.1', killedBy: ['I1'] }

describe('mutants', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'oxbow-test-'))
    mkdirSync(join(folder, 'dist/src'), { recursive: true })
    mkdirSync(join(folder, 'node_modules'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('change a copy of the build and leave the build alone', () => {
    writeFileSync(join(folder, 'dist/src/a.js'), 'if (x > 1) return')
    const copy = makeMutantBuild(mutant, join(folder, 'dist'))
    expect(readFileSync(join(copy, 'dist/src/a.js'), 'utf8')).toBe('if (x > $&) return')
    expect(readFileSync(join(folder, 'dist/src/a.js'), 'utf8')).toBe('if (x > 1) return')
    expect(existsSync(join(copy, 'node_modules'))).toBe(true)
    rmSync(copy, { recursive: true })
  })

  it.each([
    ['twice', 'x > 1 || x > 1'],
    ['nowhere', 'x > 2'],
  ])('a text that is there %s fails', (_where, text) => {
    writeFileSync(join(folder, 'dist/src/a.js'), text)
    expect(() => makeMutantBuild(mutant, join(folder, 'dist'))).toThrow(/times in src\/a.js, once is expected/)
  })

  it('are at least forty, with names of their own, each of one rule, with its killer named', () => {
    expect(raftMutants.length).toBeGreaterThanOrEqual(15)
    expect(replicationMutants.length).toBeGreaterThanOrEqual(15)
    expect(logMutants.length).toBeGreaterThanOrEqual(10)
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length)
    expect(mutants.filter(({ rule }) => !/^(R\d\.\d+( †)?|I\d+): /.test(rule))).toEqual([])
    expect(mutants.every(({ killedBy }) => killedBy.length > 0)).toBe(true)
    expect(emptyMutant.find).toBe(emptyMutant.replace)
  })

  it.each([
    ['R3.2', 1],
    ['R3.3', 1],
    // Both what is suspect and what is damaged outlives restarts.
    ['R3.4', 2],
    ['R5.2', 1],
    ['R5.7', 2],
    ['R5.8', 1],
    ['R6.2', 1],
    ['R6.4', 2],
    ['R6.5', 2],
  ])('break every sentence of %s that is marked †', (rule, sentences) => {
    expect(mutants.filter((one) => one.rule.startsWith(`${rule} †`)).length).toBeGreaterThanOrEqual(sentences)
  })

  it('may break a rule in two places, one file changed twice', () => {
    writeFileSync(join(folder, 'dist/src/a.js'), 'if (x > 1) return y')
    const copy = makeMutantBuild({ ...mutant, also: [{ file: 'src/a.js', find: 'return y', replace: 'return z' }] }, join(folder, 'dist'))
    expect(readFileSync(join(copy, 'dist/src/a.js'), 'utf8')).toBe('if (x > $&) return z')
    rmSync(copy, { recursive: true })
  })

  it('try the seeds first that may meet their situation, and then all others', () => {
    const seeds = seedsOf({ ...mutant, likely: ({ settings }) => settings.voterGapMs !== null }, 2_000)
    expect(seeds.toSorted((left, right) => left - right)).toEqual(seedsOf(mutant, 2_000))
    expect(drawCase(seeds[0] as number).settings.voterGapMs).not.toBe(null)
    expect(drawCase(seeds.at(-1) as number).settings.voterGapMs).toBe(null)
    expect(seedsOf(mutant, 3)).toEqual([1, 2, 3])
  })

  it('have what is known of them in a file each, which counts as long as their patch is the same', () => {
    writeResult(folder, result({ kill: null, seeds: 7 }))
    expect(readResult(folder, mutant)).toEqual(result({ kill: null, seeds: 7 }))
    expect(readResult(folder, { ...mutant, replace: 'x > 2' })).toBe(undefined)
    expect(readResult(folder, { ...mutant, name: 'n' })).toBe(undefined)
    expect(fileOf({ name: 'acks=all, and more' })).toBe('acks-all-and-more.json')
    expect(new Set(mutants.map(fileOf)).size).toBe(mutants.length)
  })

  it('are tried anew on another build: one of other code, not of other pages', () => {
    const code = (text: string): string => {
      for (const part of ['src', 'chaos/check', 'chaos/operations', 'chaos/sim', 'chaos/workload', 'chaos/live'])
        mkdirSync(join(folder, 'dist', part), { recursive: true })
      writeFileSync(join(folder, 'dist/chaos/check/one.js'), text)
      return digestOf(join(folder, 'dist'))
    }
    const digest = code('x')
    writeFileSync(join(folder, 'dist/chaos/sim/built-from'), 'another commit')
    writeFileSync(join(folder, 'dist/chaos/live/one.js'), 'live')
    expect(code('x')).toBe(digest)
    expect(code('y')).not.toBe(digest)
  })

  it('have their table in docs/correctness.md, made from what is known of them', () => {
    const page = readFileSync(new URL('../../../docs/correctness.md', import.meta.url), 'utf8')
    const results = fileURLToPath(new URL(`../../../${RESULTS}`, import.meta.url))
    expect(tableIn(page)).toBe(describeTable(mutants.map((one) => [one, readResult(results, one)])))
  })

  it('count as killed only by what was named, and the table says by what', () => {
    const kill = { seed: 4, invariant: 'I1', sentence: '' } as const
    expect(isKilledAsNamed(mutant, result({ kill }))).toBe(true)
    expect(isKilledAsNamed(mutant, result({ kill: { ...kill, invariant: 'I2' } }))).toBe(false)
    expect(isKilledAsNamed(mutant, result({ kill: null }))).toBe(false)
    expect(isKilledAsNamed(mutant, undefined)).toBe(false)
    expect(describeTable([[mutant, result({ kill, seeds: 4 })]])).toContain('| m | R1.1 | I1 | I1 | 4 |')
    expect(describeTable([[{ ...mutant, scenario: 's' }, result({ kill, seeds: 1 })]])).toContain('| I1 | 1 of the scenario `s` |')
    expect(describeTable([[mutant, result({ kill: null, seeds: 9 })]])).toContain('| I1 | **survived** | 9 |')
    expect(describeTable([[mutant, undefined]])).toContain('| m | R1.1 | I1 | not run | |')
  })
})

function result(what: Partial<MutantResult>): MutantResult {
  return { name: mutant.name, patch: patchOf(mutant), build: 'b', seeds: 1, kill: null, ...what }
}
