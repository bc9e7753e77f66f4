import { BrokerError } from '../base/errors.ts'
import type { MetadataRecord, PartitionState } from '../metadata/records.ts'
import type { ControllerCommand, Decision } from './commands.ts'
import type { ControllerContext } from './context.ts'
import { electInSync } from './elections.ts'
import { isInMaintenance, isLiveMember } from './isr.ts'
import { changePartition } from './partition-change.ts'

type AlterMaintenance = Extract<ControllerCommand, { readonly type: 'alterMaintenance' }>

/** The partitions that a broker in maintenance leads though another in-sync replica can, led by that one. */
function movedLeaderships(context: ControllerContext): PartitionState[] {
  const led = [...context.image.topics.values()].flatMap((topic) => topic.partitions.filter((state) => isInMaintenance(state.leader, context)))
  return led.flatMap((state) => {
    const live = state.isr.filter((member) => isLiveMember(member, state, context))
    const leader = electInSync(state, live, context)
    return leader === -1 || leader === state.leader ? [] : [changePartition(state, { isr: state.isr, leader, lost: new Set() }, context)]
  })
}

/**
 * Marks a broker, or takes the mark off. What it leads goes to others in the entry that marks it, while it stays in sync; taken off, it leads what others
 * lead though they are in maintenance, and the leader balance brings its own leaderships back. Asking again for what is so changes nothing.
 */
export function decideAlterMaintenance(command: AlterMaintenance, context: ControllerContext): Decision {
  const { nodeId, maintenance } = command
  const { image, offset } = context
  const broker = image.brokers.get(nodeId)
  if (broker === undefined) throw new BrokerError('BROKER_ID_NOT_REGISTERED', `broker ${nodeId} is not registered`)
  if (broker.maintenance === maintenance) return { records: [], reply: { type: 'maintenanceAltered', metadataOffset: offset } }
  const marked = { ...context, image: { ...image, brokers: new Map(image.brokers).set(nodeId, { ...broker, maintenance }) } }
  const moved = movedLeaderships(marked)
  const records: MetadataRecord[] = [{ type: 'brokerMaintenance', nodeId, maintenance }, ...moved.map((state) => ({ type: 'partition', state }) as const)]
  return { records, reply: { type: 'maintenanceAltered', metadataOffset: offset + 1 } }
}
