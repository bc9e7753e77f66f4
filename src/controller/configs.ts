import { didYouMean } from '../base/did-you-mean.ts'
import { BrokerError } from '../base/errors.ts'
import { defaultTopicConfig, findTopicConfig, topicConfig, topicConfigRows, type TopicConfigRow } from '../base/topic-configs.ts'
import type { ControllerDefaults } from './context.ts'

/** Topic configs of Kafka that are not built yet, so that an operator is not told that they do not exist. Source: Kafka TopicConfig. */
const laterKeys: ReadonlySet<string> = new Set([
  'delete.retention.ms',
  'file.delete.delay.ms',
  'flush.messages',
  'flush.ms',
  'index.interval.bytes',
  'local.retention.bytes',
  'local.retention.ms',
  'max.compaction.lag.ms',
  'min.cleanable.dirty.ratio',
  'min.compaction.lag.ms',
  'preallocate',
  'remote.storage.enable',
  'segment.index.bytes',
  'segment.jitter.ms',
])

const MAX_SHOWN = 64

function describeUnknown(key: string): string {
  const shown = key.slice(0, MAX_SHOWN)
  const keys = topicConfigRows.map((row) => row.key)
  if (laterKeys.has(key)) return `"${shown}" is not in this version; its topic configs are ${keys.join(', ')}`
  const meant = didYouMean(shown, keys)
  return `"${shown}" is not a topic config${meant === undefined ? `; those are ${keys.join(', ')}` : ` (did you mean ${meant}?)`}`
}

/** The row of a key that came from outside. Throws INVALID_CONFIG. */
export function requireTopicConfig(key: string): TopicConfigRow {
  const row = findTopicConfig(key)
  if (row === undefined) throw new BrokerError('INVALID_CONFIG', describeUnknown(key))
  return row
}

/** What a value must be, when `text` is not; undefined when it is. */
function expected(row: TopicConfigRow, text: string, replicationFactor: number): string | undefined {
  if (row.type === 'enum') return row.values.includes(text) ? undefined : describeWords(row.values)
  const max = row.max ?? replicationFactor
  const value = /^(?:\d{1,16}|-[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN
  if (value >= row.min && value <= max) return undefined
  return `an integer from ${row.min} to ${max}${row.max === null ? ' (the replication factor)' : ''}`
}

function describeWords(words: readonly string[]): string {
  return words.length === 1 ? `${words[0]} (all there is in this version)` : `one of ${words.join(', ')}`
}

/** Checks configs that came from outside. Throws INVALID_CONFIG naming key, value and expectation. */
export function validateTopicConfigs(configs: ReadonlyMap<string, string>, replicationFactor: number): void {
  for (const [key, text] of configs) {
    const wanted = expected(requireTopicConfig(key), text, replicationFactor)
    if (wanted !== undefined) throw new BrokerError('INVALID_CONFIG', `${key} is "${text.slice(0, MAX_SHOWN)}", but must be ${wanted}`)
  }
}

/**
 * The min ISR that acknowledgement (R6.4, R6.6) and ELR (R5.8) count with. Both sides must use the same number, on every node and after
 * every failover, or ELR members miss acknowledged records: so it depends on metadata alone, never on a node's own config.
 */
export function effectiveMinInSyncReplicas(configs: ReadonlyMap<string, string>, replicationFactor: number): number {
  const value = topicConfig(configs, 'min.insync.replicas') ?? defaultTopicConfig('min.insync.replicas', replicationFactor)
  return Math.min(value, replicationFactor)
}

/**
 * What a topic is given, plus the cluster's default for min.insync.replicas where that is not the law's: ELR is sound only if every
 * controller and leader, now and later, counts with the same number.
 */
export function withClusterDefaults(
  configs: ReadonlyMap<string, string>,
  replicationFactor: number,
  defaults: ControllerDefaults,
): ReadonlyMap<string, string> {
  const key = 'min.insync.replicas'
  const clusterDefault = defaults.minInSyncReplicas
  if (clusterDefault === null || configs.has(key)) return configs
  const value = Math.min(clusterDefault, replicationFactor)
  return value === defaultTopicConfig(key, replicationFactor) ? configs : new Map([...configs, [key, String(value)]])
}
