import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { emptyMutant, type Mutant, mutants } from '../../../chaos/sim/mutant-list.ts'
import { describeTable } from '../../../chaos/sim/mutant-table.ts'
import { isKilledAsNamed, makeMutantBuild } from '../../../chaos/sim/mutants.ts'
import type { SeedLine } from '../../../chaos/sim/seed-line.ts'

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

  it('are at least twelve, with names of their own, each with its killer named, four of sentences marked †', () => {
    expect(mutants.length).toBeGreaterThanOrEqual(12)
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length)
    expect(mutants.every(({ killedBy }) => killedBy.length > 0)).toBe(true)
    expect(mutants.filter(({ rule }) => rule.includes('†')).length).toBeGreaterThanOrEqual(4)
    expect(emptyMutant.find).toBe(emptyMutant.replace)
  })

  it('count as killed only by what was named, and the table says by what', () => {
    const line = (invariant: 'I1' | 'I2'): SeedLine => {
      return {
        seed: 4,
        hash: '',
        violation: { invariant, sentence: '' },
        simulatedMs: 1,
        realMs: 1,
        steps: 1,
        operations: 1,
        acknowledged: 1,
        faults: [],
        situations: [],
      }
    }
    expect(isKilledAsNamed({ mutant, kill: line('I1'), seedsNeeded: 4 })).toBe(true)
    expect(isKilledAsNamed({ mutant, kill: line('I2'), seedsNeeded: 4 })).toBe(false)
    expect(isKilledAsNamed({ mutant, kill: null, seedsNeeded: 300 })).toBe(false)
    expect(describeTable([{ mutant, kill: line('I1'), seedsNeeded: 4 }])).toContain('| m | R1.1 | I1 | I1 | 4 |')
  })
})
