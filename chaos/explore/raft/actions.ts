import { afterCrash } from '../abstract-disk.ts'
import { ActionCodes } from '../action-codes.ts'
import { opened } from './opened-raft.ts'
import type { RaftRegisters } from './registers.ts'
import type { VoterNode } from './voter.ts'
import type { RaftWorld } from './world.ts'

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

export const raftActions = new ActionCodes(raftActionKinds)
const code = raftActions.code.bind(raftActions)

/** What a crash may leave: of the log, and of a vote that is being saved. */
export function crashesOf({ durable, memory, savingVote }: VoterNode): number {
  return afterCrash(durable, memory).length * (savingVote === undefined ? 1 : 2)
}

/** What may happen next within the bounds; some of it may turn out to change nothing. */
export function possibleActions(world: RaftWorld, registers: RaftRegisters): number[] {
  const actions: number[] = []
  const { left, ordered, voters } = registers
  for (let which = 0; which < world.messages.length; which++) {
    const message = world.messages[which] as number
    if (left.isLeft(world.left, 'losses')) actions.push(code('lose', 0, which))
    if (ordered && which > 0 && voters.wayOf(message) === voters.wayOf(world.messages[which - 1] as number)) continue
    actions.push(code('deliver', 0, which))
    if (voters.isPreVote(message)) actions.push(code('deliverLate', 0, which))
    if (left.isLeft(world.left, 'duplicates')) actions.push(code('duplicate', 0, which))
  }
  for (let at = 0; at < world.nodes.length; at++) {
    const node = voters.get(world.nodes[at] as number)
    if (node.core === undefined) actions.push(code('start', at))
    else addOfLiving(world, at, node, registers, actions)
  }
  return actions
}

function addOfLiving(world: RaftWorld, at: number, node: VoterNode, { bounds, left, voters, nodeIds }: RaftRegisters, actions: number[]): void {
  const { core, round, savingVote } = node
  if (core === undefined) return
  if (round !== undefined) actions.push(code('persist', at))
  if (savingVote !== undefined) actions.push(code('save', at))
  if (left.isLeft(world.left, 'campaigns') && !core.isLeader && core.term < bounds.terms) {
    actions.push(code('campaign', at))
    if (opened(core)._clock._isArmed) actions.push(code('timer', at))
  }
  if (left.isLeft(world.left, 'crashes')) for (let which = 0; which < crashesOf(node); which++) actions.push(code('crash', at, which))
  for (let place = 0; place < world.nodes.length; place++) {
    const isGone = voters.get(world.nodes[place] as number).core === undefined
    if (isGone && opened(core)._peers.has(nodeIds[place] as number)) actions.push(code('notice', at, place))
  }
  if (!core.isLeader) return
  if (left.isLeft(world.left, 'isolations')) actions.push(code('isolation', at))
  if (left.isLeft(world.left, 'heartbeats')) actions.push(code('heartbeat', at))
  if (left.isLeft(world.left, 'entries')) actions.push(code('propose', at))
  if (left.isLeft(world.left, 'transfers') && core.term < bounds.terms) {
    for (const nodeId of nodeIds) if (nodeId !== node.nodeId) actions.push(code('transfer', at, nodeId))
  }
}
