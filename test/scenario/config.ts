import type { NodeConfig } from '../../src/broker/surface.ts'

/** Rules 8. */
export const config: NodeConfig = {
  minInSyncReplicas: null,
  maxMessageBytes: 1_048_588,
  segmentBytes: 16 * 1_048_576,
  indexIntervalBytes: 4_096,
  replicaLagTimeMaxMs: 5_000,
  tailCacheBytes: 4 * 1_048_576,
  produceInFlightBytes: 1_048_576,
  checkpointIntervalMs: 5_000,
  producerIdExpirationMs: 86_400_000,
  quarantineMs: 60_000,
  retentionMs: 604_800_000,
  retentionBytes: -1,
  segmentMs: 604_800_000,
  timestampType: 'CreateTime',
  timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  timestampAfterMaxMs: Number.MAX_SAFE_INTEGER,
  retentionCheckIntervalMs: 300_000,
  metadataSnapshotBytes: 16 * 1_048_576,
  metadataSnapshotMs: 3_600_000,
  leaderBalanceMs: 0,
  sessionTimeoutMs: 3_000,
  electionTimeoutMs: 1_000,
}
