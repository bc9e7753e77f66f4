import { effectiveMinInSyncReplicas } from '../../src/controller/configs.ts'
import type { MetadataImage } from '../../src/metadata/image.ts'
import { type PartitionState, replicationFactorOf } from '../../src/metadata/records.ts'
import { demand } from './violation.ts'

/** One change of a partition. */
export interface EligibleChange {
  readonly before: PartitionState
  readonly after: PartitionState
  readonly images: { readonly before: MetadataImage; readonly after: MetadataImage }
  /** Whether the replica of that node was ever seen to be damaged. */
  readonly wasDamaged: (nodeId: number) => boolean
}

/**
 * Rules R5.8: while the ISR has its minimum nobody else is eligible, since the high watermark passes whoever is not in sync. Below the minimum whoever was
 * in sync or eligible stays so, and is not taken off either (R5.10): perhaps nobody else holds what was acknowledged. Only a replica that is damaged, or that
 * registered anew (its folder may be another) goes, and all of them where an unclean election gave them up.
 */
export function checkEligible(log: string, { before, after, images, wasDamaged }: EligibleChange): void {
  const minInSyncReplicas = minInSyncReplicasOf(images.after, after)
  const where = `${log} at metadata offset ${images.after.offset}`
  if (after.isr.length >= minInSyncReplicas) {
    demand(after.elr.length === 0, 'elr', () => `${where}: ${after.isr.length} replicas are in sync, as many as have to be, and ${after.elr} eligible`)
    return
  }
  // Of several changes at once only the last is seen: in between the ISR may have had its minimum, or the minimum may have been another.
  if (after.partitionEpoch !== before.partitionEpoch + 1 || after.unclean) return
  if (minInSyncReplicasOf(images.before, after) !== minInSyncReplicas) return
  for (const nodeId of new Set([...before.elr, ...before.isr.map((member) => member.nodeId)])) {
    const isKept = after.elr.includes(nodeId) || after.isr.some((member) => member.nodeId === nodeId)
    const hasRegistered = images.before.brokers.get(nodeId)?.brokerEpoch !== images.after.brokers.get(nodeId)?.brokerEpoch
    demand(
      isKept || hasRegistered || wasDamaged(nodeId),
      'elr',
      () => `${where}: node ${nodeId} is eligible no more, with ${after.isr.length} replicas in sync of the ${minInSyncReplicas} that have to be`,
    )
  }
}

function minInSyncReplicasOf({ topics }: MetadataImage, partition: PartitionState): number {
  const configs = topics.get(partition.topicId)?.configs ?? new Map<string, string>()
  return effectiveMinInSyncReplicas(configs, replicationFactorOf(partition))
}
