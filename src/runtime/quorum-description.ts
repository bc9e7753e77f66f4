import type { Uuid } from '../base/ids.ts'
import type { Raft } from '../raft/raft.ts'
import type { QuorumDescription, QuorumReplica } from '../wire/api.ts'
import type { SnapshotView } from './metadata-snapshots.ts'
import { TICK_MS } from './ticks.ts'

/** What this node keeps of the metadata. */
export interface StoredMetadata {
  readonly logStartOffset: number
  readonly snapshot: SnapshotView | null
}

/** The quorum of the metadata log as its leader sees it: `raft` leads. */
export function describeQuorum(
  raft: Raft,
  options: { readonly clusterId: Uuid | null; readonly stored: StoredMetadata; readonly nowMs: number },
): QuorumDescription {
  const { clusterId, nowMs } = options
  const { logStartOffset, snapshot } = options.stored
  const { term, leaderId, commitIndex, endOffset } = raft
  const progress = raft.progress()
  const replicas = progress.map((peer): QuorumReplica => {
    const isSelf = peer.nodeId === leaderId
    return {
      nodeId: peer.nodeId,
      directoryId: peer.directoryId,
      logEndOffset: isSelf ? endOffset : peer.persistedEndOffset,
      lag: isSelf ? 0 : Math.max(0, endOffset - peer.persistedEndOffset),
      lastFetchTimestamp: nowMs - peer.silentTicks * TICK_MS,
      lastCaughtUpTimestamp: nowMs - peer.laggingTicks * TICK_MS,
      status: isSelf ? 'Leader' : peer.voter ? 'Voter' : 'Observer',
    }
  })
  const followers = progress.filter((peer) => peer.nodeId !== leaderId && peer.voter)
  return {
    status: {
      clusterId,
      leaderId: leaderId ?? -1,
      leaderEpoch: term,
      highWatermark: commitIndex,
      maxFollowerLag: Math.max(0, ...followers.map((peer) => endOffset - peer.persistedEndOffset)),
      maxFollowerLagTimeMs: Math.max(0, ...followers.map((peer) => peer.laggingTicks * TICK_MS)),
      voters: progress.filter((peer) => peer.voter).map((peer) => peer.nodeId),
      snapshotEndOffset: snapshot?.endOffset ?? 0,
      snapshotTimestamp: snapshot?.writtenMs ?? -1,
      logStartOffset,
      observers: progress.filter((peer) => !peer.voter).map((peer) => peer.nodeId),
    },
    replicas,
  }
}
