import { BrokerError } from '../base/errors.ts'
import type { BrokerImage } from '../metadata/image.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import type { ControllerCommand, Decision, InternalCommand } from './commands.ts'
import type { ControllerContext } from './context.ts'
import { refKey } from './partition-ref.ts'
import { withdrawBroker, withdrawReplicas } from './withdraw.ts'

/**
 * The life of a broker's registration, as decided here:
 *   (none) --register--> fenced --unfence--> serving --fence--> fenced …; serving --drain--> draining --fence--> fenced, draining
 *   any --register by a new incarnation--> fenced, under a new broker epoch
 *   fenced --unregister (unregister-broker.ts)--> (none)
 * In the entry that takes it out of service it leaves every ISR, and what it led gets another leader or none (R5.3, R5.5, R5.9, I7).
 */
type CommandOf<Type extends (ControllerCommand | InternalCommand)['type']> = Extract<ControllerCommand | InternalCommand, { readonly type: Type }>

const nothingToDo: Decision = { records: [], reply: { type: 'done' } }

function nobody(): boolean {
  return false
}

/** The broker under the epoch that the command was made for. */
function findBroker(command: { readonly nodeId: number; readonly brokerEpoch: number }, context: ControllerContext): BrokerImage {
  const broker = context.image.brokers.get(command.nodeId)
  if (broker === undefined) throw new BrokerError('BROKER_ID_NOT_REGISTERED', `broker ${command.nodeId} is not registered`)
  if (broker.brokerEpoch !== command.brokerEpoch) {
    throw new BrokerError('STALE_BROKER_EPOCH', `broker ${command.nodeId} has epoch ${broker.brokerEpoch}, not ${command.brokerEpoch}`)
  }
  return broker
}

function stateRecord(broker: BrokerImage, state: { readonly fenced: boolean; readonly draining: boolean }): MetadataRecord {
  return { type: 'brokerState', nodeId: broker.nodeId, brokerEpoch: broker.brokerEpoch, fenced: state.fenced, draining: state.draining }
}

/**
 * Rules R5.3. The metadata does not say on which folder a replica stands: when a folder of the old registration is gone, all replicas count as
 * gone with it, but those of which the broker says that they still stand on one of its folders.
 */
export function decideRegister(command: CommandOf<'register'>, context: ControllerContext): Decision {
  const { nodeId, incarnationId, directoryIds, address } = command
  if (!Number.isSafeInteger(nodeId) || nodeId < 0) throw new BrokerError('INVALID_REQUEST', `${nodeId} is not a node id`)
  if (directoryIds.length === 0) throw new BrokerError('INVALID_REQUEST', `broker ${nodeId} registers without a data folder`)
  const before = context.image.brokers.get(nodeId)
  if (before?.incarnationId === incarnationId) return { records: [], reply: { type: 'registered', brokerEpoch: before.brokerEpoch } }
  const oldFolders = before?.directoryIds ?? []
  if (before?.fenced === false && !oldFolders.some((id) => directoryIds.includes(id))) {
    throw new BrokerError('DUPLICATE_BROKER_REGISTRATION', `another process with the node id ${nodeId} is alive on other data folders`)
  }
  const folderGone = oldFolders.some((id) => !directoryIds.includes(id))
  const damaged = new Set(command.damaged.map(refKey))
  const standing = new Set(command.standing?.map(refKey))
  const records: MetadataRecord[] = [{ type: 'broker', nodeId, incarnationId, directoryIds, address }]
  records.push(...withdrawBroker({ nodeId, isLost: (state) => (folderGone && !standing.has(refKey(state))) || damaged.has(refKey(state)) }, context))
  return { records, reply: { type: 'registered', brokerEpoch: context.offset } }
}

/** Rules R5.5. */
export function decideFence(command: CommandOf<'fence'>, context: ControllerContext): Decision {
  const broker = findBroker(command, context)
  if (broker.fenced) return nothingToDo
  const records = [stateRecord(broker, { fenced: true, draining: broker.draining }), ...withdrawBroker({ nodeId: broker.nodeId, isLost: nobody }, context)]
  return { records, reply: { type: 'done' } }
}

/** Rules R5.3: once it has applied its own registration. It joins ISRs by its leaders' wish, leaderless partitions by `elect`. */
export function decideUnfence(command: CommandOf<'unfence'>, context: ControllerContext): Decision {
  const broker = findBroker(command, context)
  if (!broker.fenced) return nothingToDo
  if (context.sessions.appliedOffset(broker) <= broker.brokerEpoch) {
    throw new BrokerError('INVALID_REQUEST', `broker ${broker.nodeId} has not applied its own registration at ${broker.brokerEpoch} yet`)
  }
  return { records: [stateRecord(broker, { fenced: false, draining: broker.draining })], reply: { type: 'done' } }
}

/** Rules R5.9: never elected and in no ISR from this entry on. It ends with the process: a new incarnation starts undrained. */
export function decideDrain(command: CommandOf<'drain'>, context: ControllerContext): Decision {
  const broker = findBroker(command, context)
  if (broker.draining) return nothingToDo
  const records = [stateRecord(broker, { fenced: broker.fenced, draining: true }), ...withdrawBroker({ nodeId: broker.nodeId, isLost: nobody }, context)]
  return { records, reply: { type: 'done' } }
}

/** Rules R5.2: as if the broker were fenced, for these partitions alone. */
export function decideDeadLogs(command: CommandOf<'deadLogs'>, context: ControllerContext): Decision {
  const broker = findBroker(command, context)
  return { records: withdrawReplicas(broker.nodeId, command.partitions, context), reply: { type: 'done' } }
}
