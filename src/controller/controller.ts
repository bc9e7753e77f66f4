import { unreachable } from '../base/assert.ts'
import { BrokerError } from '../base/errors.ts'
import { decideAlterMaintenance } from './alter-maintenance.ts'
import { decideAlterPartition } from './alter-partition.ts'
import { decideAlterReassignments } from './alter-reassignments.ts'
import { decideAlterTopic } from './alter-topic.ts'
import { decideDeadLogs, decideDrain, decideFence, decideRegister, decideUnfence } from './brokers.ts'
import type { ControllerCommand, Decision, InternalCommand } from './commands.ts'
import type { ControllerContext } from './context.ts'
import { decideElect } from './elections.ts'
import { decideElectLeaders } from './elect-leaders.ts'
import { decideAllocateProducerIds } from './producer-ids.ts'
import { decideCreateTopic, decideDeleteTopic } from './topics.ts'
import { decideLeaveIsr } from './leave-isr.ts'
import { decideElectUnclean } from './unclean-election.ts'
import { decideUnregisterBroker } from './unregister-broker.ts'
import { decideAddVoter, decideFillVoter, decideRemoveVoter } from './voters.ts'

export type { ControllerContext, ControllerDefaults } from './context.ts'

/**
 * Decides one command (architecture 2): a pure function without state of its own. The records are one entry; the reply is for when they
 * are applied. A refusal is a reply without records.
 */
export function handle(command: ControllerCommand | InternalCommand, context: ControllerContext): Decision {
  try {
    return decide(command, context)
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    return { records: [], reply: { type: 'error', code: error.code, message: error.detail, definite: error.definite } }
  }
}

function decide(command: ControllerCommand | InternalCommand, context: ControllerContext): Decision {
  switch (command.type) {
    case 'register':
      return decideRegister(command, context)
    case 'alterPartition':
      return decideAlterPartition(command, context)
    case 'leaveIsr':
      return decideLeaveIsr(command, context)
    case 'createTopic':
      return decideCreateTopic(command, context)
    case 'deleteTopic':
      return decideDeleteTopic(command, context)
    case 'alterTopic':
      return decideAlterTopic(command, context)
    case 'electLeaders':
      return decideElectLeaders(command, context)
    case 'alterReassignments':
      return decideAlterReassignments(command, context)
    case 'alterMaintenance':
      return decideAlterMaintenance(command, context)
    case 'allocateProducerIds':
      return decideAllocateProducerIds(command, context)
    case 'unregisterBroker':
      return decideUnregisterBroker(command, context)
    case 'fence':
      return decideFence(command, context)
    case 'unfence':
      return decideUnfence(command, context)
    case 'drain':
      return decideDrain(command, context)
    case 'deadLogs':
      return decideDeadLogs(command, context)
    case 'elect':
      return decideElect(command.partitions, context)
    case 'electUnclean':
      return decideElectUnclean(command.partitions, context)
    case 'addVoter':
      return decideAddVoter(command, context)
    case 'removeVoter':
      return decideRemoveVoter(command, context)
    case 'fillVoter':
      return decideFillVoter(command, context)
    default:
      return unreachable(command)
  }
}
