/**
 * Every topic config there is, once: validation, defaults, `--help` and the documentation are made from this table. Names, meaning and
 * defaults are Kafka's (TopicConfig, LogConfig). A value is text, as it is recorded with the topic; what a topic was given is recorded
 * equal to the default or not, so that a later default does not change it.
 */
interface RowOf {
  readonly key: string
  readonly unit: 'bytes' | 'ms' | 'count' | null
  /** The key of the cluster file's `config` that gives the node's default; null: nodes have none. */
  readonly brokerKey: string | null
  readonly doc: string
}

export interface IntConfigRow extends RowOf {
  readonly type: 'int'
  readonly min: number
  /** Inclusive; null: the replication factor. */
  readonly max: number | null
  /** null: floor(replication factor / 2) + 1. */
  readonly default: number | null
}

export interface EnumConfigRow extends RowOf {
  readonly type: 'enum'
  readonly values: readonly string[]
  readonly default: string
}

export type TopicConfigRow = IntConfigRow | EnumConfigRow

const KIB = 1024
const MIB = 1024 * KIB
const DAY_MS = 86_400_000

const rows = [
  {
    key: 'min.insync.replicas',
    type: 'int',
    unit: 'count',
    min: 1,
    max: null,
    default: null,
    brokerKey: null,
    doc: 'In-sync replicas that must have synced a record with acks=all before it is acknowledged, at least. With fewer in sync, acks=all is refused. The min.insync.replicas of the cluster file is written into each new topic.',
  },
  {
    key: 'max.message.bytes',
    type: 'int',
    unit: 'bytes',
    min: KIB,
    // A message between nodes is at most 8 MiB (rules 8); 64 KiB of it are left for what stands around the batch.
    max: 8 * MIB - 64 * KIB,
    default: 1_048_588,
    brokerKey: 'message.max.bytes',
    doc: 'The largest record batch that is accepted, as it is sent: after compression.',
  },
  {
    key: 'segment.bytes',
    type: 'int',
    unit: 'bytes',
    min: 4 * KIB,
    // Positions in a segment's index are signed 32-bit integers.
    max: 2_147_483_647,
    default: 512 * MIB,
    brokerKey: 'log.segment.bytes',
    doc: 'Size of a segment file at which the log goes on in a new one. Retention drops whole segments, so a larger one keeps records longer.',
  },
  {
    key: 'segment.ms',
    type: 'int',
    unit: 'ms',
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    default: 7 * DAY_MS,
    brokerKey: 'log.roll.ms',
    doc: 'A batch whose timestamp is more than this above that of the first batch of its segment begins a new segment, however small the old one is.',
  },
  {
    key: 'retention.ms',
    type: 'int',
    unit: 'ms',
    min: -1,
    max: Number.MAX_SAFE_INTEGER,
    default: 7 * DAY_MS,
    brokerKey: 'log.retention.ms',
    doc: 'How long records are kept: a segment goes once its newest record is older than this. -1 keeps them for ever.',
  },
  {
    key: 'retention.bytes',
    type: 'int',
    unit: 'bytes',
    min: -1,
    max: Number.MAX_SAFE_INTEGER,
    default: -1,
    brokerKey: 'log.retention.bytes',
    doc: 'How much of a partition is kept: its oldest segments go while at least this much remains without them. -1 sets no limit. A topic takes this times partitions times replicas of disk.',
  },
  {
    key: 'message.timestamp.type',
    type: 'enum',
    unit: null,
    values: ['CreateTime', 'LogAppendTime'],
    default: 'CreateTime',
    brokerKey: 'log.message.timestamp.type',
    doc: "Whose time a record carries: CreateTime, what its producer said; LogAppendTime, the leader's clock when it was appended.",
  },
  {
    key: 'message.timestamp.before.max.ms',
    type: 'int',
    unit: 'ms',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    default: Number.MAX_SAFE_INTEGER,
    brokerKey: 'log.message.timestamp.before.max.ms',
    doc: "How far a record's timestamp may lie behind the leader's clock; an older one is refused. It counts with CreateTime alone.",
  },
  {
    key: 'message.timestamp.after.max.ms',
    type: 'int',
    unit: 'ms',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    default: 3_600_000,
    brokerKey: 'log.message.timestamp.after.max.ms',
    doc: "How far a record's timestamp may lie ahead of the leader's clock; a later one is refused. It counts with CreateTime alone.",
  },
  {
    key: 'cleanup.policy',
    type: 'enum',
    unit: null,
    values: ['delete'],
    default: 'delete',
    brokerKey: null,
    doc: 'What happens to old segments: delete drops them by retention.ms and retention.bytes.',
  },
  {
    key: 'compression.type',
    type: 'enum',
    unit: null,
    values: ['producer'],
    default: 'producer',
    brokerKey: null,
    doc: 'How batches are stored: producer keeps them as they were sent, compressed or not.',
  },
  {
    key: 'unclean.leader.election.enable',
    type: 'enum',
    unit: null,
    values: ['false', 'true'],
    default: 'false',
    brokerKey: null,
    doc: 'Whether a partition whose eligible replicas (ISR and ELR) are all away gets a leader by itself, 3 s later, from those that are left: the one with the longest log. true prefers service to records: acknowledged ones that only the others hold are lost for good.',
  },
] as const satisfies readonly TopicConfigRow[]

type Row = (typeof rows)[number]
type RowFor<Key extends TopicConfigKey> = Extract<Row, { readonly key: Key }>
export type TopicConfigKey = Row['key']
/** A number, or one of the row's words. */
export type TopicConfigValue<Key extends TopicConfigKey> = RowFor<Key> extends { readonly values: readonly (infer Word)[] } ? Word : number

/** In the order in which they are documented. */
export const topicConfigRows: readonly (TopicConfigRow & { readonly key: TopicConfigKey })[] = rows

const byKey: ReadonlyMap<string, TopicConfigRow & { readonly key: TopicConfigKey }> = new Map(rows.map((row) => [row.key, row]))

export function findTopicConfig(key: string): (TopicConfigRow & { readonly key: TopicConfigKey }) | undefined {
  return byKey.get(key)
}

/** The topic's own value; undefined when it has none: then the node's config says, or the table. */
export function topicConfig<Key extends TopicConfigKey>(configs: ReadonlyMap<string, string>, key: Key): TopicConfigValue<Key> | undefined {
  const text = configs.get(key)
  if (text === undefined) return undefined
  return (byKey.get(key)?.type === 'int' ? Number(text) : text) as TopicConfigValue<Key>
}

/** What the table says for a topic with that replication factor. */
export function defaultTopicConfig<Key extends TopicConfigKey>(key: Key, replicationFactor: number): TopicConfigValue<Key> {
  const row = byKey.get(key) as TopicConfigRow
  return (row.default ?? Math.floor(replicationFactor / 2) + 1) as TopicConfigValue<Key>
}
