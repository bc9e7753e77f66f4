import { BrokerError } from '../base/errors.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { PartitionState } from '../metadata/records.ts'
import type { PartitionRef } from './commands.ts'

/** A partition as the key of a map. */
export function refKey(ref: PartitionRef): string {
  return `${ref.topicId}/${ref.partition}`
}

/** Throws UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION. */
export function requirePartition({ topicId, partition }: PartitionRef, image: MetadataImage): PartitionState {
  const topic = image.topics.get(topicId)
  if (topic === undefined) throw new BrokerError('UNKNOWN_TOPIC_ID', `no topic has the id ${topicId}`)
  const state = topic.partitions[partition]
  if (state === undefined) throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `topic ${topic.name} has no partition ${partition}`)
  return state
}

/** Of what names a partition among other things. */
export function refOf({ topicId, partition }: PartitionRef): PartitionRef {
  return { topicId, partition }
}
