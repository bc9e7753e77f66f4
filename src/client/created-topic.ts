import type { CreateTopicResponse, TopicInfo } from '../wire/api.ts'

/** A topic that was there already, as if it had been created now. */
export function describeAsCreated(topics: readonly TopicInfo[]): CreateTopicResponse {
  const { topicId, partitions } = topics[0] as TopicInfo
  return {
    topicId,
    partitions: partitions.length,
    replicationFactor: partitions[0]?.replicas.length ?? 0,
    assignment: partitions.map(({ replicas }) => replicas),
  }
}
