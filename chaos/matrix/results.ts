import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { RunReport } from '../report/run-report.ts'

/** What one cell came to. */
export interface CellResult {
  readonly cell: string
  readonly seed: number
  readonly nodes: number
  readonly verdict: RunReport['conclusion']
  readonly reasons: readonly string[]
  readonly seconds: number
  readonly operations: { readonly ok: number; readonly fail: number; readonly info: number }
  readonly acknowledged: number
  readonly availability: number
  readonly worstGapMs: number
  readonly faults: RunReport['faults']
}

export function resultOf(cell: string, report: RunReport): CellResult {
  const { conclusion, findings, doubts, options, seconds, check, acknowledged, availability, worstGapMs, faults } = report
  const anomalies = check.anomalies.filter(({ isAllowed }) => !isAllowed).map(({ name, count }) => `${count} x ${name}`)
  return {
    cell,
    seed: options.seed,
    nodes: options.nodes,
    verdict: conclusion,
    reasons: [...findings, ...anomalies, ...doubts],
    seconds,
    operations: check.outcomes,
    acknowledged,
    availability,
    worstGapMs,
    faults,
  }
}

/** Of one that ended without any verdict: it is there so that nobody forgets it. */
export function brokenOff(cell: string, seed: number, nodes: number, why: string): CellResult {
  const nothing = { seconds: 0, operations: { ok: 0, fail: 0, info: 0 }, acknowledged: 0, availability: 0, worstGapMs: 0, faults: [] }
  return { cell, seed, nodes, verdict: 'inconclusive', reasons: [`it broke off: ${why}`], ...nothing }
}

/** What counts as having been asked for. */
export interface AskedRun {
  readonly nodes: number
  readonly seconds: number
}

/** Results on disk, a line each, so that a matrix that was broken off goes on where it was. A last line that was cut short is left out. */
export class Results {
  readonly #path: string
  readonly all: CellResult[]

  constructor(path: string) {
    this.#path = path
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    if (whole !== text) writeFileSync(path, whole)
    this.all = whole.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as CellResult]))
  }

  /** The last of a cell, with so many nodes and for so long at least: a shorter trial counts for nothing. */
  of(cell: string, asked: AskedRun): CellResult | undefined {
    return this.all.findLast((one) => one.cell === cell && one.nodes === asked.nodes && Math.round(one.seconds) >= asked.seconds)
  }

  /** Those that proved nothing, and were tried again since. */
  triedAgain({ nodes }: AskedRun): readonly CellResult[] {
    const isLater = (one: CellResult): boolean => this.all.findLast(({ cell, nodes: of }) => cell === one.cell && of === nodes) !== one
    return this.all.filter((one) => one.nodes === nodes && one.verdict !== 'valid' && isLater(one))
  }

  /** Inconclusive ones are tried again. */
  isDone(cell: string, asked: AskedRun): boolean {
    const last = this.of(cell, asked)
    return last !== undefined && last.verdict !== 'inconclusive'
  }

  add(result: CellResult): void {
    this.all.push(result)
    appendFileSync(this.#path, `${JSON.stringify(result)}\n`)
  }
}

/** The tables of docs/chaos.md: a line a cell, a line a fault over all cells, and all of it together; and what came to nothing before. */
export function resultsMarkdown(results: readonly CellResult[], triedAgain: readonly CellResult[]): string {
  const rows = results.map(({ cell, verdict, seconds, operations: { ok, fail, info }, availability, worstGapMs, reasons }) => {
    const why = verdict === 'valid' ? '' : `: ${reasons.join('; ')}`
    return `| \`${cell}\` | ${Math.round(seconds)} | ${ok} | ${fail} | ${info} | ${(availability * 100).toFixed(0)} % | ${(worstGapMs / 1000).toFixed(1)} s | ${verdict}${why} |`
  })
  const minutes = results.reduce((sum, { seconds }) => sum + seconds, 0) / 60
  const operations = results.reduce((sum, { operations: { ok, fail, info } }) => sum + ok + fail + info, 0)
  const bad = results.filter(({ verdict }) => verdict !== 'valid').length
  return [
    '| faults | seconds | ok | fail | unknown | seconds with an acknowledged record | longest gap | verdict |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
    '',
    '| fault | times | seconds in force | longest gap |',
    '|---|---|---|---|',
    ...faultRows(results),
    '',
    `${minutes.toFixed(0)} minutes under load, ${operations} operations, ${results.length - bad} of ${results.length} valid.`,
    ...triedAgain.map(({ cell, seed, reasons }) => `Tried again: \`${cell}\`, seed ${seed}: ${reasons.join('; ')}.`),
  ].join('\n')
}

/** The gap is the longest that overlaps with it, whatever else was in force. */
function faultRows(results: readonly CellResult[]): string[] {
  const all = results.flatMap(({ faults }) => faults)
  return [...new Set(all.map(({ name }) => name))].map((name) => {
    const same = all.filter((one) => one.name === name)
    const times = same.reduce((sum, one) => sum + one.times, 0)
    const seconds = same.reduce((sum, one) => sum + one.seconds, 0)
    return `| \`${name}\` | ${times} | ${Math.round(seconds)} | ${(Math.max(...same.map(({ worstGapMs }) => worstGapMs)) / 1000).toFixed(1)} s |`
  })
}
