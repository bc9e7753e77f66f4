import { BrokerError } from '../base/errors.ts'
import type { IsrMember, PartitionState } from '../metadata/records.ts'
import type { ControllerCommand, Decision } from './commands.ts'
import type { ControllerContext } from './context.ts'
import { electInSync } from './elections.ts'
import { isInMaintenance, isLiveMember } from './isr.ts'
import { changePartition } from './partition-change.ts'
import { requirePartition } from './partition-ref.ts'

type AlterPartition = Extract<ControllerCommand, { readonly type: 'alterPartition' }>

function isCommitted(member: IsrMember, state: PartitionState): boolean {
  return state.isr.some((present) => present.nodeId === member.nodeId && present.brokerEpoch === member.brokerEpoch)
}

/** Throws unless the sender leads the partition and speaks of its present state (rules R5.6, in this order). */
function checkSender(command: AlterPartition, context: ControllerContext): PartitionState {
  const { nodeId, brokerEpoch, proposal } = command
  const state = requirePartition(proposal, context.image)
  const present = context.image.brokers.get(nodeId)?.brokerEpoch
  if (brokerEpoch !== present)
    throw new BrokerError('STALE_BROKER_EPOCH', `broker ${nodeId} speaks under epoch ${brokerEpoch}, the present one is ${present ?? 'none'}`)
  if (proposal.leaderEpoch < state.leaderEpoch)
    throw new BrokerError('FENCED_LEADER_EPOCH', `leader epoch ${proposal.leaderEpoch} is below ${state.leaderEpoch}`)
  if (proposal.leaderEpoch !== state.leaderEpoch) throw new BrokerError('NOT_CONTROLLER', `leader epoch ${proposal.leaderEpoch} is not known here yet`)
  if (state.leader !== nodeId) throw new BrokerError('NOT_LEADER_OR_FOLLOWER', `broker ${nodeId} does not lead the partition, ${state.leader} does`)
  if (proposal.partitionEpoch < state.partitionEpoch)
    throw new BrokerError('INVALID_UPDATE_VERSION', `partition epoch ${proposal.partitionEpoch} is below ${state.partitionEpoch}`)
  if (proposal.partitionEpoch !== state.partitionEpoch)
    throw new BrokerError('NOT_CONTROLLER', `partition epoch ${proposal.partitionEpoch} is not known here yet`)
  return state
}

/**
 * A leader's wish for a new ISR (rules R5.6; Kafka AlterPartition). The present ISR is a valid wish: it raises the partition epoch and
 * so ends every older proposal still on its way (R6.5).
 */
export function decideAlterPartition(command: AlterPartition, context: ControllerContext): Decision {
  const state = checkSender(command, context)
  const { isr } = command.proposal
  const nodeIds = isr.map((member) => member.nodeId)
  if (new Set(nodeIds).size !== nodeIds.length || !nodeIds.every((nodeId) => state.replicas.includes(nodeId)) || !nodeIds.includes(state.leader)) {
    throw new BrokerError(
      'INVALID_REQUEST',
      `an ISR of ${nodeIds.join(',')} is not a set of the replicas ${state.replicas.join(',')} with the leader ${state.leader}`,
    )
  }
  for (const member of isr) {
    if (isCommitted(member, state) || isLiveMember(member, state, context)) continue
    throw new BrokerError('INELIGIBLE_REPLICA', `broker ${member.nodeId} is fenced or draining, or its epoch is not ${member.brokerEpoch}`)
  }
  const live = isr.filter((member) => isLiveMember(member, state, context))
  // A broker in maintenance that led for want of others gives it up to the first that joins.
  const leader = isInMaintenance(state.leader, context) && live.length > 0 ? electInSync(state, live, context) : state.leader
  const after = changePartition(state, { isr, leader, lost: new Set() }, context)
  return { records: [{ type: 'partition', state: after }], reply: { type: 'done' } }
}
