import { BrokerError } from '../base/errors.ts'
import { UsageError } from './failure.ts'
import { type FormatPart, parseFormat, tokenList } from './format-text.ts'

/** What a line of the input says of a record. */
export interface InputRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: readonly { readonly key: string; readonly value: Buffer | null }[]
  readonly partition?: number
  /** Wall clock, ms. */
  readonly timestamp?: number
}

/** What `produce --format` knows. */
export const inputTokens = { k: 'key', v: 'value', s: 'value', h: 'headers as K=V,K=V', p: 'partition', T: 'timestamp in ms' } as const

type Token = keyof typeof inputTokens

export interface InputFormat {
  readonly delimiter: Buffer
  /** Throws INVALID_RECORD, which says why the line is no record. The buffers are slices of the line. */
  readonly parse: (line: Buffer) => InputRecord
}

const NEWLINE = Buffer.from('\n')

function badLine(why: string): BrokerError {
  return new BrokerError('INVALID_RECORD', why)
}

/** Splits `key<separator>value`; a line without the separator has no key. */
export function splitKey(line: Buffer, separator: string | undefined): { readonly key: Buffer | null; readonly value: Buffer } {
  const at = separator === undefined || separator === '' ? -1 : line.indexOf(separator)
  if (separator === undefined || at < 0) return { key: null, value: line }
  return { key: line.subarray(0, at), value: line.subarray(at + Buffer.byteLength(separator)) }
}

/** Lines, each with a key in front of the separator if there is one. */
export function lineFormat(keySeparator: string | undefined): InputFormat {
  return { delimiter: NEWLINE, parse: (line) => splitKey(line, keySeparator) }
}

function wholeNumber(bytes: Buffer, what: string): number {
  const text = bytes.toString()
  const number = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) throw badLine(`its ${what} is "${text}", a whole number is expected`)
  return number
}

function headersOf(bytes: Buffer): { key: string; value: Buffer }[] {
  const text = bytes.toString()
  if (text === '') return []
  return text.split(',').map((pair) => {
    const at = pair.indexOf('=')
    if (at <= 0) throw badLine(`its header "${pair}" is not KEY=VALUE`)
    return { key: pair.slice(0, at), value: Buffer.from(pair.slice(at + 1)) }
  })
}

interface Draft {
  key: Buffer | null
  value: Buffer | null
  headers?: { key: string; value: Buffer }[]
  partition?: number
  timestamp?: number
}

function setField(draft: Draft, token: Token, bytes: Buffer): void {
  switch (token) {
    case 'k':
      draft.key = bytes
      return
    case 'v':
    case 's':
      draft.value = bytes
      return
    case 'h':
      draft.headers = headersOf(bytes)
      return
    case 'p':
      draft.partition = wholeNumber(bytes, 'partition')
      return
    case 'T':
      draft.timestamp = wholeNumber(bytes, 'timestamp')
  }
}

/** A field ends where the text behind it stands first; the last one at the end of the line. */
function parseLine(line: Buffer, parts: readonly FormatPart[]): InputRecord {
  const draft: Draft = { key: null, value: null }
  let at = 0
  for (const [index, part] of parts.entries()) {
    if (part.type === 'text') {
      if (!line.subarray(at, at + part.bytes.length).equals(part.bytes)) throw badLine(`${JSON.stringify(part.bytes.toString())} does not stand in it`)
      at += part.bytes.length
      continue
    }
    const next = parts[index + 1]
    const end = next?.type === 'text' ? line.indexOf(next.bytes, at) : line.length
    if (end < 0)
      throw badLine(`${JSON.stringify((next as FormatPart & { type: 'text' }).bytes.toString())} does not stand behind its ${inputTokens[part.token as Token]}`)
    setField(draft, part.token as Token, line.subarray(at, end))
    at = end
  }
  if (at < line.length) throw badLine('more stands in it than the format says')
  return draft
}

function compileTokens(text: string): InputFormat {
  const parts = parseFormat(text, inputTokens)
  const hint = `for example --format '%k\\t%v\\n'; it knows ${tokenList(inputTokens)}`
  const tokens = parts.flatMap((part) => (part.type === 'token' ? [part.token === 's' ? 'v' : part.token] : []))
  if (tokens.length === 0) throw new UsageError('--format names no part of a record', hint)
  if (new Set(tokens).size < tokens.length) throw new UsageError('--format names a part of the record twice', hint)
  for (const [at, part] of parts.entries())
    if (part.type === 'token' && parts[at + 1]?.type === 'token') throw new UsageError('--format: text must stand between two fields', hint)
  const last = parts.at(-1)
  if (last?.type !== 'text') return { delimiter: NEWLINE, parse: (line) => parseLine(line, parts) }
  const inner = parts.slice(0, -1)
  return { delimiter: last.bytes, parse: (line) => parseLine(line, inner) }
}

function bytesOfJson(value: unknown, what: string): Buffer | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return Buffer.from(value)
  const base64 = (value as { base64?: unknown }).base64
  if (typeof value === 'object' && typeof base64 === 'string') return Buffer.from(base64, 'base64')
  throw badLine(`its ${what} is neither text, null nor {"base64":"…"}`)
}

function parseJson(line: Buffer): InputRecord {
  let parsed: unknown
  try {
    parsed = JSON.parse(line.toString())
  } catch (error) {
    throw badLine(`it is no JSON (${(error as Error).message})`)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw badLine('it is no JSON object')
  const { key, value, headers, timestamp } = parsed as Record<string, unknown>
  if (timestamp !== undefined && !(Number.isSafeInteger(timestamp) && (timestamp as number) >= 0)) throw badLine('its timestamp is no number of milliseconds')
  if (headers !== undefined && (typeof headers !== 'object' || headers === null || Array.isArray(headers))) throw badLine('its headers are no JSON object')
  const pairs = Object.entries((headers ?? {}) as Record<string, unknown>).flatMap(([name, one]) =>
    (Array.isArray(one) ? one : [one]).map((single: unknown) => ({ key: name, value: bytesOfJson(single, `header ${name}`) })),
  )
  return {
    key: bytesOfJson(key, 'key'),
    value: bytesOfJson(value, 'value'),
    ...(pairs.length === 0 ? {} : { headers: pairs }),
    ...(timestamp === undefined ? {} : { timestamp: timestamp as number }),
  }
}

/** `json`: the lines that `consume -o json` writes, whose topic, partition and offset do not count; else a text with tokens. Throws UsageError. */
export function compileInputFormat(text: string): InputFormat {
  return text === 'json' ? { delimiter: NEWLINE, parse: parseJson } : compileTokens(text)
}
