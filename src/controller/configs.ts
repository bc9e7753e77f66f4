import { didYouMean } from '../base/did-you-mean.ts'
import { BrokerError } from '../base/errors.ts'

/**
 * Every topic config there is, once: validation, defaults and descriptions read this table. Names are Kafka's (TopicConfig).
 * What a topic was given is recorded with it, equal to the default or not, so that a later default does not change it.
 */
interface TopicConfigRow {
  readonly type: 'int'
  /** Given the replication factor. */
  readonly defaultValue: (replicationFactor: number) => number
  readonly min: number
  readonly max: (replicationFactor: number) => number
  readonly doc: string
}

const MIB = 1_048_576

export const topicConfigTable = {
  'min.insync.replicas': {
    type: 'int',
    defaultValue: (replicationFactor) => Math.floor(replicationFactor / 2) + 1,
    min: 1,
    max: (replicationFactor) => replicationFactor,
    doc: 'In-sync replicas that a record with acks=all is synced on before it is acknowledged, at least; default floor(replication factor / 2) + 1.',
  },
  'max.message.bytes': {
    type: 'int',
    defaultValue: () => 1_048_588,
    min: 1_024,
    // A message between nodes is at most 8 MiB (rules 8); 64 KiB of it are left for what stands around the batch.
    max: () => 8 * MIB - 65_536,
    doc: 'The largest record batch that is accepted, in bytes, as it is sent.',
  },
  'segment.bytes': {
    type: 'int',
    defaultValue: () => 512 * MIB,
    min: 4_096,
    // Positions in a segment's index are signed 32-bit integers.
    max: () => 2_147_483_647,
    doc: 'Size of a segment file at which the log goes on in a new one, in bytes.',
  },
} as const satisfies Record<string, TopicConfigRow>

export type TopicConfigKey = keyof typeof topicConfigTable

/** Topic configs of Kafka that are not built yet, so that an operator is not told that they do not exist. Source: Kafka TopicConfig. */
const laterKeys: ReadonlySet<string> = new Set([
  'cleanup.policy',
  'compression.type',
  'delete.retention.ms',
  'file.delete.delay.ms',
  'flush.messages',
  'flush.ms',
  'index.interval.bytes',
  'local.retention.bytes',
  'local.retention.ms',
  'max.compaction.lag.ms',
  'message.timestamp.after.max.ms',
  'message.timestamp.before.max.ms',
  'message.timestamp.type',
  'min.cleanable.dirty.ratio',
  'min.compaction.lag.ms',
  'preallocate',
  'remote.storage.enable',
  'retention.bytes',
  'retention.ms',
  'segment.index.bytes',
  'segment.jitter.ms',
  'segment.ms',
  'unclean.leader.election.enable',
])

const MAX_SHOWN = 64

function describeUnknown(key: string): string {
  const shown = key.slice(0, MAX_SHOWN)
  const keys = Object.keys(topicConfigTable)
  if (laterKeys.has(key)) return `"${shown}" is not in this version; its topic configs are ${keys.join(', ')}`
  const meant = didYouMean(shown, keys)
  return `"${shown}" is not a topic config${meant === undefined ? `; those are ${keys.join(', ')}` : ` (did you mean ${meant}?)`}`
}

function isKey(key: string): key is TopicConfigKey {
  return Object.hasOwn(topicConfigTable, key)
}

/** Checks configs that came from outside. Throws INVALID_CONFIG naming key, value and expectation. */
export function validateTopicConfigs(configs: ReadonlyMap<string, string>, replicationFactor: number): void {
  for (const [key, text] of configs) {
    if (!isKey(key)) throw new BrokerError('INVALID_CONFIG', describeUnknown(key))
    const row: TopicConfigRow = topicConfigTable[key]
    const max = row.max(replicationFactor)
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= row.min && value <= max)) {
      const bound = key === 'min.insync.replicas' ? ' (the replication factor)' : ''
      throw new BrokerError('INVALID_CONFIG', `${key} is "${text.slice(0, MAX_SHOWN)}", but must be an integer from ${row.min} to ${max}${bound}`)
    }
  }
}

/** The topic's own value, undefined when it has none. */
export function topicConfig(configs: ReadonlyMap<string, string>, key: TopicConfigKey): number | undefined {
  const text = configs.get(key)
  return text === undefined ? undefined : Number(text)
}

/**
 * The min ISR that acknowledgement (R6.4, R6.6) and ELR (R5.8) count with. Both sides must use the same number, on every node and after
 * every failover, or ELR members miss acknowledged records: so it depends on metadata alone, never on a node's own config.
 */
export function effectiveMinInSyncReplicas(configs: ReadonlyMap<string, string>, replicationFactor: number): number {
  const value = topicConfig(configs, 'min.insync.replicas') ?? topicConfigTable['min.insync.replicas'].defaultValue(replicationFactor)
  return Math.min(value, replicationFactor)
}
