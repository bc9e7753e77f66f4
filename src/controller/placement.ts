import { assert } from '../base/assert.ts'

export interface PlacementBroker {
  readonly nodeId: number
  /** null: a rack of its own, for nothing is known to be shared. */
  readonly rack: string | null
}

/** Brokers so that neighbours stand in different racks as far as possible; the same for any order of the input. */
function interleaveRacks(brokers: readonly PlacementBroker[]): PlacementBroker[] {
  const racks = new Map<string, PlacementBroker[]>()
  for (const broker of [...brokers].sort((left, right) => left.nodeId - right.nodeId)) {
    const rack = rackOf(broker)
    const members = racks.get(rack)
    if (members === undefined) racks.set(rack, [broker])
    else members.push(broker)
  }
  const rows = [...racks.values()]
  const longest = Math.max(...rows.map((row) => row.length))
  return Array.from({ length: longest }, (_, column) => rows.flatMap((row) => row[column] ?? [])).flat()
}

function rackOf(broker: PlacementBroker): string {
  return broker.rack === null ? `node ${broker.nodeId}` : `rack ${broker.rack}`
}

/** The next replica: of `candidates` in order, the first in a rack that holds the fewest of `chosen`. */
function nextReplica(chosen: readonly PlacementBroker[], candidates: readonly PlacementBroker[]): PlacementBroker | undefined {
  let best: PlacementBroker | undefined
  let fewest = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    if (chosen.includes(candidate)) continue
    const held = chosen.filter((replica) => rackOf(replica) === rackOf(candidate)).length
    if (held < fewest) {
      best = candidate
      fewest = held
    }
  }
  return best
}

/**
 * Replicas for each partition, preferred leader first. Leaders go round robin over all brokers; followers start one further each round,
 * so that a dead broker's load falls on many; racks are used evenly. Deterministic: `seed` says where the round begins.
 * Source: Kafka StripedReplicaPlacer, AdminUtils.
 */
export function placeReplicas(
  brokers: readonly PlacementBroker[],
  options: { readonly partitions: number; readonly replicationFactor: number; readonly seed: number },
): number[][] {
  const { partitions, replicationFactor, seed } = options
  assert(replicationFactor >= 1 && replicationFactor <= brokers.length, 'there are as many brokers as replicas of a partition')
  const order = interleaveRacks(brokers)
  const rotate = (by: number, list: readonly PlacementBroker[]): PlacementBroker[] => [...list.slice(by), ...list.slice(0, by)]
  return Array.from({ length: partitions }, (_, partition) => {
    const [leader, ...others] = rotate((seed + partition) % order.length, order)
    assert(leader !== undefined, 'there is a broker')
    const round = Math.floor(partition / order.length)
    const followers = others.length === 0 ? [] : rotate((seed + round) % others.length, others)
    const chosen = [leader]
    while (chosen.length < replicationFactor) {
      const next = nextReplica(chosen, followers)
      assert(next !== undefined, 'there are enough brokers')
      chosen.push(next)
    }
    return chosen.map((broker) => broker.nodeId)
  })
}
