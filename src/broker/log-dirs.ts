import type { LogDir, LogDirPartition, LogDirsDescription } from '../wire/api.ts'
import type { DataFolders } from './data-folders.ts'
import { parseLogName } from './log-name.ts'
import type { Replica } from './replica.ts'

/** The data folders of this node with the partitions on them; what cannot be read now is there too, with what is known of it. */
export function describeLogDirs(nodeId: number, folders: DataFolders, replicas: Iterable<Replica>): LogDirsDescription {
  const byPath = new Map<string, LogDirPartition[]>()
  for (const { path } of [...folders.all, ...folders.offline]) byPath.set(path, [])
  for (const { topic, partition, log, dead } of replicas) {
    const { sizeBytes, startOffset, endOffset } = log
    const described = { topic, partition, sizeBytes, logStartOffset: startOffset, logEndOffset: endOffset, isOffline: dead }
    byPath.get(folders.of(log.name).path)?.push(described)
  }
  for (const { name, path } of folders.offlineLogs()) {
    const place = parseLogName(name)
    if (place !== undefined) byPath.get(path)?.push({ ...place, sizeBytes: -1, logStartOffset: -1, logEndOffset: -1, isOffline: true })
  }
  const reasons = new Map(folders.offline.map(({ path, reason }) => [path, reason]))
  const spaces = new Map(folders.all.map(({ path, space }) => [path, space]))
  const described = [...byPath].map(([path, partitions]): LogDir => {
    const space = spaces.get(path)
    const sorted = partitions.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
    return { path, error: reasons.get(path) ?? null, totalBytes: space?.totalBytes ?? -1, usableBytes: space?.freeBytes ?? -1, partitions: sorted }
  })
  return { nodeId, folders: described }
}
