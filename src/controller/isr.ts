import type { BrokerImage } from '../metadata/image.ts'
import { type IsrMember, type PartitionState, replicationFactorOf } from '../metadata/records.ts'
import type { PartitionRef } from './commands.ts'
import { effectiveMinInSyncReplicas } from './configs.ts'
import type { Evidence } from './context.ts'

/** Neither fenced nor draining, and its log of this partition is not dead (rules R5.2, R5.9). */
export function isServing(broker: BrokerImage, ref: PartitionRef, context: Evidence): boolean {
  return !broker.fenced && !broker.draining && !context.sessions.isLogDead(broker, ref)
}

/**
 * A live ISR member serves under the broker epoch that it joined with. Its process has run ever since, and so has applied a decision
 * that names its own broker epoch: it is not suspect (rules R3.4).
 */
export function isLiveMember(member: IsrMember, ref: PartitionRef, context: Evidence): boolean {
  const broker = context.image.brokers.get(member.nodeId)
  return broker !== undefined && broker.brokerEpoch === member.brokerEpoch && isServing(broker, ref, context)
}

/** An operator wants others to lead and to get new partitions, where they can (BrokerImage). */
export function isInMaintenance(nodeId: number, context: Pick<Evidence, 'image'>): boolean {
  return context.image.brokers.get(nodeId)?.maintenance === true
}

/** Those of brokers that may lead, in order, that should: brokers in maintenance only where there are no others. */
export function preferredToLead(nodeIds: readonly number[], context: Pick<Evidence, 'image'>): readonly number[] {
  const others = nodeIds.filter((nodeId) => !isInMaintenance(nodeId, context))
  return others.length > 0 ? others : nodeIds
}

export function minInSyncReplicasOf(state: PartitionState, context: Evidence): number {
  return effectiveMinInSyncReplicas(context.image.topics.get(state.topicId)?.configs ?? new Map(), replicationFactorOf(state))
}

/**
 * The ELR after a change of the ISR, in assignment order: none while the ISR has its minimum; else whoever was eligible or in sync and
 * is not in sync now. `lost`: damaged, or its folder is gone (rules R5.3, R5.8; KIP-966).
 */
export function nextElr(
  before: Pick<PartitionState, 'replicas' | 'isr' | 'elr'>,
  change: { readonly isr: readonly IsrMember[]; readonly minInSyncReplicas: number; readonly lost: ReadonlySet<number> },
): number[] {
  if (change.isr.length >= change.minInSyncReplicas) return []
  const eligible = new Set([...before.elr, ...before.isr.map((member) => member.nodeId)])
  for (const member of change.isr) eligible.delete(member.nodeId)
  return before.replicas.filter((nodeId) => eligible.has(nodeId) && !change.lost.has(nodeId))
}
