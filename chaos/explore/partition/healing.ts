import { demand } from '../../check/violation.ts'
import { type ActionKind, partitionActions } from './actions.ts'
import { nameOf } from './batches.ts'
import { partitionOf } from './control.ts'
import type { Registers } from './registers.ts'
import type { World } from './world.ts'

/**
 * The next step of a way without faults: processes start, metadata arrives, messages arrive, disks complete, brokers are unfenced, leaders elected, and
 * only when nothing else is left, time passes. Undefined: nothing is left to happen. No bound is spent.
 */
export function healingAction(world: World, registers: Registers, isWorthwhile: (action: number) => boolean): number | undefined {
  const each = (kind: ActionKind, may: (at: number) => boolean): number | undefined => {
    const at = world.replicas.findIndex((_, place) => may(place) && isWorthwhile(partitionActions.code(kind, place)))
    return at < 0 ? undefined : partitionActions.code(kind, at)
  }
  const { image } = registers.controls.get(world.control)
  const replica = (at: number): ReturnType<typeof registers.replicas.get> => registers.replicas.get(world.replicas[at] as number)
  const isAlive = (at: number): boolean => replica(at).core !== undefined
  const broker = (at: number) => image.brokers.get(registers.nodeIds[at] as number)
  const behind = world.pending.findIndex((count) => count > 0)
  const writing = world.replicas.findIndex((_, at) => replica(at).round !== undefined)
  const fenced = world.replicas.findIndex(
    (_, at) => isAlive(at) && broker(at)?.fenced === true && broker(at)?.draining === false && replica(at).brokerEpoch === broker(at)?.brokerEpoch,
  )
  const leaving = world.replicas.findIndex((_, at) => isAlive(at) && (broker(at)?.draining === true || replica(at).core?.role === 'offline'))
  if (behind >= 0) return partitionActions.code('apply', behind, world.pending[behind])
  if (world.messages.length > 0) return partitionActions.code('deliver', 0, 0)
  if (writing >= 0) return partitionActions.code('complete', writing, endOf(replica(writing)))
  if (fenced >= 0) return partitionActions.code('unfence', fenced)
  if (leaving >= 0) return partitionActions.code('stop', leaving)
  // A wiped disk registers once the one before it is fenced.
  const gone = world.replicas.findIndex((_, at) => !isAlive(at) && broker(at)?.fenced === false && !isWorthwhile(partitionActions.code('start', at)))
  if (gone >= 0) return partitionActions.code('fence', gone)
  return (
    each('start', (at) => !isAlive(at)) ??
    each('report', (at) => isAlive(at) && replica(at).core?.state?.leader === -1) ??
    (isWorthwhile(partitionActions.code('elect')) ? partitionActions.code('elect') : undefined) ??
    each('resend', (at) => replica(at).proposal >= 0) ??
    each('soon', isAlive) ??
    each('later', isAlive)
  )
}

function endOf({ round, core, memory }: ReturnType<Registers['replicas']['get']>): number {
  return round?.cutCount === core?.cutCount ? memory.length : (round?.endOffset ?? 0)
}

/** Nothing is left to happen: all are in sync, hold the same, and hold all that was acknowledged. Throws when not. */
export function checkHealthy(world: World, registers: Registers): void {
  const { image } = registers.controls.get(world.control)
  const { isr, leader } = partitionOf(image)
  const { acknowledged } = registers.histories.get(world.history)
  const replicas = world.replicas.map((number) => registers.replicas.get(number))
  const leading = replicas.find(({ nodeId }) => nodeId === leader)
  const stand = (): string =>
    replicas
      .map(({ nodeId, core, memory }) => `node ${nodeId}: ${core?.role} ${registers.batches.describe(memory)} high watermark ${core?.highWatermark}`)
      .join('; ')
  demand(
    leading?.core?.role === 'leader' && isr.length === replicas.length,
    'convergence',
    () => `stuck with leader ${leader} and an ISR of ${isr.map(({ nodeId }) => nodeId)}: ${stand()}`,
  )
  for (const { nodeId, core, durable } of replicas) {
    const isWhole = core?.logEndOffset === core?.highWatermark && durable.join() === leading?.durable.join()
    demand(isWhole, 'convergence', () => `node ${nodeId} is not where the leader is: ${stand()}`)
  }
  for (const [record, offset] of acknowledged) {
    const batch = leading?.durable[offset]
    const isThere = batch !== undefined && registers.batches.get(batch).record === record
    demand(isThere, 'delivery', () => `${nameOf(record)} was acknowledged at ${offset}, and is not there: ${stand()}`)
  }
}
