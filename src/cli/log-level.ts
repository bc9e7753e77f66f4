import { isLogLevel, logLevels } from '../base/log-level.ts'
import type { Admin } from '../client/admin.ts'
import { type CliContext, headingStyle } from './context.ts'
import { exitCode, failureOf, UsageError } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'
import { renderTable } from './table.ts'

interface NodeLevel {
  readonly nodeId: number
  /** null: the node did not say; `error` says why. */
  readonly level: string | null
  readonly error: string | null
}

async function askNode(admin: Admin, nodeId: number, level: string | undefined): Promise<NodeLevel> {
  try {
    return { nodeId, level: level === undefined ? await admin.logLevel({ nodeId }) : await admin.setLogLevel({ nodeId, level }), error: null }
  } catch (error) {
    const { code, message } = failureOf(error)
    return { nodeId, level: null, error: `${code}: ${message}` }
  }
}

async function askNodes(admin: Admin, nodeId: number | undefined, level: string | undefined): Promise<NodeLevel[]> {
  const { brokers } = await admin.describeCluster()
  const asked = brokers.filter((broker) => (nodeId === undefined ? broker.state !== 'offline' : broker.nodeId === nodeId))
  if (nodeId !== undefined && asked.length === 0) {
    throw new UsageError(`the cluster has no node ${nodeId}`, `one of ${brokers.map((broker) => broker.nodeId).join(', ')}; see: oxbow cluster describe`)
  }
  return await Promise.all(asked.map((broker) => askNode(admin, broker.nodeId, level)))
}

/** `oxbow log-level`: how much nodes log, now or from now on. What is set holds until a node restarts. */
export async function logLevel(
  context: CliContext,
  options: ClusterOptions,
  request: { readonly level: string | undefined; readonly nodeId: number | undefined },
): Promise<number> {
  const { level, nodeId } = request
  if (level !== undefined && !isLogLevel(level)) throw new UsageError(`"${level}" is not a log level`, `one of ${logLevels.join(', ')}`)
  const rows = await withAdmin(context, options, (admin) => askNodes(admin, nodeId, level))
  const failed = rows.filter((row) => row.error !== null)
  if (options.output === 'json')
    writeJson(
      context,
      rows.map((row) => (row.error === null ? { nodeId: row.nodeId, level: row.level } : row)),
    )
  else {
    const columns = [
      { heading: 'NodeId', value: (row: NodeLevel) => row.nodeId, right: true },
      { heading: 'Level', value: (row: NodeLevel) => row.level ?? '-' },
    ]
    context.stdout.write(renderTable(columns, rows, headingStyle(context)))
  }
  for (const row of failed) context.stderr.write(`warning: node ${row.nodeId}: ${row.error}\n`)
  return failed.length === 0 ? exitCode.done : exitCode.refused
}
