import { BrokerError } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import type { VoterRecord } from '../metadata/records.ts'
import type { ControllerCommand, Decision, InternalCommand } from './commands.ts'
import type { ControllerContext } from './context.ts'
import type { ConnectedNode } from './quorum-view.ts'

/**
 * Who votes in the metadata quorum (rules R2.2, R4.4). Each decision is one change: Raft takes no other. A voter whose disk was wiped is
 * replaced by two, its old folder leaves and then the new one comes; whoever asked asks again until the second is done. In between the
 * rest decides, so that nothing is lost when nobody asks again.
 */
type CommandOf<Type extends (ControllerCommand | InternalCommand)['type']> = Extract<ControllerCommand | InternalCommand, { readonly type: Type }>

function findVoter(nodeId: number, context: ControllerContext): VoterRecord | undefined {
  return context.image.voters.find((voter) => voter.nodeId === nodeId)
}

function listed(nodeIds: readonly number[]): string {
  return nodeIds.join(', ')
}

/** The node as a voter to be: connected, under the folder that was asked for, with the controller role. */
function newcomer(command: CommandOf<'addVoter'>, context: ControllerContext): ConnectedNode {
  const { nodeId, directoryId } = command
  const node = context.quorum.node(nodeId)
  if (node === undefined) {
    const next = 'start it with a cluster file that names the nodes of this cluster and itself, and see its /readyz'
    throw new BrokerError('VOTER_NOT_CONNECTED', `node ${nodeId} is not connected to the active controller: ${next}`)
  }
  if (directoryId !== null && directoryId !== node.directoryId) {
    throw new BrokerError('INVALID_REQUEST', `node ${nodeId} has the data folder ${node.directoryId}, not ${directoryId}`)
  }
  if (!node.isController) {
    throw new BrokerError('INVALID_REQUEST', `node ${nodeId} runs without the controller role: give it that role in its cluster file and restart it`)
  }
  return node
}

function withVoter(voters: readonly VoterRecord[], added: VoterRecord): readonly VoterRecord[] {
  return [...voters, added].sort((left, right) => left.nodeId - right.nodeId)
}

/** What an operator should know about the set that is to come. `added`: the node that comes, which answers. */
function warningsOf(voters: readonly VoterRecord[], context: ControllerContext, added: number | undefined): readonly string[] {
  const warnings: string[] = []
  const count = voters.length
  const needed = Math.floor(count / 2) + 1
  const silent = voters.filter(({ nodeId }) => nodeId !== added && !context.quorum.liveVoterIds.includes(nodeId)).map(({ nodeId }) => nodeId)
  if (count === 1) warnings.push('1 voter: when it is lost, the cluster can decide nothing more')
  else if (count % 2 === 0) {
    warnings.push(
      `${count} voters, an even number: they can lose ${count - needed}, no more than ${count - 1} ${count === 2 ? 'voter' : 'voters'} can; add or remove one more`,
    )
  }
  if (silent.length > 0) {
    warnings.push(`${silent.length} of these ${count} voters do not answer (${listed(silent)}); ${count - silent.length - needed} more may be lost`)
  }
  return warnings
}

function changed(
  voters: readonly VoterRecord[],
  options: { readonly context: ControllerContext; readonly validateOnly: boolean; readonly isComplete?: boolean; readonly added?: number },
): Decision {
  const { context, validateOnly, isComplete = true, added } = options
  const metadataOffset = validateOnly ? context.offset : context.offset + 1
  const reply = { type: 'votersChanged', metadataOffset, isChanged: true, isComplete, voters, warnings: warningsOf(voters, context, added) } as const
  return { records: validateOnly ? [] : [{ type: 'voters', voters }], reply }
}

function unchanged(context: ControllerContext): Decision {
  const { voters, offset } = context.image
  return {
    records: [],
    reply: { type: 'votersChanged', metadataOffset: offset, isChanged: false, isComplete: true, voters, warnings: warningsOf(voters, context, undefined) },
  }
}

function throwIf(refusal: BrokerError | undefined): void {
  if (refusal !== undefined) throw refusal
}

/** A voter more, or another folder for one that was wiped. Asking again for what is done changes nothing. */
export function decideAddVoter(command: CommandOf<'addVoter'>, context: ControllerContext): Decision {
  const { nodeId, validateOnly } = command
  const known = findVoter(nodeId, context)
  if (known !== undefined && known.directoryId !== null && known.directoryId === (context.quorum.node(nodeId)?.directoryId ?? known.directoryId)) {
    if (command.directoryId !== null && command.directoryId !== known.directoryId) {
      throw new BrokerError('INVALID_REQUEST', `voter ${nodeId} has the data folder ${known.directoryId}, not ${command.directoryId}`)
    }
    return unchanged(context)
  }
  const { directoryId, endpoint } = newcomer(command, context)
  const added = { nodeId, directoryId, endpoint }
  throwIf(context.quorum.newcomerRefusal(nodeId, directoryId))
  const others = context.image.voters.filter((voter) => voter !== known)
  const voters = withVoter(others, added)
  if (known === undefined || known.directoryId === null) {
    throwIf(context.quorum.refusal(voters))
    return changed(voters, { context, validateOnly, added: nodeId })
  }
  throwIf(context.quorum.refusal(others))
  return validateOnly ? changed(voters, { context, validateOnly, added: nodeId }) : changed(others, { context, validateOnly, isComplete: false })
}

export function decideRemoveVoter(command: CommandOf<'removeVoter'>, context: ControllerContext): Decision {
  const { nodeId, directoryId, validateOnly } = command
  const known = findVoter(nodeId, context)
  if (known === undefined) {
    const voterIds = context.image.voters.map((voter) => voter.nodeId)
    throw new BrokerError('VOTER_NOT_FOUND', `node ${nodeId} is not a voter; those are ${listed(voterIds)}`)
  }
  if (directoryId !== null && directoryId !== known.directoryId) {
    throw new BrokerError('VOTER_NOT_FOUND', `voter ${nodeId} is the one with data folder ${known.directoryId ?? '(not known yet)'}, not ${directoryId}`)
  }
  const voters = context.image.voters.filter((voter) => voter !== known)
  throwIf(context.quorum.refusal(voters))
  return changed(voters, { context, validateOnly })
}

/** Rules R2.2: the first folder that a voter known by id alone comes with is its folder; any other is another voter's. */
export function decideFillVoter(command: CommandOf<'fillVoter'>, context: ControllerContext): Decision {
  const { nodeId, directoryId } = command
  const voter = findVoter(nodeId, context)
  if (voter === undefined) throw new BrokerError('WRONG_NODE', `node ${nodeId} is not a voter`)
  if (voter.directoryId === directoryId) return { records: [], reply: { type: 'done' } }
  if (voter.directoryId !== null) throw new BrokerError('WRONG_NODE', `voter ${nodeId} is the one with data folder ${voter.directoryId}, not ${directoryId}`)
  const voters = context.image.voters.map((known) => (known === voter ? { ...known, directoryId: directoryId as Uuid } : known))
  throwIf(context.quorum.refusal(voters))
  return { records: [{ type: 'voters', voters }], reply: { type: 'done' } }
}
