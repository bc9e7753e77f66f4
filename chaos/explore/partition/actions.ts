import { partitionOf } from './control.ts'
import type { Registers } from './registers.ts'
import type { Replica } from './replica.ts'
import { afterCrash, afterLoss } from '../abstract-disk.ts'
import { ActionCodes } from '../action-codes.ts'
import type { World } from './world.ts'

/** What can happen. `at`: the place of a node; `which`: a message, a length, a record, as the kind says. */
export const actionKinds = [
  'deliver',
  'lose',
  'duplicate',
  'apply',
  'complete',
  'soon',
  'later',
  'lag',
  'produce',
  'crash',
  'spoil',
  'wipe',
  'start',
  'fence',
  'unfence',
  'elect',
  'electUnclean',
  'report',
  'resend',
  'disconnect',
  'drain',
  'stop',
  'prefer',
  'failOver',
  'configure',
] as const

export type ActionKind = (typeof actionKinds)[number]

export const partitionActions = new ActionCodes(actionKinds)
const code = partitionActions.code.bind(partitionActions)

/** What may happen next within the bounds; some of it may turn out to change nothing. */
export function possibleActions(world: World, registers: Registers): number[] {
  const actions: number[] = []
  const { left } = registers
  addMessageActions(world, registers, actions)
  for (let at = 0; at < world.replicas.length; at++) {
    const replica = registers.replicas.get(world.replicas[at] as number)
    if (replica.core === undefined) addOfDead(at, replica, actions)
    else {
      addOfLiving(world, at, replica, registers, actions)
      addOfMachine(world, at, replica, registers, actions)
    }
    addOfBroker(world, at, replica, registers, actions)
  }
  actions.push(code('elect'))
  if (left.isLeft(world.left, 'uncleanElections')) actions.push(code('electUnclean'))
  if (left.isLeft(world.left, 'failovers')) actions.push(code('failOver'))
  if (left.isLeft(world.left, 'moves')) actions.push(code('prefer'))
  if (left.isLeft(world.left, 'configChanges')) actions.push(code('configure', 0, 1), code('configure', 0, 2))
  return actions
}

function addMessageActions(world: World, { left, ordered, messages: known }: Registers, actions: number[]): void {
  const { messages } = world
  for (let which = 0; which < messages.length; which++) {
    const before = which > 0 ? (messages[which - 1] as number) : -1
    if (messages[which] === before) continue
    if (left.isLeft(world.left, 'losses')) actions.push(code('lose', 0, which))
    if (ordered && before >= 0 && known.wayOf(messages[which] as number) === known.wayOf(before)) continue
    actions.push(code('deliver', 0, which))
    if (left.isLeft(world.left, 'duplicates')) actions.push(code('duplicate', 0, which))
  }
}

/** Of the disk of a living process, the metadata that it learns, and its end. */
function addOfLiving(world: World, at: number, { memory, durable, round, core }: Replica, { left }: Registers, actions: number[]): void {
  for (let count = 1; count <= (world.pending[at] as number); count++) actions.push(code('apply', at, count))
  if (round !== undefined) {
    const isStale = round.cutCount !== core?.cutCount
    for (let end = round.endOffset; end <= (isStale ? round.endOffset : memory.length); end++) actions.push(code('complete', at, end))
  }
  if (left.isLeft(world.left, 'crashes')) actions.push(...afterCrash(durable, memory).map((_, which) => code('crash', at, which)))
  if (!left.isLeft(world.left, 'damage')) return
  // Noticed by the next start, or not.
  actions.push(...afterLoss(durable).flatMap((_, which) => [code('spoil', at, 2 * which), code('spoil', at, 2 * which + 1)]))
  if (durable.length > 0) actions.push(code('wipe', at))
}

/** Of the machine itself and its driver. */
function addOfMachine(world: World, at: number, { core, proposal }: Replica, registers: Registers, actions: number[]): void {
  const { left } = registers
  actions.push(code('soon', at), code('later', at))
  if (proposal >= 0) actions.push(code('resend', at))
  if (core?.state?.leader === -1) actions.push(code('report', at))
  if (left.isLeft(world.left, 'losses')) for (let other = at + 1; other < world.replicas.length; other++) actions.push(code('disconnect', at, other))
  if (core?.role !== 'leader') return
  if (left.isLeft(world.left, 'isrChanges')) actions.push(code('lag', at))
  const sent = registers.sentRecords(world.left)
  if (left.isLeft(world.left, 'records')) actions.push(code('produce', at, sent))
  if (left.isLeft(world.left, 'retries')) for (let record = 0; record < sent; record++) actions.push(code('produce', at, record))
}

function addOfDead(at: number, { mark }: Replica, actions: number[]): void {
  actions.push(code('start', at, 0))
  // The checkpoint did not get as far.
  if (mark > 0) actions.push(code('start', at, 1))
}

/** What the controller may do to a broker. */
function addOfBroker(world: World, at: number, replica: Replica, registers: Registers, actions: number[]): void {
  const { controls, left } = registers
  const { image } = controls.get(world.control)
  const broker = image.brokers.get(replica.nodeId)
  if (broker === undefined) return
  const isAlive = replica.core !== undefined
  if (!broker.fenced && (!isAlive || left.isLeft(world.left, 'fences'))) actions.push(code('fence', at))
  if (isAlive && broker.fenced && !broker.draining && replica.brokerEpoch === broker.brokerEpoch) actions.push(code('unfence', at))
  if (isAlive && !broker.fenced && !broker.draining && left.isLeft(world.left, 'drains')) actions.push(code('drain', at))
  const isReleased = broker.draining && !partitionOf(image).isr.some(({ nodeId }) => nodeId === replica.nodeId)
  if (isAlive && (isReleased || replica.core?.role === 'offline')) actions.push(code('stop', at))
}
