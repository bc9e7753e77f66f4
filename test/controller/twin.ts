import type { ControllerCommand } from '../../src/controller/commands.ts'
import type { Registration, SessionsView } from '../../src/controller/sessions-view.ts'
import type { LeaderlessReport } from '../../src/controller/status.ts'
import type { BrokerImage, MetadataImage } from '../../src/metadata/image.ts'
import type { PartitionState } from '../../src/metadata/records.ts'

/**
 * The rules again, each as naively as its sentence reads and by another road than the code: oracles for the model test.
 */
type AlterPartition = Extract<ControllerCommand, { readonly type: 'alterPartition' }>

export interface World {
  readonly image: MetadataImage
  readonly sessions: SessionsView
}

function serves(world: World, broker: BrokerImage | undefined, state: PartitionState): broker is BrokerImage {
  return broker !== undefined && broker.fenced === false && broker.draining === false && !world.sessions.isLogDead(broker, state)
}

/** R5.6 as a list of (does it hold, else this code), read from the top. */
export function alterPartitionTwin(world: World, command: AlterPartition): string {
  const { proposal } = command
  const topic = world.image.topics.get(proposal.topicId)
  const state = topic?.partitions[proposal.partition]
  const present = (nodeId: number): number | undefined => world.image.brokers.get(nodeId)?.brokerEpoch
  const nodeIds = new Set(proposal.isr.map((member) => member.nodeId))
  const added = proposal.isr.filter((member) => !state?.isr.some((old) => `${old.nodeId}@${old.brokerEpoch}` === `${member.nodeId}@${member.brokerEpoch}`))
  const rules: readonly (readonly [boolean, string])[] = [
    [topic !== undefined, 'UNKNOWN_TOPIC_ID'],
    [state !== undefined, 'UNKNOWN_TOPIC_OR_PARTITION'],
    [present(command.nodeId) === command.brokerEpoch, 'STALE_BROKER_EPOCH'],
    [state !== undefined && proposal.leaderEpoch >= state.leaderEpoch, 'FENCED_LEADER_EPOCH'],
    [state !== undefined && proposal.leaderEpoch <= state.leaderEpoch, 'NOT_CONTROLLER'],
    [state?.leader === command.nodeId, 'NOT_LEADER_OR_FOLLOWER'],
    [state !== undefined && proposal.partitionEpoch >= state.partitionEpoch, 'INVALID_UPDATE_VERSION'],
    [state !== undefined && proposal.partitionEpoch <= state.partitionEpoch, 'NOT_CONTROLLER'],
    [
      nodeIds.size === proposal.isr.length && [...nodeIds].every((nodeId) => state?.replicas.includes(nodeId)) && nodeIds.has(command.nodeId),
      'INVALID_REQUEST',
    ],
    [
      added.every(
        (member) => present(member.nodeId) === member.brokerEpoch && state !== undefined && serves(world, world.image.brokers.get(member.nodeId), state),
      ),
      'INELIGIBLE_REPLICA',
    ],
  ]
  return rules.find(([holds]) => !holds)?.[1] ?? 'done'
}

interface Word extends LeaderlessReport {
  readonly nodeId: number
}

function subsets<Item>(items: readonly Item[]): Item[][] {
  const [first, ...rest] = items
  if (first === undefined) return [[]]
  return subsets(rest).flatMap((some) => [some, [first, ...some]])
}

function isBelowOrEqual(left: Word, right: Word): boolean {
  return left.lastEpoch < right.lastEpoch || (left.lastEpoch === right.lastEpoch && left.syncedEndOffset <= right.syncedEndOffset)
}

/** Every node that R5.7 lets lead a partition with an empty ISR: a suspect needs some set of f+1 words, or the words of all, of which it is the greatest. */
export function electableTwin(world: World, state: PartitionState): number[] {
  const said = new Map<number, LeaderlessReport>()
  for (const nodeId of state.elr) {
    const registration: Registration | undefined = world.image.brokers.get(nodeId)
    const report = registration === undefined ? undefined : world.sessions.report(registration, state)
    if (report !== undefined && report.partitionEpoch === state.partitionEpoch) said.set(nodeId, report)
  }
  const undamaged = state.elr.filter((nodeId) => said.get(nodeId)?.damaged !== true)
  const words: Word[] = undamaged.flatMap((nodeId) => {
    const report = said.get(nodeId)
    return report !== undefined && serves(world, world.image.brokers.get(nodeId), state) ? [{ ...report, nodeId }] : []
  })
  const majority = Math.floor(((state.reassignment?.from ?? state.replicas).length - 1) / 2) + 1
  const enough = subsets(words).filter((some) => some.length >= majority || some.length === undamaged.length)
  return words
    .filter((word) => !word.suspect || enough.some((some) => some.includes(word) && some.every((other) => isBelowOrEqual(other, word))))
    .map((word) => word.nodeId)
}

/** R5.7, an operator's choice: whoever serves, is a replica, and has spoken of an undamaged log since. */
export function leftTwin(world: World, state: PartitionState): number[] {
  return [...world.image.brokers.values()].flatMap((broker) => {
    const report = state.replicas.includes(broker.nodeId) ? world.sessions.report(broker, state) : undefined
    const isHeard = report !== undefined && report.partitionEpoch === state.partitionEpoch && !report.damaged
    return isHeard && serves(world, broker, state) ? [broker.nodeId] : []
  })
}

/** R5.7, the topic's choice: it is allowed, nobody may lead cleanly, and every eligible one that serves has said what its log is. */
export function mayGiveUpTwin(world: World, state: PartitionState): boolean {
  if (world.image.topics.get(state.topicId)?.configs.get('unclean.leader.election.enable') !== 'true') return false
  const silent = state.elr.filter((nodeId) => {
    const broker = world.image.brokers.get(nodeId)
    return serves(world, broker, state) && world.sessions.report(broker, state)?.partitionEpoch !== state.partitionEpoch
  })
  return electableTwin(world, state).length === 0 && silent.length === 0
}

/** R5.8, word by word. */
export function elrTwin(before: PartitionState, after: PartitionState, minInSyncReplicas: number, lost: (nodeId: number) => boolean): number[] {
  if (after.isr.length >= minInSyncReplicas) return []
  const inSync = (nodeId: number): boolean => after.isr.some((member) => member.nodeId === nodeId)
  const union = [...before.elr, ...before.isr.map((member) => member.nodeId)]
  return [...new Set(union)].filter((nodeId) => !inSync(nodeId) && !lost(nodeId)).sort()
}
