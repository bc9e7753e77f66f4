import { between, type Random } from '../../src/base/random.ts'
import type { NodeConfig } from '../../src/broker/surface.ts'
import type { LinkConditions } from './links.ts'

/** What a seed is drawn to be: its cluster, its conditions, its workload. Every number is within what rules 8 allows an operator. */
export interface Settings {
  readonly voters: number
  readonly observers: number
  readonly topics: readonly { readonly name: string; readonly partitions: number; readonly atMs: number }[]
  readonly producers: number
  readonly consumers: number
  readonly sendGapMs: number
  readonly config: NodeConfig
  readonly conditions: LinkConditions
  readonly diskLatencyMs: { readonly min: number; readonly max: number }
  /** Data folders of each node. */
  readonly folders: number
  /** An operator alters topics meanwhile, about once in this time; null: none does. */
  readonly alterGapMs: number | null
  /** Messages between nodes go through the codecs of production. */
  readonly throughWire: boolean
  readonly faultPhaseMs: number
  /** Between two deletions of records by a client; null: there are none. */
  readonly deleteGapMs: number | null
}

const FAULT_PHASE_MS = 60_000

export function drawSettings(random: Random): Settings {
  const retention = random.fork('retention')
  const alters = random.fork('alter').integer(4) === 0
  // Small segments, and whatever lets go of them: by size, by time, by a client.
  const isRetaining = retention.integer(3) === 0
  const topics = Array.from({ length: between(random, 2, 3) }, (_, at) => ({
    name: `t${at}`,
    partitions: between(random, 1, 4),
    atMs: at === 0 ? 0 : random.integer(3_000),
  }))
  topics.push({ name: 'late', partitions: between(random, 1, 2), atMs: between(random, 10_000, 40_000) })
  return {
    voters: 3,
    // A partition can be moved only where there are more brokers than it has replicas.
    observers: Math.max(random.integer(8) === 0 ? 1 : 0, alters ? random.fork('room to move').integer(3) : 0),
    topics,
    producers: between(random, 2, 3),
    consumers: between(random, 1, 2),
    sendGapMs: between(random, 40, 120),
    config: { ...drawConfig(random), ...(isRetaining ? drawRetention(retention) : {}), ...drawSnapshots(random.fork('snapshots')) },
    conditions: { baseDelayUs: between(random, 50, 1_000), jitterUs: between(random, 50, 3_000), reorder: random.integer(4) === 0 },
    diskLatencyMs: { min: 0.1, max: random.integer(6) === 0 ? 30 : between(random, 1, 6) },
    folders: random.fork('folders').integer(5) === 0 ? 2 : 1,
    alterGapMs: alters ? between(random.fork('alter gap'), 500, 4_000) : null,
    throughWire: random.integer(10) === 0,
    faultPhaseMs: FAULT_PHASE_MS,
    deleteGapMs: isRetaining && retention.integer(3) !== 0 ? between(retention, 100, 3_000) : null,
  }
}

function drawRetention(random: Random): Partial<NodeConfig> {
  return {
    segmentBytes: between(random, 1_000, 6_000),
    segmentMs: random.integer(2) === 0 ? between(random, 500, 10_000) : 604_800_000,
    retentionMs: random.integer(2) === 0 ? between(random, 1_000, 20_000) : 604_800_000,
    retentionBytes: random.integer(3) !== 0 ? between(random, 0, 20_000) : -1,
    retentionCheckIntervalMs: between(random, 100, 3_000),
    timestampType: random.integer(3) === 0 ? 'LogAppendTime' : 'CreateTime',
  }
}

/** In two of three seeds snapshots are written all the time, so that logs are cut and nodes that were away are caught up by one. */
function drawSnapshots(random: Random): Partial<NodeConfig> {
  if (random.integer(3) === 0) return {}
  return {
    metadataSnapshotBytes: between(random, 300, 4_000),
    metadataSnapshotMs: random.integer(2) === 0 ? between(random, 300, 10_000) : 3_600_000,
  }
}

function drawConfig(random: Random): NodeConfig {
  return {
    minInSyncReplicas: null,
    maxMessageBytes: 65_536,
    segmentBytes: random.integer(3) === 0 ? between(random, 1_000, 8_000) : 1_048_576,
    indexIntervalBytes: between(random, 64, 4_096),
    replicaLagTimeMaxMs: random.integer(2) === 0 ? 5_000 : between(random, 500, 5_000),
    tailCacheBytes: 4 * 1_048_576,
    produceInFlightBytes: 1_048_576,
    checkpointIntervalMs: between(random, 500, 5_000),
    producerIdExpirationMs: 86_400_000,
    quarantineMs: between(random, 1_000, 60_000),
    retentionMs: 604_800_000,
    retentionBytes: -1,
    segmentMs: 604_800_000,
    timestampType: 'CreateTime',
    timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
    // Wall clocks jump by days here: that makes records old or new, and refuses none.
    timestampAfterMaxMs: Number.MAX_SAFE_INTEGER,
    retentionCheckIntervalMs: 300_000,
    metadataSnapshotBytes: 20 * 1_048_576,
    metadataSnapshotMs: 3_600_000,
    sessionTimeoutMs: 3_000,
    electionTimeoutMs: 1_000,
  }
}
