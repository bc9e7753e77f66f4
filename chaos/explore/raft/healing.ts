import { demand } from '../../check/violation.ts'
import { type RaftActionKind, raftActions } from './actions.ts'
import { opened } from './opened-raft.ts'
import type { RaftRegisters } from './registers.ts'
import type { VoterNode } from './voter.ts'
import type { RaftWorld } from './world.ts'

/**
 * The next step of a way without faults: processes start, disks complete, messages arrive; at a standstill the leader sends heartbeats, and where
 * there is none whoever has most loses patience. Undefined: all is well. No bound is spent but those that time passes by.
 */
export function healingAction(world: RaftWorld, registers: RaftRegisters, isWorthwhile: (action: number) => boolean): number | undefined {
  const nodes = world.nodes.map((number) => registers.voters.get(number))
  const find = (kind: RaftActionKind, may: (node: VoterNode) => boolean): number | undefined => {
    const at = nodes.findIndex((node, place) => may(node) && isWorthwhile(raftActions.code(kind, place)))
    return at < 0 ? undefined : raftActions.code(kind, at)
  }
  const urgent =
    find('start', ({ core }) => core === undefined) ??
    find('save', ({ savingVote }) => savingVote !== undefined) ??
    find('persist', ({ round }) => round !== undefined) ??
    (world.messages.length > 0 ? raftActions.code('deliver') : undefined)
  if (urgent !== undefined) return urgent
  if (isHealthy(nodes)) return undefined
  return (
    find('heartbeat', ({ core }) => core?.isLeader === true) ??
    find('silence', ({ core }) => core?.isLeader === false) ??
    raftActions.code('campaign', placeOfMost(nodes))
  )
}

/** Whose log is the most up to date. */
function placeOfMost(nodes: readonly VoterNode[]): number {
  const termOf = ({ memory, core }: VoterNode): number => (memory.length === 0 || core === undefined ? -1 : opened(core)._log.lastTerm)
  let most = 0
  nodes.forEach((node, at) => {
    const best = nodes[most] as VoterNode
    if (termOf(node) > termOf(best) || (termOf(node) === termOf(best) && node.memory.length > best.memory.length)) most = at
  })
  return most
}

/** One leads, all others follow it in its term, and all hold the same, on disk and committed. */
function isHealthy(nodes: readonly VoterNode[]): boolean {
  const leader = nodes.find(({ core }) => core?.isLeader === true)
  if (leader?.core === undefined || opened(leader.core)._leader?._transfer != null) return false
  const { term } = leader.core
  return nodes.every(
    ({ core, durable }) =>
      core !== undefined &&
      core.term === term &&
      core.leaderId === leader.nodeId &&
      core.isLeader === (core === leader.core) &&
      durable.join() === leader.durable.join() &&
      core.commitIndex === leader.memory.length,
  )
}

/** Nothing is left to happen: all that is committed is there. Throws when not. */
export function checkHealthy(world: RaftWorld, registers: RaftRegisters): void {
  const { committed } = registers.histories.get(world.history)
  for (const number of world.nodes) {
    const { nodeId, durable } = registers.voters.get(number)
    const isThere = committed.every((entry, offset) => durable[offset] === entry)
    demand(isThere, 'delivery', () => `${registers.entries.describe(committed)} is committed, and node ${nodeId} holds ${registers.entries.describe(durable)}`)
  }
}
