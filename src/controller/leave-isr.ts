import { BrokerError } from '../base/errors.ts'
import type { ControllerCommand, Decision } from './commands.ts'
import type { ControllerContext } from './context.ts'
import { electInSync } from './elections.ts'
import { isLiveMember, minInSyncReplicasOf } from './isr.ts'
import { changePartition } from './partition-change.ts'
import { requirePartition } from './partition-ref.ts'

/**
 * A replica found bad by somebody who looks for damage on all of them leaves the ISR, unless fewer than min.insync.replicas that live would be left: then
 * NOT_ENOUGH_REPLICAS. Decided here, one behind the other: each of two bad ones would see the other one stay. The leader epoch rises, so that what the
 * replica asked for before does not bring it back (rules R6.4).
 */
export function decideLeaveIsr(command: Extract<ControllerCommand, { readonly type: 'leaveIsr' }>, context: ControllerContext): Decision {
  const { nodeId, brokerEpoch } = command
  const state = requirePartition(command, context.image)
  const present = context.image.brokers.get(nodeId)?.brokerEpoch
  if (present !== brokerEpoch)
    throw new BrokerError('STALE_BROKER_EPOCH', `broker ${nodeId} speaks under epoch ${brokerEpoch}, the present one is ${present ?? 'none'}`)
  const isInSync = state.isr.some((member) => member.nodeId === nodeId)
  if (!isInSync && !state.elr.includes(nodeId)) return { records: [], reply: { type: 'done' } }
  const isr = state.isr.filter((member) => member.nodeId !== nodeId && isLiveMember(member, state, context))
  const needed = minInSyncReplicasOf(state, context)
  if (isr.length < needed)
    throw new BrokerError('NOT_ENOUGH_REPLICAS', `without broker ${nodeId} ${isr.length} would be in sync of the ${needed} that have to be`)
  const after = changePartition(state, { isr, leader: electInSync(state, isr, context), lost: new Set(), forgets: true }, context)
  return { records: [{ type: 'partition', state: after }], reply: { type: 'done' } }
}
