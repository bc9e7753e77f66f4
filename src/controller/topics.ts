import { BrokerError } from '../base/errors.ts'
import { parseUuid } from '../base/ids.ts'
import type { TopicImage } from '../metadata/image.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import type { ControllerCommand, ControllerReply, Decision } from './commands.ts'
import { requireRoom } from './broker-room.ts'
import { effectiveMinInSyncReplicas, validateTopicConfigs, withClusterDefaults } from './configs.ts'
import type { ControllerContext } from './context.ts'
import { newPartition, placePartitions, validatePartitionCount, validateReplicas } from './new-partitions.ts'

type CreateTopic = Extract<ControllerCommand, { readonly type: 'createTopic' }>

const MAX_NAME_LENGTH = 249
const ZERO_ID = '0'.repeat(32)

/** Source: Kafka org.apache.kafka.common.internals.Topic. */
function validateName(name: string): void {
  const shown = name.slice(0, 64)
  if (name === '.' || name === '..') throw new BrokerError('INVALID_TOPIC_EXCEPTION', `a topic is not called "${name}"`)
  if (name.length === 0 || name.length > MAX_NAME_LENGTH)
    throw new BrokerError('INVALID_TOPIC_EXCEPTION', `the name "${shown}" has ${name.length} characters, but must have 1 to ${MAX_NAME_LENGTH}`)
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) throw new BrokerError('INVALID_TOPIC_EXCEPTION', `the name "${shown}" may hold only letters, digits, ".", "_" and "-"`)
}

/** The assignment as given. A count given with it must agree with it; −1 says nothing. */
function validateAssignment(assignment: readonly (readonly number[])[], command: CreateTopic, context: ControllerContext): void {
  validatePartitionCount(assignment.length)
  const replicationFactor = assignment[0]?.length ?? 0
  if (command.partitions !== -1 && command.partitions !== assignment.length)
    throw new BrokerError('INVALID_REPLICA_ASSIGNMENT', `${command.partitions} partitions, but replicas of ${assignment.length}`)
  if (command.replicationFactor !== -1 && command.replicationFactor !== replicationFactor) {
    throw new BrokerError(
      'INVALID_REPLICA_ASSIGNMENT',
      `replication factor ${command.replicationFactor}, but partition 0 is given ${replicationFactor} replicas`,
    )
  }
  validateReplicas(assignment, { first: 0, replicationFactor }, context)
}

function created(topic: TopicImage): ControllerReply {
  const assignment = topic.partitions.map((state) => state.replicas)
  return { type: 'topicCreated', topicId: topic.topicId, partitions: assignment.length, replicationFactor: assignment[0]?.length ?? 0, assignment }
}

/** Asked again with the same name and topic id, it answers as the first time: the asker did not hear that answer. */
export function decideCreateTopic(command: CreateTopic, context: ControllerContext): Decision {
  const { name, topicId } = command
  validateName(name)
  if (parseUuid(topicId) === ZERO_ID) throw new BrokerError('INVALID_REQUEST', 'a topic id is not all zeros')
  const sameId = context.image.topics.get(topicId)
  if (sameId !== undefined && sameId.name === name) return { records: [], reply: created(sameId) }
  if (context.image.topicIds.has(name)) throw new BrokerError('TOPIC_ALREADY_EXISTS', `the topic "${name}" exists already`)
  if (sameId !== undefined) throw new BrokerError('INVALID_REQUEST', `the topic id ${topicId} is that of another topic`)
  if (context.image.deletedTopicIds.includes(topicId))
    throw new BrokerError('INVALID_REQUEST', `the topic id ${topicId} is that of a topic that was deleted (choose another one)`, { definite: false })
  if (command.assignment !== null) validateAssignment(command.assignment, command, context)
  const assignment = command.assignment ?? placePartitions(command, context)
  requireRoom(assignment, context)
  const replicationFactor = assignment[0]?.length ?? 0
  validateTopicConfigs(command.configs, replicationFactor)
  const configs = withClusterDefaults(command.configs, replicationFactor, context.defaults)
  const partitions = assignment.map((replicas, partition) => {
    return newPartition({ topicId, partition, replicas, minInSyncReplicas: effectiveMinInSyncReplicas(configs, replicas.length) }, context)
  })
  const reply = created({ topicId, name, partitions, configs })
  if (command.validateOnly) return { records: [], reply }
  const records: MetadataRecord[] = [{ type: 'topic', topicId, name }]
  for (const [key, value] of configs) records.push({ type: 'topicConfig', topicId, key, value })
  for (const state of partitions) records.push({ type: 'partition', state })
  return { records, reply }
}

export function decideDeleteTopic(command: Extract<ControllerCommand, { readonly type: 'deleteTopic' }>, context: ControllerContext): Decision {
  const { topicId } = command
  if (!context.image.topics.has(topicId)) throw new BrokerError('UNKNOWN_TOPIC_ID', `no topic has the id ${topicId}`)
  return { records: [{ type: 'topicDeleted', topicId }], reply: { type: 'done' } }
}
