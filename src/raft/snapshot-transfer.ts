import { assert } from '../base/assert.ts'
import type { Snapshot, SnapshotId } from './messages.ts'

/** Most bytes of one chunk, and what may be on its way to one peer. */
export const SNAPSHOT_CHUNK_BYTES = 512 * 1024
export const SNAPSHOT_INFLIGHT_BYTES = 4 * SNAPSHOT_CHUNK_BYTES
/** 1 s without a word about the bytes: something was lost. */
const RETRY_TICKS = 20

/**
 * A snapshot on its way to one peer, in the eyes of the leader: chunks go ahead of their acknowledgement, within a window. A lost one shows by silence alone:
 * then one chunk at a time goes from what was acknowledged last, until that grows. A peer that says less than before has begun anew, and is followed.
 */
export class SnapshotTransfer {
  readonly snapshot: Snapshot
  #nextPosition = 0
  #writtenPosition = 0
  #idleTicks = 0
  #isCautious = false

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot
  }

  isOf(id: SnapshotId): boolean {
    return id.endOffset === this.snapshot.endOffset && id.lastTerm === this.snapshot.lastTerm
  }

  /** What may leave now; undefined: nothing. */
  get next(): { readonly position: number; readonly maxBytes: number } | undefined {
    const position = this.#nextPosition
    const inflightBytes = position - this.#writtenPosition
    const isFull = this.#isCautious ? inflightBytes > 0 : inflightBytes >= SNAPSHOT_INFLIGHT_BYTES
    if (isFull || position >= this.snapshot.sizeBytes) return undefined
    return { position, maxBytes: SNAPSHOT_CHUNK_BYTES }
  }

  sent(position: number, endPosition: number): void {
    assert(endPosition > position && endPosition <= this.snapshot.sizeBytes, 'a chunk lies within its snapshot')
    if (position === this.#nextPosition) this.#nextPosition = endPosition
  }

  acknowledged(position: number): void {
    if (position > this.snapshot.sizeBytes) return
    this.#idleTicks = 0
    if (position < this.#writtenPosition) {
      this.#isCautious = true
      this.#nextPosition = position
    } else if (position > this.#writtenPosition) this.#isCautious = false
    this.#writtenPosition = position
    this.#nextPosition = Math.max(this.#nextPosition, position)
  }

  /** True: what was sent is taken for lost. Of a peer that has all of it, it is asked whether it still has. */
  tick(): boolean {
    if (++this.#idleTicks < RETRY_TICKS) return false
    this.#idleTicks = 0
    this.#isCautious = true
    if (this.#writtenPosition === this.snapshot.sizeBytes) this.#writtenPosition = 0
    this.#nextPosition = this.#writtenPosition
    return true
  }
}
