import { topicConfig } from '../base/topic-configs.ts'
import type { PartitionState } from '../metadata/records.ts'
import type { Decision, ElectedReplica, PartitionRef } from './commands.ts'
import type { ControllerContext, Evidence } from './context.ts'
import { type Candidate, compareLogs, decideEach, electByReports, electedState, validReport } from './elections.ts'
import { isServing } from './isr.ts'
import { changePartition } from './partition-change.ts'

/** A partition with a leader again, and who that is. */
export interface UncleanElection {
  readonly state: PartitionState
  readonly elected: ElectedReplica
}

/** Live, and it said of its log after the partition lost its leader. Damaged ones are never elected (rules R5.7): what they end with is not known. */
function candidates(state: PartitionState, context: Evidence): Candidate[] {
  return state.replicas.flatMap((nodeId) => {
    const broker = context.image.brokers.get(nodeId)
    const report = validReport(nodeId, state, context)
    if (broker === undefined || report === undefined || report.damaged || !isServing(broker, state, context)) return []
    return [{ nodeId, lastEpoch: report.lastEpoch, syncedEndOffset: report.syncedEndOffset, suspect: report.suspect }]
  })
}

/**
 * Rules R5.7, by the decision of an operator or of the topic: of the replicas that live, in ISR ∪ ELR or not, the one with the greatest (last epoch, synced end) leads, be it
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

/** What an unclean election of its own still has to wait for. */
export interface UncleanOutlook {
  /** Members of ISR ∪ ELR that said nothing, or do not serve: each could still make giving up needless. */
  readonly missing: readonly number[]
  /** Other replicas of which the same holds: they could only be the better choice. */
  readonly others: readonly number[]
}

/** Undefined: the topic does not allow it, or nobody is left to be elected. Asked only where nobody of ISR ∪ ELR may lead. */
export function uncleanOutlook(state: PartitionState, evidence: Evidence): UncleanOutlook | undefined {
  const configs = evidence.image.topics.get(state.topicId)?.configs
  if (configs === undefined || topicConfig(configs, 'unclean.leader.election.enable') !== 'true') return undefined
  const left = candidates(state, evidence)
  if (left.length === 0) return undefined
  const { missing } = electByReports(state, evidence)
  const isLeft = (nodeId: number): boolean => left.some((candidate) => candidate.nodeId === nodeId)
  const isOther = (nodeId: number): boolean => !missing.includes(nodeId) && !isLeft(nodeId) && validReport(nodeId, state, evidence)?.damaged !== true
  return { missing, others: state.replicas.filter(isOther) }
}

/**
 * Rules R5.7, where the topic allows it. What was asked for may be overtaken by the time it is decided: not where the topic allows it no more, and not
 * past a member of ISR ∪ ELR that serves again and has not said yet how far its log is.
 */
export function decideElectUnclean(partitions: readonly PartitionRef[], context: ControllerContext): Decision {
  return decideEach(partitions, context, (state) => {
    const outlook = uncleanOutlook(state, context)
    const isUp = (nodeId: number): boolean => {
      const broker = context.image.brokers.get(nodeId)
      return broker !== undefined && isServing(broker, state, context)
    }
    return outlook === undefined || outlook.missing.some(isUp) ? electedState(state, context) : electUnclean(state, context)?.state
  })
}
