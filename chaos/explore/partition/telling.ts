import { partitionActions } from './actions.ts'
import { nameOf } from './batches.ts'
import { partitionOf } from './control.ts'
import { describeMessage } from './messages.ts'
import type { Registers } from './registers.ts'
import type { Replica } from './replica.ts'
import { afterCrash, afterLoss } from '../abstract-disk.ts'
import type { World } from './world.ts'

/** What an action is, in words. */
export function tellAction(world: World, action: number, registers: Registers): string {
  const { kind, at, which } = partitionActions.parts(action)
  const nodeId = registers.nodeIds[at] as number
  const replica = registers.replicas.get(world.replicas[at] as number)
  const message = (): string => describeMessage(registers.messages.get(world.messages[which] as number), (batches) => registers.batches.describe(batches))
  switch (kind) {
    case 'deliver':
      return `arrives: ${message()}`
    case 'lose':
      return `is lost: ${message()}`
    case 'duplicate':
      return `arrives, and may arrive again: ${message()}`
    case 'apply':
      return `${nodeId} applies ${tellImage(world, at, which, registers)}`
    case 'complete':
      return `${nodeId} has synced to ${which}${replica.round?.cutCount === replica.core?.cutCount ? '' : ', from before a cut'}`
    case 'soon':
      return `a moment passes at ${nodeId}`
    case 'later':
      return `time passes at ${nodeId}`
    case 'lag':
      return `${nodeId} notices who lags`
    case 'produce':
      return `client: ${nameOf(which)} to ${nodeId}`
    case 'crash':
      return `${nodeId} crashes, its disk keeps ${registers.batches.describe(afterCrash(replica.durable, replica.memory)[which] ?? [])}`
    case 'spoil':
      return `${nodeId} crashes, its disk loses what it had synced, ${which % 2 === 1 ? 'noticed' : 'silently'}: it keeps ${registers.batches.describe(afterLoss(replica.durable)[which >> 1] ?? [])}`
    case 'wipe':
      return `${nodeId} crashes and loses its disk`
    case 'start':
      return `${nodeId} starts${which === 1 ? ', without a checkpoint' : ''}, and is registered`
    case 'disconnect':
      return `the streams between ${nodeId} and ${registers.nodeIds[which]} end`
    case 'report':
      return `${nodeId} reports its log to the controller`
    case 'resend':
      return `${nodeId} sends its proposal again`
    case 'stop':
      return `${nodeId} stops in order`
    case 'failOver':
      return 'another controller becomes active'
    case 'configure':
      return `controller: min.insync.replicas is ${which} now`
    case 'prefer':
      return 'controller: the preferred leader is to lead'
    case 'electUnclean':
      return 'operator: whoever is left is to lead'
    case 'elect':
      return 'controller: elects by the reports'
    default:
      return `controller: ${kind} ${nodeId}`
  }
}

function tellImage(world: World, at: number, count: number, registers: Registers): string {
  const image = registers.controls.image(world.images[world.images.length - (world.pending[at] as number) + count - 1] as number)
  const { leader, leaderEpoch, isr, elr } = partitionOf(image)
  return `metadata ${image.offset}: leader ${leader} of epoch ${leaderEpoch}, ISR ${isr.map(({ nodeId }) => nodeId).join(',') || '-'}, ELR ${elr.join(',') || '-'}`
}

/** Where everybody stands, a line a node. */
export function tellWorld(world: World, registers: Registers): string[] {
  const { image } = registers.controls.get(world.control)
  const { leader, leaderEpoch, isr, elr, partitionEpoch } = partitionOf(image)
  const history = registers.histories.get(world.history)
  const fenced = [...image.brokers.values()].filter((broker) => broker.fenced).map(({ nodeId }) => nodeId)
  return [
    `controller: leader ${leader} of epoch ${leaderEpoch}, ISR ${isr.map(({ nodeId }) => nodeId).join(',') || '-'}, ELR ${elr.join(',') || '-'}, partition epoch ${partitionEpoch}, fenced ${fenced.join(',') || '-'}`,
    ...world.replicas.map((number) => tellReplica(registers.replicas.get(number), registers)),
    `committed ${registers.batches.describe(history.committed)}, acknowledged ${[...history.acknowledged.keys()].map(nameOf).join(' ') || '-'}`,
  ]
}

function tellReplica(replica: Replica, registers: Registers): string {
  const { nodeId, core, memory, durable } = replica
  if (core === undefined) return `${nodeId}: down, disk ${registers.batches.describe(durable)}`
  return `${nodeId}: ${core.role} of epoch ${core.leaderEpoch}, high watermark ${core.highWatermark}, log ${registers.batches.describe(memory)}, disk ${registers.batches.describe(durable)}`
}
