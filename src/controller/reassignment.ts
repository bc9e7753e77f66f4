import type { IsrMember, PartitionState } from '../metadata/records.ts'
import { effectiveMinInSyncReplicas } from './configs.ts'
import type { Evidence } from './context.ts'
import { isLiveMember, preferredToLead } from './isr.ts'

/** Where a partition stands: what a reassignment moves. */
export type Standing = Pick<PartitionState, 'replicas' | 'reassignment' | 'isr' | 'leader'>

/**
 * Whether replicas may go for good, of which only `staying` are kept: enough of those hold all that was acknowledged, or none goes that does.
 * Else the promise of rules R1.1 would hang on fewer disks than min.insync.replicas.
 */
export function mayKeepOnly(state: Pick<PartitionState, 'isr' | 'elr'>, staying: readonly number[], minInSyncReplicas: number): boolean {
  const kept = state.isr.filter((member) => staying.includes(member.nodeId))
  if (kept.length === 0) return false
  return kept.length >= minInSyncReplicas || (kept.length === state.isr.length && state.elr.every((nodeId) => staying.includes(nodeId)))
}

/**
 * The state that a reassignment ends in; undefined as long as it goes on. It ends in the entry that brings the last added replica into the ISR:
 * then those that leave are taken off, and another leads where the leader is one of them. `configs`: of the topic, as they will be.
 * Source: KIP-455; Kafka PartitionReassignmentReplicas.
 */
export function settledStanding(state: PartitionState, configs: ReadonlyMap<string, string>, context: Evidence): Standing | undefined {
  if (state.reassignment === null) return undefined
  const { from, to } = state.reassignment
  const kept = to.flatMap((nodeId) => state.isr.find((member) => member.nodeId === nodeId) ?? [])
  const isIn = (nodeId: number): boolean => kept.some((member) => member.nodeId === nodeId)
  if (!to.every((nodeId) => from.includes(nodeId) || isIn(nodeId))) return undefined
  if (!mayKeepOnly(state, to, effectiveMinInSyncReplicas(configs, to.length))) return undefined
  const leader = isIn(state.leader) ? state.leader : firstLive(kept, state, context)
  return leader === undefined ? undefined : { replicas: to, reassignment: null, isr: kept, leader }
}

function firstLive(members: readonly IsrMember[], state: PartitionState, context: Evidence): number | undefined {
  const live = members.filter((member) => isLiveMember(member, state, context)).map((member) => member.nodeId)
  return preferredToLead(live, context)[0]
}
