import { BrokerError } from '../base/errors.ts'
import { topicConfigRows } from '../base/topic-configs.ts'
import { effectiveMinInSyncReplicas } from '../controller/configs.ts'
import { findTopic, type MetadataImage, type TopicImage } from '../metadata/image.ts'
import type { ConfigEntry, ConfigResource, DescribeConfigsRequest, DescribeConfigsResponse } from '../wire/api.ts'

export interface DescribeConfigsContext {
  readonly image: MetadataImage
  readonly nodeId: number
  /** This node's own config, by the keys of the cluster file. */
  readonly nodeEntries: readonly ConfigEntry[]
}

/** Throws UNKNOWN_TOPIC_OR_PARTITION, and INVALID_REQUEST for another broker: only it knows its config. */
export function describeConfigs(context: DescribeConfigsContext, request: DescribeConfigsRequest): DescribeConfigsResponse {
  const byKey = new Map(context.nodeEntries.map((entry) => [entry.name, entry]))
  const topics = request.topics.map((name): ConfigResource => {
    const topic = findTopic(context.image, name)
    if (topic === undefined) throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic "${name.slice(0, 64)}"`)
    return { type: 'topic', name, entries: topicEntries(topic, byKey) }
  })
  const brokers = request.brokers.map((nodeId): ConfigResource => {
    if (nodeId !== context.nodeId) throw new BrokerError('INVALID_REQUEST', `this is node ${context.nodeId}; the config of broker ${nodeId} is known to itself`)
    return { type: 'broker', name: String(nodeId), entries: context.nodeEntries }
  })
  return { resources: [...topics, ...brokers] }
}

/** What the topic says itself counts, then what the cluster file says, then the default. */
function topicEntries(topic: TopicImage, nodeEntries: ReadonlyMap<string, ConfigEntry>): ConfigEntry[] {
  const replicationFactor = topic.partitions[0]?.replicas.length ?? 1
  return topicConfigRows.map(({ key, unit, doc, brokerKey, default: fixed }): ConfigEntry => {
    const lawful = String(fixed ?? effectiveMinInSyncReplicas(new Map(), replicationFactor))
    const ofNode = brokerKey === null ? undefined : nodeEntries.get(brokerKey)
    const defaultValue = ofNode?.value ?? lawful
    const own = topic.configs.get(key)
    const inherited = ofNode !== undefined && ofNode.value !== null ? ofNode.source : 'DEFAULT_CONFIG'
    return { name: key, value: own ?? defaultValue, defaultValue, source: own === undefined ? inherited : 'DYNAMIC_TOPIC_CONFIG', unit, doc, readOnly: false }
  })
}
