import { effectiveMinInSyncReplicas } from '../controller/configs.ts'
import type { PartitionRef } from '../controller/commands.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { type IsrMember, replicationFactorOf } from '../metadata/records.ts'

/** Whether the replica of this node holds what was acknowledged, and too few others that live do: fewer than min.insync.replicas, as the applied image has it. */
export function isNeeded(image: MetadataImage, nodeId: number, { topicId, partition }: PartitionRef): boolean {
  const topic = image.topics.get(topicId)
  const state = topic?.partitions[partition]
  if (topic === undefined || state === undefined) return false
  const holds = state.isr.some((member) => member.nodeId === nodeId) || state.elr.includes(nodeId)
  const isLive = (member: IsrMember): boolean => {
    const broker = image.brokers.get(member.nodeId)
    return broker?.brokerEpoch === member.brokerEpoch && !broker.fenced && !broker.draining
  }
  const others = state.isr.filter((member) => member.nodeId !== nodeId && isLive(member))
  return holds && others.length < effectiveMinInSyncReplicas(topic.configs, replicationFactorOf(state))
}
