import { checkDelivery, type ReadRecord } from '../../chaos/check/delivery.ts'
import { findUnhealed } from '../../chaos/check/convergence.ts'
import type { History } from '../../chaos/history.ts'
import type { SimCluster } from '../../chaos/sim/cluster.ts'

/** What still stands in the way of "all is well again". */
export function unhealed(cluster: SimCluster): string | undefined {
  const down = cluster.nodes.find(({ state }) => state !== 'up')
  if (down !== undefined) return `${down.name} is ${down.state}`
  const image = cluster.checker.newestImage
  const nodeIds = cluster.nodes.map(({ nodeId }) => nodeId)
  return image === undefined ? 'nothing is committed' : findUnhealed(image, nodeIds)
}

/** Acknowledged records that `records` does not hold and that are still kept. */
export function missing(history: History, records: readonly ReadRecord[], cluster: SimCluster): number {
  const found = new Set(records.map(({ topicId, partition, offset }) => `${topicId} ${partition} ${offset}`))
  const isKept = (topicId: string): boolean => cluster.checker.newestImage?.topics.has(topicId) === true
  return [...history.sends.values()].filter(
    ({ outcome, topicId, partition, offset }) =>
      outcome === 'ok' && isKept(topicId) && offset >= cluster.checker.startOffset(topicId, partition) && !found.has(`${topicId} ${partition} ${offset}`),
  ).length
}

/** A topic that was deleted takes its records with it. */
export function checkReadBack(history: History, records: readonly ReadRecord[], cluster: SimCluster): void {
  checkDelivery(history, records, (topicId, partition) =>
    cluster.checker.newestImage?.topics.has(topicId) === true ? cluster.checker.startOffset(topicId, partition) : Number.POSITIVE_INFINITY,
  )
}
