import { assert } from '../base/assert.ts'
import { assertPartitionState, assertPartitionStep } from '../metadata/partition-rules.ts'
import { type IsrMember, type PartitionState, replicationFactorOf } from '../metadata/records.ts'
import { effectiveMinInSyncReplicas } from './configs.ts'
import type { ControllerContext } from './context.ts'
import { nextElr } from './isr.ts'
import { settledStanding } from './reassignment.ts'

export interface PartitionChange {
  /** In any order. */
  readonly isr: readonly IsrMember[]
  /** −1: none. */
  readonly leader: number
  /** Replicas that may no longer be eligible: damaged, or their folder is gone. */
  readonly lost: ReadonlySet<number>
  /** Of the topic as they will be, where the same entry changes them; default: as they are. */
  readonly configs?: ReadonlyMap<string, string>
  /** Where it goes from now on; default: as before. */
  readonly move?: Pick<PartitionState, 'replicas' | 'reassignment'>
  /** What its followers said before counts no more: each is unknown again until it asks in the new leader epoch. */
  readonly forgets?: boolean
  /** Records that only others hold are given up (rules R5.7). */
  readonly unclean?: boolean
}

/**
 * The one place where a partition changes, so that what belongs together moves together: ISR and ELR (R5.8), leader, leader epoch and
 * where it was granted (R5.4), partition epoch, and the end of a reassignment. There is a leader exactly when there is an in-sync replica.
 */
export function changePartition(before: PartitionState, change: PartitionChange, context: ControllerContext): PartitionState {
  const members = new Map(change.isr.map((member) => [member.nodeId, member]))
  const standing = { ...before, ...change.move }
  const isr = standing.replicas.flatMap((nodeId) => members.get(nodeId) ?? [])
  assert(isr.length === change.isr.length, 'the ISR is a set of replicas')
  assert((change.leader === -1) === (isr.length === 0), 'there is a leader exactly when there is an in-sync replica')
  const configs = change.configs ?? context.image.topics.get(before.topicId)?.configs ?? new Map<string, string>()
  const changed = withElr(before, { ...standing, isr, leader: change.leader }, { configs, lost: change.lost })
  const settled = settledStanding(changed, configs, context)
  const moved = settled === undefined ? changed : withElr(before, { ...changed, ...settled }, { configs, lost: change.lost })
  const unclean = change.unclean === true || (before.unclean && moved.isr.length < moved.replicas.length)
  const after = withEpochs(before, { ...moved, unclean }, context, change.forgets === true)
  assertPartitionState(after)
  assertPartitionStep(before, after, context.offset)
  return after
}

function withElr(
  before: PartitionState,
  after: PartitionState,
  options: { readonly configs: ReadonlyMap<string, string>; readonly lost: ReadonlySet<number> },
): PartitionState {
  const { isr, replicas } = after
  const minInSyncReplicas = effectiveMinInSyncReplicas(options.configs, replicationFactorOf(after))
  return { ...after, elr: nextElr({ ...before, replicas }, { isr, minInSyncReplicas, lost: options.lost }) }
}

/**
 * A replica that goes takes its word back: should it come again, its log is empty, and what it said before must count no more. So the leader epoch
 * rises with it, also where the leader stays (Kafka PartitionChangeBuilder triggerLeaderEpochBumpForReplicaReassignmentIfNeeded).
 */
function withEpochs(before: PartitionState, after: PartitionState, context: ControllerContext, forgets: boolean): PartitionState {
  const isTakenOff = before.replicas.some((nodeId) => !after.replicas.includes(nodeId))
  const isGranted = after.leader !== before.leader || isTakenOff || forgets
  return {
    ...after,
    leaderEpoch: isGranted ? before.leaderEpoch + 1 : before.leaderEpoch,
    leaderGrantedOffset: isGranted ? context.offset : before.leaderGrantedOffset,
    partitionEpoch: before.partitionEpoch + 1,
  }
}
