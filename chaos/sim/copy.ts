/**
 * A deep copy of a message: plain objects, arrays, Maps, Sets, Buffers and scalars. What arrives must never share memory with what was
 * sent (architecture 4, Transport). Anything else in a message (a class, a function) is a mistake of the sender.
 */
export function copyMessage<T>(message: T): T {
  return copyValue(message) as T
}

function copyValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' || typeof value === 'symbol') throw new Error(`a message holds a ${typeof value}`)
    return value
  }
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  if (Array.isArray(value)) {
    const copy: unknown[] = value.slice()
    for (let at = 0; at < copy.length; at++) if (!isScalar(copy[at])) copy[at] = copyValue(copy[at])
    return copy
  }
  if (value instanceof Map) return new Map([...value].map(([key, held]) => [copyValue(key), copyValue(held)]))
  if (value instanceof Set) return new Set([...value].map(copyValue))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw new Error(`a message holds a ${value.constructor.name}`)
  const copy: Record<string, unknown> = { ...value }
  for (const key in copy) {
    const held = copy[key]
    if (!isScalar(held)) copy[key] = copyValue(held)
  }
  return copy
}

/** Most of what a message holds. To write it once more costs more than to look at it. */
function isScalar(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean' || value === null || value === undefined
}

/** Bytes that a message would take on a wire, roughly: what budgets and back-pressure count. */
export function messageBytes(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 4
  if (Buffer.isBuffer(value)) return value.length
  let bytes = 2
  if (Array.isArray(value)) for (let at = 0; at < value.length; at++) bytes += messageBytes(value[at])
  else if (value instanceof Map || value instanceof Set) for (const held of value) bytes += messageBytes(held)
  else for (const key in value) bytes += messageBytes((value as Record<string, unknown>)[key])
  return bytes
}
