import { LeftCounts } from '../left-counts.ts'
import type { Scope } from '../model.ts'
import { type RaftBoundName, type RaftBounds, raftBoundNames } from './bounds.ts'
import { Entries } from './entries.ts'
import { RaftHistories } from './history.ts'
import { Voters } from './voters.ts'

/** Who has which number: all that comes up in one exploration, and its bounds. */
export class RaftRegisters {
  readonly nodeIds: readonly number[]
  readonly bounds: RaftBounds
  readonly ordered: boolean
  readonly reduced: boolean
  readonly left = new LeftCounts(raftBoundNames)
  readonly entries = new Entries()
  readonly voters: Voters
  readonly histories: RaftHistories

  constructor({ bounds, nodes, ordered, reduced }: Scope<RaftBoundName>) {
    this.nodeIds = Array.from({ length: nodes }, (_, at) => at + 1)
    this.bounds = bounds
    this.ordered = ordered
    this.reduced = reduced
    this.voters = new Voters(this.nodeIds, this.entries)
    this.histories = new RaftHistories(this.entries)
  }

  placeOf(nodeId: number): number {
    return nodeId - 1
  }
}
