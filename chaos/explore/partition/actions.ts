import { partitionOf } from './control.ts'
import type { Registers } from './registers.ts'
import type { Replica } from './replica.ts'
import { afterCrash, afterLoss } from '../abstract-disk.ts'
import { isLeft, sentRecords, type World } from './world.ts'

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

const KIND_FACTOR = 32
const PLACE_FACTOR = 8

/** An action as one number. */
export function actionOf(kind: ActionKind, at = 0, which = 0): number {
  return actionKinds.indexOf(kind) + KIND_FACTOR * (at + PLACE_FACTOR * which)
}

export function partsOf(action: number): { readonly kind: ActionKind; readonly at: number; readonly which: number } {
  const rest = Math.floor(action / KIND_FACTOR)
  return { kind: actionKinds[action % KIND_FACTOR] as ActionKind, at: rest % PLACE_FACTOR, which: Math.floor(rest / PLACE_FACTOR) }
}

/** What may happen next within the bounds; some of it may turn out to change nothing. */
export function possibleActions(world: World, registers: Registers): number[] {
  const actions: number[] = []
  addMessageActions(world, registers, actions)
  for (let at = 0; at < world.replicas.length; at++) {
    const replica = registers.replicas.get(world.replicas[at] as number)
    if (replica.core === undefined) addOfDead(world, at, replica, actions)
    else {
      addOfLiving(world, at, replica, actions)
      addOfMachine(world, at, replica, registers, actions)
    }
    addOfBroker(world, at, replica, registers, actions)
  }
  actions.push(actionOf('elect'))
  if (isLeft(world, 'uncleanElections')) actions.push(actionOf('electUnclean'))
  if (isLeft(world, 'failovers')) actions.push(actionOf('failOver'))
  if (isLeft(world, 'moves')) actions.push(actionOf('prefer'))
  if (isLeft(world, 'configChanges')) actions.push(actionOf('configure', 0, 1), actionOf('configure', 0, 2))
  return actions
}

function addMessageActions(world: World, { ordered, messages: known }: Registers, actions: number[]): void {
  const { messages } = world
  for (let which = 0; which < messages.length; which++) {
    const before = which > 0 ? (messages[which - 1] as number) : -1
    if (messages[which] === before) continue
    if (isLeft(world, 'losses')) actions.push(actionOf('lose', 0, which))
    if (ordered && before >= 0 && known.wayOf(messages[which] as number) === known.wayOf(before)) continue
    actions.push(actionOf('deliver', 0, which))
    if (isLeft(world, 'duplicates')) actions.push(actionOf('duplicate', 0, which))
  }
}

/** Of the disk of a living process, the metadata that it learns, and its end. */
function addOfLiving(world: World, at: number, { memory, durable, round, core }: Replica, actions: number[]): void {
  for (let count = 1; count <= (world.pending[at] as number); count++) actions.push(actionOf('apply', at, count))
  if (round !== undefined) {
    const isStale = round.cutCount !== core?.cutCount
    for (let end = round.endOffset; end <= (isStale ? round.endOffset : memory.length); end++) actions.push(actionOf('complete', at, end))
  }
  if (isLeft(world, 'crashes')) actions.push(...afterCrash(durable, memory).map((_, which) => actionOf('crash', at, which)))
  if (!isLeft(world, 'damage')) return
  // Noticed by the next start, or not.
  actions.push(...afterLoss(durable).flatMap((_, which) => [actionOf('spoil', at, 2 * which), actionOf('spoil', at, 2 * which + 1)]))
  if (durable.length > 0) actions.push(actionOf('wipe', at))
}

/** Of the machine itself and its driver. */
function addOfMachine(world: World, at: number, { core, proposal }: Replica, registers: Registers, actions: number[]): void {
  actions.push(actionOf('soon', at), actionOf('later', at))
  if (proposal >= 0) actions.push(actionOf('resend', at))
  if (core?.state?.leader === -1) actions.push(actionOf('report', at))
  if (isLeft(world, 'losses')) for (let other = at + 1; other < world.replicas.length; other++) actions.push(actionOf('disconnect', at, other))
  if (core?.role !== 'leader') return
  if (isLeft(world, 'isrChanges')) actions.push(actionOf('lag', at))
  const sent = sentRecords(world, registers.bounds)
  if (isLeft(world, 'records')) actions.push(actionOf('produce', at, sent))
  if (isLeft(world, 'retries')) for (let record = 0; record < sent; record++) actions.push(actionOf('produce', at, record))
}

function addOfDead(_world: World, at: number, { mark }: Replica, actions: number[]): void {
  actions.push(actionOf('start', at, 0))
  // The checkpoint did not get as far.
  if (mark > 0) actions.push(actionOf('start', at, 1))
}

/** What the controller may do to a broker. */
function addOfBroker(world: World, at: number, replica: Replica, registers: Registers, actions: number[]): void {
  const { image } = registers.controls.get(world.control)
  const broker = image.brokers.get(replica.nodeId)
  if (broker === undefined) return
  const isAlive = replica.core !== undefined
  if (!broker.fenced && (!isAlive || isLeft(world, 'fences'))) actions.push(actionOf('fence', at))
  if (isAlive && broker.fenced && !broker.draining && replica.brokerEpoch === broker.brokerEpoch) actions.push(actionOf('unfence', at))
  if (isAlive && !broker.fenced && !broker.draining && isLeft(world, 'drains')) actions.push(actionOf('drain', at))
  const isReleased = broker.draining && !partitionOf(image).isr.some(({ nodeId }) => nodeId === replica.nodeId)
  if (isAlive && (isReleased || replica.core?.role === 'offline')) actions.push(actionOf('stop', at))
}
