import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { MutantVerdict } from './mutant-verdict.ts'

const PAGE = 'docs/correctness.md'
const BEGIN = '<!-- mutants: written by `npm run sim -- --mutants` -->'
const END = '<!-- end of mutants -->'

/** Puts the table of mutants into docs/correctness.md of the working folder, where that page is. */
export function writeMutantTable(verdicts: readonly MutantVerdict[]): void {
  if (!existsSync(PAGE)) return
  const page = readFileSync(PAGE, 'utf8')
  const from = page.indexOf(BEGIN)
  const to = page.indexOf(END)
  if (from === -1 || to < from) throw new Error(`${PAGE} has no place for the table of mutants`)
  writeFileSync(PAGE, `${page.slice(0, from)}${BEGIN}\n${describeTable(verdicts)}${page.slice(to)}`)
}

/** The table in Markdown. */
export function describeTable(verdicts: readonly MutantVerdict[]): string {
  const rows = verdicts.map(({ mutant, kill, seedsNeeded }) => {
    const how = mutant.scenario === undefined ? `${seedsNeeded}` : `${seedsNeeded} of the scenario \`${mutant.scenario}\``
    return `| ${mutant.name} | ${mutant.rule.replaceAll('|', '\\|')} | ${mutant.killedBy.join(', ')} | ${kill?.violation?.invariant ?? '**survived**'} | ${how} |`
  })
  return ['| mutant | rule it breaks | named killer | killed by | seeds needed |', '|---|---|---|---|---|', ...rows, ''].join('\n')
}
