import { BrokerError } from '../base/errors.ts'
import { parseUuid } from '../base/ids.ts'
import { defaultTopicConfig } from '../base/topic-configs.ts'
import type { BrokerImage, TopicImage } from '../metadata/image.ts'
import type { IsrMember, MetadataRecord, PartitionState } from '../metadata/records.ts'
import type { ControllerCommand, ControllerReply, Decision } from './commands.ts'
import { validateTopicConfigs } from './configs.ts'
import type { ControllerContext } from './context.ts'
import { electInSync } from './elections.ts'
import { placeReplicas } from './placement.ts'

type CreateTopic = Extract<ControllerCommand, { readonly type: 'createTopic' }>

const MAX_PARTITIONS = 10_000
const MAX_NAME_LENGTH = 249
/** Replicas that a sentence names: a request may hold 100,000, and what is said of it must still be delivered. */
const MAX_SHOWN_REPLICAS = 16
const ZERO_ID = '0'.repeat(32)

/** Source: Kafka org.apache.kafka.common.internals.Topic. */
function validateName(name: string): void {
  const shown = name.slice(0, 64)
  if (name === '.' || name === '..') throw new BrokerError('INVALID_TOPIC_EXCEPTION', `a topic is not called "${name}"`)
  if (name.length === 0 || name.length > MAX_NAME_LENGTH)
    throw new BrokerError('INVALID_TOPIC_EXCEPTION', `the name "${shown}" has ${name.length} characters, but must have 1 to ${MAX_NAME_LENGTH}`)
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) throw new BrokerError('INVALID_TOPIC_EXCEPTION', `the name "${shown}" may hold only letters, digits, ".", "_" and "-"`)
}

function isLive(broker: BrokerImage | undefined): broker is BrokerImage {
  return broker !== undefined && !broker.fenced && !broker.draining
}

function validatePartitions(partitions: number): void {
  if (!Number.isSafeInteger(partitions) || partitions < 1 || partitions > MAX_PARTITIONS) {
    throw new BrokerError('INVALID_PARTITIONS', `${partitions} partitions, but a topic has 1 to ${MAX_PARTITIONS}`)
  }
}

/** The assignment as given. A count given with it must agree with it; −1 says nothing. */
function validateAssignment(assignment: readonly (readonly number[])[], command: CreateTopic, context: ControllerContext): void {
  validatePartitions(assignment.length)
  const replicationFactor = assignment[0]?.length ?? 0
  if (command.partitions !== -1 && command.partitions !== assignment.length)
    throw new BrokerError('INVALID_REPLICA_ASSIGNMENT', `${command.partitions} partitions, but replicas of ${assignment.length}`)
  if (command.replicationFactor !== -1 && command.replicationFactor !== replicationFactor) {
    throw new BrokerError(
      'INVALID_REPLICA_ASSIGNMENT',
      `replication factor ${command.replicationFactor}, but partition 0 is given ${replicationFactor} replicas`,
    )
  }
  for (const [partition, replicas] of assignment.entries()) {
    const shown = replicas.slice(0, MAX_SHOWN_REPLICAS).join(':')
    const where = `partition ${partition} on ${shown || 'no broker'}${replicas.length > MAX_SHOWN_REPLICAS ? ':…' : ''}`
    if (replicas.length === 0 || replicas.length !== replicationFactor)
      throw new BrokerError('INVALID_REPLICA_ASSIGNMENT', `${where}: every partition has the same number of replicas, at least one`)
    if (new Set(replicas).size !== replicas.length) throw new BrokerError('INVALID_REPLICA_ASSIGNMENT', `${where}: a broker holds a partition once`)
    const unknown = replicas.find((nodeId) => !context.image.brokers.has(nodeId))
    if (unknown !== undefined) throw new BrokerError('INVALID_REPLICA_ASSIGNMENT', `${where}: there is no broker ${unknown}`)
    if (!replicas.some((nodeId) => isLive(context.image.brokers.get(nodeId))))
      throw new BrokerError('INVALID_REPLICA_ASSIGNMENT', `${where}: none of them is alive`)
  }
}

function place(command: CreateTopic, context: ControllerContext): number[][] {
  const { partitions, replicationFactor } = command
  validatePartitions(partitions)
  if (!Number.isSafeInteger(replicationFactor) || replicationFactor < 1)
    throw new BrokerError('INVALID_REPLICATION_FACTOR', `a replication factor of ${replicationFactor}, but it must be at least 1`)
  const registered = [...context.image.brokers.values()]
  const live = registered.filter(isLive)
  // Also where none is registered: a cluster that has just started gets its brokers in the next moments.
  if (live.length === 0) throw new BrokerError('LEADER_NOT_AVAILABLE', `no broker that could lead a partition is alive, of ${registered.length} registered`)
  if (replicationFactor > registered.length) {
    throw new BrokerError(
      'INVALID_REPLICATION_FACTOR',
      `a replication factor of ${replicationFactor} needs as many brokers, and there ${registered.length === 1 ? 'is 1' : `are ${registered.length}`}`,
    )
  }
  // No more of the absent than the factor needs: then every partition has all of the live ones, and so a leader (R5.9).
  const absent = registered.filter((broker) => !isLive(broker)).slice(0, Math.max(0, replicationFactor - live.length))
  const brokers = [...live, ...absent].map((broker) => ({ nodeId: broker.nodeId, rack: broker.address.rack }))
  return placeReplicas(brokers, { partitions, replicationFactor, seed: Number.parseInt(command.topicId.slice(0, 8), 16) })
}

/**
 * What the topic is given, plus the cluster's default for min.insync.replicas where that is not the law's: ELR is sound only if every
 * controller and leader, now and later, counts with the same number.
 */
function configsOf(command: CreateTopic, replicationFactor: number, context: ControllerContext): ReadonlyMap<string, string> {
  validateTopicConfigs(command.configs, replicationFactor)
  const key = 'min.insync.replicas'
  const clusterDefault = context.defaults.minInSyncReplicas
  if (clusterDefault === null || command.configs.has(key)) return command.configs
  const value = Math.min(clusterDefault, replicationFactor)
  return value === defaultTopicConfig(key, replicationFactor) ? command.configs : new Map([...command.configs, [key, String(value)]])
}

/** A partition begins with all its live replicas in sync, for they are all empty. */
function newPartition(command: CreateTopic, partition: number, replicas: readonly number[], context: ControllerContext): PartitionState {
  const isr: IsrMember[] = []
  for (const nodeId of replicas) {
    const broker = context.image.brokers.get(nodeId)
    if (isLive(broker)) isr.push({ nodeId, brokerEpoch: broker.brokerEpoch })
  }
  const state = {
    topicId: command.topicId,
    partition,
    replicas,
    isr,
    elr: [],
    leader: -1,
    leaderEpoch: 0,
    leaderGrantedOffset: context.offset,
    partitionEpoch: 0,
    unclean: false,
  }
  return { ...state, leader: electInSync(state, isr) }
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
  if (command.assignment !== null) validateAssignment(command.assignment, command, context)
  const assignment = command.assignment ?? place(command, context)
  const replicationFactor = assignment[0]?.length ?? 0
  const configs = configsOf(command, replicationFactor, context)
  const partitions = assignment.map((replicas, partition) => newPartition(command, partition, replicas, context))
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
