import { unreachable } from '../base/assert.ts'
import type { BrokerFolders } from './folder-reasons.ts'
import type { TopicDescription } from './topic-names.ts'

type Described = BrokerFolders['folders'][number]['partitions'][number]

/**
 * ok: in sync · joining: it is being moved there · behind: alive, not in sync · suspect: not in sync since its node did not stop in good order · damaged: it is being
 * repaired from its leader · quarantined: its own node found it bad, and it serves nothing until the next start · offline: its log or its folder failed ·
 * brokerOffline: its broker is not there · unknown: its broker did not say
 */
export type ReplicaCondition = 'ok' | 'joining' | 'behind' | 'suspect' | 'damaged' | 'quarantined' | 'offline' | 'brokerOffline' | 'unknown'

export interface ReplicaRow {
  readonly topic: string
  readonly partition: number
  readonly nodeId: number
  readonly condition: ReplicaCondition
  readonly isLeader: boolean
  readonly isInSync: boolean
  /** Milliseconds since 1970; −1: not known. */
  readonly since: number
  readonly reason: string | null
}

export interface BrokerAnswer {
  readonly nodeId: number
  readonly state: string
  /** Null: it did not say. */
  readonly folders: BrokerFolders['folders'] | null
  readonly error: string | null
}

export function isWell(condition: ReplicaCondition): boolean {
  return condition === 'ok' || condition === 'joining'
}

function conditionOf(
  described: Described | undefined,
  broker: BrokerAnswer | undefined,
  place: { readonly isInSync: boolean; readonly isJoining: boolean },
): ReplicaCondition {
  if (broker === undefined || broker.state === 'offline') return 'brokerOffline'
  if (broker.folders === null) return 'unknown'
  if (described?.isOffline === true) return described.isDamaged ? 'quarantined' : 'offline'
  if (described?.isDamaged === true) return 'damaged'
  if (place.isInSync) return 'ok'
  if (place.isJoining) return 'joining'
  return described?.isSuspect === true ? 'suspect' : 'behind'
}

/** Every replica of these topics, as its own broker and the metadata have it. */
export function replicaRows(topics: readonly TopicDescription[], brokers: readonly BrokerAnswer[]): ReplicaRow[] {
  const described = new Map<string, Described>()
  for (const { nodeId, folders } of brokers)
    for (const { partitions } of folders ?? [])
      for (const one of partitions.filter(({ isFuture }) => !isFuture)) described.set(`${nodeId}/${one.topic}/${one.partition}`, one)
  return topics.flatMap(({ name, partitions }) =>
    partitions.flatMap(({ partition, replicas, isr, leader, addingReplicas }) =>
      replicas.map((nodeId): ReplicaRow => {
        const broker = brokers.find((one) => one.nodeId === nodeId)
        const own = described.get(`${nodeId}/${name}/${partition}`)
        const isInSync = isr.includes(nodeId)
        const condition = conditionOf(own, broker, { isInSync, isJoining: addingReplicas.includes(nodeId) })
        const says = isWell(condition) ? undefined : own
        const reason = says?.reason ?? (condition === 'unknown' ? (broker?.error ?? null) : null)
        return { topic: name, partition, nodeId, condition, isLeader: leader === nodeId, isInSync, since: says?.sinceTimestamp ?? -1, reason }
      }),
    ),
  )
}

/** What happens by itself, and what is for an operator to do. */
export function prospectOf(condition: ReplicaCondition): { readonly byItself: string; readonly next: string } {
  switch (condition) {
    case 'ok':
    case 'joining':
      return { byItself: '', next: '' }
    case 'behind':
      return {
        byItself: 'it is in sync again once it has caught up with its leader',
        next: 'nothing, unless it stays so: see the disk and the network of its node',
      }
    case 'suspect':
      return {
        byItself: 'it is trusted again once it is in sync; until then it may lead only if it has more than enough others',
        next: 'nothing, where there is a leader; else start the nodes of the other replicas',
      }
    case 'damaged':
      return {
        byItself: 'what is bad was cut off and is fetched from the leader; then it is in sync again',
        next: 'nothing, where there is a leader; else oxbow cluster health',
      }
    case 'quarantined':
      return {
        byItself: 'nothing before its node starts again: then what is bad is cut off, and fetched from the leader',
        next: 'look after its disk, and restart its node, or move the partition to another broker',
      }
    case 'offline':
      return {
        byItself: 'nothing before its node starts again: what failed once is not tried again',
        next: 'mend what the reason names, then restart its node',
      }
    case 'brokerOffline':
      return { byItself: 'it catches up once its broker is back', next: 'start the broker: oxbow server --config FILE --node ID' }
    case 'unknown':
      return { byItself: 'its broker did not say how it is', next: 'see the log of its node' }
    default:
      return unreachable(condition)
  }
}
