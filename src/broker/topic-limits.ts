import { type TopicConfigKey, type TopicConfigValue, topicConfig } from '../base/topic-configs.ts'
import type { TimestampRule } from '../replication/effects.ts'
import type { NodeConfig } from './surface.ts'

/** What a topic's configs, and the node's where the topic says nothing, mean for each of its partitions. */
export interface TopicLimits {
  readonly maxMessageBytes: number
  readonly segments: { readonly sizeBytes: number; readonly ageMs: number }
  readonly timestamps: TimestampRule
  /** null: for ever. */
  readonly retentionMs: number | null
  /** null: no limit. */
  readonly retentionBytes: number | null
}

export function topicLimits(configs: ReadonlyMap<string, string>, config: NodeConfig): TopicLimits {
  const value = <Key extends TopicConfigKey>(key: Key, ofNode: TopicConfigValue<Key>): TopicConfigValue<Key> => topicConfig(configs, key) ?? ofNode
  const limit = (given: number): number | null => (given < 0 ? null : given)
  return {
    maxMessageBytes: value('max.message.bytes', config.maxMessageBytes),
    segments: { sizeBytes: value('segment.bytes', config.segmentBytes), ageMs: value('segment.ms', config.segmentMs) },
    timestamps: {
      type: value('message.timestamp.type', config.timestampType),
      beforeMaxMs: value('message.timestamp.before.max.ms', config.timestampBeforeMaxMs),
      afterMaxMs: value('message.timestamp.after.max.ms', config.timestampAfterMaxMs),
    },
    retentionMs: limit(value('retention.ms', config.retentionMs)),
    retentionBytes: limit(value('retention.bytes', config.retentionBytes)),
  }
}
