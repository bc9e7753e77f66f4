import type { MetadataDelta, MetadataImage } from '../metadata/image.ts'
import type { PartitionState } from '../metadata/records.ts'
import type { ReplicaBroker } from '../replication/effects.ts'

/** What a replica must know of the brokers of its partition; `own`: this process. */
export function replicaBrokers(
  image: MetadataImage,
  state: PartitionState,
  own: { readonly nodeId: number; readonly brokerEpoch: number },
): ReadonlyMap<number, ReplicaBroker> {
  const brokers = new Map<number, ReplicaBroker>()
  for (const nodeId of state.replicas) {
    const broker = image.brokers.get(nodeId)
    // Another process under this node id: its epoch is not ours to lead or follow with (rules R5.4).
    const isOther = nodeId === own.nodeId && broker?.brokerEpoch !== own.brokerEpoch
    if (broker !== undefined && !isOther) brokers.set(nodeId, { brokerEpoch: broker.brokerEpoch, fenced: broker.fenced, draining: broker.draining })
  }
  return brokers
}

/** Whether a partition that did not change itself has a broker that did. */
export function onlyBrokersChanged({ topicId, partition, replicas }: PartitionState, delta: MetadataDelta): boolean {
  return delta.topics.get(topicId)?.has(partition) !== true && replicas.some((nodeId) => delta.brokers.has(nodeId))
}
