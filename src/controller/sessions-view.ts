import type { Uuid } from '../base/ids.ts'
import type { PartitionRef } from './commands.ts'
import type { LeaderlessReport } from './status.ts'

/** One registration of one process. Evidence counts for it alone (rules R5.2). A BrokerImage is one. */
export interface Registration {
  readonly nodeId: number
  readonly brokerEpoch: number
  readonly incarnationId: Uuid
}

/** What only the active controller knows, as decisions read it: said in this term, by exactly that registration. */
export interface SessionsView {
  /** Exclusive: metadata that it has applied; −1 when it has not been heard in this term. */
  appliedOffset(registration: Registration): number
  /** That log is dead there: it counts as fenced for this partition (rules R5.2). */
  isLogDead(registration: Registration, ref: PartitionRef): boolean
  /** Its latest word on that partition. Whether it is about the present partition epoch is for the reader to compare. */
  report(registration: Registration, ref: PartitionRef): LeaderlessReport | undefined
}
