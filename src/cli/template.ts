import { didYouMean } from '../base/did-you-mean.ts'
import { between, type Random } from '../base/random.ts'
import { UsageError } from './failure.ts'

/** What a template is filled from, for each record anew. */
export interface TemplateWorld {
  readonly random: Random
  /** Wall clock, ms. */
  readonly nowMs: () => number
}

/** Fills the template for record `number`, from 1. */
export type Template = (number: number, world: TemplateWorld) => string

type Fill = Template
type Compile = (args: readonly string[], source: string) => Fill

const WORDS =
  'able acid also area army away baby back ball band bank base bath bear beat been bell belt best bird blue boat body bone book born both bowl bulk burn bush busy cake call calm came camp card care case cash cast cell chat chip city clay clean clear cliff cloud coast copper crane creek delta drift eagle earth ember field finch flint forest frost garden glass grain grove harbor hazel heron island ivory jade lake lark leaf lemon light maple marsh meadow mint moon moss north oak ocean olive orchard otter pearl pebble pine plum pond quartz quill rain raven reed ridge river robin rose sage sand shell silver slate snow south spark spring star stone storm summer swan thorn tide timber trail valley violet walnut water west willow wind winter wren'.split(
    ' ',
  )

function refuse(source: string, why: string): UsageError {
  return new UsageError(`{{${source}}} ${why}`, `it knows ${templateHelp}`)
}

function numberArgs(args: readonly string[], source: string): readonly [min: number, max: number] {
  const [min, max] = args.map(Number)
  if (args.length !== 2 || min === undefined || max === undefined || !Number.isFinite(min) || !Number.isFinite(max) || min > max)
    throw refuse(source, 'takes two numbers, the smaller first')
  return [min, max]
}

/** Any whole number of the span; two draws for a wide one. */
function wholeBetween(random: Random, min: number, max: number): number {
  const span = max - min + 1
  if (span <= 0x1_0000_0000) return between(random, min, max)
  return min + ((random.integer(0x20_0000) * 0x1_0000_0000 + random.integer(0x1_0000_0000)) % span)
}

function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => random.integer(16).toString(16)).join('')
}

function uuid(random: Random): string {
  const variant = '89ab'[random.integer(4)]
  return `${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-${variant}${hex(random, 3)}-${hex(random, 12)}`
}

function pickOf(random: Random, choices: readonly string[]): string {
  return choices[random.integer(choices.length)] as string
}

function noArgs(fill: Fill): Compile {
  return (args, source) => {
    if (args.length > 0) throw refuse(source, 'takes nothing')
    return fill
  }
}

const functions: Readonly<Record<string, Compile>> = {
  i: noArgs((number) => String(number)),
  uuid: noArgs((_, { random }) => uuid(random)),
  now: noArgs((_, { nowMs }) => new Date(nowMs()).toISOString()),
  ms: noArgs((_, { nowMs }) => String(nowMs())),
  word: noArgs((_, { random }) => pickOf(random, WORDS)),
  int: (args, source) => {
    const [min, max] = numberArgs(args, source)
    if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || !Number.isSafeInteger(max - min)) throw refuse(source, 'takes two whole numbers')
    return (_, { random }) => String(wholeBetween(random, min, max))
  },
  float: (args, source) => {
    const [min, max] = numberArgs(args, source)
    return (_, { random }) => (min + ((max - min) * random.integer(1_000_001)) / 1_000_000).toFixed(2)
  },
  pick: (args, source) => {
    if (args.length === 0) throw refuse(source, 'takes what to pick from')
    return (_, { random }) => pickOf(random, args)
  },
}

/** In `--help` and in hints. */
export const templateHelp = '{{i}} (1, 2, 3 …), {{uuid}}, {{now}} (ISO 8601), {{ms}}, {{word}}, {{int 1 100}}, {{float 0 1}}, {{pick a b "c d"}}'

/** Words; what stands in double quotes is one. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? (match[2] as string))
}

/** Up to the closing braces that do not stand in quotes. */
const PLACE = /\{\{((?:"[^"]*"|[^"}]|\}(?!\}))*)\}\}/g

function compileCall(source: string): Fill {
  const [name = '', ...args] = wordsOf(source)
  const compile = Object.hasOwn(functions, name) ? functions[name] : undefined
  if (compile !== undefined) return compile(args, source.trim())
  const meant = didYouMean(name, Object.keys(functions))
  throw refuse(source.trim(), meant === undefined ? 'is unknown' : `is unknown, did you mean {{${meant}}}?`)
}

/** Text with `{{…}}` in it. Throws UsageError for what it does not know. */
export function compileTemplate(text: string): Template {
  const fills: (string | Fill)[] = []
  let from = 0
  for (const place of text.matchAll(PLACE)) {
    fills.push(text.slice(from, place.index), compileCall(place[1] as string))
    from = place.index + place[0].length
  }
  const rest = text.slice(from)
  if (rest.includes('{{')) throw new UsageError(`${rest.slice(rest.indexOf('{{'))} has no closing braces`, `it knows ${templateHelp}`)
  return (number, world) => fills.map((fill) => (typeof fill === 'string' ? fill : fill(number, world))).join('') + rest
}

const FILLING = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Letters that no codec can press to nothing; none when `length` is not positive. */
export function filling(random: Random, length: number): string {
  return Array.from({ length: Math.max(0, length) }, () => FILLING[random.integer(FILLING.length)]).join('')
}
