import type { Admin } from '../client/admin.ts'
import { type CliContext, headingStyle } from './context.ts'
import { exitCode, failureOf } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { type BrokerAnswer, isWell, prospectOf, type ReplicaCondition, type ReplicaRow, replicaRows } from './replica-conditions.ts'
import { openClient, writeJson } from './session.ts'
import { type Column, renderTable } from './table.ts'
import { type TopicDescription, topicsAsked } from './topic-names.ts'

export interface ListReplicasFlags {
  readonly unhealthy?: boolean
  readonly node?: number
}

const BROKER_TIMEOUT_MS = 5_000

/** What every broker that is up says of what it holds. */
export async function askBrokers(admin: Admin): Promise<BrokerAnswer[]> {
  const { brokers } = await admin.describeCluster()
  return await Promise.all(
    brokers.map(async ({ nodeId, state }): Promise<BrokerAnswer> => {
      if (state === 'offline') return { nodeId, state, folders: null, error: null }
      try {
        return { nodeId, state, folders: (await admin.describeLogDirs({ nodeId })).folders, error: null }
      } catch (error) {
        const { code, message } = failureOf(error)
        return { nodeId, state, folders: null, error: `${code}: ${message}` }
      }
    }),
  )
}

const columns: readonly Column<ReplicaRow>[] = [
  { heading: 'Topic', value: (row) => row.topic },
  { heading: 'Partition', value: (row) => row.partition, right: true },
  { heading: 'NodeId', value: (row) => row.nodeId, right: true },
  { heading: 'State', value: (row) => row.condition },
  { heading: 'InSync', value: (row) => (row.isLeader ? 'leader' : row.isInSync ? 'yes' : 'no') },
  { heading: 'Since', value: (row) => (row.since < 0 ? '-' : new Date(row.since).toISOString()) },
  { heading: 'Reason', value: (row) => row.reason ?? '-' },
]

/** For each state that is not well: what happens by itself, and what to do. */
function prospects(rows: readonly ReplicaRow[]): string {
  const conditions = [...new Set(rows.map(({ condition }) => condition))].filter((condition) => !isWell(condition))
  return conditions.map((condition) => `\n${condition}: ${prospectOf(condition).byItself}.\n  Next: ${prospectOf(condition).next}.\n`).join('')
}

function toJson({ condition, ...row }: ReplicaRow): object {
  const { byItself, next } = prospectOf(condition satisfies ReplicaCondition)
  return { ...row, state: condition, byItself, next }
}

/** Every replica, or those that something is wrong with: since when, why, what happens by itself, what to do. */
export async function listReplicas(context: CliContext, options: ClusterOptions, names: readonly string[], flags: ListReplicasFlags): Promise<number> {
  const client = await openClient(context, options)
  let topics: TopicDescription[]
  let brokers: BrokerAnswer[]
  try {
    // One that does not say how it is must not use up the time of the others.
    const brokerAdmin = client.admin({ totalTimeoutMs: Math.min(options.timeoutMs, BROKER_TIMEOUT_MS) })
    ;[topics, brokers] = await Promise.all([topicsAsked(client.admin({ totalTimeoutMs: options.timeoutMs }), names, false), askBrokers(brokerAdmin)])
  } finally {
    await client.close()
  }
  const isAsked = ({ nodeId, condition }: ReplicaRow): boolean =>
    (flags.node === undefined || nodeId === flags.node) && !(flags.unhealthy === true && isWell(condition))
  const rows = replicaRows(topics, brokers).filter(isAsked)
  if (options.output === 'json') writeJson(context, rows.map(toJson))
  else if (rows.length > 0) context.stdout.write(renderTable(columns, rows, headingStyle(context)) + prospects(rows))
  if (rows.length === 0) context.stderr.write(flags.unhealthy === true ? 'Nothing is wrong with any replica.\n' : 'There are no replicas.\n')
  return exitCode.done
}
