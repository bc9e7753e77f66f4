import type { LogDir, LogDirPartition, LogDirsDescription } from '../wire/api.ts'
import type { DataFolders } from './data-folders.ts'
import type { FolderMoves } from './folder-moves.ts'
import { parseLogName } from './log-name.ts'
import type { Replica } from './replica.ts'
import type { UnopenedLogs } from './unopened-logs.ts'

/** What is wrong with a log that nothing is wrong with. */
const WELL = { isOffline: false, isSuspect: false, isDamaged: false, reason: null, sinceTimestamp: -1, isFuture: false, moveError: null }
/** Of a log that was not opened. */
const UNREAD = { ...WELL, sizeBytes: -1, logStartOffset: -1, logEndOffset: -1, isOffline: true }

interface Described {
  all(): Iterable<Replica>
  readonly unopened: UnopenedLogs
  readonly folderMoves: Pick<FolderMoves, 'copies' | 'failureOf'>
}

/** The data folders of this node with the partitions on them; what cannot be read now is there too, with what is known of it. */
export function describeLogDirs(nodeId: number, folders: DataFolders, partitions: Described): LogDirsDescription {
  const { unopened, folderMoves } = partitions
  const byPath = new Map<string, LogDirPartition[]>()
  for (const { path } of [...folders.all, ...folders.offline]) byPath.set(path, [])
  for (const { topic, partition, log, dead, suspect, damaged, trouble } of partitions.all()) {
    const { sizeBytes, startOffset, endOffset } = log
    const offsets = { sizeBytes, logStartOffset: startOffset, logEndOffset: endOffset }
    const condition = { isOffline: dead, isSuspect: suspect, isDamaged: damaged, reason: trouble?.reason ?? null, sinceTimestamp: trouble?.sinceMs ?? -1 }
    const move = { isFuture: false, moveError: folderMoves.failureOf(log.name) }
    byPath.get(folders.of(log.name).path)?.push({ topic, partition, ...offsets, ...condition, ...move })
  }
  for (const { replica, copy, path } of folderMoves.copies()) {
    const { sizeBytes, startOffset: logStartOffset, endOffset: logEndOffset } = copy
    const { topic, partition } = replica
    byPath.get(path)?.push({ ...WELL, topic, partition, sizeBytes, logStartOffset, logEndOffset, isFuture: true })
  }
  for (const [name, { reason, sinceMs }] of unopened.entries()) {
    const place = parseLogName(name)
    if (place !== undefined && folders.knows(name)) byPath.get(folders.of(name).path)?.push({ ...place, ...UNREAD, reason, sinceTimestamp: sinceMs })
  }
  const reasons = new Map(folders.offline.map(({ path, reason }) => [path, reason]))
  for (const { name, path } of folders.offlineLogs()) {
    const place = parseLogName(name)
    if (place !== undefined) byPath.get(path)?.push({ ...place, ...UNREAD, reason: `data folder ${path} failed: ${reasons.get(path)}`, sinceTimestamp: -1 })
  }
  const spaces = new Map(folders.all.map(({ path, space }) => [path, space]))
  const described = [...byPath].map(([path, partitions]): LogDir => {
    const space = spaces.get(path)
    const sorted = partitions.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
    return { path, error: reasons.get(path) ?? null, totalBytes: space?.totalBytes ?? -1, usableBytes: space?.freeBytes ?? -1, partitions: sorted }
  })
  return { nodeId, folders: described }
}
