import type { Code, LeaderHint } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import { findPartition, type MetadataImage } from '../metadata/image.ts'
import type { ApiError } from '../wire/api.ts'

interface PartitionKey {
  readonly topicId: Uuid
  readonly partition: number
}

export interface PartitionAnswer extends PartitionKey {
  readonly error: ApiError | null
}

/** Errors after which another node, or this one under another epoch, may serve. */
const namesLeader: ReadonlySet<Code> = new Set(['NOT_LEADER_OR_FOLLOWER', 'FENCED_LEADER_EPOCH', 'UNKNOWN_LEADER_EPOCH'])

/** Where a node is reached; undefined when it is not registered. `leaderEpoch`: what the hint is about. */
export function hintAt(image: MetadataImage, nodeId: number, leaderEpoch: number): LeaderHint | undefined {
  const address = image.brokers.get(nodeId)?.address
  return address === undefined ? undefined : { nodeId, host: address.host, grpcPort: address.grpcPort, leaderEpoch }
}

/** Who leads the partition by the applied metadata; undefined: nobody, or not known. */
export function leaderHint(image: MetadataImage, { topicId, partition }: PartitionKey): LeaderHint | undefined {
  const state = findPartition(image, topicId, partition)
  return state === undefined ? undefined : hintAt(image, state.leader, state.leaderEpoch)
}

/** The answers about partitions, with the leader named where that helps. The same list when nothing is to be said. */
export function namingLeaders<Answer extends PartitionAnswer>(image: MetadataImage, answers: readonly Answer[]): readonly Answer[] {
  const wants = ({ error }: Answer): boolean => error !== null && error.leader === undefined && namesLeader.has(error.code)
  if (!answers.some(wants)) return answers
  return answers.map((answer) => {
    const leader = wants(answer) ? leaderHint(image, answer) : undefined
    return leader === undefined ? answer : { ...answer, error: { ...(answer.error as ApiError), leader } }
  })
}
