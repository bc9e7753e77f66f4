import type { MetadataDelta, MetadataImage } from '../metadata/image.ts'
import type { PartitionState } from '../metadata/records.ts'
import type { RaftEffect } from '../raft/effects.ts'

/** What changed since this process came up; metrics read it. */
export interface ChangeTotals {
  /** ISR changes of partitions that this node leads: members left, members joined. */
  readonly isrShrinks: number
  readonly isrExpands: number
  /** New leaders of partitions of the whole cluster, as the log of decisions says. */
  readonly leaderElections: number
  readonly uncleanLeaderElections: number
  /** Terms of the metadata quorum whose leader became known here. */
  readonly raftElections: number
}

/** The mark outlives the election: once it stands, another one is told by whom it elected. */
function isUnclean(before: PartitionState, after: PartitionState): boolean {
  const isEligible = before.elr.includes(after.leader) || before.isr.some(({ nodeId }) => nodeId === after.leader)
  return after.unclean && !(before.unclean && isEligible)
}

/** Counts changes by the metadata that is applied, so that no core keeps counters. */
export class ChangeCounts {
  readonly #nodeId: number
  #isrShrinks = 0
  #isrExpands = 0
  #leaderElections = 0
  #uncleanLeaderElections = 0
  #raftElections = 0
  #raftTerm = -1

  constructor(nodeId: number) {
    this.#nodeId = nodeId
  }

  get totals(): ChangeTotals {
    return {
      isrShrinks: this.#isrShrinks,
      isrExpands: this.#isrExpands,
      leaderElections: this.#leaderElections,
      uncleanLeaderElections: this.#uncleanLeaderElections,
      raftElections: this.#raftElections,
    }
  }

  /** Not called for what was decided before this process: a start would count the past once more. */
  applied(before: MetadataImage, after: MetadataImage, delta: MetadataDelta): void {
    for (const [topicId, partitions] of delta.topics) {
      const old = before.topics.get(topicId)?.partitions
      const now = after.topics.get(topicId)?.partitions
      if (old === undefined || now === undefined) continue
      for (const partition of partitions) this.#changed(old[partition], now[partition])
    }
  }

  #changed(before: PartitionState | undefined, after: PartitionState | undefined): void {
    if (before === undefined || after === undefined) return
    if (after.leader !== -1 && after.leader !== before.leader) {
      this.#leaderElections++
      if (isUnclean(before, after)) this.#uncleanLeaderElections++
    }
    if (after.leader !== this.#nodeId) return
    if (before.isr.some((member) => !after.isr.some((other) => other.nodeId === member.nodeId))) this.#isrShrinks++
    if (after.isr.some((member) => !before.isr.some((other) => other.nodeId === member.nodeId))) this.#isrExpands++
  }

  role(effect: Extract<RaftEffect, { type: 'role' }>): void {
    if (effect.leaderId === null || effect.term === this.#raftTerm) return
    this.#raftTerm = effect.term
    this.#raftElections++
  }
}
