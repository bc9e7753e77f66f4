import { assert } from '../../src/base/assert.ts'

type Fields = Record<string, unknown>

/** What shares structure with everything: data that nobody changes, frozen to say so. It is neither copied nor read twice. */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || Buffer.isBuffer(value)) return value
  Object.freeze(value)
  if (value instanceof Map || value instanceof Set) for (const entry of value) freeze(entry)
  else for (const inner of Object.values(value)) freeze(inner)
  return value
}

/** Copies a machine with all that it holds; frozen data and bytes are shared. Each function must be known to `replace`: it may hold on to the original. */
export function copyGraph<T extends object>(root: T, replace: (value: unknown, key: string) => unknown = refuse): T {
  const copy = (value: unknown, key: string): unknown => {
    if (typeof value === 'function') return replace(value, key)
    if (typeof value !== 'object' || value === null || Object.isFrozen(value) || Buffer.isBuffer(value)) return value
    if (Array.isArray(value)) return value.map((one) => copy(one, key))
    if (value instanceof Map) return new Map([...value].map(([name, one]) => [name, copy(one, key)]))
    if (value instanceof Set) return new Set(value)
    const known = copied.get(value)
    if (known !== undefined) return known
    const made = Object.create(Object.getPrototypeOf(value) as object) as Fields
    copied.set(value, made)
    for (const name of Object.keys(value)) made[name] = copy((value as Fields)[name], name)
    return made
  }
  const copied = new Map<object, unknown>()
  return copy(root, '') as T
}

function refuse(_value: unknown, key: string): never {
  throw new Error(`${key} is a function: whatever it holds on to would not be copied`)
}

const frozenTexts = new WeakMap<object, string>()

/**
 * Everything that an object graph holds, as one text: two graphs with the same text behave alike. Maps and sets in the order of insertion, which may
 * matter; functions are left out, for what they hold on to is in the graph.
 */
export function textOf(value: unknown): string {
  return textWithin(value, new Map())
}

function textWithin(value: unknown, seen: Map<object, number>): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) return `${value}`
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'object') return ''
  if (Object.isFrozen(value)) {
    let text = frozenTexts.get(value)
    if (text === undefined) frozenTexts.set(value, (text = textOfObject(value, new Map())))
    return text
  }
  // Parts of a machine may be held twice; of plain data it makes no difference who shares it.
  if (Object.getPrototypeOf(value) === Object.prototype) return textOfObject(value, seen)
  const known = seen.get(value)
  if (known !== undefined) return `^${known}`
  seen.set(value, seen.size)
  return textOfObject(value, seen)
}

function textOfObject(value: object, seen: Map<object, number>): string {
  if (Buffer.isBuffer(value)) return `<${value.toString('latin1')}>`
  let text = ''
  if (Array.isArray(value)) {
    for (const one of value) text += `${textWithin(one, seen)},`
    return `[${text}]`
  }
  if (value instanceof Map) {
    for (const [key, one] of value) text += `${textWithin(key, seen)}>${textWithin(one, seen)},`
    return `(${text})`
  }
  if (value instanceof Set) {
    for (const one of value) text += `${textWithin(one, seen)},`
    return `{${text}}`
  }
  for (const key of Object.keys(value)) text += `${key}:${textWithin((value as Fields)[key], seen)},`
  return `{${text}}`
}

/** Gives each distinct thing a number: what is equal by text is the same thing from then on. */
export class Numbered<T> {
  readonly #numbers = new Map<string, number>()
  readonly #things: T[] = []

  get size(): number {
    return this.#things.length
  }

  /** The number of the thing with this text; `make` is called for a new one only. */
  number(text: string, make: () => T): number {
    let number = this.#numbers.get(text)
    if (number === undefined) {
      number = this.#things.length
      this.#numbers.set(text, number)
      this.#things.push(make())
    }
    return number
  }

  get(number: number): T {
    assert(number >= 0 && number < this.#things.length, 'a number was given out')
    return this.#things[number] as T
  }
}
