import { BrokerError } from '../base/errors.ts'
import type { MetadataResponse, TopicInfo } from '../wire/api.ts'

/** In the order of the names. Throws UNKNOWN_TOPIC_OR_PARTITION when one is missing. */
export function topicsNamed({ topics }: MetadataResponse, names: readonly string[]): TopicInfo[] {
  return names.map((name) => {
    const topic = topics.find((other) => other.name === name)
    if (topic === undefined) throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic "${name}"`)
    return topic
  })
}
