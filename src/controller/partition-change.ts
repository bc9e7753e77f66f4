import { assert } from '../base/assert.ts'
import type { IsrMember, PartitionState } from '../metadata/records.ts'
import { assertPartitionState, assertPartitionStep } from '../metadata/partition-rules.ts'
import type { ControllerContext } from './context.ts'
import { minInSyncReplicasOf, nextElr } from './isr.ts'

export interface PartitionChange {
  /** In any order. */
  readonly isr: readonly IsrMember[]
  /** −1: none. */
  readonly leader: number
  /** Replicas that may no longer be eligible: damaged, or their folder is gone. */
  readonly lost: ReadonlySet<number>
  /** As it will be, where the same entry changes it; default: as it is. */
  readonly minInSyncReplicas?: number
  /** Records that only others hold are given up (rules R5.7). */
  readonly unclean?: boolean
}

/**
 * The one place where a partition changes, so that what belongs together moves together: ISR and ELR (R5.8), leader, leader epoch and
 * where it was granted (R5.4), partition epoch. There is a leader exactly when there is an in-sync replica.
 */
export function changePartition(before: PartitionState, change: PartitionChange, context: ControllerContext): PartitionState {
  const members = new Map(change.isr.map((member) => [member.nodeId, member]))
  const isr = before.replicas.flatMap((nodeId) => members.get(nodeId) ?? [])
  assert(isr.length === change.isr.length, 'the ISR is a set of replicas')
  assert((change.leader === -1) === (isr.length === 0), 'there is a leader exactly when there is an in-sync replica')
  const leaderChanges = change.leader !== before.leader
  const after: PartitionState = {
    ...before,
    isr,
    elr: nextElr(before, { isr, minInSyncReplicas: change.minInSyncReplicas ?? minInSyncReplicasOf(before, context), lost: change.lost }),
    leader: change.leader,
    leaderEpoch: leaderChanges ? before.leaderEpoch + 1 : before.leaderEpoch,
    leaderGrantedOffset: leaderChanges ? context.offset : before.leaderGrantedOffset,
    partitionEpoch: before.partitionEpoch + 1,
    unclean: change.unclean === true || (before.unclean && isr.length < before.replicas.length),
  }
  assertPartitionState(after)
  assertPartitionStep(before, after, context.offset)
  return after
}
