import type { MetadataDelta, MetadataImage } from '../metadata/image.ts'
import { isUncleanElection } from '../metadata/partition-rules.ts'
import type { PartitionState } from '../metadata/records.ts'
import type { RaftEffect } from '../raft/effects.ts'
import type { CatchUp } from './catch-up.ts'

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

/** Counts changes by the metadata that is applied, so that no core keeps counters. What was decided before this process came up is not counted once more. */
export class ChangeCounts {
  readonly #nodeId: number
  readonly #catchUp: CatchUp
  #isrShrinks = 0
  #isrExpands = 0
  #leaderElections = 0
  #uncleanLeaderElections = 0
  #raftElections = 0
  #raftTerm = -1

  constructor(nodeId: number, catchUp: CatchUp) {
    this.#nodeId = nodeId
    this.#catchUp = catchUp
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

  /** Before `catchUp` learns of it: what it was behind with is past. */
  applied(before: MetadataImage, after: MetadataImage, delta: MetadataDelta): void {
    if (!this.#catchUp.isDone) return
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
      if (isUncleanElection(before, after)) this.#uncleanLeaderElections++
    }
    if (after.leader !== this.#nodeId) return
    if (before.isr.some((member) => !after.isr.some((other) => other.nodeId === member.nodeId))) this.#isrShrinks++
    if (after.isr.some((member) => !before.isr.some((other) => other.nodeId === member.nodeId))) this.#isrExpands++
  }

  role(effect: Extract<RaftEffect, { type: 'role' }>): void {
    if (effect.leaderId === null || effect.term === this.#raftTerm) return
    this.#raftTerm = effect.term
    if (effect.leaderId === this.#nodeId) this.#catchUp.controllerHeard({ term: effect.term, commitIndex: 0 }, effect.term)
    this.#raftElections++
  }
}
