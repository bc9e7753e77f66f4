import type { MetadataImage } from '../../src/metadata/image.ts'
import type { PartitionState } from '../../src/metadata/records.ts'
import { demand } from './violation.ts'

/** I7 on one image: no fenced or draining broker in an ISR, each member under its current broker epoch, the leader one of them (rules R5.4). */
export function checkIsrMembers(image: MetadataImage): void {
  for (const topic of image.topics.values()) for (const state of topic.partitions) checkPartition(image, topic.name, state)
}

function checkPartition(image: MetadataImage, topic: string, state: PartitionState): void {
  const where = `${topic}-${state.partition} at metadata offset ${image.offset}`
  for (const { nodeId, brokerEpoch } of state.isr) {
    const broker = image.brokers.get(nodeId)
    demand(broker !== undefined && !broker.fenced, 'I7', () => `${where}: node ${nodeId} is in the ISR and ${broker === undefined ? 'unknown' : 'fenced'}`)
    demand(broker?.draining === false, 'I7', () => `${where}: node ${nodeId} is in the ISR and draining`)
    demand(
      broker?.brokerEpoch === brokerEpoch,
      'I7',
      () => `${where}: node ${nodeId} is in the ISR under broker epoch ${brokerEpoch}, it has ${broker?.brokerEpoch}`,
    )
    demand(state.replicas.includes(nodeId), 'I7', () => `${where}: node ${nodeId} is in the ISR and holds no replica`)
    demand(!state.elr.includes(nodeId), 'I7', () => `${where}: node ${nodeId} is in the ISR and in the ELR`)
  }
  if (state.leader === -1) return
  const leader = state.isr.find(({ nodeId }) => nodeId === state.leader)
  demand(leader !== undefined, 'I7', () => `${where}: the leader ${state.leader} is not in the ISR`)
  demand(
    leader !== undefined && leader.brokerEpoch <= state.leaderGrantedOffset,
    'I7',
    () => `${where}: node ${state.leader} leads in an epoch granted at ${state.leaderGrantedOffset}, before its broker epoch ${leader?.brokerEpoch}`,
  )
}

/** I7 on one replica: damaged, and named in the ISR under the broker epoch that its process has. */
export function checkDamagedMember(log: string, where: string, replica: { readonly damaged: boolean; readonly namedInIsr: boolean }): void {
  demand(!(replica.damaged && replica.namedInIsr), 'I7', () => `${log}: ${where} is damaged and in the ISR`)
}
