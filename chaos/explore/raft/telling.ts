import type { RaftMessage } from '../../../src/raft/messages.ts'
import { afterCrash } from '../abstract-disk.ts'
import { raftActions } from './actions.ts'
import { OPENING } from './entries.ts'
import type { RaftRegisters } from './registers.ts'
import type { Sent, VoterNode } from './voter.ts'
import type { RaftWorld } from './world.ts'

/** What an action is, in words. */
export function tellAction(world: RaftWorld, action: number, registers: RaftRegisters): string {
  const { kind, at, which } = raftActions.parts(action)
  const { nodeIds, voters, entries, bounds, left } = registers
  const nodeId = nodeIds[at] as number
  const node = voters.get(world.nodes[at] as number)
  const message = (): string => describeSent(voters.message(world.messages[which] as number), registers)
  switch (kind) {
    case 'deliver':
      return `arrives: ${message()}`
    case 'deliverLate':
      return `arrives where no leader was heard for a while: ${message()}`
    case 'lose':
      return `is lost: ${message()}`
    case 'duplicate':
      return `arrives, and may arrive again: ${message()}`
    case 'persist':
      return `${nodeId} has synced to ${node.round?.endOffset} in term ${node.round?.term}${node.round?.isOvertaken === true ? ', and a cut overtook that' : ''}`
    case 'save':
      return `${nodeId} has saved term ${node.savingVote?.term} and its vote for ${node.savingVote?.votedFor ?? 'nobody'}`
    case 'campaign':
      return `${nodeId} loses its patience`
    case 'silence':
      return `${nodeId} has not heard its leader for a while`
    case 'timer':
      return `${nodeId} acts on the evidence that no leader lives`
    case 'heartbeat':
      return `${nodeId} sends heartbeats`
    case 'isolation':
      return `${nodeId} has heard nobody for a while`
    case 'propose':
      return `client: ${entries.describe([entries.numberOf(bounds.entries - left.count(world.left, 'entries'), node.core?.term ?? OPENING)])} to ${nodeId}`
    case 'transfer':
      return `${nodeId} is asked to hand over to ${which}`
    case 'crash':
      return `${nodeId} crashes, its disk keeps ${tellCrash(node, which, registers)}`
    case 'start':
      return `${nodeId} starts`
    default:
      return `${nodeId} notices that ${nodeIds[which]} is gone`
  }
}

function tellCrash(node: VoterNode, which: number, { entries }: RaftRegisters): string {
  const logs = afterCrash(node.durable, node.memory)
  const log = entries.describe(logs[which % logs.length] ?? [])
  return node.savingVote === undefined ? log : `${log} and ${which < logs.length ? 'not ' : ''}the vote that was being saved`
}

/** Where everybody stands, a line a node. */
export function tellWorld(world: RaftWorld, registers: RaftRegisters): string[] {
  const { voters, entries, histories } = registers
  const lines = world.nodes.map((number) => {
    const { nodeId, core, memory, durable, vote } = voters.get(number)
    const disk = `disk ${entries.describe(durable)} of term ${vote.term}, vote for ${vote.votedFor ?? 'nobody'}`
    if (core === undefined) return `${nodeId}: down, ${disk}`
    return `${nodeId}: ${core.role} of term ${core.term}, leader ${core.leaderId ?? '-'}, commit index ${core.commitIndex}, log ${entries.describe(memory)}, ${disk}`
  })
  return [...lines, `committed ${entries.describe(histories.get(world.history).committed)}`]
}

function describeSent({ from, to, message }: Sent, registers: RaftRegisters): string {
  return `${message.type} ${from} → ${to} of term ${message.term}${detailsOf(message, registers)}`
}

function detailsOf(message: RaftMessage, { entries }: RaftRegisters): string {
  switch (message.type) {
    case 'voteRequest':
      return `${message.preVote ? ', pre-vote' : ''}: its log ends at ${message.endOffset} in term ${message.lastTerm}`
    case 'voteReply':
      return `${message.preVote ? ', pre-vote' : ''}: ${message.granted ? 'granted' : 'refused'}`
    case 'append':
      return `: ${entries.describe(message.entries.map((entry) => entries.number(entry)))} at ${message.startOffset} after term ${message.previousTerm}, commit index ${message.commitIndex}`
    case 'appendReply':
      return message.result.type === 'accepted'
        ? `: persisted to ${message.result.persistedEndOffset}`
        : `: rejected at ${message.startOffset}, try ${message.result.hintEndOffset}`
    default:
      return ''
  }
}
