import type { NodeOptions, NodeView, RaftView, ReplicaView } from '../broker/surface.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { PartitionState } from '../metadata/records.ts'

/** What readiness is judged by; an OxbowNode is one. */
export interface ReadinessSource {
  raft(): RaftView
  view(): NodeView
  replicas(): readonly ReplicaView[]
  readonly image: MetadataImage
  readonly isServing: boolean
}

/** Committed entries that a node may still have to apply: it applies in turns, so a busy cluster is always a few ahead. */
const MAX_ENTRIES_BEHIND = 100
/** Partitions and nodes that a sentence names; it counts the rest. */
const MAX_NAMED = 5

/** `a, b and 3 more` */
function listed(names: readonly string[]): string {
  const rest = names.length - MAX_NAMED
  return rest > 0 ? `${names.slice(0, MAX_NAMED).join(', ')} and ${rest} more` : names.join(', ')
}

/**
 * Whether this node serves, and if not, what is missing and what to do.
 * A node that has just started is ready only once its replicas are in sync: then the next one may be restarted without taking a partition below
 * its minimum. From then on a replica that falls behind makes no node unready: to take more work off the slow helps nobody.
 */
export class Readiness {
  readonly #options: NodeOptions
  readonly #source: ReadinessSource
  #wasInSync = false

  constructor(options: NodeOptions, source: ReadinessSource) {
    this.#options = options
    this.#source = source
  }

  /** Sentences; empty: ready. */
  missing(): readonly string[] {
    const view = this.#source.view()
    if (view.isStopping) return ['this node is stopping: it moves its leaderships away and ends']
    const { leaderId, commitIndex } = this.#source.raft()
    if (leaderId === null) return [this.#noLeader(view)]
    const behind = commitIndex - this.#source.image.offset
    if (behind > MAX_ENTRIES_BEHIND) return [`${behind} committed entries of the metadata log are not applied here yet: wait`]
    return this.#options.roles.broker ? this.#brokerMissing(view, leaderId) : []
  }

  /** Names the voters that cannot be reached: with too few of them nothing can be decided. */
  #noLeader({ connected }: NodeView): string {
    const { nodeId, peers } = this.#options
    const { voters, brokers } = this.#source.image
    const voterIds = voters.length > 0 ? voters.map((voter) => voter.nodeId) : this.#options.voterIds
    const gone = voterIds.filter((id) => id !== nodeId && !connected.includes(id))
    const needed = Math.floor(voterIds.length / 2) + 1
    const up = voterIds.length - gone.length
    if (up >= needed)
      return `no leader of the metadata quorum is known, although ${up} of ${voterIds.length} voters are connected: an election takes a second or two, wait`
    const names = gone.map((id) => {
      const later = voters.find((voter) => voter.nodeId === id)?.endpoint ?? brokers.get(id)?.address
      const peer = peers.find((one) => one.nodeId === id) ?? later
      return peer === undefined ? `node ${id}` : `node ${id} (${peer.host}:${peer.grpcPort})`
    })
    return `the metadata quorum has no leader: ${up} of ${voterIds.length} voters can be reached, ${needed} are needed. Missing: ${listed(names)}: start them, or see why their ports cannot be reached from here`
  }

  #brokerMissing(view: NodeView, leaderId: number): readonly string[] {
    const controller = `node ${leaderId}`
    if (view.brokerEpoch === -1) {
      return [
        view.lastRefusal === null
          ? `this broker is not registered yet: it waits for the active controller, ${controller}`
          : `the active controller, ${controller}, does not register this broker: ${view.lastRefusal}`,
      ]
    }
    const missing: string[] = []
    if (!this.#source.isServing)
      missing.push(`this broker is fenced: it serves nothing until the active controller, ${controller}, hears from it; wait, or see the connection to it`)
    if (view.isDiskLow) missing.push('the disk is low: produce is refused; free some space on it, or delete topics')
    return missing.length > 0 ? missing : this.#outOfSync(view.brokerEpoch)
  }

  #outOfSync(brokerEpoch: number): readonly string[] {
    if (this.#wasInSync) return []
    const { nodeId } = this.#options
    const offline = new Set(this.#source.replicas().flatMap((one) => (one.role === 'offline' ? [`${one.topicId}-${one.partition}`] : [])))
    const leaderless: string[] = []
    const lagging: string[] = []
    const isHere = (state: PartitionState): boolean => state.replicas.includes(nodeId) && !offline.has(`${state.topicId}-${state.partition}`)
    for (const topic of this.#source.image.topics.values()) {
      for (const state of topic.partitions.filter(isHere)) {
        const name = `${topic.name}-${state.partition}`
        if (state.leader === -1) leaderless.push(name)
        else if (!state.isr.some((member) => member.nodeId === nodeId && member.brokerEpoch === brokerEpoch)) lagging.push(name)
      }
    }
    const missing: string[] = []
    if (leaderless.length > 0)
      missing.push(`${leaderless.length} partitions with a replica here have no leader (${listed(leaderless)}): start the other nodes that hold them`)
    if (lagging.length > 0) missing.push(`${lagging.length} replicas here are not in sync yet (${listed(lagging)}): they catch up, wait`)
    this.#wasInSync = missing.length === 0
    return missing
  }
}
