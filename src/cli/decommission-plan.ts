import type { Admin } from '../client/admin.ts'
import type { PartitionMove } from '../client/reassignments.ts'
import type { TopicDescription } from './topic-names.ts'

type BrokerDescription = Awaited<ReturnType<Admin['describeCluster']>>['brokers'][number]
type PartitionDescription = TopicDescription['partitions'][number]

export interface DecommissionPlan {
  readonly moves: readonly PartitionMove[]
  /** Partitions that no other broker can take: all that run and are not in maintenance hold them already. */
  readonly stuck: readonly { readonly topic: string; readonly partition: number }[]
}

/** Where a partition is, or will be once its move ends. */
function destination({ replicas, removingReplicas }: PartitionDescription): number[] {
  return replicas.filter((nodeId) => !removingReplicas.includes(nodeId))
}

function rackOf({ nodeId, rack }: BrokerDescription): string {
  return rack === null ? `node ${nodeId}` : `rack ${rack}`
}

/** Who takes over replicas, one after the other, and how many each holds by then. */
class Takers {
  readonly #brokers: ReadonlyMap<number, BrokerDescription>
  readonly #loads: Map<number, number>

  constructor(brokers: readonly BrokerDescription[]) {
    this.#brokers = new Map(brokers.map((broker) => [broker.nodeId, broker]))
    this.#loads = new Map(brokers.map((broker) => [broker.nodeId, broker.replicas]))
  }

  /** In a rack that has the fewest of `staying`, who holds the fewest replicas, with the lowest id; `exclude` never. */
  take(staying: readonly number[], exclude: number): number | undefined {
    const ranked = [...this.#brokers.values()]
      .filter(({ nodeId, state, maintenance }) => state === 'running' && !maintenance && nodeId !== exclude && !staying.includes(nodeId))
      .map((broker) => ({ nodeId: broker.nodeId, shared: this.#inRackOf(broker, staying), load: this.#loads.get(broker.nodeId) as number }))
      .sort((left, right) => left.shared - right.shared || left.load - right.load || left.nodeId - right.nodeId)
    const [best] = ranked
    if (best !== undefined) this.#loads.set(best.nodeId, best.load + 1)
    return best?.nodeId
  }

  #inRackOf(broker: BrokerDescription, staying: readonly number[]): number {
    return staying.filter((nodeId) => {
      const other = this.#brokers.get(nodeId)
      return other !== undefined && rackOf(other) === rackOf(broker)
    }).length
  }
}

/**
 * For each partition of a broker another one that takes its place, also as preferred leader. What is on its way elsewhere already is left alone.
 * The same for any order of the input.
 */
export function planDecommission(nodeId: number, brokers: readonly BrokerDescription[], topics: readonly TopicDescription[]): DecommissionPlan {
  const takers = new Takers(brokers)
  const moves: PartitionMove[] = []
  const stuck: { topic: string; partition: number }[] = []
  const sorted = [...topics].sort((left, right) => (left.name < right.name ? -1 : 1))
  for (const { name: topic, partitions } of sorted) {
    for (const state of partitions) {
      const goal = destination(state)
      if (!goal.includes(nodeId)) continue
      const staying = goal.filter((one) => one !== nodeId)
      const taker = takers.take(staying, nodeId)
      if (taker === undefined) stuck.push({ topic, partition: state.partition })
      else moves.push({ topic, partition: state.partition, replicas: goal.map((one) => (one === nodeId ? taker : one)) })
    }
  }
  return { moves, stuck }
}
