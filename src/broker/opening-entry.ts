import { randomUuid, type Uuid } from '../base/ids.ts'
import type { Random } from '../base/random.ts'
import type { MetadataRecord } from '../metadata/records.ts'

/** The first entry of a cluster names it and its voters; any later leader opens its term (rules R2.2, R4.2). */
export function openingEntry(
  offset: number,
  options: { readonly nodeId: number; readonly voterIds: readonly number[]; readonly random: Random; readonly folderOf: (nodeId: number) => Uuid | undefined },
): MetadataRecord[] {
  const { nodeId, voterIds, random, folderOf } = options
  if (offset > 0) return [{ type: 'leaderChange', leaderId: nodeId }]
  const voters = voterIds.map((id) => ({ nodeId: id, directoryId: folderOf(id) ?? null, endpoint: null }))
  return [{ type: 'cluster', clusterId: randomUuid(random.fork('cluster id')), voters }]
}
