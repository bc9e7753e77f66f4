import type { MetadataImage } from '../../src/metadata/image.ts'

/** What still stands in the way of "all is well again"; undefined: nothing. Asked until it is, within a bound (rules: 60 simulated seconds). */
export function findUnhealed(image: MetadataImage, nodeIds: readonly number[]): string | undefined {
  for (const nodeId of nodeIds) {
    const broker = image.brokers.get(nodeId)
    if (broker === undefined || broker.fenced || broker.draining)
      return `node ${nodeId} is ${broker === undefined ? 'not registered' : broker.fenced ? 'fenced' : 'draining'}`
  }
  for (const topic of image.topics.values()) {
    for (const state of topic.partitions) {
      if (state.leader === -1) return `${topic.name}-${state.partition} has no leader (ISR ${state.isr.map(({ nodeId }) => nodeId)}, ELR ${state.elr})`
      if (state.reassignment !== null) return `${topic.name}-${state.partition} is still on its way to ${state.reassignment.to}`
      const other = state.isr.find(({ nodeId }) => image.brokers.get(nodeId)?.maintenance === false)
      if (other !== undefined && image.brokers.get(state.leader)?.maintenance === true)
        return `${topic.name}-${state.partition} is led by node ${state.leader}, which is in maintenance, and not by node ${other.nodeId}, which is not`
      if (state.isr.length < state.replicas.length)
        return `the ISR of ${topic.name}-${state.partition} is ${state.isr.map(({ nodeId }) => nodeId)} of ${state.replicas}`
    }
  }
  return undefined
}
