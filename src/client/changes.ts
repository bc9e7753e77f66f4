import { BrokerError, type Code } from '../base/errors.ts'
import type { AlterReassignmentsResponse, AlterReplicaLogDirsResponse, ElectedLeader, MetadataResponse, PartitionInfo, TopicInfo } from '../wire/api.ts'
import type { AnyNodeOptions } from './any-node.ts'
import { MAX_NODE_WAIT_MS } from './cluster.ts'
import type { PartitionMove } from './reassignments.ts'

/*
 * Changes are asked of any node, which passes them on to the active controller. A node that is cut off from that may not use up their time: the next node is
 * asked after ATTEMPT_MS. So a change may be asked for twice, and the second answer may be that there is nothing to do any more.
 */
const ATTEMPT_MS = 5_000
/** Of an attempt, what the node may wait for others: its answer, be it that there was none, is to come before the attempt is given up. */
const NODE_SHARE = 0.9

export const changing: Omit<AnyNodeOptions, 'timeoutMs'> = { attemptTimeoutMs: ATTEMPT_MS }

/** How long a node that has `attemptMs` to answer waits for others. */
export function nodeWaitMs(attemptMs: number): number {
  return Math.max(1, Math.floor(Math.min(attemptMs, MAX_NODE_WAIT_MS) * NODE_SHARE))
}

/** There is nothing left to change, and an earlier attempt may have changed it: else what the node said would be definite (rules R1.3). */
export function isDoneBefore(error: unknown, code: Code): boolean {
  return error instanceof BrokerError && error.code === code && !error.definite
}

/** An earlier attempt may have elected them: who leads now is who was elected. */
export function withElectedBefore(partitions: readonly ElectedLeader[], { topics }: MetadataResponse): readonly ElectedLeader[] {
  return partitions.map((one) => {
    if (one.error?.code !== 'ELECTION_NOT_NEEDED') return one
    const leader = topics.find(({ topicId }) => topicId === one.topicId)?.partitions[one.partition]?.leader ?? -1
    return { ...one, elected: { nodeId: leader, lastEpoch: -1, logEndOffset: -1 }, error: null }
  })
}

/**
 * An earlier attempt may have taken them back, or they may have come to their end meanwhile: a partition that was on its way before the first attempt,
 * and stands where it came from now, was taken back.
 */
export function withCancelledBefore(
  moves: readonly PartitionMove[],
  { partitions }: AlterReassignmentsResponse,
  topics: { readonly before: readonly TopicInfo[]; readonly now: readonly TopicInfo[] },
): AlterReassignmentsResponse {
  const isCancelled = (at: number): boolean => {
    const move = moves[at]
    if (move?.replicas !== null || partitions[at]?.error?.code !== 'NO_REASSIGNMENT_IN_PROGRESS') return false
    const before = findPartition(topics.before, move)
    if (before === undefined || before.addingReplicas.length + before.removingReplicas.length === 0) return false
    const from = before.replicas.filter((nodeId) => !before.addingReplicas.includes(nodeId))
    return findPartition(topics.now, move)?.replicas.join() === from.join()
  }
  return { partitions: partitions.map((one, at) => (isCancelled(at) ? { ...one, error: null } : one)) }
}

/** An earlier attempt may have done what this one refuses. */
export function withIndefinite({ partitions }: AlterReplicaLogDirsResponse): AlterReplicaLogDirsResponse {
  return { partitions: partitions.map((one) => (one.error === null ? one : { ...one, error: { ...one.error, definite: false } })) }
}

function findPartition(topics: readonly TopicInfo[], move: PartitionMove): PartitionInfo | undefined {
  return topics.find(({ name }) => name === move.topic)?.partitions.find(({ partition }) => partition === move.partition)
}
