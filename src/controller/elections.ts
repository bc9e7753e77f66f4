import { assert } from '../base/assert.ts'
import { findPartition } from '../metadata/image.ts'
import { type IsrMember, type MetadataRecord, type PartitionState, replicationFactorOf } from '../metadata/records.ts'
import type { Decision, PartitionRef } from './commands.ts'
import type { ControllerContext, Evidence } from './context.ts'
import { isLiveMember, isServing, preferredToLead } from './isr.ts'
import { changePartition } from './partition-change.ts'
import type { LeaderlessReport } from './status.ts'

/**
 * Rules R5.7, first half: the leader while it is in sync, else the first live in-sync replica in assignment order; −1: none. A broker in
 * maintenance counts only when all of them are.
 */
export function electInSync(state: PartitionState, liveIsr: readonly IsrMember[], context: Pick<Evidence, 'image'>): number {
  const live = state.replicas.filter((nodeId) => liveIsr.some((member) => member.nodeId === nodeId))
  const candidates = preferredToLead(live, context)
  return candidates.includes(state.leader) ? state.leader : (candidates[0] ?? -1)
}

export interface Candidate {
  readonly nodeId: number
  readonly lastEpoch: number
  readonly syncedEndOffset: number
  readonly suspect: boolean
}

/** What reports allow. `leader` −1: nobody yet. `missing`: members that could still report and change the choice, in assignment order. */
export interface ReportedElection {
  readonly leader: number
  readonly missing: readonly number[]
  /** Members of ISR ∪ ELR that said of themselves that they are damaged. */
  readonly damaged: ReadonlySet<number>
}

export function compareLogs(left: Candidate, right: Candidate): number {
  return left.lastEpoch - right.lastEpoch || left.syncedEndOffset - right.syncedEndOffset
}

/** Said by the process now registered, and about the present partition epoch: so after the partition lost its leader (rules R5.7). */
export function validReport(nodeId: number, state: PartitionState, context: Evidence): LeaderlessReport | undefined {
  const broker = context.image.brokers.get(nodeId)
  const report = broker === undefined ? undefined : context.sessions.report(broker, state)
  return report?.partitionEpoch === state.partitionEpoch ? report : undefined
}

/**
 * Rules R5.7, second half: who of ISR ∪ ELR may lead a partition that has nobody in sync. Damaged: never. Not suspect: by itself, for all
 * that was acknowledged is in its log. Suspect: only as the greatest (last epoch, synced end) of f+1 live undamaged members,
 * f = floor((RF − 1) / 2), or of all of them if fewer: at least one of those lost nothing. Replicas that
 * are being added do not raise RF (R5.10). Among the electable the greatest wins.
 */
export function electByReports(state: PartitionState, context: Evidence): ReportedElection {
  const damaged = new Set<number>()
  const live: Candidate[] = []
  const missing: number[] = []
  const isMember = (nodeId: number): boolean => state.elr.includes(nodeId) || state.isr.some((member) => member.nodeId === nodeId)
  for (const nodeId of state.replicas.filter(isMember)) {
    const broker = context.image.brokers.get(nodeId)
    const report = validReport(nodeId, state, context)
    if (report?.damaged === true) damaged.add(nodeId)
    else if (broker === undefined || report === undefined || !isServing(broker, state, context)) missing.push(nodeId)
    else live.push({ nodeId, lastEpoch: report.lastEpoch, syncedEndOffset: report.syncedEndOffset, suspect: report.suspect })
  }
  const faults = Math.floor((replicationFactorOf(state) - 1) / 2)
  const needed = Math.min(faults + 1, live.length + missing.length)
  const isElectable = (candidate: Candidate): boolean => !candidate.suspect || live.filter((other) => compareLogs(other, candidate) <= 0).length >= needed
  let best: Candidate | undefined
  for (const candidate of live.filter(isElectable)) {
    const order = best === undefined ? 1 : compareLogs(candidate, best)
    if (best === undefined || order > 0 || (order === 0 && best.suspect && !candidate.suspect)) best = candidate
  }
  return { leader: best?.nodeId ?? -1, missing, damaged }
}

/** The state of a leaderless partition with the leader that it can have now; undefined when it can have none. */
export function electedState(state: PartitionState, context: ControllerContext): PartitionState | undefined {
  const liveIsr = state.isr.filter((member) => isLiveMember(member, state, context))
  const inSync = electInSync(state, liveIsr, context)
  if (inSync !== -1) return changePartition(state, { isr: liveIsr, leader: inSync, lost: new Set() }, context)
  const { leader, damaged } = electByReports(state, context)
  const broker = context.image.brokers.get(leader)
  if (leader === -1 || broker === undefined) return undefined
  assert(!damaged.has(leader), 'a damaged replica is never elected')
  return changePartition(state, { isr: [{ nodeId: leader, brokerEpoch: broker.brokerEpoch }], leader, lost: damaged }, context)
}

/** Partitions that have a leader by now, or for which `elect` gives none, are left as they are. */
export function decideEach(
  partitions: readonly PartitionRef[],
  context: ControllerContext,
  elect: (state: PartitionState) => PartitionState | undefined,
): Decision {
  const records: MetadataRecord[] = []
  const seen = new Set<PartitionState>()
  for (const ref of partitions) {
    const state = findPartition(context.image, ref.topicId, ref.partition)
    if (state === undefined || state.leader !== -1 || seen.has(state)) continue
    seen.add(state)
    const elected = elect(state)
    if (elected !== undefined) records.push({ type: 'partition', state: elected })
  }
  return { records, reply: { type: 'done' } }
}

export function decideElect(partitions: readonly PartitionRef[], context: ControllerContext): Decision {
  return decideEach(partitions, context, (state) => electedState(state, context))
}
