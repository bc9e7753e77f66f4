import { HistoryError } from './history-error.ts'

/**
 * Reads one value of Clojure's notation (github.com/edn-format/edn): maps become Map, vectors, lists and sets arrays, keywords and symbols
 * strings without their colon. Tags are skipped, so that `#jepsen.history.Op{…}` is its map.
 */
export function readEdn(text: string): unknown {
  const reader = new EdnReader(text)
  const value = reader.read()
  reader.end()
  return value
}

const closing: Readonly<Record<string, string>> = { '{': '}', '[': ']', '(': ')' }
const TOKEN = /[^\s,()[\]{}"]+/y
const STRING = /"(?:[^"\\]|\\.)*"/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
const CONTROL = /[\u0000-\u001f]/g
const SPACE = /[\s,]*/y

class EdnReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  read(): unknown {
    this.#take(SPACE)
    const first = this.#text[this.#at] ?? ''
    if (first === '"') return this.#readString()
    if (first === '#') return this.#readTagged()
    const close = closing[first]
    if (close === undefined) return this.#readToken()
    this.#at++
    const items = this.#readUntil(close)
    if (first !== '{') return items
    if (items.length % 2 !== 0) throw this.#error('a key without a value')
    return new Map(Array.from({ length: items.length / 2 }, (_, pair) => [items[2 * pair], items[2 * pair + 1]]))
  }

  end(): void {
    this.#take(SPACE)
    if (this.#at < this.#text.length) throw this.#error('more than one value')
  }

  #readUntil(close: string): unknown[] {
    const items: unknown[] = []
    for (;;) {
      this.#take(SPACE)
      if (this.#at >= this.#text.length) throw this.#error(`"${close}" is missing`)
      if (this.#text[this.#at] === close) {
        this.#at++
        return items
      }
      items.push(this.read())
    }
  }

  #readTagged(): unknown {
    this.#at++
    if (this.#text[this.#at] === '{') {
      this.#at++
      return this.#readUntil('}')
    }
    this.#take(TOKEN)
    return this.read()
  }

  #readString(): string {
    const token = this.#take(STRING)
    if (token === '') throw this.#error('a string without end')
    try {
      // Clojure writes control characters as they are, JSON does not.
      return JSON.parse(token.replace(CONTROL, (one) => JSON.stringify(one).slice(1, -1))) as string
    } catch {
      throw this.#error('a string that says nothing')
    }
  }

  #readToken(): unknown {
    const token = this.#take(TOKEN)
    if (token === '') throw this.#error('a value is missing')
    if (token === 'nil') return null
    if (token === 'true' || token === 'false') return token === 'true'
    if (/^[+-]?\d/.test(token)) return Number(token.replace(/[NM]$/, ''))
    return token.startsWith(':') ? token.slice(1) : token
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const token = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += token.length
    return token
  }

  #error(what: string): HistoryError {
    return new HistoryError(`${what}, at character ${this.#at + 1}`)
  }
}
