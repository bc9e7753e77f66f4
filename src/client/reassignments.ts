import type { BrokerError } from '../base/errors.ts'
import type { AlterReassignmentsRequest, AlterReassignmentsResponse, TopicInfo } from '../wire/api.ts'
import { toBrokerError } from './api-error.ts'

export interface PartitionMove {
  readonly topic: string
  readonly partition: number
  /** Where it is to go, the preferred leader first; null: back to where it was. */
  readonly replicas: readonly number[] | null
}

export interface AlterReassignmentsOptions {
  readonly moves: readonly PartitionMove[]
  /** What each broker copies at most of what this call moves, 1,024 or more; default: what it can. */
  readonly bytesPerSecond?: number
  /** Checks, moves nothing. */
  readonly validateOnly?: boolean
  readonly timeoutMs?: number
}

export interface MovedPartition {
  readonly topic: string
  readonly partition: number
  /** null: it is there, or on its way. */
  readonly error: BrokerError | null
}

/** `known`: each topic that the moves name. */
export function reassignmentsRequest(options: AlterReassignmentsOptions, known: readonly TopicInfo[], timeoutMs: number): AlterReassignmentsRequest {
  const { moves, bytesPerSecond = null, validateOnly = false } = options
  const ids = new Map(known.map(({ name, topicId }) => [name, topicId]))
  const partitions = moves.map(({ topic, partition, replicas }) => ({ topicId: ids.get(topic) as string, partition, replicas }))
  return { partitions, bytesPerSecond, validateOnly, timeoutMs }
}

/** The answer names the moves in their order. */
export function movedPartitions(moves: readonly Pick<PartitionMove, 'topic' | 'partition'>[], response: AlterReassignmentsResponse): MovedPartition[] {
  return moves.map(({ topic, partition }, at) => {
    const error = response.partitions[at]?.error ?? null
    return { topic, partition, error: error === null ? null : toBrokerError(error) }
  })
}
