import { posix } from 'node:path'
import { parseAst } from 'vite'
import type { SourceFile } from './source-file.ts'

/** A rule of docs/rules.md: its number, its name, and how many of its sentences are marked †. */
export interface Rule {
  readonly id: string
  readonly name: string
  readonly daggers: number
}

/** What stands for a rule: a test file by a title in it, or a story by its title or comments. */
export interface Citation {
  readonly rule: string
  readonly type: 'test' | 'story'
  /** Of a test its path below test, of a story its room and name. */
  readonly where: string
}

interface Node {
  readonly type: string
  readonly [key: string]: unknown
}

const ID = /\b(?:R\d\.\d+|I\d+)\b/g
const RULE = /^\*\*(R\d\.\d+|I\d+) ([^*]+)\.\*\* (.*)$/gm
/** Functions whose strings are titles. */
const TITLED = new Set(['describe', 'it', 'test', 'scenario'])
const TRANSCRIPT = /^test\/(\w+)\/testdata\/(.+)\.txt$/

export function readRules(page: string): Rule[] {
  return [...page.matchAll(RULE)].map(([, id = '', name = '', text = '']) => ({ id, name, daggers: text.split('†').length - 1 }))
}

/** Every rule that a text names, in order, as often as it does. */
export function rulesNamed(text: string): string[] {
  return text.match(ID) ?? []
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}

function children(node: Node): Node[] {
  return Object.values(node).flatMap((value) => (Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : []))
}

/** The text of a string, whatever is put into it left out; undefined for anything else. */
function textOf(node: Node): string | undefined {
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined
  if (node.type !== 'TemplateLiteral') return undefined
  return (node.quasis as readonly { readonly value: { readonly cooked: string } }[]).map((part) => part.value.cooked).join(' ')
}

/** `it`, of `it(…)`, `it.each(…)(…)` and the like. */
function rootName(callee: Node): string | undefined {
  if (callee.type === 'Identifier') return String(callee.name)
  const inner = callee.type === 'CallExpression' ? callee.callee : callee.type === 'MemberExpression' ? callee.object : undefined
  return isNode(inner) ? rootName(inner) : undefined
}

/** Strings of a table of rows, which titles are made of: those that begin with a number of a rule and go on. */
function rowTexts(table: Node): string[] {
  const text = textOf(table)
  if (text !== undefined) return /^(R\d\.\d+|I\d+)[ :,]/.test(text) ? [text] : []
  return table.type.includes('Function') ? [] : children(table).flatMap(rowTexts)
}

/** The titles of a test file; a story has its name before its title. `rule: '…'` names the rule that an exploration breaks. */
function titlesOf(source: string): { readonly story: string | undefined; readonly text: string }[] {
  const titles: { readonly story: string | undefined; readonly text: string }[] = []
  const visit = (node: Node): void => {
    const name = node.type === 'CallExpression' ? rootName(node.callee as Node) : undefined
    if (name !== undefined && TITLED.has(name)) {
      const texts = (node.arguments as readonly Node[]).flatMap((argument) => textOf(argument) ?? [])
      const story = name === 'scenario' ? texts.shift() : undefined
      for (const text of texts) titles.push({ story, text })
    }
    // Tables of it.each, in their place or under a name.
    const table = node.type === 'ArrayExpression' ? rowTexts(node) : []
    for (const text of table) titles.push({ story: undefined, text })
    if (node.type === 'Property' && (node.key as Node).name === 'rule') titles.push({ story: undefined, text: textOf(node.value as Node) ?? '' })
    children(node).forEach(visit)
  }
  visit(parseAst(source, { lang: 'ts' }) as unknown as Node)
  return titles
}

/** By the titles of test files, and the comments of transcripts. */
export function readCitations({ path, text }: SourceFile): Citation[] {
  const transcript = TRANSCRIPT.exec(path)
  if (transcript !== null) {
    const comments = text.split('\n').filter((line) => line.startsWith('#'))
    return comments.flatMap(rulesNamed).map((rule) => ({ rule, type: 'story', where: `${transcript[1]}/${transcript[2]}` }))
  }
  const where = path.replace(/^test\//, '').replace(/(\.test)?\.ts$/, '')
  return titlesOf(text).flatMap(({ story, text: title }) =>
    rulesNamed(title).map(
      (rule): Citation => (story === undefined ? { rule, type: 'test', where } : { rule, type: 'story', where: `${posix.dirname(where)}/${story}` }),
    ),
  )
}
