import { BrokerError } from '../base/errors.ts'
import type { MetadataRecord, PartitionState } from '../metadata/records.ts'
import type { ControllerCommand, Decision, ElectedReplica, Election, PartitionRef } from './commands.ts'
import type { ControllerContext } from './context.ts'
import { isInMaintenance, isLiveMember } from './isr.ts'
import { changePartition } from './partition-change.ts'
import { refKey, requirePartition } from './partition-ref.ts'
import { electUnclean } from './unclean-election.ts'

type ElectLeaders = Extract<ControllerCommand, { readonly type: 'electLeaders' }>

/** Partitions that one answer about all names: the whole stays within one entry and one message. Whoever asks again gets the next ones. */
const MAX_NAMED = 10_000

/** Of all partitions those that are meant: a broker in maintenance is not to lead what prefers it. */
function* candidates({ unclean }: ElectLeaders, context: ControllerContext): Generator<PartitionState> {
  for (const { partitions } of context.image.topics.values()) {
    for (const state of partitions) if (unclean || !isInMaintenance(state.replicas[0] as number, context)) yield state
  }
}

type Verdict = { readonly state: PartitionState; readonly elected: ElectedReplica } | { readonly error: NonNullable<Election['error']> }

/** The state with its preferred replica as leader, or why not. Whoever is live and in sync has all that was acknowledged: nothing is lost. */
function judgePreferred(state: PartitionState, context: ControllerContext): Verdict {
  const preferred = state.replicas[0] as number
  if (state.leader === preferred) return { error: { code: 'ELECTION_NOT_NEEDED', message: `broker ${preferred} leads already` } }
  const member = state.isr.find(({ nodeId }) => nodeId === preferred)
  if (member === undefined || !isLiveMember(member, state, context)) {
    const why = member === undefined ? 'not in sync' : 'not serving it now'
    return { error: { code: 'PREFERRED_LEADER_NOT_AVAILABLE', message: `broker ${preferred}, the first replica, is ${why}` } }
  }
  if (isInMaintenance(preferred, context)) {
    return { error: { code: 'PREFERRED_LEADER_NOT_AVAILABLE', message: `broker ${preferred}, the first replica, is in maintenance` } }
  }
  const elected = { nodeId: preferred, lastEpoch: -1, logEndOffset: -1 }
  return { state: changePartition(state, { isr: state.isr, leader: preferred, lost: new Set() }, context), elected }
}

/** What was asked comes late, or twice: by then the partition may have had a leader again, and have lost that one, too. Nobody decided what to give up of that. */
function judgeUnclean(state: PartitionState, { metadataOffset }: ElectLeaders, context: ControllerContext): Verdict {
  if (state.leader !== -1) return { error: { code: 'ELECTION_NOT_NEEDED', message: `broker ${state.leader} leads already` } }
  if (metadataOffset !== null && state.leaderGrantedOffset >= metadataOffset)
    return { error: { code: 'LEADER_NOT_AVAILABLE', message: 'it lost its leader since that was asked: look what would be lost, and ask again' } }
  const replicas = state.replicas.join(', ')
  const message = `none of its replicas (${replicas}) is up with a log that is whole; one that has just come up says how far it is within a second`
  return electUnclean(state, context) ?? { error: { code: 'ELIGIBLE_LEADERS_NOT_AVAILABLE', message } }
}

function judgeElection(ref: PartitionRef, command: ElectLeaders, context: ControllerContext): Verdict {
  try {
    const state = requirePartition(ref, context.image)
    return command.unclean ? judgeUnclean(state, command, context) : judgePreferred(state, context)
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    return { error: { code: error.code, message: error.detail } }
  }
}

/**
 * Kafka ElectLeaders, election types PREFERRED and UNCLEAN. Asked for all, those that need nothing are not named in the answer. A partition named twice
 * is judged twice, changed once.
 */
export function decideElectLeaders(command: ElectLeaders, context: ControllerContext): Decision {
  const records: MetadataRecord[] = []
  const partitions: Election[] = []
  const changed = new Set<string>()
  const judge = (ref: PartitionRef): void => {
    const { topicId, partition } = ref
    const verdict = judgeElection(ref, command, context)
    if ('elected' in verdict) {
      if (!changed.has(refKey(ref)) && !command.validateOnly) records.push({ type: 'partition', state: verdict.state })
      changed.add(refKey(ref))
      partitions.push({ topicId, partition, elected: verdict.elected, error: null })
    } else if (command.partitions !== null || verdict.error.code !== 'ELECTION_NOT_NEEDED') {
      partitions.push({ topicId, partition, elected: null, error: verdict.error })
    }
  }
  for (const ref of command.partitions ?? candidates(command, context)) {
    if (command.partitions === null && partitions.length >= MAX_NAMED) break
    judge(ref)
  }
  const metadataOffset = context.offset + (records.length > 0 ? 1 : 0)
  return { records, reply: { type: 'leadersElected', metadataOffset, partitions } }
}
