import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Mutant } from './mutant.ts'
import type { MutantResult } from './mutant-result.ts'

const PAGE = 'docs/correctness.md'
const BEGIN = '<!-- mutants: written by `npm run sim -- --mutants` -->'
const END = '<!-- end of mutants -->'

/** What is known of each mutant; undefined: it was not tried. */
export type MutantRow = readonly [Mutant, MutantResult | undefined]

/** Puts the table of mutants into docs/correctness.md of the working folder, where that page is. */
export function writeMutantTable(rows: readonly MutantRow[]): void {
  if (!existsSync(PAGE)) return
  const page = readFileSync(PAGE, 'utf8')
  const before = tableIn(page)
  writeFileSync(
    PAGE,
    page.replace(before, () => describeTable(rows)),
  )
}

/** The table as the page has it. */
export function tableIn(page: string): string {
  const from = page.indexOf(BEGIN) + BEGIN.length + 1
  const to = page.indexOf(END)
  if (from < BEGIN.length + 1 || to < from) throw new Error(`${PAGE} has no place for the table of mutants`)
  return page.slice(from, to)
}

/** The table in Markdown. */
export function describeTable(rows: readonly MutantRow[]): string {
  const lines = rows.map(
    ([mutant, result]) => `| ${mutant.name} | ${mutant.rule.replaceAll('|', '\\|')} | ${mutant.killedBy.join(', ')} | ${describeResult(mutant, result)}|`,
  )
  return ['| mutant | rule it breaks | named killer | killed by | seeds needed |', '|---|---|---|---|---|', ...lines, ''].join('\n')
}

function describeResult(mutant: Mutant, result: MutantResult | undefined): string {
  if (result === undefined) return 'not run | '
  return `${result.kill?.invariant ?? '**survived**'} | ${describeSeeds(mutant, result)} `
}

/** What it took to notice. */
export function describeSeeds({ scenario, story }: Mutant, { seeds }: MutantResult): string {
  if (story !== undefined) return `the story \`${story}\``
  return scenario === undefined ? `${seeds}` : `${seeds} of the scenario \`${scenario}\``
}
