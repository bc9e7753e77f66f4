import type { Citation, Rule } from './rule-citations.ts'

const PAGE_BEGIN = '<!-- rules: UPDATE_RULES=1 npx vitest run test/rules.test.ts -->'
const PAGE_END = '<!-- end of rules -->'

/** A mutant as far as rules are concerned: 'R3.2 †: …', and the invariants that are to notice it. */
export interface BrokenRule {
  readonly name: string
  readonly rule: string
  readonly killedBy: readonly string[]
}

/** What stands for a rule. Of an invariant the mutants are those that it has to notice. */
export interface Standing {
  readonly rule: Rule
  readonly tests: readonly string[]
  readonly stories: readonly string[]
  readonly mutants: readonly string[]
}

function namesOf(citations: readonly Citation[], type: Citation['type']): string[] {
  return [...new Set(citations.filter((one) => one.type === type).map(({ where }) => where))].sort()
}

export function standings(rules: readonly Rule[], citations: readonly Citation[], mutants: readonly BrokenRule[]): Standing[] {
  return rules.map((rule) => {
    const own = citations.filter((one) => one.rule === rule.id)
    const breaks = mutants.filter((one) => one.rule.split(/[ :]/, 1)[0] === rule.id || one.killedBy.includes(rule.id))
    return { rule, tests: namesOf(own, 'test'), stories: namesOf(own, 'story'), mutants: breaks.map(({ name }) => name) }
  })
}

function cell(names: readonly string[]): string {
  return names.length === 0 ? '–' : names.map((name) => `\`${name}\``).join(', ')
}

/** The table in Markdown. Mutants of an invariant are counted: the table of mutants names them. */
export function describeStandings(all: readonly Standing[]): string {
  const rows = all.map(({ rule, tests, stories, mutants }) => {
    const broken = rule.id.startsWith('I') ? `${mutants.length} of those below` : mutants.length === 0 ? '–' : mutants.join('; ').replaceAll('|', '\\|')
    return `| ${rule.id} ${rule.name} | ${cell(tests)} | ${cell(stories)} | ${broken} |`
  })
  return ['| rule | tests | stories | mutants |', '|---|---|---|---|', ...rows, ''].join('\n')
}

/** The page with this table in its place. Throws when it has none. */
export function withTable(page: string, table: string): string {
  const from = page.indexOf(PAGE_BEGIN)
  const to = page.indexOf(PAGE_END)
  if (from === -1 || to < from) throw new Error('the page has no place for the table of rules')
  return `${page.slice(0, from)}${PAGE_BEGIN}\n${table}${page.slice(to)}`
}
