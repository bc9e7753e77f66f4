import { BrokerError } from '../base/errors.ts'
import type { PartitionState, Reassignment } from '../metadata/records.ts'
import { requireRoom } from './broker-room.ts'
import type { ControllerCommand, Decision, PartitionOutcome } from './commands.ts'
import type { ControllerContext } from './context.ts'
import { electInSync } from './elections.ts'
import { isLiveMember, minInSyncReplicasOf } from './isr.ts'
import { isSameAssignment, validateReplicas } from './new-partitions.ts'
import { changePartition } from './partition-change.ts'
import { requirePartition } from './partition-ref.ts'
import { mayKeepOnly } from './reassignment.ts'

type AlterReassignments = Extract<ControllerCommand, { readonly type: 'alterReassignments' }>
type Move = AlterReassignments['moves'][number]

/** Partitions that one command moves: the whole stays within one entry and one message. */
const MAX_MOVES = 10_000
/** With less a move would hardly ever catch up with its partition. */
const MIN_BYTES_PER_SECOND = 1024

/** Where it is to go. Throws NO_REASSIGNMENT_IN_PROGRESS, INVALID_REPLICA_ASSIGNMENT. */
function targetOf(move: Move, state: PartitionState, context: ControllerContext): readonly number[] {
  if (move.replicas === null) {
    if (state.reassignment === null) throw new BrokerError('NO_REASSIGNMENT_IN_PROGRESS', 'the partition is not being moved')
    return state.reassignment.from
  }
  validateReplicas([move.replicas], { first: state.partition, replicationFactor: move.replicas.length }, context)
  return move.replicas
}

/**
 * The state with its new target; undefined: that is where it is, or where it is going, already, under that limit. What an earlier target added and
 * the new one does not name goes at once: refused while too few of the others hold all that was acknowledged (rules R1.1).
 */
function retarget(state: PartitionState, wanted: Pick<Reassignment, 'to' | 'bytesPerSecond'>, context: ControllerContext): PartitionState | undefined {
  const { to, bytesPerSecond } = wanted
  const isThere = isSameAssignment(to, state.reassignment?.to ?? state.replicas)
  if (isThere && (state.reassignment === null || state.reassignment.bytesPerSecond === bytesPerSecond)) return undefined
  const from = state.reassignment?.from ?? state.replicas
  const replicas = [...from, ...to.filter((nodeId) => !from.includes(nodeId))]
  const dropped = state.replicas.filter((nodeId) => !replicas.includes(nodeId))
  if (dropped.length > 0 && !mayKeepOnly(state, replicas, minInSyncReplicasOf(state, context))) {
    throw new BrokerError(
      'INVALID_REPLICA_ASSIGNMENT',
      `replica ${dropped.join(', ')} cannot go now: too few of the others hold all that was acknowledged (wait until ${from.join(', ')} are in sync)`,
    )
  }
  const isr = state.isr.filter((member) => replicas.includes(member.nodeId))
  const stays = isr.some((member) => member.nodeId === state.leader)
  const live = isr.filter((member) => isLiveMember(member, state, context))
  const leader = stays ? state.leader : electInSync({ ...state, replicas }, live, context)
  if (leader === -1 && isr.length > 0) throw new BrokerError('LEADER_NOT_AVAILABLE', 'no in-sync replica can lead the partition now')
  return changePartition(state, { isr, leader, lost: new Set(), move: { replicas, reassignment: { from, to, bytesPerSecond } } }, context)
}

/**
 * Moves partitions to other replicas, or back (Kafka AlterPartitionReassignments, KIP-455). Each has its own outcome; asking again for
 * what is under way or done changes nothing. The replicas that are added copy the partition, join the ISR, and only then the others go.
 */
export function decideAlterReassignments(command: AlterReassignments, context: ControllerContext): Decision {
  if (command.moves.length > MAX_MOVES) throw new BrokerError('INVALID_REQUEST', `${command.moves.length} partitions to move; one request names ${MAX_MOVES}`)
  const { bytesPerSecond } = command
  if (bytesPerSecond !== null && (!Number.isSafeInteger(bytesPerSecond) || bytesPerSecond < MIN_BYTES_PER_SECOND)) {
    throw new BrokerError('INVALID_REQUEST', `a limit of ${bytesPerSecond} bytes a second, but it is ${MIN_BYTES_PER_SECOND} or more`)
  }
  const states = new Map<PartitionState, PartitionState>()
  const partitions = command.moves.map((move): PartitionOutcome => {
    const { topicId, partition } = move
    try {
      const state = requirePartition(move, context.image)
      if (states.has(state)) throw new BrokerError('INVALID_REQUEST', 'the partition is named twice')
      states.set(state, retarget(state, { to: targetOf(move, state, context), bytesPerSecond }, context) ?? state)
      return { topicId, partition, error: null }
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      return { topicId, partition, error: { code: error.code, message: error.detail } }
    }
  })
  const changed = [...states].filter(([before, after]) => before !== after).map(([, after]) => after)
  requireRoom(
    [...states].map(([before, after]) => after.replicas.filter((nodeId) => !before.replicas.includes(nodeId))),
    context,
  )
  const records = command.validateOnly ? [] : changed.map((state) => ({ type: 'partition', state }) as const)
  return { records, reply: { type: 'reassignmentsAltered', metadataOffset: context.offset + (records.length > 0 ? 1 : 0), partitions } }
}
