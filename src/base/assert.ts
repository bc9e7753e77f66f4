/** A broken invariant: a bug of ours. It ends the node (rules of style S8); it is never thrown for bad input. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/** Throws AssertionError unless `condition` holds. `invariant` states what should be true, positively. */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new AssertionError(`assertion failed: ${invariant}`)
}

/** Marks the end of an exhaustive switch: the compiler proves that no case is missing. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`)
}
