import { BrokerError } from '../base/errors.ts'
import type { TopicImage } from '../metadata/image.ts'
import type { MetadataRecord, PartitionState } from '../metadata/records.ts'
import type { ControllerCommand, Decision } from './commands.ts'
import { effectiveMinInSyncReplicas, requireTopicConfig, validateTopicConfigs, withClusterDefaults } from './configs.ts'
import type { ControllerContext } from './context.ts'
import { newPartition, placePartitions, validatePartitionCount, validateReplicas } from './new-partitions.ts'
import { changePartition } from './partition-change.ts'

type AlterTopic = Extract<ControllerCommand, { readonly type: 'alterTopic' }>

function replicationFactorOf(topic: TopicImage): number {
  return topic.partitions[0]?.replicas.length ?? 1
}

function isSameList(left: readonly number[], right: readonly number[] | undefined): boolean {
  return left.length === right?.length && left.every((nodeId, at) => nodeId === right[at])
}

/** The partitions are there already, with exactly these replicas: the asker did not hear that it was done. */
function isDone(assignment: readonly (readonly number[])[], topic: TopicImage): boolean {
  const first = topic.partitions.length - assignment.length
  return assignment.every((replicas, at) => isSameList(replicas, topic.partitions[first + at]?.replicas))
}

/** Replicas of the partitions to add. Throws INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT, and as a placement does. */
function addedReplicas(command: AlterTopic, topic: TopicImage, context: ControllerContext): readonly (readonly number[])[] {
  const { partitions, assignment } = command
  const first = topic.partitions.length
  if (partitions === 0) {
    if (assignment === null) return []
    throw new BrokerError('INVALID_REPLICA_ASSIGNMENT', 'replicas of added partitions, but not the total number of partitions')
  }
  validatePartitionCount(partitions)
  if (partitions < first) throw new BrokerError('INVALID_PARTITIONS', `${partitions} partitions, but the topic has ${first}; partitions are never taken away`)
  if (partitions === first && (assignment === null || isDone(assignment, topic))) return []
  const replicationFactor = replicationFactorOf(topic)
  if (assignment === null) return placePartitions({ topicId: topic.topicId, partitions, replicationFactor }, context).slice(first)
  if (assignment.length !== partitions - first)
    throw new BrokerError('INVALID_REPLICA_ASSIGNMENT', `${partitions - first} partitions to add to the ${first}, but replicas of ${assignment.length}`)
  validateReplicas(assignment, { first, replicationFactor }, context)
  return assignment
}

/** The configs as they will be, checked as a whole. Throws INVALID_CONFIG. */
function alteredConfigs(command: AlterTopic, topic: TopicImage, context: ControllerContext): ReadonlyMap<string, string> {
  const configs = new Map(topic.configs)
  for (const key of command.delete) {
    if (command.set.has(key)) throw new BrokerError('INVALID_CONFIG', `${requireTopicConfig(key).key} is both set and deleted`)
    // What a later version gave the topic may be taken from it all the same.
    if (!configs.delete(key)) requireTopicConfig(key)
  }
  for (const [key, value] of command.set) configs.set(key, value)
  validateTopicConfigs(configs, replicationFactorOf(topic))
  return withClusterDefaults(configs, replicationFactorOf(topic), context.defaults)
}

function configRecords(topic: TopicImage, configs: ReadonlyMap<string, string>): MetadataRecord[] {
  const { topicId } = topic
  const records: MetadataRecord[] = []
  for (const [key, value] of configs) if (topic.configs.get(key) !== value) records.push({ type: 'topicConfig', topicId, key, value })
  for (const key of topic.configs.keys()) if (!configs.has(key)) records.push({ type: 'topicConfig', topicId, key, value: null })
  return records
}

/**
 * Rules R5.8: a change of min.insync.replicas clears the ELR only where the ISR has the new minimum. There the leader acknowledges by the ISR
 * alone as soon as it has applied this entry, so who is not in sync is no longer eligible from the same entry on.
 */
function clearedElrs(topic: TopicImage, configs: ReadonlyMap<string, string>, context: ControllerContext): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const state of topic.partitions) {
    const minInSyncReplicas = effectiveMinInSyncReplicas(configs, state.replicas.length)
    if (state.elr.length === 0 || state.isr.length < minInSyncReplicas) continue
    const { isr, leader } = state
    records.push({ type: 'partition', state: changePartition(state, { isr, leader, lost: new Set(), minInSyncReplicas }, context) })
  }
  return records
}

/**
 * More partitions, other configs, or both, in one entry. `partitions` is the total, so that asking again changes nothing more: the asker may
 * not have heard the first answer.
 */
export function decideAlterTopic(command: AlterTopic, context: ControllerContext): Decision {
  const topic = context.image.topics.get(command.topicId)
  if (topic === undefined) throw new BrokerError('UNKNOWN_TOPIC_ID', `no topic has the id ${command.topicId}`)
  const { topicId } = topic
  const firstAdded = topic.partitions.length
  const added = addedReplicas(command, topic, context)
  const configs = alteredConfigs(command, topic, context)
  const states = added.map((replicas, at): PartitionState => newPartition({ topicId, partition: firstAdded + at, replicas }, context))
  const records: MetadataRecord[] = [
    ...configRecords(topic, configs),
    ...clearedElrs(topic, configs, context),
    ...states.map((state): MetadataRecord => ({ type: 'partition', state })),
  ]
  const isChange = !command.validateOnly && records.length > 0
  const reply = { type: 'topicAltered', metadataOffset: context.offset + (isChange ? 1 : 0), added, configs } as const
  return { records: command.validateOnly ? [] : records, reply }
}
