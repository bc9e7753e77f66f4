import { ROUND_BYTES } from '../log/log-directory.ts'
import { SNAPSHOT_CHUNK_BYTES } from '../raft/snapshot-transfer.ts'
import type { NodeLimits, NodeOptions } from './surface.ts'

const usualLimits: NodeLimits = {
  followerFetchBytes: 4 * 1024 * 1024,
  snapshotChunkBytes: SNAPSHOT_CHUNK_BYTES,
  roundBytes: ROUND_BYTES,
}

export function limitsOf({ limits }: Pick<NodeOptions, 'limits'>): NodeLimits {
  return limits ?? usualLimits
}
