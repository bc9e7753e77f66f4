import { UsageError } from './failure.ts'

/** A format string, taken apart: bytes that stand for themselves, and `%x` for what a record has. */
export type FormatPart = { readonly type: 'text'; readonly bytes: Buffer } | { readonly type: 'token'; readonly token: string }

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0', '\\': '\\' }

/** The bytes of an escape that begins at `at`, and how long it is; of no escape the backslash itself. */
function readEscape(text: string, at: number): { readonly bytes: Buffer; readonly length: number } {
  const hex = /^\\x([0-9a-fA-F]{1,2})/.exec(text.slice(at, at + 4))
  if (hex !== null) return { bytes: Buffer.from([Number.parseInt(hex[1] as string, 16)]), length: hex[0].length }
  const known = ESCAPES[text[at + 1] ?? '']
  return known === undefined ? { bytes: Buffer.from('\\'), length: 1 } : { bytes: Buffer.from(known), length: 2 }
}

/** `\n`, `\t`, `\r`, `\0`, `\\` and `\xHH` as the bytes they stand for. */
export function unescapeText(text: string): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < text.length; ) {
    const next = text.indexOf('\\', at)
    if (next > at || next < 0) {
      pieces.push(Buffer.from(text.slice(at, next < 0 ? text.length : next)))
      at = next < 0 ? text.length : next
      continue
    }
    const { bytes, length } = readEscape(text, at)
    pieces.push(bytes)
    at += length
  }
  return Buffer.concat(pieces)
}

/** `tokens`: by letter, what each stands for. `%%` is a percent sign. Throws UsageError, which lists them. */
export function parseFormat(text: string, tokens: Readonly<Record<string, string>>): FormatPart[] {
  const parts: FormatPart[] = []
  let pending = ''
  const flush = (): void => {
    if (pending !== '') parts.push({ type: 'text', bytes: unescapeText(pending) })
    pending = ''
  }
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '%') {
      pending += text[at]
      continue
    }
    const token = text[++at] ?? ''
    if (token === '%') pending += '%'
    else if (Object.hasOwn(tokens, token)) {
      flush()
      parts.push({ type: 'token', token })
    } else throw new UsageError(`--format: %${token} is unknown`, `choose from ${tokenList(tokens)}`)
  }
  flush()
  return parts
}

/** For helps and hints: `%k key, %v value`. */
export function tokenList(tokens: Readonly<Record<string, string>>): string {
  return Object.entries(tokens)
    .map(([token, meaning]) => `%${token} ${meaning}`)
    .join(', ')
}
