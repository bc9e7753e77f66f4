import { assert } from '../base/assert.ts'
import type { Snapshot, SnapshotChunk, SnapshotId } from './messages.ts'

/** A leader's snapshot on its way in, as far as its bytes go: received in order, written behind that, asked to be stored once. */
export class SnapshotReception {
  readonly snapshot: Snapshot
  #receivedPosition = 0
  #writtenPosition = 0

  constructor({ endOffset, lastTerm, sizeBytes }: Snapshot) {
    this.snapshot = { endOffset, lastTerm, sizeBytes }
  }

  isOf(id: SnapshotId): boolean {
    return id.endOffset === this.snapshot.endOffset && id.lastTerm === this.snapshot.lastTerm
  }

  get writtenPosition(): number {
    return this.#writtenPosition
  }

  /** True: these bytes come next. */
  take(chunk: SnapshotChunk): boolean {
    if (chunk.position !== this.#receivedPosition || chunk.sizeBytes !== this.snapshot.sizeBytes) return false
    this.#receivedPosition += chunk.bytes.length
    assert(this.#receivedPosition <= this.snapshot.sizeBytes, 'a chunk lies within its snapshot')
    return true
  }

  /** True: all of it is written now. */
  written(position: number): boolean {
    assert(position > this.#writtenPosition && position <= this.#receivedPosition, 'what was received is written in order')
    this.#writtenPosition = position
    return position === this.snapshot.sizeBytes
  }
}
