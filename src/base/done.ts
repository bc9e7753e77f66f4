/**
 * How a seam call completes: once, with an error or with a value, never before the call returned.
 * Promises exist only at the client's public surface and in listeners (architecture 4).
 */
export type Done<T> = (error: Error | undefined, value: T) => void

/** Like Done, for calls that yield nothing. */
export type DoneVoid = (error: Error | undefined) => void
