import { BrokerError } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import type { BrokerImage } from '../metadata/image.ts'
import type { IsrMember, PartitionState } from '../metadata/records.ts'
import type { ControllerContext } from './context.ts'
import { electInSync } from './elections.ts'
import { nextElr } from './isr.ts'
import { placeReplicas } from './placement.ts'

const MAX_PARTITIONS = 10_000
/** Replicas that a sentence names: a request may hold 100,000, and what is said of it must still be delivered. */
const MAX_SHOWN_REPLICAS = 16

function isLive(broker: BrokerImage | undefined): broker is BrokerImage {
  return broker !== undefined && !broker.fenced && !broker.draining
}

/** The same brokers in the same order; undefined: there is no such partition. */
export function isSameAssignment(left: readonly number[], right: readonly number[] | undefined): boolean {
  return left.length === right?.length && left.every((nodeId, at) => nodeId === right[at])
}

/** Throws INVALID_PARTITIONS. */
export function validatePartitionCount(partitions: number): void {
  if (!Number.isSafeInteger(partitions) || partitions < 1 || partitions > MAX_PARTITIONS) {
    throw new BrokerError('INVALID_PARTITIONS', `${partitions} partitions, but a topic has 1 to ${MAX_PARTITIONS}`)
  }
}

/** Replicas for partitions from `first` on, as they were given. Throws INVALID_REPLICA_ASSIGNMENT. */
export function validateReplicas(
  assignment: readonly (readonly number[])[],
  options: { readonly first: number; readonly replicationFactor: number },
  context: ControllerContext,
): void {
  for (const [at, replicas] of assignment.entries()) {
    const shown = replicas.slice(0, MAX_SHOWN_REPLICAS).join(':')
    const where = `partition ${options.first + at} on ${shown || 'no broker'}${replicas.length > MAX_SHOWN_REPLICAS ? ':…' : ''}`
    if (replicas.length === 0 || replicas.length !== options.replicationFactor)
      throw new BrokerError('INVALID_REPLICA_ASSIGNMENT', `${where}: every partition has the same number of replicas, at least one`)
    if (new Set(replicas).size !== replicas.length) throw new BrokerError('INVALID_REPLICA_ASSIGNMENT', `${where}: a broker holds a partition once`)
    const unknown = replicas.find((nodeId) => !context.image.brokers.has(nodeId))
    if (unknown !== undefined) throw new BrokerError('INVALID_REPLICA_ASSIGNMENT', `${where}: there is no broker ${unknown}`)
    if (!replicas.some((nodeId) => isLive(context.image.brokers.get(nodeId))))
      throw new BrokerError('INVALID_REPLICA_ASSIGNMENT', `${where}: none of them is alive`)
  }
}

/**
 * Replicas for each of `partitions`, preferred leader first. The same for the first n partitions whatever their total, while the brokers are
 * the same: a topic that grows goes on with its round. Throws INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR, LEADER_NOT_AVAILABLE.
 */
export function placePartitions(
  options: { readonly topicId: Uuid; readonly partitions: number; readonly replicationFactor: number },
  context: ControllerContext,
): number[][] {
  const { topicId, partitions, replicationFactor } = options
  validatePartitionCount(partitions)
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
  // No more of those in maintenance, and then of the absent, than the factor needs: where it needs an absent one every partition has all of the live ones,
  // and so a leader (R5.9).
  const absent = registered.filter((broker) => !isLive(broker)).slice(0, Math.max(0, replicationFactor - live.length))
  const unmarked = live.filter((broker) => !broker.maintenance)
  const marked = live.filter((broker) => broker.maintenance).slice(0, Math.max(0, replicationFactor - unmarked.length))
  const brokers = [...unmarked, ...marked, ...absent].map((broker) => ({ nodeId: broker.nodeId, rack: broker.address.rack }))
  return placeReplicas(brokers, { partitions, replicationFactor, seed: Number.parseInt(topicId.slice(0, 8), 16) })
}

/**
 * A partition begins with all its live replicas in sync, for they are all empty. So are those that are away: where fewer than the minimum are in sync they are
 * eligible, for nothing is committed until they join (rules R6.4), and of the live ones the disk may go before.
 */
export function newPartition(
  options: { readonly topicId: Uuid; readonly partition: number; readonly replicas: readonly number[]; readonly minInSyncReplicas: number },
  context: ControllerContext,
): PartitionState {
  const { topicId, partition, replicas, minInSyncReplicas } = options
  const isr: IsrMember[] = []
  for (const nodeId of replicas) {
    const broker = context.image.brokers.get(nodeId)
    if (isLive(broker)) isr.push({ nodeId, brokerEpoch: broker.brokerEpoch })
  }
  const state = {
    topicId,
    partition,
    replicas,
    isr,
    elr: nextElr({ replicas, isr: [], elr: replicas }, { isr, minInSyncReplicas, lost: new Set() }),
    leader: -1,
    leaderEpoch: 0,
    leaderGrantedOffset: context.offset,
    partitionEpoch: 0,
    unclean: false,
    reassignment: null,
  }
  return { ...state, leader: electInSync(state, isr, context) }
}
