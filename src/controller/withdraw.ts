import type { MetadataRecord, PartitionState } from '../metadata/records.ts'
import type { PartitionRef } from './commands.ts'
import type { ControllerContext } from './context.ts'
import { electInSync } from './elections.ts'
import { isLiveMember } from './isr.ts'
import { changePartition } from './partition-change.ts'

interface Withdrawal {
  readonly nodeId: number
  /** The replica is lost to the ELR as well: damaged, or its folder is gone. */
  readonly isLost: (state: PartitionState) => boolean
}

/** Takes a broker's replica out of the ISR and elects among those left; undefined when nothing changes. */
function withdrawnState(state: PartitionState, withdrawal: Withdrawal, context: ControllerContext): PartitionState | undefined {
  const { nodeId } = withdrawal
  const inSync = state.isr.some((member) => member.nodeId === nodeId)
  const lost = withdrawal.isLost(state)
  if (!inSync && !(lost && state.elr.includes(nodeId))) return undefined
  const isr = state.isr.filter((member) => member.nodeId !== nodeId && isLiveMember(member, state, context))
  return changePartition(state, { isr, leader: electInSync(state, isr, context), lost: lost ? new Set([nodeId]) : new Set() }, context)
}

function toRecords(states: Iterable<PartitionState>, withdrawal: Withdrawal, context: ControllerContext): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const state of states) {
    const after = withdrawnState(state, withdrawal, context)
    if (after !== undefined) records.push({ type: 'partition', state: after })
  }
  return records
}

function* allPartitions(context: ControllerContext): Generator<PartitionState> {
  for (const topic of context.image.topics.values()) yield* topic.partitions
}

/** A broker goes out of service: its replicas leave every ISR and another in-sync replica leads, or none (rules R5.3, R5.5, R5.9). */
export function withdrawBroker(withdrawal: Withdrawal, context: ControllerContext): MetadataRecord[] {
  return toRecords(allPartitions(context), withdrawal, context)
}

/** The same for some of its partitions; those that do not exist are passed over. */
export function withdrawReplicas(nodeId: number, refs: readonly PartitionRef[], context: ControllerContext): MetadataRecord[] {
  const states = new Set<PartitionState>()
  for (const ref of refs) {
    const state = context.image.topics.get(ref.topicId)?.partitions[ref.partition]
    if (state !== undefined) states.add(state)
  }
  return toRecords(states, { nodeId, isLost: () => false }, context)
}
