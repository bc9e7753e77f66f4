import type { ControllerCommand, ControllerReply } from '../controller/commands.ts'
import type { BrokerStatus } from '../controller/status.ts'
import type { PeerMessage } from './peer.ts'

/** The fields of a message that have a bounded size, with all tags and lengths around them. */
const MESSAGE_BYTES = 160
const ENTRY_BYTES = 24
const PARTITION_REF_BYTES = 32
const ELECTED_REPLICA_BYTES = 32
const LEADERLESS_BYTES = 80
const VOTER_BYTES = 64
const ISR_MEMBER_BYTES = 32
/** With its id among the voters or observers of the status. */
const QUORUM_REPLICA_BYTES = 112
const ID_BYTES = 18
const NUMBER_BYTES = 10
/** Tag and length of a string, a list or a map's entry. */
const FIELD_BYTES = 6

/** Bytes of a message on the wire, at most: found without encoding it, and never less than what the encoder makes of it. */
export function maxSizeOf(message: PeerMessage): number {
  switch (message.type) {
    case 'raft': {
      let total = MESSAGE_BYTES + sizeOfStatus(message.status)
      if (message.message.type === 'snapshotChunk') total += message.message.bytes.length
      if (message.message.type === 'append') for (const entry of message.message.entries) total += entry.bytes.length + ENTRY_BYTES
      return total
    }
    case 'command':
      return MESSAGE_BYTES + sizeOfCommand(message.command)
    case 'commandReply':
      return MESSAGE_BYTES + sizeOfReply(message.reply)
    case 'describeQuorum':
      return MESSAGE_BYTES
    case 'quorumDescription':
      return MESSAGE_BYTES + (message.quorum?.replicas.length ?? 0) * QUORUM_REPLICA_BYTES
  }
}

function sizeOfStatus(status: BrokerStatus | null): number {
  return status === null ? 0 : status.deadLogs.length * PARTITION_REF_BYTES + status.leaderless.length * LEADERLESS_BYTES
}

function sizeOfCommand(command: ControllerCommand): number {
  switch (command.type) {
    case 'register':
      return (
        sizeOfString(command.address.host) +
        sizeOfString(command.address.rack ?? '') +
        command.directoryIds.length * ID_BYTES +
        (command.damaged.length + (command.standing?.length ?? 0)) * PARTITION_REF_BYTES
      )
    case 'alterPartition':
      return command.proposal.isr.length * ISR_MEMBER_BYTES
    case 'createTopic':
      return sizeOfString(command.name) + sizeOfAssignment(command.assignment ?? []) + sizeOfConfigs(command.configs)
    case 'alterTopic': {
      let total = sizeOfAssignment(command.assignment ?? []) + sizeOfConfigs(command.set)
      for (const key of command.delete) total += sizeOfString(key)
      return total
    }
    case 'electLeaders':
      return (command.partitions ?? []).length * PARTITION_REF_BYTES
    case 'alterReassignments':
      return command.moves.length * (PARTITION_REF_BYTES + FIELD_BYTES) + sizeOfAssignment(command.moves.map(({ replicas }) => replicas ?? []))
    case 'deleteTopic':
    case 'allocateProducerIds':
    case 'leaveIsr':
    case 'alterMaintenance':
    case 'unregisterBroker':
    case 'addVoter':
    case 'removeVoter':
      return 0
  }
}

function sizeOfReply(reply: ControllerReply): number {
  if (reply.type === 'topicCreated') return sizeOfAssignment(reply.assignment)
  if (reply.type === 'topicAltered') return sizeOfAssignment(reply.added) + sizeOfConfigs(reply.configs)
  if (reply.type === 'leadersElected' || reply.type === 'reassignmentsAltered') {
    let total = 0
    for (const { error } of reply.partitions)
      total += PARTITION_REF_BYTES + ELECTED_REPLICA_BYTES + (error === null ? 0 : 2 * FIELD_BYTES + sizeOfString(error.code) + sizeOfString(error.message))
    return total
  }
  if (reply.type === 'votersChanged') {
    let total = 0
    for (const { endpoint } of reply.voters) total += VOTER_BYTES + sizeOfString(endpoint?.host ?? '')
    for (const warning of reply.warnings) total += sizeOfString(warning)
    return total
  }
  return reply.type === 'error' ? sizeOfString(reply.message) : 0
}

function sizeOfString(text: string): number {
  return FIELD_BYTES + Buffer.byteLength(text)
}

function sizeOfConfigs(configs: ReadonlyMap<string, string>): number {
  let total = 0
  for (const [key, value] of configs) total += FIELD_BYTES + sizeOfString(key) + sizeOfString(value)
  return total
}

function sizeOfAssignment(assignment: readonly (readonly number[])[]): number {
  let total = 0
  for (const replicas of assignment) total += 2 * FIELD_BYTES + replicas.length * NUMBER_BYTES
  return total
}
