import type { Done, DoneVoid } from './done.ts'

export type CheckpointWrite = { readonly type: 'put'; readonly key: string; readonly value: Buffer } | { readonly type: 'delete'; readonly key: string }

/**
 * The seam to the store of what can be rebuilt (rules R3.7). Production: `level`. Simulation: memory that
 * may lose everything or roll back. No safety rests on it.
 */
export interface Checkpoints {
  /** All writes or none. `sync` true: on disk before done. */
  write(writes: readonly CheckpointWrite[], options: { readonly sync: boolean }, done: DoneVoid): void
  get(key: string, done: Done<Buffer | undefined>): void
  close(done: DoneVoid): void
}
