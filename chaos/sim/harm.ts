import { between, type Random } from '../../src/base/random.ts'
import { LOG_START_NOTE } from '../../src/log/log-start.ts'
import { METADATA_LOG } from '../../src/log/surface.ts'
import { BATCH_HEADER_BYTES, peekBatchSize } from '../../src/record/batch.ts'
import { type Atlas, mayHarm } from '../atlas.ts'
import type { SimNode } from './sim-node.ts'

/** A segment of which the disk holds at least one whole batch for sure. */
interface SegmentFile {
  readonly disk: number
  readonly logName: string
  readonly path: string
  /** Where its batches begin, and where the last one ends. */
  readonly bounds: readonly number[]
  /** No file of its log comes behind it, be it empty. */
  readonly isNewest: boolean
}

/** Of the leader epoch in the header of a batch. */
const EPOCH_AT = 12
const EPOCH_BYTES = 4
const SEGMENT = /^(.+)\/\d{20}\.log$/

/** What the atlas lets happen to what a node has synced: its segments, those of a log in order. Only of a node that is down may anything be harmed. */
export function harmable(node: SimNode, atlas: Atlas): readonly SegmentFile[] {
  const found: SegmentFile[] = []
  for (const [at, disk] of node.disks.entries()) {
    const paths = disk.files().map(([path]) => path)
    const segments = paths.filter((path) => {
      const logName = SEGMENT.exec(path)?.[1]
      return logName !== undefined && isLog(logName) && mayHarm(atlas, node.nodeId, logName)
    })
    for (const path of segments) {
      const logName = SEGMENT.exec(path)?.[1] as string
      const bounds = batchBounds(disk.durableContent(path) ?? Buffer.alloc(0))
      const isNewest = !paths.some((other) => other > path && SEGMENT.exec(other)?.[1] === logName)
      if (bounds.length > 1) found.push({ disk: at, logName, path, bounds, isNewest })
    }
  }
  return found
}

/** Behind a last one nothing was synced. */
function isLast(segment: SegmentFile, all: readonly SegmentFile[]): boolean {
  const { disk, logName, path } = segment
  return !all.some((other) => other.disk === disk && other.logName === logName && other.path > path)
}

/** What lies in quarantine is nobody's any more. */
function isLog(name: string): boolean {
  return name === METADATA_LOG || name.startsWith('partitions/')
}

function batchBounds(content: Buffer): readonly number[] {
  const bounds = [0]
  for (let at = 0; ; ) {
    const sizeBytes = peekBatchSize(content, at)
    if (sizeBytes === undefined || sizeBytes < BATCH_HEADER_BYTES || at + sizeBytes > content.length) return bounds
    at += sizeBytes
    bounds.push(at)
  }
}

/** Just after a power loss: the disk forgets the newest of what it had said was synced, of one log at least. Returns a sentence for each. */
export function loseSynced(node: SimNode, atlas: Atlas, random: Random): readonly string[] {
  const ends = harmable(node, atlas).filter((segment, _, all) => isLast(segment, all))
  const chosen = ends.filter(() => random.integer(3) > 0)
  return (chosen.length > 0 ? chosen : ends.slice(0, 1)).map((segment) => cutEnd(node, segment, random))
}

/** At the end of a batch, so that nothing tells that more was there, or within one. */
function cutEnd(node: SimNode, segment: SegmentFile, random: Random): string {
  const { path, bounds } = segment
  const batches = bounds.length - 1
  const lost = random.integer(3) === 0 ? between(random, 1, batches) : between(random, 1, Math.min(3, batches))
  const at = bounds[batches - lost] as number
  const next = bounds[batches - lost + 1] as number
  const sizeBytes = random.integer(3) === 0 ? between(random, at + 1, next - 1) : at
  node.noteHarmed(segment.logName)
  if (sizeBytes === 0 && random.integer(2) === 0) return loseFile(node, segment)
  node.disks[segment.disk]?.truncateFile(path, sizeBytes)
  return `${path} ends at byte ${sizeBytes}, ${lost} batches are lost`
}

function loseFile(node: SimNode, { disk, logName, path }: SegmentFile): string {
  node.noteHarmed(logName)
  node.loseFile(disk, path)
  return `${path} is gone`
}

type Act = (node: SimNode, segment: SegmentFile, random: Random) => string | undefined

/** Each of these a disk may do to what it holds. */
const acts: readonly Act[] = [flipRecord, flipRecord, cutEnd, flipBeside, loseFile]
/** Of the newest segment alone: the headers of others are not read at a start, and the checkers could not tell what lies there. */
const endActs: readonly Act[] = [...acts, flipHeader, flipEpoch]

/** A node that is down: its disks change what they hold. Returns a sentence for each change. */
export function damage(node: SimNode, atlas: Atlas, random: Random): readonly string[] {
  const told: string[] = []
  for (let left = between(random, 1, 3); left > 0; left--) {
    const segments = harmable(node, atlas)
    const segment = segments[random.integer(Math.max(1, segments.length))]
    if (segment === undefined) break
    const possible = segment.isNewest ? endActs : acts
    const act = possible[random.integer(possible.length)] as Act
    const sentence = act(node, segment, random) ?? flipRecord(node, segment, random)
    if (sentence !== undefined) told.push(sentence)
  }
  return told
}

function flipRecord(node: SimNode, segment: SegmentFile, random: Random): string | undefined {
  const batch = random.integer(segment.bounds.length - 1)
  const from = segment.bounds[batch] as number
  return flip(node, segment, segment.path, between(random, from + BATCH_HEADER_BYTES, (segment.bounds[batch + 1] as number) - 1))
}

function flipHeader(node: SimNode, segment: SegmentFile, random: Random): string | undefined {
  const from = segment.bounds[random.integer(segment.bounds.length - 1)] as number
  const at = random.integer(BATCH_HEADER_BYTES - EPOCH_BYTES)
  return flip(node, segment, segment.path, from + (at < EPOCH_AT ? at : at + EPOCH_BYTES))
}

/** The one field that says something and that no checksum covers: to one that no run comes to. What lies between is not noticed (docs/correctness.md). */
function flipEpoch(node: SimNode, segment: SegmentFile, random: Random): string | undefined {
  const at = (segment.bounds[random.integer(segment.bounds.length - 1)] as number) + EPOCH_AT + 2
  return flip(node, segment, segment.path, at)
}

/** An index, the note of the log's start, a snapshot; of a node whose metadata may be harmed also the vote and the count of its starts. */
function flipBeside(node: SimNode, segment: SegmentFile, random: Random): string | undefined {
  const { logName, disk } = segment
  const paths = node.disks[disk]?.files().filter(([path]) => isBeside(path, logName)) ?? []
  const [path, sizeBytes] = paths[random.integer(Math.max(1, paths.length))] ?? ['', 0]
  return sizeBytes === 0 ? undefined : flip(node, segment, path, random.integer(sizeBytes))
}

function isBeside(path: string, logName: string): boolean {
  if (logName === METADATA_LOG && (path === 'quorum-state' || path === 'starts')) return true
  if (!path.startsWith(`${logName}/`)) return false
  const name = path.slice(logName.length + 1)
  return /\.(index|timeindex|snapshot|checkpoint)$/.test(name) || name === LOG_START_NOTE
}

function flip(node: SimNode, { disk, logName }: SegmentFile, path: string, position: number): string | undefined {
  if (node.disks[disk]?.flipByte(path, position) !== true) return undefined
  node.noteHarmed(logName)
  return `byte ${position} of ${path} is another one`
}
