// biome-ignore lint/suspicious/noExplicitAny: the fields of an opened core have no types
type Opened = any
type Method = (this: Opened, ...args: Opened[]) => unknown

/** A rule that is broken on purpose: one method of one machine is another. */
export interface BrokenRule<Bounds> {
  readonly rule: string
  readonly machine: { readonly prototype: object }
  readonly method: string
  /** What takes the place of the method. */
  readonly make: (original: Method) => Method
  readonly bounds: Partial<Bounds>
  /** The invariant that notices it. */
  readonly noticedBy: string
  /** In steps; where the way back to health is what fails, with that way. */
  readonly longestStory: number
}

/** Breaks it, until the function that is returned is called. */
export function breakRule({ machine, method, make }: Pick<BrokenRule<unknown>, 'machine' | 'method' | 'make'>): () => void {
  const prototype = machine.prototype as Record<string, Method>
  const original = prototype[method]!
  prototype[method] = make(original)
  return () => {
    prototype[method] = original
  }
}
