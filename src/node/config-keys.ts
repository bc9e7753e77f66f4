import type { NodeConfig } from '../broker/surface.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** One key of `config:` in a cluster file. The first name is the one we print; `null` as default: it depends (see `meaning`). */
export interface ConfigKey {
  readonly field: keyof NodeConfig
  /** Kafka's broker name first, then its topic name, where Kafka has one. */
  readonly names: readonly string[]
  readonly default: number | null
  readonly min: number
  readonly max: number
  readonly meaning: string
}

/** Every number of rules 8 that a cluster file may change. */
export const configKeys: readonly ConfigKey[] = [
  {
    field: 'minInSyncReplicas',
    names: ['min.insync.replicas'],
    default: null,
    min: 1,
    max: 32_767,
    meaning: 'in-sync replicas that acks=all needs; floor(RF/2)+1 unless set',
  },
  {
    field: 'maxMessageBytes',
    names: ['message.max.bytes', 'max.message.bytes'],
    default: 1_048_588,
    min: KIB,
    max: 8 * MIB - 64 * KIB,
    meaning: 'largest record batch',
  },
  {
    field: 'segmentBytes',
    names: ['log.segment.bytes', 'segment.bytes'],
    default: 512 * MIB,
    min: 64 * KIB,
    max: 2_147_483_647,
    meaning: 'size at which a log begins a new file',
  },
  {
    field: 'indexIntervalBytes',
    names: ['log.index.interval.bytes', 'index.interval.bytes'],
    default: 4_096,
    min: 64,
    max: 64 * MIB,
    meaning: 'bytes of log for each entry of the sparse index',
  },
  {
    field: 'replicaLagTimeMaxMs',
    names: ['replica.lag.time.max.ms'],
    default: 5_000,
    min: 500,
    max: 600_000,
    meaning: 'a follower that was not caught up for so long leaves the ISR',
  },
  {
    field: 'tailCacheBytes',
    names: ['tail.cache.bytes'],
    default: 64 * MIB,
    min: 8 * MIB,
    max: 16_384 * MIB,
    meaning: 'newest bytes of all logs kept in memory',
  },
  {
    field: 'produceInFlightBytes',
    names: ['queued.max.request.bytes'],
    default: 64 * MIB,
    min: MIB,
    max: 4_096 * MIB,
    meaning: 'bytes of unanswered produce requests; beyond them no stream is read',
  },
  {
    field: 'checkpointIntervalMs',
    names: ['replica.high.watermark.checkpoint.interval.ms'],
    default: 5_000,
    min: 100,
    max: 600_000,
    meaning: 'how often what can be rebuilt is written down',
  },
  {
    field: 'producerIdExpirationMs',
    names: ['producer.id.expiration.ms'],
    default: 86_400_000,
    min: 1_000,
    max: Number.MAX_SAFE_INTEGER,
    meaning: 'how long the sequence of a silent producer is remembered',
  },
  {
    field: 'quarantineMs',
    names: ['log.segment.delete.delay.ms', 'file.delete.delay.ms'],
    default: 60_000,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    meaning: 'how long the files of a deleted topic are kept',
  },
]

/** Keys of Kafka that are understood and harmless to name, but do nothing in this version. Value: what that means. */
export const idleConfigKeys: ReadonlyMap<string, string> = new Map([
  ['log.retention.ms', 'nothing is deleted by age in this version'],
  ['retention.ms', 'nothing is deleted by age in this version'],
  ['log.retention.bytes', 'nothing is deleted by size in this version'],
  ['retention.bytes', 'nothing is deleted by size in this version'],
  ['log.roll.ms', 'segments roll by size alone in this version'],
  ['segment.ms', 'segments roll by size alone in this version'],
])

export function findConfigKey(name: string): ConfigKey | undefined {
  return configKeys.find((key) => key.names.includes(name))
}

export function describeRange(key: ConfigKey): string {
  const unbounded = key.max === Number.MAX_SAFE_INTEGER
  return unbounded ? `a whole number of at least ${key.min} (${key.meaning})` : `a whole number from ${key.min} to ${key.max} (${key.meaning})`
}

export function defaultNodeConfig(): NodeConfig {
  const values = Object.fromEntries(configKeys.map((key) => [key.field, key.default]))
  return values as unknown as NodeConfig
}
