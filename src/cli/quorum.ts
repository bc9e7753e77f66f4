import { type CliContext, headingStyle } from './context.ts'
import { exitCode } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'
import { renderFields, renderTable } from './table.ts'

/** As `kafka-metadata-quorum describe --status`; leaderEpoch is Kafka's name for the term. */
export async function showQuorumStatus(context: CliContext, options: ClusterOptions): Promise<number> {
  const { status } = await withAdmin(context, options, (admin) => admin.describeQuorum())
  const { clusterId, leaderId, leaderEpoch, highWatermark, maxFollowerLag, maxFollowerLagTimeMs, voters, observers } = status
  if (options.output === 'json')
    writeJson(context, { clusterId, leaderId, leaderEpoch, highWatermark, maxFollowerLag, maxFollowerLagTimeMs, voters, observers })
  else
    context.stdout.write(
      renderFields([
        ['ClusterId', clusterId ?? '-'],
        ['LeaderId', leaderId],
        ['LeaderEpoch', leaderEpoch],
        ['HighWatermark', highWatermark],
        ['MaxFollowerLag', maxFollowerLag],
        ['MaxFollowerLagTimeMs', maxFollowerLagTimeMs],
        ['CurrentVoters', `[${voters.join(',')}]`],
        ['CurrentObservers', `[${observers.join(',')}]`],
      ]),
    )
  return exitCode.done
}

/** As `kafka-metadata-quorum describe --replication`. */
export async function showQuorumReplication(context: CliContext, options: ClusterOptions): Promise<number> {
  const { replicas } = await withAdmin(context, options, (admin) => admin.describeQuorum())
  const rows = replicas.map(({ nodeId, directoryId, logEndOffset, lag, lastFetchTimestamp, lastCaughtUpTimestamp, status }) => {
    return { nodeId, directoryId, logEndOffset, lag, lastFetchTimestamp, lastCaughtUpTimestamp, status }
  })
  if (options.output === 'json') {
    writeJson(context, rows)
    return exitCode.done
  }
  const table = renderTable(
    [
      { heading: 'NodeId', value: (row) => row.nodeId, right: true },
      { heading: 'DirectoryId', value: (row) => row.directoryId ?? '-' },
      { heading: 'LogEndOffset', value: (row) => row.logEndOffset, right: true },
      { heading: 'Lag', value: (row) => row.lag, right: true },
      { heading: 'LastFetchTimestamp', value: (row) => row.lastFetchTimestamp, right: true },
      { heading: 'LastCaughtUpTimestamp', value: (row) => row.lastCaughtUpTimestamp, right: true },
      { heading: 'Status', value: (row) => row.status },
    ],
    rows,
    headingStyle(context),
  )
  context.stdout.write(table)
  return exitCode.done
}
