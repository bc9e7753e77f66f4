/** What was done to a file and is not durable. */
type Change = { readonly type: 'write'; readonly position: number; readonly bytes: Buffer } | { readonly type: 'truncate'; readonly sizeBytes: number }

/** The changes of one file since it was synced last, in their order: they are in memory only, as in a page cache that a power loss empties. */
export class PendingChanges {
  #changes: readonly Change[] = []

  get all(): readonly Change[] {
    return this.#changes
  }

  get bytes(): number {
    return this.#changes.reduce((sum, change) => sum + (change.type === 'write' ? change.bytes.length : 0), 0)
  }

  write(buffers: readonly Buffer[], position: number): void {
    this.#changes = [...this.#changes, { type: 'write', position, bytes: Buffer.concat(buffers) }]
  }

  truncate(sizeBytes: number): void {
    this.#changes = [...this.#changes, { type: 'truncate', sizeBytes }]
  }

  /** The first of them are durable now. */
  forget(made: readonly Change[]): void {
    this.#changes = this.#changes.slice(made.length)
  }

  /** Whether what is written there could not go first. */
  meets(position: number, length: number): boolean {
    return this.#changes.some(
      (change) => change.type === 'truncate' || (change.position < position + length && position < change.position + change.bytes.length),
    )
  }
}

/** The size of a file of so many bytes once changed. */
export function sizeAfter(sizeBytes: number, changes: readonly Change[]): number {
  return changes.reduce((size, change) => (change.type === 'truncate' ? change.sizeBytes : Math.max(size, change.position + change.bytes.length)), sizeBytes)
}

/** What a read of `length` bytes at `position` finds, where the file itself held `found` of `sizeBytes` bytes. */
export function readAfter(found: Buffer, position: number, length: number, changes: readonly Change[]): Buffer {
  const bytes = Buffer.alloc(length)
  found.copy(bytes)
  let end = position + found.length
  for (const change of changes) {
    if (change.type === 'truncate') {
      // What is written behind it later leaves zeros between.
      bytes.fill(0, Math.min(length, Math.max(0, change.sizeBytes - position)))
      end = change.sizeBytes
      continue
    }
    const from = Math.max(position, change.position)
    const to = Math.min(position + length, change.position + change.bytes.length)
    if (from < to) change.bytes.copy(bytes, from - position, from - change.position, to - change.position)
    end = Math.max(end, change.position + change.bytes.length)
  }
  return bytes.subarray(0, Math.max(0, Math.min(length, end - position)))
}
