import { BrokerError } from '../base/errors.ts'
import type { ControllerContext } from './context.ts'

/**
 * Replicas that one broker may hold. Its fence and its registration change all of their partitions in one entry (rules R5.3, R5.5), and a larger one
 * might fit no message between nodes: nothing could be decided any more.
 */
export const MAX_BROKER_REPLICAS = 100_000

/** `added`: the brokers that get a replica, of each partition. Throws INVALID_PARTITIONS. */
export function requireRoom(added: readonly (readonly number[])[], { image }: Pick<ControllerContext, 'image'>): void {
  let partitions = added.length
  for (const topic of image.topics.values()) partitions += topic.partitions.length
  if (partitions <= MAX_BROKER_REPLICAS) return
  const held = new Map<number, number>()
  const count = (replicas: readonly number[]): void => {
    for (const nodeId of replicas) held.set(nodeId, (held.get(nodeId) ?? 0) + 1)
  }
  for (const topic of image.topics.values()) for (const { replicas } of topic.partitions) count(replicas)
  for (const replicas of added) count(replicas)
  for (const nodeId of added.flat()) {
    const replicas = held.get(nodeId) ?? 0
    if (replicas > MAX_BROKER_REPLICAS) {
      throw new BrokerError(
        'INVALID_PARTITIONS',
        `broker ${nodeId} would hold ${replicas} replicas, but a broker holds at most ${MAX_BROKER_REPLICAS}: add brokers`,
      )
    }
  }
}
