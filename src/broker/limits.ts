import { ROUND_BYTES } from '../log/log-directory.ts'
import { usualRaftLimits } from '../raft/limits.ts'
import { SNAPSHOT_CHUNK_BYTES } from '../raft/snapshot-transfer.ts'
import { MAX_UNSYNCED_BYTES } from '../replication/follower.ts'
import { APPLY_CHUNK_BYTES } from '../runtime/raft-node.ts'
import type { NodeLimits, NodeOptions } from './surface.ts'

const usualLimits: NodeLimits = {
  ...usualRaftLimits,
  followerFetchBytes: 4 * 1024 * 1024,
  followerUnsyncedBytes: MAX_UNSYNCED_BYTES,
  snapshotChunkBytes: SNAPSHOT_CHUNK_BYTES,
  roundBytes: ROUND_BYTES,
  applyBytes: APPLY_CHUNK_BYTES,
}

export function limitsOf({ limits }: Pick<NodeOptions, 'limits'>): NodeLimits {
  return { ...usualLimits, ...limits }
}
