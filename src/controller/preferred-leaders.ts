import { BrokerError } from '../base/errors.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { MetadataRecord, PartitionState } from '../metadata/records.ts'
import type { ControllerCommand, Decision, PartitionOutcome, PartitionRef } from './commands.ts'
import type { ControllerContext } from './context.ts'
import { isLiveMember } from './isr.ts'
import { changePartition } from './partition-change.ts'
import { refKey, requirePartition } from './partition-ref.ts'

type ElectLeaders = Extract<ControllerCommand, { readonly type: 'electLeaders' }>

/** Partitions that one answer about all names: the whole stays within one entry and one message. Whoever asks again gets the next ones. */
const MAX_NAMED = 10_000

function* allPartitions(image: MetadataImage): Generator<PartitionState> {
  for (const topic of image.topics.values()) yield* topic.partitions
}

type Verdict = { readonly elected: PartitionState } | { readonly error: NonNullable<PartitionOutcome['error']> }

/** The state with its preferred replica as leader, or why not. Whoever is live and in sync has all that was acknowledged: nothing is lost. */
function electPreferred(state: PartitionState, context: ControllerContext): Verdict {
  const preferred = state.replicas[0] as number
  if (state.leader === preferred) return { error: { code: 'ELECTION_NOT_NEEDED', message: `broker ${preferred} leads already` } }
  const member = state.isr.find(({ nodeId }) => nodeId === preferred)
  if (member === undefined || !isLiveMember(member, state, context)) {
    const why = member === undefined ? 'not in sync' : 'not serving it now'
    return { error: { code: 'PREFERRED_LEADER_NOT_AVAILABLE', message: `broker ${preferred}, the first replica, is ${why}` } }
  }
  return { elected: changePartition(state, { isr: state.isr, leader: preferred, lost: new Set() }, context) }
}

function judgePreferred(ref: PartitionRef, context: ControllerContext): Verdict {
  try {
    return electPreferred(requirePartition(ref, context.image), context)
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    return { error: { code: error.code, message: error.detail } }
  }
}

/**
 * Leadership goes back to the first replica (Kafka ElectLeaders, election type PREFERRED). Asked for all, those that need nothing are not
 * named in the answer. A partition named twice is judged twice, changed once.
 */
export function decideElectLeaders(command: ElectLeaders, context: ControllerContext): Decision {
  const records: MetadataRecord[] = []
  const partitions: PartitionOutcome[] = []
  const elected = new Set<string>()
  const judge = (ref: PartitionRef): void => {
    const { topicId, partition } = ref
    const verdict = judgePreferred(ref, context)
    if ('elected' in verdict) {
      if (!elected.has(refKey(ref))) records.push({ type: 'partition', state: verdict.elected })
      elected.add(refKey(ref))
      partitions.push({ topicId, partition, error: null })
    } else if (command.partitions !== null || verdict.error.code !== 'ELECTION_NOT_NEEDED') {
      partitions.push({ topicId, partition, error: verdict.error })
    }
  }
  for (const ref of command.partitions ?? allPartitions(context.image)) {
    if (command.partitions === null && partitions.length >= MAX_NAMED) break
    judge(ref)
  }
  const metadataOffset = context.offset + (records.length > 0 ? 1 : 0)
  return { records, reply: { type: 'leadersElected', metadataOffset, partitions } }
}
