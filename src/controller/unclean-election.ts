import type { PartitionState } from '../metadata/records.ts'
import type { ElectedReplica } from './commands.ts'
import type { ControllerContext } from './context.ts'
import { type Candidate, compareLogs, electedState, validReport } from './elections.ts'
import { isServing } from './isr.ts'
import { changePartition } from './partition-change.ts'

/** A partition with a leader again, and who that is. */
export interface UncleanElection {
  readonly state: PartitionState
  readonly elected: ElectedReplica
}

/** Live, and it said of its log after the partition lost its leader. Damaged ones are never elected (rules R5.7): what they end with is not known. */
function candidates(state: PartitionState, context: ControllerContext): Candidate[] {
  return state.replicas.flatMap((nodeId) => {
    const broker = context.image.brokers.get(nodeId)
    const report = validReport(nodeId, state, context)
    if (broker === undefined || report === undefined || report.damaged || !isServing(broker, state, context)) return []
    return [{ nodeId, lastEpoch: report.lastEpoch, syncedEndOffset: report.syncedEndOffset, suspect: report.suspect }]
  })
}

/**
 * Rules R5.7, the operator's decision: of the replicas that live, in ISR ∪ ELR or not, the one with the greatest (last epoch, synced end) leads, be it
 * suspect. What was acknowledged and only others hold is gone with it: nobody else stays eligible, and whoever comes back is cut to the new leader's log.
 * Where somebody may lead cleanly, that one does, and nothing is given up. Undefined: nobody can lead.
 */
export function electUnclean(state: PartitionState, context: ControllerContext): UncleanElection | undefined {
  const clean = electedState(state, context)
  if (clean !== undefined) return { state: clean, elected: { nodeId: clean.leader, lastEpoch: -1, logEndOffset: -1 } }
  let best: Candidate | undefined
  for (const candidate of candidates(state, context)) if (best === undefined || compareLogs(candidate, best) > 0) best = candidate
  const broker = best === undefined ? undefined : context.image.brokers.get(best.nodeId)
  if (best === undefined || broker === undefined) return undefined
  const { nodeId, lastEpoch, syncedEndOffset } = best
  const change = { isr: [{ nodeId, brokerEpoch: broker.brokerEpoch }], leader: nodeId, lost: new Set(state.replicas), unclean: true }
  return { state: changePartition(state, change, context), elected: { nodeId, lastEpoch, logEndOffset: syncedEndOffset } }
}
