import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chooseFaults } from '../../../chaos/live/faults/catalogue.ts'
import { cellsOf, DEFAULT_SECONDS } from '../../../chaos/matrix/cells.ts'
import { brokenOff, type CellResult, Results, resultsMarkdown } from '../../../chaos/matrix/results.ts'

let path = ''
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'oxbow-matrix-')), 'results.jsonl')
})
afterEach(() => rmSync(join(path, '..'), { recursive: true, force: true }))

const result: CellResult = {
  cell: 'kill',
  seed: 1,
  nodes: 5,
  verdict: 'valid',
  reasons: [],
  seconds: 120,
  operations: { ok: 100, fail: 2, info: 1 },
  acknowledged: 50,
  availability: 0.987,
  worstGapMs: 1_234,
  faults: [],
}

const asked = { nodes: 5, seconds: 120 }

describe('the cells of the matrix', () => {
  it('last two hours under load, at the default time of each', () => {
    expect(cellsOf(5).length * DEFAULT_SECONDS).toBeGreaterThan(2 * 3_600)
  })

  it('are nothing, each fault alone and in a pair, and all', () => {
    const names = cellsOf(5).map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect([names[0], names.at(-1)]).toEqual(['none', 'all'])
    for (const { name } of chooseFaults('all', 5)) expect(names).toContain(name)
    for (const { name, kind } of chooseFaults('process,disk', 5))
      expect(
        names.filter((one) => one.startsWith(`${name},`)),
        kind,
      ).toHaveLength(1)
    expect(names.some((name) => name.includes('corrupt'))).toBe(false)
  })

  it('are what oxbow chaos run calls them', () => {
    for (const { name, faults } of cellsOf(3)) expect(chooseFaults(name, 3), name).toEqual(expect.arrayContaining([...faults]))
  })
})

describe('the results', () => {
  it('are kept, but for a line that was cut short; what proved nothing is tried again', () => {
    const results = new Results(path)
    results.add(result)
    results.add({ ...result, cell: 'pause', verdict: 'inconclusive' })
    results.add({ ...result, cell: 'delay', verdict: 'anomalies' })
    appendFileSync(path, '{"cell":"rat')
    const again = new Results(path)
    expect(again.all).toEqual(results.all)
    expect(['kill', 'pause', 'delay', 'rate'].map((cell) => again.isDone(cell, asked))).toEqual([true, false, true, false])
    again.add({ ...result, cell: 'rate' })
    expect(new Results(path).all.map(({ cell }) => cell)).toEqual(['kill', 'pause', 'delay', 'rate'])
  })

  it('of a shorter trial, or of other nodes, do not stand for what is asked for; the last one that does counts', () => {
    const results = new Results(path)
    results.add({ ...result, seconds: 10 })
    results.add({ ...result, nodes: 3 })
    expect(results.isDone('kill', asked)).toBe(false)
    results.add({ ...result, verdict: 'inconclusive' })
    results.add({ ...result, acknowledged: 51 })
    results.add({ ...result, seconds: 10, verdict: 'inconclusive' })
    expect(results.isDone('kill', asked)).toBe(true)
    expect(results.of('kill', asked)?.acknowledged).toBe(51)
  })

  it('say what was tried again', () => {
    const results = new Results(path)
    results.add(brokenOff('kill', 3, 5, 'a client threw'))
    results.add({ ...result, cell: 'pause', verdict: 'inconclusive' })
    expect(results.isDone('kill', asked)).toBe(false)
    expect(results.triedAgain(asked)).toEqual([])
    results.add(result)
    expect(results.isDone('kill', asked)).toBe(true)
    expect(results.triedAgain(asked)).toMatchObject([{ cell: 'kill', seed: 3, reasons: ['it broke off: a client threw'] }])
  })

  it('are two tables, by cell and by fault', () => {
    const kill = { name: 'kill', times: 3, seconds: 24, worstGapMs: 600 }
    const text = resultsMarkdown(
      [
        { ...result, faults: [kill] },
        {
          ...result,
          cell: 'kill,pause',
          verdict: 'anomalies',
          reasons: ['1 x unseen'],
          faults: [
            { ...kill, worstGapMs: 1_234 },
            { ...kill, name: 'pause' },
          ],
        },
      ],
      [{ ...result, cell: 'wipe', seed: 7, verdict: 'inconclusive', reasons: ['it broke off: so'] }],
    )
    expect(text.split('\n').slice(2)).toEqual([
      '| `kill` | 120 | 100 | 2 | 1 | 99 % | 1.2 s | valid |',
      '| `kill,pause` | 120 | 100 | 2 | 1 | 99 % | 1.2 s | anomalies: 1 x unseen |',
      '',
      '| fault | times | seconds in force | longest gap |',
      '|---|---|---|---|',
      '| `kill` | 6 | 48 | 1.2 s |',
      '| `pause` | 3 | 24 | 0.6 s |',
      '',
      '4 minutes under load, 206 operations, 1 of 2 valid.',
      'Tried again: `wipe`, seed 7: it broke off: so.',
    ])
  })
})
