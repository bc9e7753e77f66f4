import { afterCrash } from '../abstract-disk.ts'
import { opened } from './opened-raft.ts'
import type { RaftRegisters } from './registers.ts'
import type { VoterNode } from './voter.ts'
import { isLeft, type RaftWorld } from './world.ts'

/** What can happen. `at`: the place of a node; `which`: a message, a proposal, another place, as the kind says. */
export const raftActionKinds = [
  'deliver',
  'deliverLate',
  'lose',
  'duplicate',
  'persist',
  'save',
  'campaign',
  'silence',
  'timer',
  'heartbeat',
  'isolation',
  'propose',
  'transfer',
  'crash',
  'start',
  'notice',
] as const

export type RaftActionKind = (typeof raftActionKinds)[number]

const KIND_FACTOR = 32
const PLACE_FACTOR = 8

/** An action as one number. */
export function actionOf(kind: RaftActionKind, at = 0, which = 0): number {
  return raftActionKinds.indexOf(kind) + KIND_FACTOR * (at + PLACE_FACTOR * which)
}

export function partsOf(action: number): { readonly kind: RaftActionKind; readonly at: number; readonly which: number } {
  const rest = Math.floor(action / KIND_FACTOR)
  return { kind: raftActionKinds[action % KIND_FACTOR] as RaftActionKind, at: rest % PLACE_FACTOR, which: Math.floor(rest / PLACE_FACTOR) }
}

/** What a crash may leave: of the log, and of a vote that is being saved. */
export function crashesOf({ durable, memory, savingVote }: VoterNode): number {
  return afterCrash(durable, memory).length * (savingVote === undefined ? 1 : 2)
}

/** What may happen next within the bounds; some of it may turn out to change nothing. */
export function possibleActions(world: RaftWorld, registers: RaftRegisters): number[] {
  const actions: number[] = []
  for (let which = 0; which < world.messages.length; which++) {
    const message = world.messages[which] as number
    if (isLeft(world, 'losses')) actions.push(actionOf('lose', 0, which))
    if (registers.ordered && which > 0 && registers.voters.wayOf(message) === registers.voters.wayOf(world.messages[which - 1] as number)) continue
    actions.push(actionOf('deliver', 0, which))
    if (isPreVote(message, registers)) actions.push(actionOf('deliverLate', 0, which))
    if (isLeft(world, 'duplicates')) actions.push(actionOf('duplicate', 0, which))
  }
  for (let at = 0; at < world.nodes.length; at++) {
    const node = registers.voters.get(world.nodes[at] as number)
    if (node.core === undefined) actions.push(actionOf('start', at))
    else addOfLiving(world, at, node, registers, actions)
  }
  return actions
}

/** Whether the answer depends on when the receiver heard its leader. */
function isPreVote(number: number, { voters }: RaftRegisters): boolean {
  const { message } = voters.message(number)
  return message.type === 'voteRequest' && message.preVote
}

function addOfLiving(world: RaftWorld, at: number, node: VoterNode, { bounds, voters, nodeIds }: RaftRegisters, actions: number[]): void {
  const { core, round, savingVote } = node
  if (core === undefined) return
  if (round !== undefined) actions.push(actionOf('persist', at))
  if (savingVote !== undefined) actions.push(actionOf('save', at))
  if (!core.isLeader && core.term < bounds.terms && isLeft(world, 'campaigns')) {
    actions.push(actionOf('campaign', at))
    if (opened(core)._clock._isArmed) actions.push(actionOf('timer', at))
  }
  if (isLeft(world, 'crashes')) for (let which = 0; which < crashesOf(node); which++) actions.push(actionOf('crash', at, which))
  world.nodes.forEach((other, place) => {
    if (voters.get(other).core === undefined && opened(core)._peers.has(nodeIds[place] as number)) actions.push(actionOf('notice', at, place))
  })
  if (!core.isLeader) return
  if (isLeft(world, 'isolations')) actions.push(actionOf('isolation', at))
  if (isLeft(world, 'heartbeats')) actions.push(actionOf('heartbeat', at))
  if (isLeft(world, 'entries')) actions.push(actionOf('propose', at))
  if (isLeft(world, 'transfers') && core.term < bounds.terms) {
    for (const nodeId of nodeIds) if (nodeId !== node.nodeId) actions.push(actionOf('transfer', at, nodeId))
  }
}
