import { between, type Random } from '../../src/base/random.ts'
import type { NodeConfig, NodeLimits } from '../../src/broker/surface.ts'
import type { Atlas } from '../atlas.ts'
import type { LinkConditions } from './links.ts'
import { MEAN_BURST } from './load.ts'

export interface TopicSetting {
  readonly name: string
  readonly partitions: number
  readonly atMs: number
  readonly replicationFactor: number
  readonly mayElectUnclean?: boolean
}

/** What a seed is drawn to be: its cluster, its conditions, its workload. Every number is within what rules 8 allows an operator. */
export interface Settings {
  readonly voters: number
  /** Nodes that are brokers alone. */
  readonly observers: number
  /** Nodes that may be voters: the voters and, of the observers, the first. */
  readonly controllers: number
  /** An operator adds and removes voters meanwhile, about once in this time; null: none does. */
  readonly voterGapMs: number | null
  /** So many operators do, and know nothing of one another. */
  readonly voterOperators: number
  /** Voters are no brokers. */
  readonly splitRoles: boolean
  readonly topics: readonly TopicSetting[]
  readonly producers: number
  readonly consumers: number
  /** A producer sends about once in this time: a record, or one time in `burstOneIn` a burst of them. */
  readonly sendGapMs: number
  readonly burstOneIn: number
  readonly config: NodeConfig
  /** Absent: as in rules 8. */
  readonly limits?: Partial<NodeLimits>
  readonly conditions: LinkConditions
  readonly diskLatencyMs: { readonly min: number; readonly max: number }
  /** Of so many syncs one takes far longer; null: none does. */
  readonly lateSyncOneIn: number | null
  /** Data folders of each node. */
  readonly folders: number
  /** An operator moves replicas between them meanwhile, about once in this time; null: none does. */
  readonly folderMoveGapMs: number | null
  /** An operator alters topics meanwhile, about once in this time; null: none does. */
  readonly alterGapMs: number | null
  /** An operator puts brokers into maintenance meanwhile and empties them, about once in this time; null: none does. */
  readonly maintenanceGapMs: number | null
  /** A topic comes and goes under one name meanwhile, each for about so long; null: none does. */
  readonly passingGapMs: number | null
  /** Operations a second of the clients of an experiment, beside all others; null: there are none. */
  readonly experimentRate: number | null
  /** Messages between nodes go through the codecs of production. */
  readonly throughWire: boolean
  /** How fast the clock of each node runs, in the order of their ids; of those that are not here: as it should. */
  readonly clockRates: readonly number[]
  readonly faultPhaseMs: number
  /** Between two deletions of records by a client; null: there are none. */
  readonly deleteGapMs: number | null
  /** What disks may lose or change though it was synced. */
  readonly atlas: Atlas
}

const MOST_DRIFT_PER_MILLE = 50
/** How long faults go on, if nobody says otherwise. */
export const FAULT_PHASE_MS = 60_000
/** Nothing is as old as that. */
const KEPT_MS = 604_800_000
/** No fewer voters are left: with two of them each is needed. */
export const LEAST_VOTERS = 3

/** Streams of their own for what has nothing to do with one another: a knob more in one place changes nothing in the others. */
export function drawSettings(random: Random, faultPhaseMs = FAULT_PHASE_MS): Omit<Settings, 'atlas'> {
  const topology = drawTopology(random.fork('topology'))
  const storage = drawStorage(random.fork('storage'))
  return {
    ...topology,
    ...drawQuorum(random.fork('quorum'), topology),
    ...drawWorkload(random.fork('workload'), topology),
    ...drawNetwork(random.fork('network')),
    ...storage,
    config: segmentsFor(storage.config, faultPhaseMs),
    ...drawLimits(random.fork('limits')),
    clockRates: drawClockRates(random.fork('clocks'), topology),
    passingGapMs: drawPassing(random.fork('passing topics')),
    experimentRate: drawExperiment(random.fork('experiment')),
    faultPhaseMs,
  }
}

type Topology = Pick<Settings, 'voters' | 'observers' | 'splitRoles'>
type Quorum = Pick<Settings, 'controllers' | 'voterGapMs' | 'voterOperators'>

/** Three nodes with both roles in half of the seeds; else 1 to 7, some of them brokers alone, or all of them either broker or voter. */
function drawTopology(random: Random): Topology {
  if (random.integer(2) === 0) return { voters: 3, observers: 0, splitRoles: false }
  const kind = random.integer(8)
  if (kind === 0) return { voters: between(random, 1, 2), observers: 0, splitRoles: false }
  if (kind === 1) return { voters: 1, observers: between(random, 2, 4), splitRoles: random.integer(2) === 0 }
  if (kind <= 3) return { voters: 3, observers: between(random, 3, 4), splitRoles: true }
  if (kind <= 5) return { voters: 3, observers: between(random, 1, 4), splitRoles: false }
  return { voters: between(random, 4, 5), observers: between(random, 0, 2), splitRoles: false }
}

/** The voters change in most of the seeds with a node to spare. */
function drawQuorum(random: Random, { voters, observers, splitRoles }: Topology): Quorum {
  const controllers = splitRoles ? voters : voters + random.integer(observers + 1)
  const changes = controllers >= LEAST_VOTERS + 1 && random.integer(4) !== 0
  return { controllers, voterGapMs: changes ? between(random, 500, 4_000) : null, voterOperators: between(random, 1, 2) }
}

/** Nodes that hold partitions. */
export function brokerIds({ voters, observers, splitRoles }: Topology): readonly number[] {
  const first = splitRoles ? voters + 1 : 1
  return Array.from({ length: voters + observers + 1 - first }, (_, at) => first + at)
}

type Workload = Pick<Settings, 'topics' | 'producers' | 'consumers' | 'sendGapMs' | 'burstOneIn' | 'alterGapMs' | 'maintenanceGapMs'>

function drawWorkload(random: Random, topology: Topology): Workload {
  const brokers = brokerIds(topology).length
  const replicationFactor = brokers >= 5 && random.integer(4) === 0 ? 5 : Math.min(3, brokers)
  const topic = (name: string, most: number, atMs: number): TopicSetting => ({ name, partitions: between(random, 1, most), atMs, replicationFactor })
  const topics = Array.from({ length: between(random, 2, 3) }, (_, at) => topic(`t${at}`, 4, at === 0 ? 0 : random.integer(3_000)))
  topics.push(topic('late', 2, between(random, 10_000, 40_000)))
  const maintenance = random.fork('maintenance')
  return {
    topics: topics.map((one, at) => ({ ...one, ...(at === 1 && drawUnclean(random.fork('unclean'))) })),
    maintenanceGapMs: brokers > 1 && maintenance.integer(4) === 0 ? between(maintenance, 1_000, 6_000) : null,
    ...drawLoad(random),
    consumers: between(random, 1, 2),
    // What it asks for in-sync replicas suits three replicas; a partition can be moved only where there are more brokers.
    alterGapMs: random.integer(brokers > 3 ? 2 : 4) === 0 && replicationFactor === 3 ? between(random, 500, 4_000) : null,
  }
}

/**
 * Dense in every eighth seed. What most faults do shows with few records as well, and a seed with a third of them costs half as much: so the others
 * send few of them, more or less in bursts, and there are more seeds.
 */
function drawLoad(random: Random): Pick<Settings, 'producers' | 'sendGapMs' | 'burstOneIn'> {
  const producers = between(random, 2, 3)
  if (random.integer(8) === 0) return { producers, sendGapMs: between(random, 40, 120), burstOneIn: 8 }
  const burstOneIn = between(random, 1, 8)
  const recordsASend = 1 + (MEAN_BURST - 1) / burstOneIn
  return { producers, sendGapMs: Math.round((60_000 * producers * recordsASend) / between(random, 1_100, 2_200)), burstOneIn }
}

/** In one seed of three a topic comes and goes. */
function drawPassing(random: Random): number | null {
  return random.integer(3) === 0 ? between(random, 300, 5_000) : null
}

/** In one seed of six the clients of `oxbow chaos run` are there as well: such a seed costs nearly twice as much. */
function drawExperiment(random: Random): number | null {
  return random.integer(6) === 0 ? between(random, 2, 12) : null
}

/** In one seed of three, one topic rather loses records than waits. */
function drawUnclean(random: Random): Partial<TopicSetting> {
  return random.integer(3) === 0 ? { mayElectUnclean: true } : {}
}

function drawNetwork(random: Random): Pick<Settings, 'conditions' | 'throughWire'> {
  return {
    conditions: { baseDelayUs: between(random, 50, 1_000), jitterUs: between(random, 50, 3_000), reorder: random.integer(4) === 0 },
    throughWire: random.integer(10) === 0,
  }
}

/** What is little, of each: from, to. */
const littleAtOnce: { readonly [limit in keyof NodeLimits]: readonly [number, number] } = {
  followerFetchBytes: [300, 8_000],
  snapshotChunkBytes: [50, 1_000],
  roundBytes: [300, 4_000],
  inflightEntries: [1, 4],
  uncommittedBytes: [300, 4_000],
  followerUnsyncedBytes: [1, 2_000],
  applyBytes: [1, 2_000],
}

/** In every other seed little goes at once: what is taken in one piece as a rule comes in many, and everything else in between. */
function drawLimits(random: Random): Pick<Settings, 'limits'> {
  if (random.integer(2) === 0) return {}
  const limits = Object.entries(littleAtOnce).flatMap(([limit, [min, max]]) => (random.integer(2) === 0 ? [[limit, between(random, min, max)]] : []))
  return { limits: Object.fromEntries(limits) }
}

/** In every other seed clocks drift, by up to a twentieth. */
function drawClockRates(random: Random, { voters, observers }: Topology): readonly number[] {
  if (random.integer(2) === 0) return []
  return Array.from({ length: voters + observers }, () => 1 + between(random, -MOST_DRIFT_PER_MILLE, MOST_DRIFT_PER_MILLE) / 1000)
}

type Storage = Pick<Settings, 'config' | 'diskLatencyMs' | 'lateSyncOneIn' | 'folders' | 'folderMoveGapMs' | 'deleteGapMs'>

function drawStorage(random: Random): Storage {
  // Small segments, and whatever lets go of them: by size, by time, by a client.
  const isRetaining = random.integer(3) === 0
  return {
    config: {
      ...drawConfig(random),
      ...(isRetaining ? drawRetention(random) : {}),
      ...drawSnapshots(random),
      ...drawBalance(random),
      ...drawCache(random.fork('cache')),
    },
    diskLatencyMs: { min: 0.1, max: random.integer(6) === 0 ? 30 : between(random, 1, 6) },
    ...drawFolders(random),
    lateSyncOneIn: drawLateSyncs(random.fork('late syncs')),
    deleteGapMs: isRetaining && random.integer(3) !== 0 ? between(random, 100, 3_000) : null,
  }
}

/** In most of the seeds with two of them replicas move from one to the other. */
function drawFolders(random: Random): Pick<Settings, 'folders' | 'folderMoveGapMs'> {
  if (random.integer(5) !== 0) return { folders: 1, folderMoveGapMs: null }
  const moves = random.fork('folder moves')
  return { folders: 2, folderMoveGapMs: moves.integer(4) === 0 ? null : between(moves, 100, 3_000) }
}

/**
 * Of logs that nothing is let go of, in a run sixty times as long, each segment is sixty times as long: else a restart opens them all for longer
 * than faults leave a node alone (hour-long seed 4: half a minute each, and never were all nodes up).
 */
function segmentsFor(config: NodeConfig, faultPhaseMs: number): NodeConfig {
  if (config.retentionBytes >= 0 || config.retentionMs < KEPT_MS) return config
  const times = faultPhaseMs / FAULT_PHASE_MS
  return { ...config, segmentBytes: config.segmentBytes * times, segmentMs: config.segmentMs * times }
}

function drawLateSyncs(random: Random): number | null {
  return random.integer(4) === 0 ? between(random, 20, 200) : null
}

function drawRetention(random: Random): Partial<NodeConfig> {
  return {
    segmentBytes: between(random, 1_000, 6_000),
    segmentMs: random.integer(2) === 0 ? between(random, 500, 10_000) : KEPT_MS,
    retentionMs: random.integer(2) === 0 ? between(random, 1_000, 20_000) : KEPT_MS,
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

/** In every other seed little stays in memory, so that what is read is read from disk. */
function drawCache(random: Random): Partial<NodeConfig> {
  return random.integer(2) === 0 ? { tailCacheBytes: between(random, 131_072, 262_144) } : {}
}

/** In every third seed leaderships move back by themselves. */
function drawBalance(random: Random): Partial<NodeConfig> {
  return random.integer(3) === 0 ? { leaderBalanceMs: between(random, 1_000, 10_000) } : {}
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
    retentionMs: KEPT_MS,
    retentionBytes: -1,
    segmentMs: KEPT_MS,
    timestampType: 'CreateTime',
    timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
    // Wall clocks jump by days here: that makes records old or new, and refuses none.
    timestampAfterMaxMs: Number.MAX_SAFE_INTEGER,
    retentionCheckIntervalMs: 300_000,
    metadataSnapshotBytes: 20 * 1_048_576,
    metadataSnapshotMs: 3_600_000,
    leaderBalanceMs: 300_000,
    sessionTimeoutMs: 3_000,
    electionTimeoutMs: 1_000,
  }
}
