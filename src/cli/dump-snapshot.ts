import { DumpScan, type DumpedBatch } from '../log/dump-scan.ts'
import type { SnapshotName } from '../log/snapshot-files.ts'
import { SnapshotAudit } from '../node/snapshot-audit.ts'
import { ReadOnlyFile } from './dump-files.ts'

const WINDOW_BYTES = 1024 * 1024

/** One file of the metadata, whole. `problems`: sentences, with the byte where it matters. */
export interface SnapshotReport {
  readonly file: string
  /** Exclusive: every decision below it is in the snapshot. */
  readonly endOffset: number
  readonly lastTerm: number
  readonly sizeBytes: number
  readonly batches: number
  readonly records: number
  readonly problems: readonly string[]
}

export interface SnapshotSight {
  batch(batch: DumpedBatch): void
  /** What was shown is on its way; more follows. */
  pause(): Promise<void>
}

/** Reads one snapshot of the metadata; its batches are numbered from 0. undefined: it is gone, newer ones took its place. */
export async function dumpSnapshot(path: string, name: SnapshotName, sight: SnapshotSight): Promise<SnapshotReport | undefined> {
  const file = await ReadOnlyFile.open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (file === undefined) return undefined
  try {
    const { sizeBytes } = file
    const scan = new DumpScan({ baseOffset: 0, lastEpoch: name.lastTerm, sizeBytes })
    const audit = new SnapshotAudit(name)
    let batches = 0
    for (let neededBytes = 1; neededBytes > 0; ) {
      const window = await file.read(scan.position, Math.max(WINDOW_BYTES, neededBytes))
      neededBytes = scan.feed(window, (batch) => {
        batches++
        audit.batch(batch)
        sight.batch(batch)
      })
      await sight.pause()
    }
    const { records, problem } = audit.finish()
    const problems = scan.problems.map(({ position, message }) => `at byte ${position}: ${message}`)
    if (problem !== undefined) problems.push(problem)
    return { file: path, ...name, sizeBytes, batches, records, problems }
  } finally {
    await file.close()
  }
}
