/** A message as it travels. `sizeBytes` is what it would take on a wire, roughly: what budgets and back-pressure count. */
export interface MessageCopy {
  readonly copy: unknown
  readonly sizeBytes: number
}

/**
 * A deep copy of a message: plain objects, arrays, Maps, Sets, Buffers and scalars. What arrives must never share memory with what was
 * sent (architecture 4, Transport). Anything else in a message (a class, a function) is a mistake of the sender.
 */
export function copyMessage(message: unknown): MessageCopy {
  const tally = { sizeBytes: 0 }
  return { copy: copyValue(message, tally), sizeBytes: tally.sizeBytes }
}

interface Tally {
  sizeBytes: number
}

const SCALAR_BYTES = 4
const HOLDER_BYTES = 2

function copyValue(value: unknown, tally: Tally): unknown {
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' || typeof value === 'symbol') throw new Error(`a message holds a ${typeof value}`)
    tally.sizeBytes += typeof value === 'string' ? value.length : SCALAR_BYTES
    return value
  }
  if (Buffer.isBuffer(value)) {
    tally.sizeBytes += value.length
    return Buffer.from(value)
  }
  if (value instanceof Map) return new Map(copyValue([...value], tally) as [unknown, unknown][])
  tally.sizeBytes += HOLDER_BYTES
  if (Array.isArray(value)) {
    const copy: unknown[] = value.slice()
    for (let at = 0; at < copy.length; at++) copy[at] = copyValue(copy[at], tally)
    return copy
  }
  if (value instanceof Set) return new Set([...value].map((held) => copyValue(held, tally)))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw new Error(`a message holds a ${value.constructor.name}`)
  const copy: Record<string, unknown> = { ...value }
  for (const key in copy) copy[key] = copyValue(copy[key], tally)
  return copy
}
