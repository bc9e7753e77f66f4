import type { Uuid } from '../base/ids.ts'
import type { BrokerImage, MetadataDelta, MetadataImage, TopicImage } from './image.ts'

/**
 * What changed from one image to a later one, when the entries between them are not known: a snapshot takes the place of what was applied. The images share
 * nothing, so values are compared; of a partition its epoch, which every change of it raises. A topic that is in `before` alone was deleted: topic ids are
 * never used again.
 */
export function differenceBetween(before: MetadataImage, after: MetadataImage): MetadataDelta {
  const topics = new Map<Uuid, ReadonlySet<number>>()
  const configs = new Set<Uuid>()
  for (const [topicId, topic] of after.topics) {
    const old = before.topics.get(topicId)
    const hasOtherConfigs = old === undefined ? topic.configs.size > 0 : !areEqualConfigs(old, topic)
    if (hasOtherConfigs) configs.add(topicId)
    const partitions = changedPartitions(old, topic)
    if (old === undefined || hasOtherConfigs || partitions.size > 0) topics.set(topicId, partitions)
  }
  return {
    clusterChanged: before.clusterId !== after.clusterId,
    votersChanged: !isEqual(before.voters, after.voters),
    brokers: changedBrokers(before.brokers, after.brokers),
    topics,
    configs,
    deleted: [...before.topics.values()].filter(({ topicId }) => !after.topics.has(topicId)),
  }
}

function changedPartitions(old: TopicImage | undefined, topic: TopicImage): ReadonlySet<number> {
  const changed = new Set<number>()
  for (const { partition, partitionEpoch } of topic.partitions) if (old?.partitions[partition]?.partitionEpoch !== partitionEpoch) changed.add(partition)
  return changed
}

/** One that is gone counts as changed too. */
function changedBrokers(before: ReadonlyMap<number, BrokerImage>, after: ReadonlyMap<number, BrokerImage>): ReadonlySet<number> {
  const changed = new Set<number>()
  for (const nodeId of [...before.keys(), ...after.keys()]) if (!isEqual(before.get(nodeId), after.get(nodeId))) changed.add(nodeId)
  return changed
}

function areEqualConfigs(left: TopicImage, right: TopicImage): boolean {
  if (left.configs.size !== right.configs.size) return false
  for (const [key, value] of left.configs) if (right.configs.get(key) !== value) return false
  return true
}

/** Of plain values: both sides were made by the same code, so that their fields come in one order. */
function isEqual(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}
