import { BrokerError } from '../base/errors.ts'
import type { TopicImage } from '../metadata/image.ts'
import { type MetadataRecord, type PartitionState, replicationFactorOf } from '../metadata/records.ts'
import type { ControllerCommand, Decision } from './commands.ts'
import { requireRoom } from './broker-room.ts'
import { effectiveMinInSyncReplicas, requireTopicConfig, validateTopicConfigs, withClusterDefaults } from './configs.ts'
import type { ControllerContext } from './context.ts'
import { isSameAssignment, newPartition, placePartitions, validatePartitionCount, validateReplicas } from './new-partitions.ts'
import { changePartition } from './partition-change.ts'

type AlterTopic = Extract<ControllerCommand, { readonly type: 'alterTopic' }>

function topicReplicationFactor(topic: TopicImage): number {
  const first = topic.partitions[0]
  return first === undefined ? 1 : replicationFactorOf(first)
}

/** The partitions are there already, with exactly these replicas: the asker did not hear that it was done. */
function isDone(assignment: readonly (readonly number[])[], topic: TopicImage): boolean {
  const first = topic.partitions.length - assignment.length
  return assignment.every((replicas, at) => isSameAssignment(replicas, topic.partitions[first + at]?.replicas))
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
  const replicationFactor = topicReplicationFactor(topic)
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
  validateTopicConfigs(configs, topicReplicationFactor(topic))
  return withClusterDefaults(configs, topicReplicationFactor(topic), context.defaults)
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
 * alone as soon as it has applied this entry, so who is not in sync is no longer eligible from the same entry on. A move that waited for
 * enough replicas to stay may end with it.
 */
function changedByMinimum(topic: TopicImage, configs: ReadonlyMap<string, string>, context: ControllerContext): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const before of topic.partitions) {
    const isClear = before.elr.length === 0 || before.isr.length < effectiveMinInSyncReplicas(configs, replicationFactorOf(before))
    if (isClear && before.reassignment === null) continue
    const { isr, leader } = before
    const state = changePartition(before, { isr, leader, lost: new Set(), configs }, context)
    if (!isClear || state.reassignment === null) records.push({ type: 'partition', state })
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
  requireRoom(added, context)
  const configs = alteredConfigs(command, topic, context)
  const states = added.map((replicas, at): PartitionState => {
    const minInSyncReplicas = effectiveMinInSyncReplicas(configs, replicas.length)
    return newPartition({ topicId, partition: firstAdded + at, replicas, minInSyncReplicas }, context)
  })
  const records: MetadataRecord[] = [
    ...configRecords(topic, configs),
    ...changedByMinimum(topic, configs, context),
    ...states.map((state): MetadataRecord => ({ type: 'partition', state })),
  ]
  const isChange = !command.validateOnly && records.length > 0
  const reply = { type: 'topicAltered', metadataOffset: context.offset + (isChange ? 1 : 0), added, configs } as const
  return { records: command.validateOnly ? [] : records, reply }
}
