import { BrokerError } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import type { AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse } from '../wire/api.ts'
import { toApiError } from './api-error.ts'
import type { FolderMoves } from './folder-moves.ts'
import type { Replica } from './replica.ts'

interface Context {
  readonly find: (topicId: Uuid, partition: number) => Replica | undefined
  readonly knowsTopic: (topicId: Uuid) => boolean
  readonly moves: FolderMoves
}

/** Moves replicas of this node to another of its folders, or ends such moves; each has its own outcome. */
export function alterReplicaLogDirs({ find, knowsTopic, moves }: Context, request: AlterReplicaLogDirsRequest): AlterReplicaLogDirsResponse {
  const partitions = request.partitions.map(({ topicId, partition }) => {
    try {
      const replica = find(topicId, partition)
      if (replica === undefined && !knowsTopic(topicId)) throw new BrokerError('UNKNOWN_TOPIC_ID', `no topic has the id ${topicId}`)
      if (replica === undefined) throw new BrokerError('INVALID_REQUEST', 'this node holds no replica of the partition')
      moves.request(replica, request)
      return { topicId, partition, error: null }
    } catch (error) {
      return { topicId, partition, error: toApiError(error) }
    }
  })
  return { partitions }
}
