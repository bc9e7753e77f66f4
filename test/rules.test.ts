import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { mutants } from '../chaos/sim/mutant-list.ts'
import { readCitations, readRules, rulesNamed } from './tidy/rule-citations.ts'
import { describeStandings, standings, withTable } from './tidy/rule-table.ts'
import { readSources, type SourceFile } from './tidy/source-file.ts'

const ROOT = join(import.meta.dirname, '..')
const PAGE = join(ROOT, 'docs/correctness.md')

/** UPDATE_RULES=1 writes the table of docs/correctness.md anew. */
const mayUpdate = process.env.UPDATE_RULES === '1'

function readTexts(folder: string, suffix: string): SourceFile[] {
  const names = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith(suffix))
  return names.sort().map((name) => ({ path: `${folder}/${name}`, text: readFileSync(join(ROOT, folder, name), 'utf8') }))
}

/** These two are about citations, and name what is none. */
const ABOUT_CITATIONS = ['test/rules.test.ts', 'test/chaos/sim/mutants.test.ts']
const rules = readRules(readFileSync(join(ROOT, 'docs/rules.md'), 'utf8'))
const transcripts = ['raft', 'replication'].flatMap((room) => readTexts(`test/${room}/testdata`, '.txt'))
const sources = ['src', 'chaos', 'bench', 'test'].flatMap((folder) => readSources(ROOT, folder))
const tests = sources.filter(({ path }) => path.startsWith('test/') && !ABOUT_CITATIONS.includes(path))
const all = standings(rules, [...tests, ...transcripts].flatMap(readCitations), mutants)

describe('citations', () => {
  const cited = (text: string): string[] => readCitations({ path: 'test/a/b.test.ts', text }).map(({ rule, type, where }) => `${rule} ${type} ${where}`)

  it('are those of titles, be they of a describe, a test, a row or a story', () => {
    expect(cited("describe('R1.1 x', () => { it(`R2.2, R2.3: $" + "{y} (I4)`, () => expect('R9.9').toBe(1)) })")).toEqual([
      'R1.1 test a/b',
      'R2.2 test a/b',
      'R2.3 test a/b',
      'I4 test a/b',
    ])
    expect(cited("const rows = [['R5.4 a row', () => 'R9.9'], ['R3.2', 1]]; it.each(rows)('%s', () => {})")).toContain('R5.4 test a/b')
    expect(cited("scenario('name', 'it happens (R4.4)', async () => {})")).toEqual(['R4.4 story a/name'])
    expect(cited("const broken = { rule: 'R6.1: it counts' }")).toEqual(['R6.1 test a/b'])
  })

  it('are not comments, but those of transcripts', () => {
    expect(cited("// R1.1\nit('x', () => {}) // R1.2")).toEqual([])
    const text = '# 1 leads (R4.2).\n> nodes 3\n  R4.3\n'
    expect(readCitations({ path: 'test/raft/testdata/pre_vote.txt', text })).toEqual([{ rule: 'R4.2', type: 'story', where: 'raft/pre_vote' }])
  })

  it('rules are read with their names and marks', () => {
    expect(readRules('**R1.1 A name.** It holds. † And this.\n\ntext **R1.2** no\n\n**I2 Two.** Yes.')).toEqual([
      { id: 'R1.1', name: 'A name', daggers: 1 },
      { id: 'I2', name: 'Two', daggers: 0 },
    ])
  })
})

describe('docs/rules.md', () => {
  it('has each rule once, in order', () => {
    expect(rules.length).toBeGreaterThanOrEqual(50)
    const parts = rules.map(({ id }) => id.slice(1).split('.').map(Number))
    expect(parts.filter(([section = 0], at) => section < (parts[at - 1]?.[0] ?? 0) && rules[at]?.id[0] === rules[at - 1]?.id[0])).toEqual([])
    expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length)
  })

  it('has every rule that code, tests and pages name', () => {
    const known = new Set(rules.map(({ id }) => id))
    const pages = [...readTexts('docs', '.md'), ...transcripts, { path: 'README.md', text: readFileSync(join(ROOT, 'README.md'), 'utf8') }]
    const named = [...sources.filter(({ path }) => !ABOUT_CITATIONS.includes(path)), ...pages]
    const unknown = named.flatMap(({ path, text }) => rulesNamed(text).flatMap((rule) => (known.has(rule) ? [] : `${path}: ${rule}`)))
    expect(unknown).toEqual([])
  })

  it('has a test or a story for each rule, and a mutant for each sentence marked †', () => {
    expect(all.filter((one) => one.tests.length + one.stories.length === 0).map(({ rule }) => rule.id)).toEqual([])
    const marked = (id: string): number => mutants.filter(({ rule }) => rule.startsWith(`${id} †`)).length
    expect(rules.filter(({ id, daggers }) => marked(id) < daggers).map(({ id }) => id)).toEqual([])
  })

  it('is what the table of docs/correctness.md is made of (UPDATE_RULES=1 writes it anew)', () => {
    const page = readFileSync(PAGE, 'utf8')
    const written = withTable(page, describeStandings(all))
    if (mayUpdate) writeFileSync(PAGE, written)
    else expect(page).toBe(written)
  })
})
