import type { BrokerImage, MetadataImage } from '../metadata/image.ts'
import type { PartitionState } from '../metadata/records.ts'
import type { PartitionRef } from './commands.ts'

/** Of the partitions that prefer a broker, the share that others may lead before leaderships move back (Kafka leader.imbalance.per.broker.percentage). */
const TOLERATED_SHARE = 0.1
/** One entry holds no more. */
const MAX_ELECTIONS = 10_000

function mayLead(broker: BrokerImage | undefined, state: PartitionState): broker is BrokerImage {
  return broker !== undefined && !broker.fenced && !broker.draining && !broker.maintenance && state.isr.some((member) => member.nodeId === broker.nodeId)
}

/**
 * Partitions to be given back to the first of their replicas, so that each broker leads about as much as was placed on it: after a node was away
 * its leaderships stay where they went. Source: Kafka auto.leader.rebalance.enable.
 */
export function leadersToMoveBack(image: MetadataImage): PartitionRef[] {
  const preferring = new Map<number, { total: number; readonly away: PartitionState[] }>()
  for (const topic of image.topics.values()) {
    for (const state of topic.partitions) {
      const preferred = state.replicas[0] as number
      const counted = preferring.get(preferred) ?? { total: 0, away: [] }
      preferring.set(preferred, counted)
      counted.total += 1
      if (state.leader !== -1 && state.leader !== preferred) counted.away.push(state)
    }
  }
  const moving = [...preferring].flatMap(([nodeId, { total, away }]) => {
    const isTolerated = away.length <= total * TOLERATED_SHARE
    return isTolerated ? [] : away.filter((state) => mayLead(image.brokers.get(nodeId), state))
  })
  return moving.slice(0, MAX_ELECTIONS).map(({ topicId, partition }) => ({ topicId, partition }))
}
