import { Batches } from './batches.ts'
import type { Scope } from '../model.ts'
import { LeftCounts } from '../left-counts.ts'
import { type BoundName, type Bounds, boundNames } from './bounds.ts'
import { Controls } from './control.ts'
import { Histories } from './history.ts'
import { Messages } from './messages.ts'
import { Replicas } from './replicas.ts'

/** Who has which number: all that comes up in one exploration, and its bounds. */
export class Registers {
  readonly nodeIds: readonly number[]
  readonly bounds: Bounds
  readonly ordered: boolean
  readonly left = new LeftCounts(boundNames)
  readonly batches: Batches
  readonly messages = new Messages()
  readonly replicas: Replicas
  readonly controls: Controls
  readonly histories: Histories

  constructor({ bounds, nodes, ordered, reduced }: Scope<BoundName>) {
    this.nodeIds = Array.from({ length: nodes }, (_, at) => at + 1)
    this.bounds = bounds
    this.ordered = ordered
    // A record that is sent again is known by its sequence.
    this.batches = new Batches(bounds.retries > 0)
    this.replicas = new Replicas({ nodeIds: this.nodeIds, batches: this.batches, messages: this.messages })
    this.controls = new Controls({ reduced })
    this.histories = new Histories(this.batches)
  }

  /** Records are sent in their order. */
  sentRecords(left: number): number {
    return this.bounds.records - this.left.count(left, 'records')
  }
}
