import type { Admin } from '../client/admin.ts'
import { type CliContext, headingStyle } from './context.ts'
import { exitCode } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'
import { type Column, renderFields, renderTable } from './table.ts'

type Quorum = Awaited<ReturnType<Admin['describeQuorum']>>

export function statusJson(status: Quorum['status']) {
  const { clusterId, leaderId, leaderEpoch, highWatermark, maxFollowerLag, maxFollowerLagTimeMs, voters, observers } = status
  const { logStartOffset, snapshotEndOffset, snapshotTimestamp } = status
  return {
    clusterId,
    leaderId,
    leaderEpoch,
    highWatermark,
    maxFollowerLag,
    maxFollowerLagTimeMs,
    voters,
    observers,
    logStartOffset,
    snapshotEndOffset,
    snapshotTimestamp,
  }
}

/** As `kafka-metadata-quorum describe --status`; leaderEpoch is Kafka's name for the term. */
export function statusFields(status: Quorum['status']): readonly (readonly [name: string, value: string | number])[] {
  return [
    ['ClusterId', status.clusterId ?? '-'],
    ['LeaderId', status.leaderId],
    ['LeaderEpoch', status.leaderEpoch],
    ['HighWatermark', status.highWatermark],
    ['MaxFollowerLag', status.maxFollowerLag],
    ['MaxFollowerLagTimeMs', status.maxFollowerLagTimeMs],
    ['CurrentVoters', `[${status.voters.join(',')}]`],
    ['CurrentObservers', `[${status.observers.join(',')}]`],
    ['LogStartOffset', status.logStartOffset],
    ['SnapshotEndOffset', status.snapshotEndOffset],
    ['SnapshotTimestamp', status.snapshotTimestamp],
  ]
}

export const replicationColumns: readonly Column<Quorum['replicas'][number]>[] = [
  { heading: 'NodeId', value: (row) => row.nodeId, right: true },
  { heading: 'DirectoryId', value: (row) => row.directoryId ?? '-' },
  { heading: 'LogEndOffset', value: (row) => row.logEndOffset, right: true },
  { heading: 'Lag', value: (row) => row.lag, right: true },
  { heading: 'LastFetchTimestamp', value: (row) => row.lastFetchTimestamp, right: true },
  { heading: 'LastCaughtUpTimestamp', value: (row) => row.lastCaughtUpTimestamp, right: true },
  { heading: 'Status', value: (row) => row.status },
]

export async function showQuorumStatus(context: CliContext, options: ClusterOptions): Promise<number> {
  const { status } = await withAdmin(context, options, (admin) => admin.describeQuorum())
  if (options.output === 'json') writeJson(context, statusJson(status))
  else context.stdout.write(renderFields(statusFields(status)))
  return exitCode.done
}

/** As `kafka-metadata-quorum describe --replication`. */
export async function showQuorumReplication(context: CliContext, options: ClusterOptions): Promise<number> {
  const { replicas } = await withAdmin(context, options, (admin) => admin.describeQuorum())
  const rows = replicas.map(({ nodeId, directoryId, logEndOffset, lag, lastFetchTimestamp, lastCaughtUpTimestamp, status }) => {
    return { nodeId, directoryId, logEndOffset, lag, lastFetchTimestamp, lastCaughtUpTimestamp, status }
  })
  if (options.output === 'json') writeJson(context, rows)
  else context.stdout.write(renderTable(replicationColumns, rows, headingStyle(context)))
  return exitCode.done
}
