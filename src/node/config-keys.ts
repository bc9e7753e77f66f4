import type { NodeConfig } from '../broker/surface.ts'
import type { ConfigEntry } from '../wire/api.ts'

const KIB = 1024
const MIB = 1024 * KIB
const ANY_LENGTH = Number.MAX_SAFE_INTEGER
const WEEK_MS = 7 * 24 * 60 * 60 * 1000

interface KeyOf {
  readonly field: keyof NodeConfig
  /** The first is the one we print: Kafka's broker name; then its topic name, where Kafka has one. */
  readonly names: readonly string[]
  readonly meaning: string
}

/** A whole number. `null` as default: it depends (see `meaning`). */
export interface IntKey extends KeyOf {
  readonly type: 'int'
  readonly default: number | null
  readonly min: number
  readonly max: number
  /** Kafka's names for the same in larger units, with the factor. */
  readonly scaledNames?: Readonly<Record<string, number>>
}

export interface EnumKey extends KeyOf {
  readonly type: 'enum'
  readonly default: string
  readonly values: readonly string[]
}

/** One key of `config:` in a cluster file. */
export type ConfigKey = IntKey | EnumKey

/** Every number of rules 8 that a cluster file may change. */
export const configKeys: readonly ConfigKey[] = [
  {
    type: 'int',
    field: 'minInSyncReplicas',
    names: ['min.insync.replicas'],
    default: null,
    min: 1,
    max: 32_767,
    meaning: 'in-sync replicas that acks=all needs; floor(RF/2)+1 unless set',
  },
  {
    type: 'int',
    field: 'maxMessageBytes',
    names: ['message.max.bytes', 'max.message.bytes'],
    default: 1_048_588,
    min: KIB,
    max: 8 * MIB - 64 * KIB,
    meaning: 'largest record batch',
  },
  {
    type: 'int',
    field: 'segmentBytes',
    names: ['log.segment.bytes', 'segment.bytes'],
    default: 512 * MIB,
    min: 64 * KIB,
    max: 2_147_483_647,
    meaning: 'size at which a log begins a new file',
  },
  {
    type: 'int',
    field: 'segmentMs',
    names: ['log.roll.ms', 'segment.ms'],
    scaledNames: { 'log.roll.hours': 3_600_000 },
    default: WEEK_MS,
    min: 1,
    max: ANY_LENGTH,
    meaning: 'span of record timestamps at which a log begins a new file',
  },
  {
    type: 'int',
    field: 'retentionMs',
    names: ['log.retention.ms', 'retention.ms'],
    scaledNames: { 'log.retention.minutes': 60_000, 'log.retention.hours': 3_600_000 },
    default: WEEK_MS,
    min: -1,
    max: ANY_LENGTH,
    meaning: 'age at which records are deleted, a file at a time; -1: never for their age',
  },
  {
    type: 'int',
    field: 'retentionBytes',
    names: ['log.retention.bytes', 'retention.bytes'],
    default: -1,
    min: -1,
    max: ANY_LENGTH,
    meaning: 'size of a partition beyond which its oldest files are deleted; -1: no limit',
  },
  {
    type: 'int',
    field: 'retentionCheckIntervalMs',
    names: ['log.retention.check.interval.ms'],
    default: 300_000,
    min: 100,
    max: 86_400_000,
    meaning: 'how often a leader looks for records to delete',
  },
  {
    type: 'enum',
    field: 'timestampType',
    names: ['log.message.timestamp.type', 'message.timestamp.type'],
    default: 'CreateTime',
    values: ['CreateTime', 'LogAppendTime'],
    meaning: "whose clock a record's timestamp is of: the producer's, or the leader's when it appends",
  },
  {
    type: 'int',
    field: 'timestampBeforeMaxMs',
    names: ['log.message.timestamp.before.max.ms', 'message.timestamp.before.max.ms'],
    default: ANY_LENGTH,
    min: 0,
    max: ANY_LENGTH,
    meaning: 'a timestamp so far in the past is refused; with CreateTime alone',
  },
  {
    type: 'int',
    field: 'timestampAfterMaxMs',
    names: ['log.message.timestamp.after.max.ms', 'message.timestamp.after.max.ms'],
    default: 3_600_000,
    min: 0,
    max: ANY_LENGTH,
    meaning: 'a timestamp so far in the future is refused; with CreateTime alone',
  },
  {
    type: 'int',
    field: 'indexIntervalBytes',
    names: ['log.index.interval.bytes', 'index.interval.bytes'],
    default: 4_096,
    min: 64,
    max: 64 * MIB,
    meaning: 'bytes of log for each entry of the sparse index',
  },
  {
    type: 'int',
    field: 'replicaLagTimeMaxMs',
    names: ['replica.lag.time.max.ms'],
    default: 5_000,
    min: 500,
    max: 600_000,
    meaning: 'a follower that was not caught up for so long leaves the ISR',
  },
  {
    type: 'int',
    field: 'sessionTimeoutMs',
    names: ['broker.session.timeout.ms'],
    default: 3_000,
    min: 500,
    max: 60_000,
    meaning: 'a broker that was silent for so long is fenced; one whose process is gone is fenced at once',
  },
  {
    type: 'int',
    field: 'electionTimeoutMs',
    names: ['controller.quorum.election.timeout.ms'],
    default: 1_000,
    min: 300,
    max: 60_000,
    meaning: 'silence of the active controller after which a voter seeks election; each wait is drawn between this and twice as long',
  },
  {
    type: 'int',
    field: 'metadataSnapshotBytes',
    names: ['metadata.log.max.record.bytes.between.snapshots'],
    default: 20 * MIB,
    min: KIB,
    max: ANY_LENGTH,
    meaning: 'bytes of metadata decisions after which a node writes a snapshot of its metadata, and lets go of the log behind the one before',
  },
  {
    type: 'int',
    field: 'metadataSnapshotMs',
    names: ['metadata.log.max.snapshot.interval.ms'],
    default: 3_600_000,
    min: 1_000,
    max: ANY_LENGTH,
    meaning: 'age of the newest snapshot after which another one is written, if anything was decided since',
  },
  {
    type: 'int',
    field: 'leaderBalanceMs',
    names: ['leader.imbalance.check.interval.ms'],
    scaledNames: { 'leader.imbalance.check.interval.seconds': 1000 },
    default: 300_000,
    min: 0,
    max: ANY_LENGTH,
    meaning: 'how often leaderships move back to the first of their replicas, where others lead more than a tenth of what prefers a broker; 0: never',
  },
  {
    type: 'int',
    field: 'tailCacheBytes',
    names: ['tail.cache.bytes'],
    default: 64 * MIB,
    min: 8 * MIB,
    max: 16_384 * MIB,
    meaning: 'newest bytes of all logs kept in memory',
  },
  {
    type: 'int',
    field: 'produceInFlightBytes',
    names: ['queued.max.request.bytes'],
    default: 64 * MIB,
    min: MIB,
    max: 4_096 * MIB,
    meaning: 'bytes of unanswered produce requests; beyond them no stream is read',
  },
  {
    type: 'int',
    field: 'checkpointIntervalMs',
    names: ['replica.high.watermark.checkpoint.interval.ms'],
    default: 5_000,
    min: 100,
    max: 600_000,
    meaning: 'how often what can be rebuilt is written down',
  },
  {
    type: 'int',
    field: 'producerIdExpirationMs',
    names: ['producer.id.expiration.ms'],
    default: 86_400_000,
    min: 1_000,
    max: ANY_LENGTH,
    meaning: 'how long the sequence of a silent producer is remembered',
  },
  {
    type: 'int',
    field: 'quarantineMs',
    names: ['log.segment.delete.delay.ms', 'file.delete.delay.ms'],
    default: 60_000,
    min: 0,
    max: ANY_LENGTH,
    meaning: 'how long the files of a deleted topic are kept',
  },
]

/** A name that a key goes by, and what a value under it is multiplied by. */
export interface ConfigName {
  readonly key: ConfigKey
  readonly factor: number
}

const byName: ReadonlyMap<string, ConfigName> = new Map(
  configKeys.flatMap((key) => [
    ...key.names.map((name): [string, ConfigName] => [name, { key, factor: 1 }]),
    ...Object.entries(key.type === 'int' ? (key.scaledNames ?? {}) : {}).map(([name, factor]): [string, ConfigName] => [name, { key, factor }]),
  ]),
)

export function findConfigName(name: string): ConfigName | undefined {
  return byName.get(name)
}

/** The value of a key as the node has it; undefined: none that the key could have. A number may be written as text. */
export function readConfigValue(key: ConfigKey, value: unknown, factor: number): number | string | null | undefined {
  if (key.type === 'enum') return key.values.find((one) => one === value)
  if (value === null) return key.default === null ? null : undefined
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) return undefined
  // -1 stands for "no limit", in whatever unit.
  const scaled = number === -1 ? -1 : number * factor
  return Number.isSafeInteger(scaled) && scaled >= key.min && scaled <= key.max ? scaled : undefined
}

export function describeRange(key: ConfigKey, factor = 1): string {
  if (key.type === 'enum') return `one of ${key.values.join(', ')} (${key.meaning})`
  const min = key.min === -1 ? -1 : Math.ceil(key.min / factor)
  return key.max === ANY_LENGTH
    ? `a whole number of at least ${min} (${key.meaning})`
    : `a whole number from ${min} to ${Math.floor(key.max / factor)} (${key.meaning})`
}

/** Where a value of a node's config comes from. */
export type ValueSource = 'environment' | 'file' | 'default'

function unitOf(key: ConfigKey): ConfigEntry['unit'] {
  const name = key.names[0] as string
  if (key.type === 'enum') return null
  return name.endsWith('.ms') ? 'ms' : name.endsWith('.bytes') ? 'bytes' : 'count'
}

/** A node's config as an operator reads it. What the cluster file or the environment says is Kafka's STATIC_BROKER_CONFIG. */
export function configEntries(config: NodeConfig, sources: ReadonlyMap<ConfigKey, ValueSource>): ConfigEntry[] {
  const text = (value: number | string | null): string | null => (value === null ? null : String(value))
  return configKeys.map((key) => ({
    name: key.names[0] as string,
    value: text(config[key.field]),
    defaultValue: text(key.default),
    source: (sources.get(key) ?? 'default') === 'default' ? 'DEFAULT_CONFIG' : 'STATIC_BROKER_CONFIG',
    unit: unitOf(key),
    doc: key.meaning,
    readOnly: true,
  }))
}

export function defaultNodeConfig(): NodeConfig {
  const values = Object.fromEntries(configKeys.map((key) => [key.field, key.default]))
  return values as unknown as NodeConfig
}
