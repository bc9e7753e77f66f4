import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Mutant } from '../../../chaos/sim/mutant.ts'
import { emptyMutant, mutants } from '../../../chaos/sim/mutant-list.ts'
import { logMutants } from '../../../chaos/sim/log-mutants.ts'
import { describeTable } from '../../../chaos/sim/mutant-table.ts'
import { raftMutants } from '../../../chaos/sim/raft-mutants.ts'
import { replicationMutants } from '../../../chaos/sim/replication-mutants.ts'
import { isKilledAsNamed, makeMutantBuild } from '../../../chaos/sim/mutants.ts'
import type { SeedLine } from '../../../chaos/sim/seed-line.ts'
import { makeSeedLine } from './seed-lines.ts'

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
    expect(mutants.filter(({ rule }) => !/^R\d\.\d+( †)?: /.test(rule))).toEqual([])
    expect(mutants.every(({ killedBy }) => killedBy.length > 0)).toBe(true)
    expect(emptyMutant.find).toBe(emptyMutant.replace)
  })

  it.each([
    ['R3.2', 1],
    ['R3.3', 1],
    ['R3.4', 1],
    ['R5.2', 1],
    ['R5.7', 2],
    ['R5.8', 1],
    ['R6.2', 1],
    ['R6.4', 2],
    ['R6.5', 2],
  ])('break every sentence of %s that is marked †', (rule, sentences) => {
    expect(mutants.filter((one) => one.rule.startsWith(`${rule} †`)).length).toBeGreaterThanOrEqual(sentences)
  })

  it('are all in the table of docs/correctness.md, tried or not, and nothing else is', () => {
    const page = readFileSync(new URL('../../../docs/correctness.md', import.meta.url), 'utf8')
    const table = page.slice(page.indexOf('<!-- mutants:'), page.indexOf('<!-- end of mutants -->'))
    const rows = table
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .slice(2)
    expect(rows.map((row) => row.split(' | ', 3).join(' | '))).toEqual(
      mutants.map(({ name, rule, killedBy }) => `| ${name} | ${rule.replaceAll('|', '\\|')} | ${killedBy.join(', ')}`),
    )
  })

  it('count as killed only by what was named, and the table says by what', () => {
    const line = (invariant: 'I1' | 'I2'): SeedLine => makeSeedLine({ seed: 4, violation: { invariant, sentence: '' } })
    expect(isKilledAsNamed({ mutant, kill: line('I1'), seedsNeeded: 4 })).toBe(true)
    expect(isKilledAsNamed({ mutant, kill: line('I2'), seedsNeeded: 4 })).toBe(false)
    expect(isKilledAsNamed({ mutant, kill: null, seedsNeeded: 300 })).toBe(false)
    expect(describeTable([{ mutant, kill: line('I1'), seedsNeeded: 4 }])).toContain('| m | R1.1 | I1 | I1 | 4 |')
  })
})
