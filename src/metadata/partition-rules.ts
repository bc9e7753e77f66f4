import { assert } from '../base/assert.ts'
import type { BrokerImage } from './image.ts'
import type { PartitionState } from './records.ts'

/** What holds for every partition state by itself: asserted when it is decided and when it is applied. */
export function assertPartitionState(state: PartitionState): void {
  const isr = state.isr.map((member) => member.nodeId)
  assert(state.replicas.length > 0 && new Set(state.replicas).size === state.replicas.length, 'the replicas of a partition are distinct brokers')
  assert(new Set(isr).size === isr.length && isr.every((nodeId) => state.replicas.includes(nodeId)), 'the ISR is a set of replicas')
  assert(new Set(state.elr).size === state.elr.length && state.elr.every((nodeId) => state.replicas.includes(nodeId)), 'the ELR is a set of replicas')
  assert(!state.elr.some((nodeId) => isr.includes(nodeId)), 'no replica is in the ISR and in the ELR')
  assert(state.leader === -1 || isr.includes(state.leader), 'the leader is in the ISR, or there is none')
  assert(
    state.leader === -1 || state.isr.every((member) => member.nodeId !== state.leader || member.brokerEpoch < state.leaderGrantedOffset),
    'nobody leads with an epoch granted before its own broker epoch (R5.4)',
  )
  assertReassignment(state)
}

function assertReassignment({ replicas, reassignment }: PartitionState): void {
  if (reassignment === null) return
  const { from, to } = reassignment
  const added = to.filter((nodeId) => !from.includes(nodeId))
  assert(from.length > 0 && to.length > 0 && new Set(to).size === to.length, 'a partition is reassigned to distinct brokers')
  assert(replicas.length === from.length + added.length, 'while it is reassigned a partition has its old replicas and the added ones')
  assert(
    [...from, ...added].every((nodeId, at) => nodeId === replicas[at]),
    'the old replicas come first, in their order',
  )
}

/** What holds between two states of a partition; `before` undefined: it is made at `offset` (rules I5, R5.4). */
export function assertPartitionStep(before: PartitionState | undefined, after: PartitionState, offset: number): void {
  if (before === undefined) {
    assert(after.leaderEpoch >= 0 && after.partitionEpoch >= 0, 'epochs start at 0')
    assert(after.leaderGrantedOffset === offset, 'a leader epoch is granted by the entry that holds it')
    return
  }
  assert(after.partitionEpoch > before.partitionEpoch, 'a change of a partition raises its partition epoch')
  assert(after.leaderEpoch >= before.leaderEpoch, 'a leader epoch never goes back')
  if (after.leaderEpoch === before.leaderEpoch) {
    assert(after.leader === before.leader, 'a new leader, or none, comes with a higher leader epoch')
    assert(after.leaderGrantedOffset === before.leaderGrantedOffset, 'a leader epoch is granted once')
  } else {
    assert(after.leaderGrantedOffset === offset, 'a leader epoch is granted by the entry that holds it')
  }
}

/**
 * Whether a partition got a leader by giving up what others held (rules R5.7). The mark outlives the election: once it stands, another one is told by
 * whom it elected.
 */
export function isUncleanElection(before: PartitionState, after: PartitionState): boolean {
  if (!after.unclean || after.leader === -1 || after.leader === before.leader) return false
  const isEligible = before.elr.includes(after.leader) || before.isr.some(({ nodeId }) => nodeId === after.leader)
  return !(before.unclean && isEligible)
}

/** Invariant I7 for one partition: its in-sync replicas are brokers under their present epochs, neither fenced nor draining. */
export function assertInSyncReplicasLive(state: PartitionState, brokers: ReadonlyMap<number, BrokerImage>): void {
  for (const member of state.isr) {
    const broker = brokers.get(member.nodeId)
    assert(broker !== undefined && broker.brokerEpoch === member.brokerEpoch, 'an in-sync replica stands there under the present epoch of its broker (I7)')
    assert(!broker.fenced && !broker.draining, 'no fenced or draining broker is in an ISR (I7)')
  }
}
