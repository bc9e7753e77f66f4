import type { Entry, SnapshotId } from '../../src/raft/messages.ts'
import type { StoredSnapshot } from './simulated-node.ts'

const LEAST_CHUNK_BYTES = 16

/** All entries below endOffset, one a line; the last line counts them, so that a part is no whole. */
export function makeSnapshot(id: SnapshotId, entries: readonly Entry[]): StoredSnapshot {
  const held = entries.slice(0, id.endOffset)
  const text = held.map((entry) => `${entry.term}:${entry.bytes.toString()}\n`).join('')
  return { ...id, entries: held, bytes: Buffer.from(`${text}${held.length} in all\n`) }
}

/** Undefined: the bytes are not that snapshot. */
export function readSnapshot(id: SnapshotId, bytes: Buffer): StoredSnapshot | undefined {
  const lines = bytes.toString().split('\n')
  const entries = lines.slice(0, -2).map((line): Entry => {
    const at = line.indexOf(':')
    return { term: Number(line.slice(0, at)), bytes: Buffer.from(line.slice(at + 1)) }
  })
  const snapshot = makeSnapshot(id, entries)
  return entries.length === id.endOffset && entries.at(-1)?.term === id.lastTerm && snapshot.bytes.equals(bytes) ? snapshot : undefined
}

/** A third of it at a time, so that there is something to lose. */
export function readChunk(snapshot: StoredSnapshot, position: number, maxBytes: number): Buffer {
  const sizeBytes = Math.min(maxBytes, Math.max(LEAST_CHUNK_BYTES, Math.ceil(snapshot.bytes.length / 3)))
  return snapshot.bytes.subarray(position, position + sizeBytes)
}
